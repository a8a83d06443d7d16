/*
 * FreeMail.pm of SpamAssassin 4.0.1: addresses of providers that give them to anyone
 * (freemail_domains), in the header and in the body.
 */
#include "rules/eval/freemail.h"

#include "base/ascii.h"
#include "base/domain.h"
#include "rules/eval/look.h"
#include "rules/facts/body.h"
#include "rules/facts/uris.h"

#define USER_MAX        64
#define LABELS_MAX      5
#define LINK_EMAILS_MAX 20 /* SpamAssassin's */
#define BODY_EMAILS_MAX 40 /* as above, with those of links */
#define URL_REACH       255

static bool is_user_char(char c)
{
    return ascii_is_alnum(c) || (c != '\0' && strchr("!#$%&'*+/=?^_`{|}~-", c) != NULL);
}

static bool is_host_char(char c)
{
    return ascii_is_alnum(c) || c == '-' || c == '.';
}

static size_t user_begin(struct str text, size_t at)
{
    size_t from = at;
    while (from > 0 && at - from <= USER_MAX + 1) {
        char before = text.s[from - 1];
        bool dot = before == '.' && from < at && from > 1 && is_user_char(text.s[from - 2]);
        if (!is_user_char(before) && !dot)
            break;
        from--;
    }
    return from;
}

/* Behind the longest host name at `from` that ends in a top-level domain; `from`: there is none. */
static size_t host_end(struct eval_context *c, struct str text, size_t from)
{
    size_t end = from, best = from, labels = 0;
    while (end < text.n && is_host_char(text.s[end]) && labels < LABELS_MAX) {
        size_t label = end;
        while (end < text.n && is_host_char(text.s[end]) && text.s[end] != '.')
            end++;
        if (end == label || text.s[label] == '-' || text.s[end - 1] == '-')
            break;
        if (labels++ &&
            settings_is_domain_valid(c->settings, look_lower(c, str_sub(text, from, end))))
            best = end;
        end += end < text.n && text.s[end] == '.';
    }
    return best;
}

/* The address around the '@' at `at`; empty: it is none. */
static struct str email_around(struct eval_context *c, struct str text, size_t at)
{
    size_t from = user_begin(text, at);
    size_t end = from < at && at - from <= USER_MAX ? host_end(c, text, at + 1) : at + 1;
    return end > at + 1 ? str_sub(text, from, end) : STR_EMPTY;
}

/* "<user@host>", or "user@host wrote:": what others said. */
static bool is_quoted(struct str text, struct str email)
{
    static const char *const fields[] = {"fax",   "facsi",  "tel",  "phone",
                                         "email", "e-mail", "mail", "-mail"};
    size_t from = (size_t)(email.s - text.s), end = from + email.n, blanks = 0, letters = 0;
    if (str_ends(str_sub(text, 0, from), STR("mailto:")))
        return false;
    if (end < text.n && text.s[end] == '>')
        return true;
    while (end + blanks < text.n && strchr(" \t\n", text.s[end + blanks]) && blanks < 10)
        blanks++;
    struct str word = str_from(text, end + blanks);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (str_istarts(word, str_of(fields[i])))
            return false;
    }
    while (letters < word.n && ascii_is_letter(word.s[letters]))
        letters++;
    return blanks && letters >= 2 && letters <= 11 && letters < word.n && word.s[letters] == ':';
}

/* It stands in a web address. */
static bool is_in_url(struct str text, struct str email)
{
    size_t end = (size_t)(email.s - text.s), from = end;
    while (from > 0 && !strchr(" \t\n", text.s[from - 1]) && end - from < URL_REACH)
        from--;
    struct str word = str_sub(text, from, end);
    return str_ifind(word, STR("http://")) != STR_NONE ||
           str_ifind(word, STR("https://")) != STR_NONE;
}

struct emails {
    struct str list[BODY_EMAILS_MAX];
    size_t n;
};

static void add(struct eval_context *c, struct emails *emails, struct str email)
{
    email = look_lower(c, email);
    for (size_t i = 0; i < emails->n; i++) {
        if (str_eq(emails->list[i], email))
            return;
    }
    if (emails->n < BODY_EMAILS_MAX)
        emails->list[emails->n++] = email;
}

