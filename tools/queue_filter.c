/* queue_filter: which messages of the queue are meant. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/conf_number.h"
#include "base/domain.h"
#include "base/recipient.h"
#include "directory/report.h"
#include "tools/queue_tool.h"

#define SIZE_MAX_BYTES ((uint64_t)1 << 40)

/* --- texts --- */

/* Back to the last * when it fits no further: no more steps than pattern times text. */
static bool fits_stars(struct str pattern, struct str text)
{
    size_t p = 0, t = 0, star = STR_NONE, from = 0;
    while (t < text.n) {
        if (p < pattern.n && pattern.s[p] == '*') {
            star = p++;
            from = t;
        } else if (p < pattern.n && str_ieq(str_n(pattern.s + p, 1), str_n(text.s + t, 1))) {
            p++;
            t++;
        } else if (star != STR_NONE) {
            p = star + 1;
            t = ++from;
        } else {
            return false;
        }
    }
    while (p < pattern.n && pattern.s[p] == '*')
        p++;
    return p == pattern.n;
}

bool queue_fits(struct str pattern, struct str text)
{
    if (str_starts(pattern, STR("@")) && str_chr(pattern, '*') == STR_NONE)
        return str_iends(text, pattern);
    return fits_stars(pattern, text);
}

static bool holds_part(struct str part, struct str text)
{
    return str_ifind(text, part) != STR_NONE;
}

/* [2001:db8::1]:24 and 192.0.2.1:24 without port and brackets; a path is no host. */
static struct str host_of(struct str server)
{
    struct str inside = str_from(server, 1);
    size_t bracket = str_chr(inside, ']'), colon = str_rchr(server, ':');
    if (str_starts(server, STR("[")) && bracket != STR_NONE)
        return str_sub(inside, 0, bracket);
    return str_starts(server, STR("/")) || colon == STR_NONE ? server : str_sub(server, 0, colon);
}

bool queue_hop_fits(struct str pattern, struct str hop)
{
    size_t scheme = str_find(hop, STR("://"));
    if (fits_stars(pattern, hop))
        return true;
    if (scheme == STR_NONE)
        return false;
    struct str server = str_from(hop, scheme + 3);
    return fits_stars(pattern, server) || fits_stars(pattern, host_of(server));
}

struct str queue_hop_of(const struct conf *conf, struct str address, char room[QUEUE_HOP_SIZE])
{
    size_t at = str_rchr(address, '@');
    struct str name = at == STR_NONE ? STR_EMPTY : str_from(address, at + 1);
    const struct conf_domain *domain =
        at == STR_NONE && conf->n_domains ? &conf->domains[0] : conf_domain_find(conf, name);
    if (report_address_of(conf, address) != REPORT_ADDRESS_NONE)
        return STR("reports");
    if (domain)
        return str_of(domain->next_hop.n ? domain->next_hop.items[0].text : "(no next hop)");
    const struct conf_leaving leaving = conf_route_leaving(conf, conf_route_find(conf, name));
    if (leaving.next_hop.n && leaving.next_hop.items[0].kind != HOP_MX)
        return str_of(leaving.next_hop.items[0].text);
    name = str_sub(name, 0, QUEUE_HOP_SIZE - 1);
    for (size_t i = 0; i < name.n; i++)
        room[i] = str_lower_char(name.s[i]);
    return str_n(room, name.n);
}

/* --- the options --- */

static int64_t now_us(void)
{
    return (int64_t)time(NULL) * 1000000;
}

static struct str text_of(const char *word)
{
    return word ? str_of(word) : STR_EMPTY;
}

static int read_state(const char *word, struct queue_filter *filter, struct err *err)
{
    for (size_t i = 0; i < QUEUE_STATES; i++)
        if (strcmp(word, queue_state_name((enum queue_state)i)) == 0) {
            filter->by_state = true;
            filter->state = (enum queue_state)i;
            return 0;
        }
    return err_set(err, "--state is active, deferred, held, frozen or ending, not \"%s\"", word);
}

static int read_size(const char *word, uint64_t *size, struct err *err)
{
    struct err why;
    if (conf_number(str_of(word), conf_size_units, "a size", 1, SIZE_MAX_BYTES, size, &why) < 0)
        return err_set(err, "--larger needs a size such as 500k or 20M, not \"%s\"", word);
    return 0;
}

