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

/* Of "ID to ADDRESS", or of an URL in what begins as in sent.h. */
static struct str host_in(struct str piece)
{
    static const struct str mark = STR("://");
    if (str_starts(piece, STR(SENT_NOT_TO)))
        return STR_EMPTY;
    if (!str_starts(piece, STR(SENT_POSTED)) && !str_starts(piece, STR(SENT_WAITS))) {
        size_t at = str_rchr(piece, '@');
        return at == STR_NONE ? STR_EMPTY : str_from(piece, at + 1);
    }
    size_t from = str_find(piece, mark);
    if (from == STR_NONE)
        return STR_EMPTY;
    struct str host = str_from(piece, from + mark.n);
    size_t end = 0;
    while (end < host.n && !memchr("/?#: ", host.s[end], 5))
        end++;
    return str_sub(host, 0, end);
}

/* "ID to ADDRESS; posted to URL; not to HOST: why" (gateway/reports/hand_out.c) */
static int read_detail(struct shares *shares, struct str detail, struct err *err)
{
    struct str part;
    char host[DOMAIN_SIZE];
    while (str_next(&detail, ';', &part)) {
        struct str name = host_in(str_trim(part));
        if (name.n == 0 || !domain_normal(name, host))
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
        if ((book->lines[i].state == SENT_DONE || book->lines[i].state == SENT_WAITING) &&
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
