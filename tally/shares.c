#include "tally/shares.h"

#include "base/domain.h"

static struct share *share_of(struct shares *shares, struct str host)
{
    for (size_t i = 0; i < shares->n; i++)
        if (str_eq(shares->list[i].host, host))
            return &shares->list[i];
    struct str kept = pool_str(shares->pool, host);
    struct share *list =
        pool_grow(shares->pool, shares->list, shares->n, &shares->cap, sizeof *list);
    if (kept.s == NULL || list == NULL)
        return NULL;
    shares->list = list;
    list[shares->n] = (struct share){.host = kept};
    return &list[shares->n++];
}

/* "ID to ADDRESS; ID to ADDRESS; not to HOST: why" (gateway/reports/tallies.c) */
static int read_detail(struct shares *shares, struct str detail, struct err *err)
{
    struct str part;
    char host[DOMAIN_SIZE];
    while (str_next(&detail, ';', &part)) {
        part = str_trim(part);
        size_t at = str_rchr(part, '@');
        if (str_istarts(part, STR("not to ")) || at == STR_NONE ||
            !domain_normal(str_from(part, at + 1), host))
            continue;
        struct share *share = share_of(shares, str_of(host));
        if (share == NULL)
            return err_set(err, "out of memory for what was sent");
        share->n++;
        shares->all++;
    }
    return 0;
}

int shares_read(struct shares *shares, const struct sent_book *book, struct pool *pool,
                struct err *err)
{
    *shares = (struct shares){.pool = pool};
    for (size_t i = 0; i < book->n; i++)
        if (book->lines[i].state == SENT_DONE &&
            read_detail(shares, book->lines[i].detail, err) < 0)
            return -1;
    return 0;
}

bool shares_full(const struct shares *shares, struct err *why)
{
    if (shares->all < SHARES_ALL_MAX)
        return false;
    err_set(why, "%d reports were sent of this day, no more are", SHARES_ALL_MAX);
    return true;
}

bool shares_take(struct shares *shares, struct str host, struct err *why)
{
    if (shares_full(shares, why))
        return false;
    struct share *share = share_of(shares, host);
    if (share == NULL || share->n >= SHARES_HOST_MAX) {
        if (share)
            err_set(why, "%d reports of this day went to that host, no more do", SHARES_HOST_MAX);
        else
            err_set(why, "out of memory for what was sent");
        return false;
    }
    share->n++;
    shares->all++;
    return true;
}
