/* digest_answer: what a manager wrote in answer to a digest. */
#include "mail/utf8.h"
#include "reports/digest.h"
#include "reports/digest_record.h"

#define LINES_MAX 2000 /* of an answer; what stands behind them is not read */
#define WORD_MAX  12

/* "[digest TOKEN]": in the subject and in the first line of the digest */
#define MARK_BEGIN "[digest "
#define MARK_END   ']'

static const struct {
    const char *word;
    enum digest_word meaning;
} verbs[] = {
    {"accept", DIGEST_ACCEPT},   {"accepte", DIGEST_ACCEPT}, {"accepter", DIGEST_ACCEPT},
    {"acceptez", DIGEST_ACCEPT}, {"reject", DIGEST_REJECT},  {"refuse", DIGEST_REJECT},
    {"refuser", DIGEST_REJECT},  {"refusez", DIGEST_REJECT}, {"rejeter", DIGEST_REJECT},
    {"rejette", DIGEST_REJECT},  {"rejetez", DIGEST_REJECT},
};

static const char *const all_words[] = {"all", "tout", "tous", "toutes"};
static const char *const and_words[] = {"and", "et"};

/* --- one line --- */

struct reading {
    struct str rest;
    bool said[DIGEST_LINES_MAX + 1];
    bool all;
    bool any;
};

static bool is_one_of(struct str word, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_ieq(word, str_of(words[i])))
            return true;
    return false;
}

/* Spaces of all widths that mail programs put, and what separates a list. */
static void skip_between(struct reading *r, bool lists)
{
    while (r->rest.n) {
        size_t n = 0;
        char c = r->rest.s[0];
        if (c == ' ' || c == '\t' || (lists && (c == ',' || c == ';' || c == '#')))
            n = 1;
        else if (str_starts(r->rest, STR("\xc2\xa0"))) /* no-break space */
            n = 2;
        if (n == 0)
            return;
        r->rest = str_from(r->rest, n);
    }
}

static struct str take_word(struct reading *r)
{
    size_t n = 0;
    while (n < r->rest.n && n < WORD_MAX) {
        char c = str_lower_char(r->rest.s[n]);
        if (c < 'a' || c > 'z')
            break;
        n++;
    }
    struct str word = str_sub(r->rest, 0, n);
    r->rest = str_from(r->rest, n);
    return word;
}

static bool take_number(struct reading *r, uint64_t *number)
{
    size_t n = 0;
    while (n < r->rest.n && r->rest.s[n] >= '0' && r->rest.s[n] <= '9')
        n++;
    struct str text = str_sub(r->rest, 0, n);
    r->rest = str_from(r->rest, n);
    return str_to_u64(text, DIGEST_LINES_MAX, number) && *number > 0;
}

/* A hyphen, or the dash that a mail program made of it. */
static bool take_dash(struct reading *r)
{
    static const char *const dashes[] = {"-", "\xe2\x80\x90", "\xe2\x80\x91", "\xe2\x80\x93",
                                         "\xe2\x80\x94"};
    for (size_t i = 0; i < sizeof dashes / sizeof dashes[0]; i++) {
        struct str dash = str_of(dashes[i]);
        if (!str_starts(r->rest, dash))
            continue;
        r->rest = str_from(r->rest, dash.n);
        return true;
    }
    return false;
}

static bool take_range(struct reading *r)
{
    uint64_t first, last;
    if (!take_number(r, &first))
        return false;
    last = first;
    skip_between(r, false);
    if (take_dash(r)) {
        skip_between(r, false);
        if (!take_number(r, &last) || last < first)
            return false;
    }
    for (uint64_t i = first; i <= last; i++)
        r->said[i] = true;
    r->any = true;
    return true;
}

/* Numbers, ranges and "all" up to the end of the line; false: something else stands there. */
static bool take_list(struct reading *r)
{
    for (;;) {
        skip_between(r, true);
        if (r->rest.n == 0 || str_eq(r->rest, STR(".")))
            return r->any;
        if (r->rest.s[0] >= '0' && r->rest.s[0] <= '9') {
            if (!take_range(r))
                return false;
            continue;
        }
        struct str word = take_word(r);
        if (is_one_of(word, all_words, sizeof all_words / sizeof all_words[0]))
            r->any = r->all = true;
        else if (!is_one_of(word, and_words, sizeof and_words / sizeof and_words[0]))
            return false;
    }
}

