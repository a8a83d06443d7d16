#include "base/ascii.h"
#include "mail/utf8.h"
#include "rules/eval/header.h"
#include "rules/facts/locales.h"

double eval_never(struct eval_context *c)
{
    return 0;
}

static bool is_control(unsigned char c)
{
    return c < 0x20 && c != '\t' && c != '\n' && c != '\r';
}

/* Characters that a header may only hold encoded: so many, and so many of all. */
double eval_illegal_chars(struct eval_context *c)
{
    struct str name = c->a[0].text;
    bool raw = str_ends(name, STR(":raw"));
    struct str request = pool_strf(c->pool, "%.*s%s", STR_ARG(name), raw ? "" : ":raw");
    if (request.s == NULL)
        return EVAL_NO_MEMORY;
    struct str text = look_get(c, request.s);
    size_t illegal = 0, controls = 0, exempt = 0, wide = 0;
    for (size_t i = 0; i < text.n; i++) {
        unsigned char byte = (unsigned char)text.s[i];
        controls += is_control(byte);
        wide += byte >= 0x80;
        illegal += is_control(byte) || byte >= 0x7f;
        exempt += byte == 0xa2 || byte == 0xa3 || byte == 0xae; /* cent, pound, registered */
    }
    if (str_trim(text).n == 0 || (wide && controls == 0 && utf8_valid_end(text) == text.n))
        return 0;
    if (illegal && exempt == 1 && str_ieq(request, STR("subject:raw")))
        illegal--;
    return (double)illegal / (double)text.n >= c->a[1].number && (double)illegal >= c->a[2].number;
}

/* Charsets whose encoded form is mostly capitals. */
static bool looks_like_capitals(struct eval_context *c, struct str raw)
{
    static const char *const names[] = {"koi",   "jp",           "jis",        "euc",
                                        "gb",    "big5",         "isoir",      "cp1251",
                                        "pt154", "windows-1251", "georgianps", "tis"};
    struct shape_found found;
    struct str rest = raw;
    while (look_for_any_case(c, "=?%[-_a-z0-9]+=a?", rest, &found)) {
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            if (str_ifind(shape_field(&found, 'a'), str_of(names[i])) != STR_NONE)
                return true;
        }
        rest = str_from(rest, (size_t)(found.all.s - rest.s) + 2);
    }
    return false;
}

/* "Re: Fwd: subject" without what mail programs put in front. */
static struct str without_prefixes(struct str subject)
{
    static const char *const prefixes[] = {"re", "fwd", "fw", "aw", "antwort",
                                           "wg", "sv",  "vb", "vs", "vl"};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        struct str prefix = str_of(prefixes[i]);
        if (!str_istarts(subject, prefix) || subject.n == prefix.n || subject.s[prefix.n] != ':')
            continue;
        subject = str_from(subject, prefix.n + 1);
        while (subject.n && (subject.s[0] == ' ' || subject.s[0] == '\t'))
            subject = str_from(subject, 1);
        i = STR_NONE; /* again from the first */
    }
    return subject;
}

double eval_subject_all_caps(struct eval_context *c)
{
    struct str subject = without_prefixes(str_trim(look_get(c, "Subject")));
    size_t small = 0, capital = 0, blanks = 0;
    for (size_t i = 0; i < subject.n; i++) {
        small += subject.s[i] >= 'a' && subject.s[i] <= 'z';
        capital += subject.s[i] >= 'A' && subject.s[i] <= 'Z';
        blanks += subject.s[i] == ' ' || subject.s[i] == '\t';
    }
    if (blanks == 0 || subject.n < 10 || looks_like_capitals(c, look_get(c, "Subject:raw")))
        return 0;
    return capital && small == 0;
}

/* Is there an edge of a word at that place? */
static bool is_edge(struct str text, size_t at)
{
    return (at > 0 && ascii_is_word(text.s[at - 1])) != (at < text.n && ascii_is_word(text.s[at]));
}

static bool has_word(struct str text, struct str word)
{
    for (size_t at = 0, next; (next = str_ifind(str_from(text, at), word)) != STR_NONE;
         at += next + 1) {
        if (is_edge(text, at + next) && is_edge(text, at + next + word.n))
            return true;
    }
    return false;
}

