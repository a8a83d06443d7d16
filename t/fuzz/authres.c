/*
 * Authentication-Results with hostile names, and hostile fields that claim to be ours. The first
 * line of the input is what strangers say of themselves, the rest a header.
 */
#include <stdlib.h>

#include "sender/authres.h"

#define HOST     STR("mx.example.org")
#define TEXT_MAX 2000
#define LINE_MAX 998 /* RFC 5322 2.1.1 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void compose(struct str name, struct buf *out)
{
    struct dkim_results dkim = {.n = 2};
    struct spf_answer spf = {.result = SPF_FAIL, .reason = name, .of_helo = name.n % 2};
    struct dmarc_answer dmarc = {.result = DMARC_FAIL,
                                 .reason = name,
                                 .domain = name,
                                 .record_domain = name};
    static struct arc_answer arc = {.result = ARC_PASS, .n = 1};
    for (size_t i = 0; i < dkim.n; i++)
        dkim.list[i] = (struct dkim_signature){.result = (enum dkim_result)i,
                                               .domain = name,
                                               .selector = name,
                                               .algorithm = name,
                                               .start = name,
                                               .reason = name,
                                               .testing = name.n % 3};
    arc.hops[0].sealer = name;
    authres_begin(out, HOST);
    authres_iprev(out, name, name);
    authres_spf(out, &spf, name, name);
    authres_dkim(out, &dkim);
    authres_arc(out, &arc, name);
    authres_dmarc(out, &dmarc);
    authres_end(out);
}

/* One field, whose lines are no longer than they may be, and printable. */
static void check_composed(struct str name)
{
    struct buf out = BUF_INIT(1 << 20);
    struct str line;
    compose(str_sub(name, 0, TEXT_MAX), &out);
    if (!buf_ok(&out))
        abort();
    struct str rest = buf_str(&out);
    for (bool first = true; rest.n > 0; first = false) {
        size_t end = str_find(rest, STR("\r\n"));
        if (end == STR_NONE || end > LINE_MAX || (!first && rest.s[0] != '\t'))
            abort();
        line = str_sub(rest, first ? 0 : 1, end);
        for (size_t i = 0; i < line.n; i++)
            if (line.s[i] < ' ' || line.s[i] > '~')
                abort();
        rest = str_from(rest, end + 2);
    }
    buf_release(&out);
}

/* What was taken out was all of it. */
static void check_forged(struct str raw)
{
    struct authres_span *spans;
    struct err err;
    struct buf left = BUF_INIT(raw.n + 1);
    struct pool *pool = pool_new(16 << 20);
    size_t n, at = 0;
    if (pool && authres_forged(pool, raw, HOST, &spans, &n, &err) == 0) {
        for (size_t i = 0; i < n; i++) {
            if (spans[i].end <= spans[i].at || spans[i].end > raw.n || spans[i].at < at)
                abort();
            buf_add(&left, str_sub(raw, at, spans[i].at));
            at = spans[i].end;
        }
        buf_add(&left, str_from(raw, at));
        if (!buf_ok(&left) || authres_forged(pool, buf_str(&left), HOST, &spans, &n, &err) < 0 ||
            n > 0)
            abort();
    }
    buf_release(&left);
    pool_free(&pool);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = str_n((const char *)data, size), name = STR_EMPTY;
    str_next(&rest, '\n', &name);
    check_composed(name);
    check_forged(rest);
    return 0;
}