static enum digest_word find_verb(struct str word)
{
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (str_ieq(word, str_of(verbs[i].word)))
            return verbs[i].meaning;
    return DIGEST_NOTHING;
}

static void add_mistake(struct digest_answer *answer, struct str line)
{
    if (answer->n_mistakes == DIGEST_MISTAKES_MAX)
        return;
    char *out = answer->mistakes[answer->n_mistakes++];
    struct str head = utf8_head(line, DIGEST_MISTAKE_SIZE - 1);
    for (size_t i = 0; i < head.n; i++)
        out[i] = (unsigned char)head.s[i] < 0x20 || head.s[i] == 0x7f ? '?' : head.s[i];
    out[head.n] = '\0';
}

/* --- all lines --- */

struct parsing {
    struct digest_answer *answer;
    bool torn[DIGEST_LINES_MAX + 1]; /* accepted and rejected */
    bool all_torn;
};

static void say(enum digest_word *word, bool *torn, enum digest_word meaning)
{
    *torn |= *word != DIGEST_NOTHING && *word != meaning;
    *word = meaning;
}

static void parse_line(struct parsing *p, struct str line)
{
    struct reading r = {.rest = line};
    skip_between(&r, false);
    line = r.rest;
    enum digest_word meaning = find_verb(take_word(&r));
    if (meaning == DIGEST_NOTHING)
        return;
    if (r.rest.n && r.rest.s[0] == ':')
        r.rest = str_from(r.rest, 1);
    /* "accepted 3" and "accept-3" are no such words */
    bool apart = r.rest.n == 0 || r.rest.s[0] == ' ' || r.rest.s[0] == '\t' ||
                 str_starts(r.rest, STR("\xc2\xa0"));
    if (!apart || !take_list(&r)) {
        add_mistake(p->answer, line);
        return;
    }
    for (size_t i = 1; i <= DIGEST_LINES_MAX; i++)
        if (r.said[i])
            say(&p->answer->words[i], &p->torn[i], meaning);
    if (r.all)
        say(&p->answer->others, &p->all_torn, meaning);
}

static void drop_torn(struct parsing *p)
{
    struct digest_answer *answer = p->answer;
    char text[DIGEST_MISTAKE_SIZE];
    struct buf out = BUF_OVER(text);
    for (size_t i = 1; i <= DIGEST_LINES_MAX; i++) {
        if (!p->torn[i])
            continue;
        buf_clear(&out);
        buf_addf(&out, "%zu is both accepted and rejected", i);
        add_mistake(answer, buf_str(&out));
        answer->words[i] = DIGEST_NOTHING;
    }
    if (p->all_torn) {
        add_mistake(answer, STR("all are both accepted and rejected"));
        answer->others = DIGEST_NOTHING;
    }
    answer->any = answer->others != DIGEST_NOTHING;
    for (size_t i = 1; i <= DIGEST_LINES_MAX; i++) {
        /* whatever "all" says: about this one two things were said */
        if (p->torn[i] && answer->others != DIGEST_NOTHING)
            answer->words[i] = DIGEST_LEFT;
        answer->any |= answer->words[i] == DIGEST_ACCEPT || answer->words[i] == DIGEST_REJECT;
    }
}

/* The token of a "[digest TOKEN]" in the text; false: there is none. */
static bool find_mark(struct str text, char token[DIGEST_TOKEN_LEN + 1])
{
    for (;;) {
        size_t at = str_ifind(text, STR(MARK_BEGIN));
        if (at == STR_NONE)
            return false;
        text = str_from(text, at + sizeof MARK_BEGIN - 1);
        if (text.n > DIGEST_TOKEN_LEN && text.s[DIGEST_TOKEN_LEN] == MARK_END &&
            digest_token_read(str_sub(text, 0, DIGEST_TOKEN_LEN), token))
            return true;
    }
}

void digest_answer_parse(struct str subject, struct str text, struct digest_answer *answer)
{
    struct parsing p = {.answer = answer};
    char token[DIGEST_TOKEN_LEN + 1];
    struct str line;
    *answer = (struct digest_answer){.token = ""};
    find_mark(subject, answer->token);
    for (unsigned i = 0; i < LINES_MAX && str_next_line(&text, &line); i++) {
        if (find_mark(line, token)) {
            if (answer->token[0] == '\0')
                memcpy(answer->token, token, sizeof token);
            break;
        }
        parse_line(&p, line);
    }
    drop_torn(&p);
}