/* A subject that calls the reader by the first half of his address: "user, …", "Re: user". */
static bool calls_user(struct str subject, struct str user)
{
    struct str rest = subject;
    if (str_ieq(rest, user))
        return true;
    if (str_istarts(rest, STR("re:")) || str_istarts(rest, STR("fw:"))) {
        struct str behind = str_trim(str_from(rest, 3));
        size_t word = 0;
        while (word < behind.n && ascii_is_word(behind.s[word]))
            word++;
        return str_ieq(behind, user) ||
               (word && word < behind.n && str_ieq(str_trim(str_from(behind, word)), user));
    }
    if (str_starts(rest, user)) {
        struct str behind = str_trim(str_from(rest, user.n));
        if (behind.n && strchr(",:;!?-", behind.s[0]) &&
            (behind.n == 1 || behind.s[1] == ' ' || behind.s[1] == '\t'))
            return true;
    }
    if (!str_starts(rest, STR(",")))
        return false;
    rest = str_trim(str_from(rest, 1));
    return rest.n == user.n + 1 && str_istarts(rest, user) &&
           strchr(",:;!?-", rest.s[user.n]) != NULL;
}

double eval_to_in_subject(struct eval_context *c)
{
    struct str to = look_get(c, "To:addr"), subject = look_get(c, "Subject");
    if (to.n == 0)
        return 0;
    if (str_ends(subject, STR("\n")))
        subject.n--;
    if (str_eq(c->a[0].text, STR("address")))
        return has_word(subject, to);
    return str_eq(c->a[0].text, STR("user")) &&
           calls_user(subject, str_sub(to, 0, str_chr(to, '@')));
}

double eval_missing_to(struct eval_context *c)
{
    return look_get(c, "To").n == 0 && look_get(c, "Apparently-To").n == 0;
}

double eval_message_id_not_usable(struct eval_context *c)
{
    struct str received = look_get(c, "Received");
    return look_for_any_case(c, "<mailto:%(leave-%_%|%_-unsubscribe%)@%_>\n%$",
                             look_get(c, "List-Unsubscribe"), NULL) ||
           eval_gated_through_remover(c) > 0 || str_find(received, STR("/CWT/DCE)")) != STR_NONE ||
           str_find(received, STR("iPlanet Messaging Server")) != STR_NONE;
}

double eval_header_count_range(struct eval_context *c)
{
    const struct fact_values *values = facts_get_all(c->facts, c->a[0].text.s);
    size_t n = 0;
    for (size_t i = 0; i < values->n; i++) {
        bool again = false;
        for (size_t k = 0; k < i && !again; k++)
            again = str_eq(values->list[k], values->list[i]);
        n += !again;
        if ((double)n > c->a[2].number)
            return 0;
    }
    return (double)n >= c->a[1].number;
}

double eval_unresolved_template(struct eval_context *c)
{
    static const char *const fields[] = {"X-VMS-To:",
                                         "X-UIDL:",
                                         "X-Face:",
                                         "To:",
                                         "Cc:",
                                         "From:",
                                         "Subject:",
                                         "References:",
                                         "In-Reply-To:",
                                         "Message-Id:",
                                         "X-Message-Id:",
                                         "Resent-Message-Id:",
                                         "X-Original-Message-Id:"};
    struct str rest = look_get(c, "ALL"), line;
    while (str_next(&rest, '\n', &line)) {
        bool exempt = false;
        if (str_chr(line, '%') == STR_NONE || !look_for(c, "%%%[A-Z]%[A-Z_-]", line, NULL))
            continue;
        for (size_t i = 0; i < sizeof fields / sizeof *fields && !exempt; i++)
            exempt = str_istarts(line, str_of(fields[i]));
        if (!exempt)
            return 1;
    }
    return 0;
}

/* Encoded words in a charset that ok_locales does not name. */
double eval_faraway_charset_in_headers(struct eval_context *c)
{
    static const char *const requests[] = {"From:raw", "Subject:raw"};
    struct str locales = settings_text(c->settings, SETTINGS_OK_LOCALES);
    if (locales_allow_all(locales))
        return 0;
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        struct str rest = look_get(c, requests[i]);
        struct shape_found found;
        while (look_for(c, "=?%~=a?%.{1}?%~?=", rest, &found)) {
            if (!locales_allow_charset(locales, shape_field(&found, 'a')))
                return 1;
            rest = str_from(rest, (size_t)(found.all.s - rest.s) + found.all.n);
        }
    }
    return 0;
}