static bool add_linked(struct eval_context *c, struct emails *emails)
{
    const struct fact_uris *uris = facts_uris(c->facts);
    for (size_t i = 0; uris && i < uris->n && emails->n < LINK_EMAILS_MAX; i++) {
        const struct fact_uri *uri = &uris->list[i];
        size_t at = str_chr(uri->raw, '@');
        if (!(uri->types & URI_TYPE_A) || (uri->types & URI_TYPE_PARSED) || at == STR_NONE ||
            !str_istarts(uri->raw, STR("mailto:")))
            continue;
        struct str email = email_around(c, str_from(uri->raw, 7), at - 7);
        if (email.n && email.s == uri->raw.s + 7)
            add(c, emails, email);
    }
    return uris != NULL;
}

static bool add_written(struct eval_context *c, struct emails *emails)
{
    const struct fact_texts *body = facts_body(c->facts, BODY_RENDERED);
    for (size_t i = 0; body && i < body->n; i++) {
        struct str text = body->list[i];
        for (size_t at = 0, next; (next = str_chr(str_from(text, at), '@')) != STR_NONE;
             at += next + 1) {
            struct str email = email_around(c, text, at + next);
            if (emails->n == BODY_EMAILS_MAX)
                return true;
            if (email.n && !is_in_url(text, email) && !is_quoted(text, email))
                add(c, emails, email);
        }
    }
    return body != NULL;
}

/* Addresses that nobody has for himself: SpamAssassin's own exceptions. */
static bool is_exempt(struct eval_context *c, struct str email)
{
    static const char shape[] =
        "%(abuse%|support%|sales%|info%|helpdesk%|contact%|kontakt%|postmaster%|hostmaster%|"
        "domainmaster%|undisclosed%.%|request-%[a-f0-9]{16}%|bounce%(?d%)-%|%[a-f0-9]{8}"
        "%(.%[a-f0-9]{8}%|-%[a-f0-9]{4}-%[a-f0-9]{4}-%[a-f0-9]{4}-%[a-f0-9]{12}%)%|"
        "%.{1,}=%.{1,}=%.{1,}%)@";
    struct shape_found found;
    size_t work = LOOK_WORK_MAX;
    return shape_match(shape, SHAPE_ANY_CASE, email, &work, &found);
}

/* The address is in lower case. */
static bool is_freemail(struct eval_context *c, struct str email)
{
    struct str domain = domain_of_address(email);
    const struct rules_settings *settings = c->settings;
    if (domain.n == 0) /* SpamAssassin takes what has no @ for a domain */
        domain = email;
    if (email.n == 0 || settings_in(settings, SETTINGS_FREEMAIL_WELCOME, email, NULL) ||
        settings_in(settings, SETTINGS_FREEMAIL_WELCOME, domain, NULL) || is_exempt(c, email))
        return false;
    if (settings_number(settings, SETTINGS_FREEMAIL_IMPORT_WELCOMELIST_AUTH) != 0 &&
        settings_address_in(settings, SETTINGS_WELCOMELIST_AUTH, email))
        return false;
    if (settings_number(settings, SETTINGS_FREEMAIL_IMPORT_DEF_WELCOMELIST_AUTH) != 0 &&
        settings_address_in(settings, SETTINGS_DEF_WELCOMELIST_AUTH, email))
        return false;
    return settings_is_freemail_domain(settings, domain);
}

/* Keeps the freemail addresses of the body; -1: no memory, 0: there are too many to judge. */
static int read_body(struct eval_context *c, struct emails *found)
{
    double most = settings_number(c->settings, SETTINGS_FREEMAIL_MAX_BODY_EMAILS);
    double most_free = settings_number(c->settings, SETTINGS_FREEMAIL_MAX_BODY_FREEMAILS);
    bool skip = settings_number(c->settings, SETTINGS_FREEMAIL_SKIP_WHEN_OVER_MAX) != 0;
    struct emails all = {.n = 0};
    found->n = 0;
    if (!add_linked(c, &all) || !add_written(c, &all))
        return -1;
    for (size_t i = 0; i < all.n; i++) {
        if (skip && (double)(i + 1) == most)
            return 0;
        if (!is_freemail(c, all.list[i]))
            continue;
        found->list[found->n++] = all.list[i];
        if (skip && (double)found->n == most_free)
            return 0;
    }
    return 1;
}

static bool fits(struct eval_context *c, size_t argument, struct str email)
{
    return c->n <= argument || eval_matches(c, argument, email);
}

static double any_fits(struct eval_context *c, const struct fact_values *addresses, size_t pattern)
{
    for (size_t i = 0; i < addresses->n; i++) {
        struct str email = look_lower(c, addresses->list[i]);
        if (is_freemail(c, email) && fits(c, pattern, email)) {
            c->text = email;
            return 1;
        }
    }
    return 0;
}