bool queue_filter_read(struct spool_view *view, struct queue_filter *filter)
{
    const struct tool_args *args = view->args;
    struct err err = {""};
    *filter = (struct queue_filter){.sender = text_of(args->sender),
                                    .recipient = text_of(args->recipient),
                                    .account = text_of(args->account),
                                    .domain = text_of(args->domain),
                                    .hop = text_of(args->next_hop),
                                    .reason = text_of(args->reason)};
    if (str_starts(filter->domain, STR("@")))
        filter->domain = str_from(filter->domain, 1);
    if (args->domain && filter->domain.n == 0)
        err_set(&err, "--domain needs a domain, not \"%s\"", args->domain);
    if (err.text[0] ||
        (args->older && tool_when("--older", args->older, now_us(), &filter->before_us, &err)) ||
        (args->newer && tool_when("--newer", args->newer, now_us(), &filter->from_us, &err)) ||
        (args->larger && read_size(args->larger, &filter->larger, &err)) ||
        (args->state && read_state(args->state, filter, &err))) {
        spool_view_worse(view, tool_misused(view->command, "%s", err.text));
        return false;
    }
    return true;
}

/* --- does it fit? --- */

bool queue_owes(const struct spool_recipient *r)
{
    return recipient_state_owed((enum recipient_state)r->state) || r->state == RCPT_RETURNING;
}

static bool recipient_fits(const struct queue_filter *filter, const struct conf *conf,
                           const struct spool_recipient *r)
{
    char room[QUEUE_HOP_SIZE];
    size_t at = str_rchr(r->address, '@');
    struct str domain = at == STR_NONE ? STR_EMPTY : str_from(r->address, at + 1);
    return (filter->recipient.n == 0 || queue_fits(filter->recipient, r->address)) &&
           (filter->domain.n == 0 || queue_fits(filter->domain, domain)) &&
           (filter->reason.n == 0 || holds_part(filter->reason, r->detail)) &&
           (filter->hop.n == 0 ||
            queue_hop_fits(filter->hop, queue_hop_of(conf, r->address, room)));
}

static bool sender_fits(struct str pattern, struct str sender)
{
    return pattern.n == 0 || queue_fits(pattern, sender) ||
           (str_eq(pattern, STR("<>")) && sender.n == 0);
}

bool queue_filter_fits(const struct queue_filter *filter, const struct conf *conf,
                       const struct spool_file *file, enum queue_state state)
{
    const struct envelope *e = &file->envelope;
    if ((filter->by_state && filter->state != state) || file->size < filter->larger ||
        (filter->before_us && e->time_us >= filter->before_us) || e->time_us < filter->from_us ||
        !sender_fits(filter->sender, e->sender) ||
        (filter->account.n && (e->account.n == 0 || !queue_fits(filter->account, e->account))))
        return false;
    if (filter->recipient.n + filter->domain.n + filter->reason.n + filter->hop.n == 0)
        return true;
    for (size_t i = 0; i < e->n_recipients; i++)
        if (queue_owes(&e->recipients[i]) && recipient_fits(filter, conf, &e->recipients[i]))
            return true;
    return false;
}

/* --- the walk --- */

struct walk {
    struct spool_view *view;
    const struct queue_filter *filter;
    int (*each)(void *data, struct spool_file *file);
    void *data;
};

/* A file that has gone since the folder was read was delivered, which is no news. */
static int look_at(void *data, const char *id)
{
    struct walk *walk = data;
    struct spool_view *view = walk->view;
    struct spool_file *file;
    struct err err = {""};
    bool corrupt = false;
    int result = 0;
    view->seen++;
    pool_reset(view->pool);
    if (spool_peek(view->spool, view->state, id, view->pool, &file, &corrupt, &err) < 0) {
        if (corrupt || errno != ENOENT)
            spool_view_worse(view, tool_fail(view->command, &err));
        return 0;
    }
    if (queue_filter_fits(walk->filter, view->conf, file, spool_view_state(view, &file->envelope)))
        result = walk->each(walk->data, file);
    spool_unload(&file);
    return result;
}

bool queue_each(struct spool_view *view, const struct queue_filter *filter,
                int (*each)(void *data, struct spool_file *file), void *data)
{
    struct walk walk = {view, filter, each, data};
    struct err err = {""};
    if (spool_each(view->spool, view->state, look_at, &walk, &err) >= 0)
        return true;
    spool_view_worse(view, tool_fail(view->command, &err));
    return false;
}
