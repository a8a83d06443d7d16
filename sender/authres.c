#include "sender/authres.h"

#include "base/ascii.h"
#include "sender/field.h"

#define COMMENT_DEPTH_MAX 10
#define VALUE_MAX         256 /* bytes of a domain or selector that are shown */
#define PROPERTY_MAX      32  /* bytes of "header.from" and the like */
#define LINE_MAX          78  /* RFC 5322 2.1.1; one word may be longer, and stays far below 998 */

/* --- composing --- */

static bool is_token_char(char c)
{
    /* RFC 2045 token without what a reader might stumble over */
    return ascii_is_word(c) || c == '-' || c == '.';
}

/* RFC 8601 2.2: what a pvalue may be without quotes: a token, or a plain address. */
static bool needs_no_quotes(struct str value)
{
    size_t at = str_rchr(value, '@');
    for (size_t i = 0; i < value.n; i++)
        if (!is_token_char(value.s[i]) && i != at && !(value.s[i] == '+' && at != STR_NONE))
            return false;
    return value.n > 0 && (at == STR_NONE || at + 1 < value.n);
}

/* As it is or as a quoted-string; what may not stand there becomes '?'. */
static void put_value(struct buf *out, struct str value)
{
    value = str_sub(value, 0, VALUE_MAX);
    if (needs_no_quotes(value)) {
        buf_add(out, value);
        return;
    }
    buf_addc(out, '"');
    for (size_t i = 0; i < value.n; i++) {
        char c = value.s[i];
        if (c == '"' || c == '\\')
            buf_addc(out, '\\');
        buf_addc(out, c >= ' ' && c < 127 ? c : '?');
    }
    buf_addc(out, '"');
}

/* Only what can't end a comment. */
static void put_printable(struct buf *out, struct str text)
{
    text = str_sub(text, 0, VALUE_MAX);
    for (size_t i = 0; i < text.n; i++)
        buf_addc(out, is_token_char(text.s[i]) ? text.s[i] : '?');
}

/* One more word of the line, or of a new one where it would be too long. */
static void put_word(struct buf *out, struct str word)
{
    size_t line = str_rchr(buf_str(out), '\n');
    size_t n = out->n - (line == STR_NONE ? 0 : line + 1);
    buf_add(out, n + 1 + word.n > LINE_MAX ? STR("\r\n\t") : STR(" "));
    buf_add(out, word);
}

static void put_comment(struct buf *out, struct str text)
{
    char room[VALUE_MAX + 2];
    struct buf word = BUF_OVER(room);
    if (text.n == 0)
        return;
    buf_addc(&word, '(');
    put_printable(&word, text);
    buf_addc(&word, ')');
    put_word(out, buf_str(&word));
}

static void put_property(struct buf *out, const char *name, struct str value)
{
    char room[PROPERTY_MAX + 1 + 2 * VALUE_MAX + 2]; /* each byte may need a backslash */
    struct buf word = BUF_OVER(room);
    if (value.n == 0)
        return;
    buf_addf(&word, "%s=", name);
    put_value(&word, value);
    put_word(out, buf_str(&word));
}

void authres_begin(struct buf *out, struct str host)
{
    buf_add(out, STR("Authentication-Results: "));
    put_value(out, host);
}

/* RFC 6376 3.6.1: with a key in testing mode a message counts as unsigned, whatever came out. Who
 * reads only the result must not take it for a pass. */
static void put_signature(struct buf *out, const struct dkim_signature *signature)
{
    bool tested =
        signature->testing && (signature->result == DKIM_PASS || signature->result == DKIM_FAIL);
    buf_addf(out, ";\r\n\tdkim=%s", dkim_result_name(tested ? DKIM_NEUTRAL : signature->result));
    put_property(out, "reason", tested ? STR("its key is in testing mode") : signature->reason);
    put_property(out, "header.d", signature->domain);
    put_property(out, "header.s", signature->selector);
    put_property(out, "header.a", signature->algorithm);
    put_property(out, "header.b", signature->start);
}

void authres_dkim(struct buf *out, const struct dkim_results *results)
{
    if (results->n == 0)
        buf_add(out, STR(";\r\n\tdkim=none"));
    for (size_t i = 0; i < results->n; i++)
        put_signature(out, &results->list[i]);
}

void authres_iprev(struct buf *out, struct str client_ip, struct str client_name)
{
    buf_add(out, STR(";\r\n\tiprev=pass"));
    put_property(out, "policy.iprev", client_ip);
    put_comment(out, client_name);
}

void authres_spf(struct buf *out, const struct spf_answer *answer, struct str sender,
                 struct str helo)
{
    buf_addf(out, ";\r\n\tspf=%s", spf_result_name(answer->result));
    put_property(out, "reason", answer->reason);
    if (answer->of_helo)
        put_property(out, "smtp.helo", helo);
    else
        put_property(out, "smtp.mailfrom", sender);
}