double eval_freemail_header(struct eval_context *c)
{
    struct str request = pool_strf(c->pool, "%.*s:addr", STR_ARG(c->a[0].text));
    return request.s ? any_fits(c, facts_get_all(c->facts, request.s), 1) : EVAL_NO_MEMORY;
}

double eval_freemail_from(struct eval_context *c)
{
    return any_fits(c, facts_from_addresses(c->facts), 0);
}

double eval_freemail_body(struct eval_context *c)
{
    struct emails found;
    int ok = read_body(c, &found);
    for (size_t i = 0; ok > 0 && i < found.n; i++) {
        if (fits(c, 0, found.list[i])) {
            c->text = found.list[i];
            return 1;
        }
    }
    return ok < 0 ? EVAL_NO_MEMORY : 0;
}

static size_t count_freemail(struct eval_context *c, const struct fact_values *addresses)
{
    size_t n = 0;
    for (size_t i = 0; i < addresses->n; i++)
        n += is_freemail(c, look_lower(c, addresses->list[i]));
    return n;
}

static bool share_one(const struct fact_values *a, const struct fact_values *b)
{
    for (size_t i = 0; i < a->n; i++) {
        for (size_t k = 0; k < b->n && k < HEADER_VALUES_MAX; k++) {
            if (str_ieq(a->list[i], b->list[k]))
                return true;
        }
    }
    return false;
}

/* Senders of lists and bounces, to which nobody answers. */
static bool is_bulk(struct eval_context *c)
{
    static const char *const shapes[] = {
        "-%(request%|bounces%|bounce%|admin%|owner%)@",
        "%W%(?do%(?%[.-t_]%)%)no%(?%[.-t_]%)repl%(y%|ies%)@",
    };
    static const char head[] =
        "%(postmaster%|hostmaster%|domainmaster%|double-bounce%|%(sentto%|owner%|return%|"
        "%(?gr%)bounce%(?d%)%(?s%)%)-%.{1,}%)@";
    struct str sender = look_get(c, "EnvelopeFrom");
    struct shape_found found;
    size_t work = LOOK_WORK_MAX;
    if (settings_number(c->settings, SETTINGS_FREEMAIL_SKIP_BULK_ENVFROM) == 0)
        return false;
    return shape_match(head, SHAPE_ANY_CASE, sender, &work, &found) ||
           look_for_any_case(c, shapes[0], sender, NULL) ||
           look_for_any_case(c, shapes[1], sender, NULL) ||
           look_for(c, "=%.{1,}@", str_from(sender, 1), NULL);
}

/* Some freemail address of the body is not the one that answers go to. */
static double body_differs(struct eval_context *c, const struct fact_values *answers)
{
    struct emails found;
    int ok = read_body(c, &found);
    for (size_t i = 0; ok > 0 && i < found.n; i++) {
        for (size_t k = 0; k < answers->n; k++) {
            if (!str_ieq(found.list[i], answers->list[k])) {
                c->text = found.list[i];
                return 1;
            }
        }
    }
    return ok < 0 ? EVAL_NO_MEMORY : 0;
}

/* ('replyto' or 'reply'): answers go to another freemail address than From's or the body's */
static double freemail_reply_to(struct eval_context *c)
{
    const struct fact_values *from = facts_get_all(c->facts, "From:addr");
    const struct fact_values *reply_to = facts_get_all(c->facts, "Reply-To:addr");
    bool reply = c->n && str_eq(c->a[0].text, STR("reply"));
    if (is_bulk(c) || (c->n && !reply && !str_eq(c->a[0].text, STR("replyto"))))
        return 0;
    bool free_from = count_freemail(c, from) > 0, free_reply = count_freemail(c, reply_to) > 0;
    if (free_from && free_reply && !share_one(from, reply_to))
        return 1;
    if (!reply && !free_reply)
        return 0;
    if (reply && ((reply_to->n && !free_reply) || !free_from))
        return 0;
    return body_differs(c, !reply || free_reply ? reply_to : from);
}

const struct eval_entry eval_freemail[] = {
    {"check_freemail_header", eval_freemail_header, 1, 2},
    {"check_freemail_from", eval_freemail_from, 0, 1},
    {"check_freemail_body", eval_freemail_body, 0, 1},
    {"check_freemail_replyto", freemail_reply_to, 0, 1},
    {.name = NULL},
};
