#include "rules/uri_detail.h"

#include "base/ascii.h"
#include "rules/facts/uris.h"
#include "rules/language/parse.h"

enum key { KEY_RAW, KEY_TYPE, KEY_CLEANED, KEY_TEXT, KEY_DOMAIN, KEY_HOST, KEYS };

static const char *const names[KEYS] = {"raw", "type", "cleaned", "text", "domain", "host"};

struct uri_detail {
    struct {
        struct regex *regex; /* NULL: no condition */
        bool negated;
    } keys[KEYS];
};

void uri_detail_release(struct uri_detail *detail)
{
    for (int i = 0; detail && i < KEYS; i++)
        regex_free(&detail->keys[i].regex);
}

/* Where a pattern with its flags ends: the next bare delimiter and the letters behind it. */
static size_t pattern_end(struct str text)
{
    size_t open = str_starts(text, STR("m")) ? 1 : 0;
    if (open >= text.n)
        return STR_NONE;
    for (size_t i = open + 1; i < text.n; i++) {
        if (text.s[i] == '\\') {
            i++;
        } else if (text.s[i] == text.s[open]) {
            for (i++; i < text.n && ascii_is_word(text.s[i]); i++)
                ;
            return i;
        }
    }
    return STR_NONE;
}

static int find_key(struct str name)
{
    for (int i = 0; i < KEYS; i++) {
        if (str_eq(name, str_of(names[i])))
            return i;
    }
    return KEYS;
}

/* One "KEY =~ /pattern/" off the front of *rest. */
static int take_condition(struct uri_detail *detail, struct str *rest, struct err *err)
{
    struct regex_literal literal;
    size_t n = 0;
    while (n < rest->n && ascii_is_word(rest->s[n]))
        n++;
    int key = find_key(str_sub(*rest, 0, n));
    struct str behind = str_trim(str_from(*rest, n));
    bool negated = str_starts(behind, STR("!~"));
    if (key == KEYS || (!negated && !str_starts(behind, STR("=~"))))
        return err_set(err, "expected raw, type, cleaned, text, domain or host, then =~ or !~");
    behind = str_trim(str_from(behind, 2));
    size_t end = pattern_end(behind);
    if (end == STR_NONE)
        return err_set(err, "'%.*s' is no pattern", STR_ARG(str_sub(behind, 0, 60)));
    if (regex_literal_parse(str_sub(behind, 0, end), &literal, err) < 0)
        return -1;
    struct regex *regex = regex_new(&literal, err);
    if (regex == NULL)
        return -1;
    regex_free(&detail->keys[key].regex);
    detail->keys[key].regex = regex;
    detail->keys[key].negated = negated;
    *rest = str_trim(str_from(behind, end));
    return 0;
}

struct uri_detail *uri_detail_parse(struct pool *pool, struct str text, struct err *err)
{
    struct uri_detail *detail = POOL_NEW(pool, struct uri_detail);
    if (detail == NULL) {
        err_set(err, "out of memory");
        return NULL;
    }
    do {
        if (take_condition(detail, &text, err) < 0) {
            uri_detail_release(detail);
            return NULL;
        }
    } while (text.n);
    return detail;
}

struct test {
    const struct uri_detail *detail;
    struct regex_runner *runner;
    bool limited;
};

/* Does one of the texts meet the condition? Without a condition: yes. */
static bool fits(struct test *test, enum key key, const struct str *texts, size_t n)
{
    const struct regex *regex = test->detail->keys[key].regex;
    struct regex_match match;
    for (size_t i = 0; regex && i < n; i++) {
        enum regex_result result = regex_search(regex, test->runner, texts[i], 0, STR_NONE, &match);
        test->limited |= result == REGEX_LIMIT;
        if (result == (test->detail->keys[key].negated ? REGEX_NO : REGEX_YES))
            return true;
    }
    return regex == NULL;
}

static bool types_fit(struct test *test, unsigned types)
{
    struct str list[URI_TYPES];
    size_t n = 0;
    for (unsigned bit = 0; bit < URI_TYPES; bit++) {
        if (types & (1u << bit))
            list[n++] = str_of(fact_uri_type_name(bit));
    }
    return fits(test, KEY_TYPE, list, n);
}

static bool hosts_fit(struct test *test, const struct fact_uri *uri)
{
    bool host = test->detail->keys[KEY_HOST].regex == NULL;
    bool domain = test->detail->keys[KEY_DOMAIN].regex == NULL;
    for (size_t i = 0; i < uri->n_hosts && !(host && domain); i++) {
        host = host || fits(test, KEY_HOST, &uri->hosts[i].host, 1);
        domain = domain || fits(test, KEY_DOMAIN, &uri->hosts[i].domain, 1);
    }
    return host && domain;
}

static bool uri_fits(struct test *test, const struct fact_uri *uri)
{
    return fits(test, KEY_RAW, &uri->raw, 1) && types_fit(test, uri->types) &&
           fits(test, KEY_CLEANED, uri->cleaned, uri->n_cleaned) &&
           fits(test, KEY_TEXT, uri->anchors, uri->n_anchors) && hosts_fit(test, uri);
}

int uri_detail_run(const struct uri_detail *detail, struct facts *facts,
                   struct regex_runner *runner, struct str *text)
{
    const struct fact_uris *uris = facts_uris(facts);
    struct test test = {.detail = detail, .runner = runner};
    if (uris == NULL)
        return -1;
    for (size_t i = 0; i < uris->n; i++) {
        if (uri_fits(&test, &uris->list[i])) {
            *text = uris->list[i].raw;
            return REGEX_YES;
        }
    }
    return test.limited ? REGEX_LIMIT : REGEX_NO;
}