void authres_arc(struct buf *out, const struct arc_answer *answer, struct str client_ip)
{
    if (answer->result == ARC_NONE)
        return;
    buf_addf(out, ";\r\n\tarc=%s", arc_result_name(answer->result));
    put_property(out, "reason", answer->reason);
    put_property(out, "smtp.remote-ip", client_ip);
    if (answer->result != ARC_PASS)
        return;
    buf_addf(out, "\r\n\t(i=%u sealed by ", answer->n);
    put_printable(out, answer->hops[answer->n - 1].sealer);
    buf_addc(out, ')');
}

void authres_dmarc(struct buf *out, const struct dmarc_answer *answer)
{
    buf_addf(out, ";\r\n\tdmarc=%s", dmarc_result_name(answer->result));
    put_property(out, "reason", answer->reason);
    put_property(out, "header.from", answer->domain);
    if (answer->result == DMARC_FAIL || answer->applied != DMARC_POLICY_NONE)
        put_property(out, "policy.dmarc", str_of(dmarc_policy_name(answer->applied)));
    if (answer->record_domain.n == 0)
        return;
    put_word(out, STR("(p="));
    buf_addf(out, "%s%s)", dmarc_policy_name(answer->policy), answer->testing ? " t=y" : "");
}

void authres_end(struct buf *out)
{
    if (str_chr(buf_str(out), ';') == STR_NONE)
        buf_add(out, STR("; none"));
    buf_add(out, STR("\r\n"));
}

/* --- finding what was forged --- */

/* Blanks, folds and (nested (comments)); false when a comment does not end. */
static bool skip_cfws(struct str *rest)
{
    size_t i = 0;
    unsigned depth = 0;
    for (; i < rest->n; i++) {
        char c = rest->s[i];
        if (c == '(' && ++depth > COMMENT_DEPTH_MAX)
            return false;
        if (c == ')' && depth > 0)
            depth--;
        else if (c == '\\' && depth > 0)
            i++;
        else if (depth == 0 && c != ' ' && c != '\t' && c != '\r' && c != '\n')
            break;
    }
    *rest = str_from(*rest, i);
    return depth == 0;
}

/* The authserv-id: a token or quoted-string, quotes undone, before ';' or a version. */
static bool read_id(struct str value, struct buf *id)
{
    if (!skip_cfws(&value) || value.n == 0)
        return false;
    bool quoted = value.s[0] == '"';
    size_t i = quoted ? 1 : 0;
    for (; i < value.n; i++) {
        char c = value.s[i];
        if (quoted ? c == '"' : strchr("; \t\r\n(", c) != NULL)
            break;
        if (quoted && c == '\\' && i + 1 < value.n)
            c = value.s[++i];
        buf_addc(id, c);
    }
    return buf_ok(id) && id->n > 0 && (!quoted || i < value.n);
}

static struct str without_dot(struct str host)
{
    return str_ends(host, STR(".")) ? str_sub(host, 0, host.n - 1) : host;
}

static bool claims_to_be(struct str value, struct str host)
{
    /* an id longer than any host name is not ours; one that does not fit counts as unreadable */
    struct buf id = BUF_INIT(1024);
    bool ours = !read_id(value, &id) || str_ieq(without_dot(buf_str(&id)), without_dot(host));
    buf_release(&id);
    return ours;
}

static int add_span(struct pool *pool, struct authres_span **spans, size_t *n, size_t *cap,
                    const struct field *field, struct err *err)
{
    if (*n > 0 && (*spans)[*n - 1].end == field->at) {
        (*spans)[*n - 1].end = field->end;
        return 0;
    }
    if (*n == AUTHRES_FORGED_MAX)
        return err_set(err, "more than %d forged Authentication-Results fields",
                       AUTHRES_FORGED_MAX);
    struct authres_span *list = pool_grow(pool, *spans, *n, cap, sizeof *list);
    if (!list)
        return err_set(err, "out of memory");
    *spans = list;
    list[(*n)++] = (struct authres_span){field->at, field->end};
    return 0;
}

int authres_forged(struct pool *pool, struct str raw, struct str host, struct authres_span **spans,
                   size_t *n, struct err *err)
{
    struct field_walk walk = field_walk_of(raw);
    struct field field;
    size_t cap = 0;
    *spans = NULL;
    *n = 0;
    while (field_next(&walk, &field)) {
        if (!str_ieq(field.name, STR("Authentication-Results")) || !claims_to_be(field.value, host))
            continue;
        if (add_span(pool, spans, n, &cap, &field, err) < 0)
            return -1;
    }
    return 0;
}
