#include <stdlib.h>

#include "base/domain.h"
#include "rules/eval/header.h"

/* Recipients: SpamAssassin's figures, found by trying. */
#define SORTED_MIN     7
#define SIMILAR_MIN    5
#define RECIPIENTS_MAX 256
#define HEAD           2 /* letters that are compared */

double eval_envelope_matches_from(struct eval_context *c)
{
    return str_ieq(look_get(c, "EnvelopeFrom:addr"), look_get(c, "From:addr"));
}

/* Addresses of To and Cc, and of Bcc where those are few; one that stands twice in a row counts
 * once. */
static size_t recipients(struct eval_context *c, struct str list[RECIPIENTS_MAX])
{
    static const char *const requests[] = {"ToCc:addr", "Bcc:addr"};
    size_t n = 0, seen = 0;
    for (size_t i = 0; i < 2 && seen < SIMILAR_MIN; i++) {
        const struct fact_values *found = facts_get_all(c->facts, requests[i]);
        seen += found->n;
        for (size_t k = 0; k < found->n && n < RECIPIENTS_MAX; k++) {
            if (n ? !str_ieq(list[n - 1], found->list[k]) : found->list[k].n > 0)
                list[n++] = found->list[k];
        }
    }
    c->limited |= n == RECIPIENTS_MAX;
    return n;
}

double eval_sorted_recipients(struct eval_context *c)
{
    struct str list[RECIPIENTS_MAX];
    size_t n = recipients(c, list);
    for (size_t i = 1; i < n; i++) {
        if (str_cmp(list[i - 1], list[i]) > 0)
            return 0;
    }
    return n >= SORTED_MIN;
}

/* Part of all pairs that begin alike, before or behind the '@'. */
static double similarity(const struct str *list, size_t n)
{
    size_t alike = 0;
    for (size_t i = 0; i < n; i++) {
        struct str host = str_from(list[i], str_chr(list[i], '@') + 1);
        for (size_t k = i + 1; k < n; k++) {
            struct str other = str_from(list[k], str_chr(list[k], '@') + 1);
            alike += str_eq(str_sub(list[i], 0, HEAD), str_sub(list[k], 0, HEAD));
            alike +=
                !str_eq(host, other) && str_eq(str_sub(host, 0, HEAD), str_sub(other, 0, HEAD));
        }
    }
    return n < 2 ? 0 : (double)alike / ((double)n * (double)(n - 1) / 2);
}

double eval_similar_recipients(struct eval_context *c)
{
    struct str list[RECIPIENTS_MAX];
    size_t n = recipients(c, list);
    double similar = n >= SIMILAR_MIN ? similarity(list, n) : 0;
    return (str_eq(c->a[0].text, STR("undef")) || similar >= c->a[0].number) &&
           (str_eq(c->a[1].text, STR("undef")) || similar < c->a[1].number);
}

/* A message id of 28 capitals, then the sender's address. */
double eval_ratware_name_id(struct eval_context *c)
{
    struct shape_found id, name;
    struct str from = look_get(c, "From");
    if (!look_for(c, "<%[A-Z]{28}.%[^>]+=a>", look_get(c, "MESSAGEID"), &id))
        return 0;
    struct str wanted = pool_strf(c->pool, "<%.*s>", STR_ARG(shape_field(&id, 'a')));
    if (wanted.s == NULL)
        return EVAL_NO_MEMORY;
    for (struct str rest = from; look_for(c, "\"%[^\"]+\"%[ \t\n]*<", rest, &name);) {
        size_t open = (size_t)(name.all.s - rest.s) + name.all.n - 1;
        if (str_starts(str_from(rest, open), wanted))
            return 1;
        rest = str_from(rest, (size_t)(name.all.s - rest.s) + 1);
    }
    return 0;
}

/* The envelope's sender holds the recipient's address: "x-example.com-user@…". */
double eval_ratware_envelope_from(struct eval_context *c)
{
    struct str to = look_get(c, "To:addr"), from = look_get(c, "EnvelopeFrom:addr");
    struct str domain, name;
    struct shape_found found;
    size_t at = str_chr(to, '@');
    if (from.n == 0 || at == STR_NONE || at == 0 ||
        (look_for_any_case(c, "SRS%[0-9]%[=+-]", from, &found) && found.all.s == from.s))
        return 0;
    settings_split_domain(c->settings, look_lower(c, str_from(to, at + 1)), &name, &domain);
    if (!settings_is_domain_valid(c->settings, domain))
        return 0;
    struct str user = str_sub(to, 0, at), rest = from;
    for (size_t next; (next = str_ifind(rest, domain)) != STR_NONE;
         rest = str_from(rest, next + 1)) {
        struct str behind = str_from(rest, next + domain.n + 1);
        if (str_istarts(behind, user) && behind.n > user.n && behind.s[user.n] == '@')
            return 1;
    }
    return 0;
}

/* The last two labels behind the '@'; empty where there is more than one '@' or none. */
static struct str last_labels(struct str address)
{
    struct str domain = domain_of_address(address);
    size_t last = str_rchr(domain, '.');
    size_t before = last == STR_NONE ? STR_NONE : str_rchr(str_sub(domain, 0, last), '.');
    bool cut = before != STR_NONE && before > 0 && last > before + 1 && last + 1 < domain.n;
    return cut ? str_from(domain, before + 1) : domain;
}

double eval_equal_from_domains(struct eval_context *c)
{
    struct str from = last_labels(look_get(c, "From:addr"));
    struct str sender = last_labels(look_get(c, "EnvelopeFrom:addr"));
    return from.n && sender.n && !str_ieq(from, sender);
}