/* --- doing it --- */

struct applying {
    struct proposals *store;
    const struct digest_answer *answer;
    const struct digest_record *record;
    struct str manager;
    int64_t now_us;
    size_t at_once; /* what may still be done at once; the rest is ordered */
    struct buf *reply;
    struct err *err;
};

static const char *plural(uint64_t n)
{
    return n == 1 ? "" : "s";
}

static int apply_one(struct applying *a, size_t number, enum digest_word word)
{
    uint64_t lead = a->record->leads[number - 1];
    const struct proposal_range range = {lead, lead};
    const struct proposal_choice choice = {.ranges = &range,
                                           .n_ranges = 1,
                                           .waiting = true,
                                           .groups = true,
                                           .up_to = a->record->up_to};
    const struct proposal_decision decision = {word == DIGEST_ACCEPT, a->manager,
                                               STR("answer to the digest"), a->now_us};
    struct proposal_ordered ordered;
    if (proposals_order(a->store, &choice, &decision, a->at_once, &ordered, a->err) < 0)
        return -1;
    /* of an order: all of them wait, and nothing but another manager's word changes that */
    uint64_t n = ordered.order ? ordered.n : ordered.decided.changed;
    a->at_once -= ordered.order ? 0 : ordered.n;
    if (n)
        buf_addf(a->reply, "%4zu  %s: %llu message%s\n", number,
                 word == DIGEST_ACCEPT ? "accepted" : "rejected", (unsigned long long)n, plural(n));
    else
        buf_addf(a->reply, "%4zu  was decided already, or has expired\n", number);
    return 0;
}

static int apply_all(struct applying *a)
{
    const struct digest_answer *answer = a->answer;
    for (size_t i = 1; i <= DIGEST_LINES_MAX; i++) {
        enum digest_word word = answer->words[i];
        if (word == DIGEST_NOTHING && i <= a->record->n)
            word = answer->others;
        if (word != DIGEST_ACCEPT && word != DIGEST_REJECT)
            continue;
        if (i > a->record->n)
            buf_addf(a->reply, "%4zu  does not exist: that digest has %zu line%s\n", i,
                     a->record->n, plural(a->record->n));
        else if (apply_one(a, i, word) < 0)
            return -1;
    }
    return 0;
}

static void add_mistakes(struct buf *reply, const struct digest_answer *answer)
{
    if (answer->n_mistakes)
        buf_add(reply, STR("\nNothing was done about:\n"));
    for (size_t i = 0; i < answer->n_mistakes; i++)
        buf_addf(reply, "  > %s\n", answer->mistakes[i]);
}

static int refuse(struct buf *reply, const struct digest_answer *answer, const char *why)
{
    buf_addf(reply, "Nothing was decided: %s.\n", why);
    add_mistakes(reply, answer);
    buf_add(reply,
            STR("\nAnswer a digest with lines such as \"accept 3 5-9\", \"reject 4\" or \"accept "
                "all\"\n(or: accepter, refuser, tout), above what it quotes.\n"));
    return 0;
}

int digest_answer_apply(struct proposals *store, const struct digest_answer *answer,
                        struct str manager, int64_t now_us, struct buf *reply, struct err *err)
{
    struct digest_record record;
    struct applying a = {store, answer, &record, manager, now_us, PROPOSALS_AT_ONCE, reply, err};
    const int64_t lifetime_us = (int64_t)DIGEST_ANSWER_DAYS * 86400 * 1000000;
    if (answer->token[0] == '\0')
        return refuse(reply, answer, "your mail does not tell which digest it answers");
    int got = digest_record_read(store, answer->token, &record, err);
    if (got < 0)
        return -1;
    if (got == 0 || now_us > record.made_us + lifetime_us)
        return refuse(reply, answer,
                      "that digest is not known, or too old; the next one lists what still waits");
    if (!answer->any)
        return refuse(reply, answer, "there is no decision in your mail");
    if (apply_all(&a) < 0)
        return -1;
    add_mistakes(reply, answer);
    return 1;
}
