/*
 * SpamAssassin's `sa-learn --backup`, fields parted by TABs:
 *
 *   v  3  db_version …     v  N  num_spam     v  N  num_nonspam
 *   t  SPAM  HAM  ATIME  TOKEN       the last 5 bytes of the token's SHA-1, hexadecimal
 *   s  …                             messages seen: not of use here
 *
 * Which token that was: the words of mail on this machine are made into the tokens that
 * SpamAssassin's tokenizer (Plugin/Bayes.pm, version 4.0) makes of them.
 */
#include <openssl/evp.h>
#include <stdlib.h>

#include "bayes/transfer/import_table.h"
#include "mail/utf8.h"

#define FIELDS     5
#define TOKEN_HEX  10 /* digits of a token */
#define THEIR_MIN  3  /* bytes of a token that is kept */
#define THEIR_MAX  15 /* bytes beyond which only the head is */
#define THEIR_HEAD 7  /* characters of it */
#define TEXT_MAX   128

/* One of our tokens, and which of theirs it would be. */
struct word {
    uint64_t theirs;
    uint64_t ours;
};

struct import_words {
    struct word *list;
    size_t n;
    size_t cap;
    size_t sorted; /* of the list, from its beginning */
};

struct import_words *import_words_new(void)
{
    return calloc(1, sizeof(struct import_words));
}

void import_words_free(struct import_words **words)
{
    if (*words)
        free((*words)->list);
    free(*words);
    *words = NULL;
}

static int word_order(const void *a, const void *b)
{
    const struct word *x = a, *y = b;
    if (x->theirs != y->theirs)
        return x->theirs < y->theirs ? -1 : 1;
    return x->ours < y->ours ? -1 : x->ours > y->ours;
}

/* Sorts, each once. */
static void words_sort(struct import_words *words)
{
    size_t kept = 0;
    if (words->sorted == words->n)
        return;
    qsort(words->list, words->n, sizeof words->list[0], word_order);
    for (size_t i = 0; i < words->n; i++)
        if (i == 0 || word_order(&words->list[i], &words->list[i - 1]) != 0)
            words->list[kept++] = words->list[i];
    words->n = words->sorted = kept;
}

/* Before the list grows, what came twice goes. */
static int words_room(struct import_words *words, struct err *err)
{
    if (words->n < words->cap)
        return 0;
    words_sort(words);
    if (words->n < words->cap / 2 || words->cap >= IMPORT_TOKENS_MAX)
        return 0;
    size_t cap = words->cap ? words->cap * 2 : 65536;
    struct word *list = realloc(words->list, cap * sizeof list[0]);
    if (list == NULL)
        return err_set(err, "out of memory for %zu words", cap);
    words->list = list;
    words->cap = cap;
    return 0;
}

/* --- what they would make of one of our tokens --- */

struct place_of_ours {
    const char *ours; /* with its colon */
    const char *theirs;
};

static const struct place_of_ours places[] = {
    {"subject:", "HSubject:"}, {"from:", "H*F:"},         {"to:", "HTo:"},
    {"cc:", "HCc:"},           {"reply-to:", "H*R:"},     {"return-path:", "H*p:"},
    {"received:", "H*r:"},     {"x-mailer:", "H*x:"},     {"user-agent:", "H*u:"},
    {"list-id:", "HList-Id:"}, {"organization:", "H*o:"}, {"u:", "UD:"},
};

static const struct place_of_ours *place_find(struct str text)
{
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        if (str_starts(text, str_of(places[i].ours)))
            return &places[i];
    return NULL;
}

/* A word too long is known by its head. */
static void word_put(struct buf *out, struct str word)
{
    size_t at = 0;
    for (unsigned i = 0; i < THEIR_HEAD && at < word.n; i++)
        utf8_next(word, &at);
    if (word.n > THEIR_MAX && word.n >= at + 2) {
        buf_add(out, STR("sk:"));
        word = str_sub(word, 0, at);
    }
    buf_add(out, word);
}

/* 40 bits of the text's SHA-1, the highest first; false when there is none to be had. */
static bool their_hash(struct str text, uint64_t *hash)
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    if (EVP_Digest(text.s, text.n, sum, &n, EVP_sha1(), NULL) != 1 || n < 5)
        return false;
    *hash = 0;
    for (unsigned i = n - 5; i < n; i++)
        *hash = *hash << 8 | sum[i];
    return true;
}

static int pair_add(struct import_words *words, const struct buf *text, uint64_t ours,
                    struct err *err)
{
    struct word word = {.ours = ours};
    if (!buf_ok(text) || words_room(words, err) < 0)
        return buf_ok(text) ? -1 : 0;
    if (!their_hash(buf_str(text), &word.theirs))
        return err_set(err, "SHA-1 is not to be had: OpenSSL refuses it");
    if (words->n < words->cap)
        words->list[words->n++] = word;
    return 0;
}

static int feature_add(struct import_words *words, const struct feature *feature, struct err *err)
{
    char array[TEXT_MAX];
    struct buf text = BUF_OVER(array);
    const struct place_of_ours *place = place_find(feature->text);
    struct str word = feature->text;
    if (place)
        word = str_from(word, strlen(place->ours));
    else if (str_chr(word, ':') != STR_NONE)
        return 0; /* a place that they don't have */
    if (word.n < THEIR_MIN || str_chr(word, ' ') != STR_NONE)
        return 0;
    if (place)
        buf_add(&text, str_of(place->theirs));
    word_put(&text, word);
    if (pair_add(words, &text, feature->hash, err) < 0)
        return -1;
    if (place == NULL || str_chr(word, '.') == STR_NONE ||
        str_eq(str_of(place->theirs), STR("UD:")))
        return 0;
    /* domains in a field with addresses */
    buf_clear(&text);
    buf_addf(&text, "%sD*%.*s", place->theirs, STR_ARG(word));
    return pair_add(words, &text, feature->hash, err);
}

int import_words_add(struct import_words *words, const struct features *features, struct err *err)
{
    for (size_t i = 0; i < features->n; i++)
        if (feature_add(words, &features->list[i], err) < 0)
            return -1;
    return 0;
}

/* --- the backup --- */

static size_t fields_of(struct str line, struct str fields[FIELDS])
{
    size_t n = 0;
    while (n < FIELDS && str_next(&line, '\t', &fields[n]))
        n++;
    return n;
}

static bool token_of(struct str hex, uint64_t *token)
{
    *token = 0;
    for (size_t i = 0; i < hex.n; i++) {
        char c = str_lower_char(hex.s[i]);
        if ((c < '0' || c > '9') && (c < 'a' || c > 'f'))
            return false;
        *token = *token << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    return hex.n == TOKEN_HEX;
}

/* The first word of ours that would be this token, or the end. */
static size_t words_find(const struct import_words *words, uint64_t token)
{
    size_t from = 0, to = words->n;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (words->list[middle].theirs < token)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static int token_take(struct import *import, const struct str *fields, struct err *err)
{
    uint64_t spam, ham, atime, token;
    const struct import_words *words = import->words;
    if (!str_to_u64(fields[1], UINT32_MAX, &spam) || !str_to_u64(fields[2], UINT32_MAX, &ham) ||
        !str_to_u64(fields[3], UINT64_MAX, &atime) || !token_of(fields[4], &token))
        return lines_err(&import->lines, "malformed token", err);
    struct model_counts counts = {(uint32_t)spam, (uint32_t)ham};
    uint64_t day = atime / 86400;
    size_t at = words_find(words, token), from = at;
    for (; at < words->n && words->list[at].theirs == token; at++)
        if (import_table_add(&import->table, words->list[at].ours, counts,
                             day > 1000000 ? 0 : (uint32_t)day, err) < 0)
            return -1;
    if (at > from)
        import->summary.tokens++;
    else
        import->summary.dropped++;
    return 0;
}

static int value_take(struct import *import, const struct str *fields, struct err *err)
{
    uint64_t value;
    if (!str_to_u64(fields[1], UINT32_MAX, &value))
        return lines_err(&import->lines, "malformed number", err);
    if (str_starts(fields[2], STR("db_version")) && value != 3)
        return lines_err(&import->lines, "only backups of version 3 can be read", err);
    if (str_eq(fields[2], STR("num_spam")))
        import->summary.spam = value;
    if (str_eq(fields[2], STR("num_nonspam")))
        import->summary.ham = value;
    return 0;
}

int import_spamassassin(struct import *import, struct str first, struct err *err)
{
    struct str line = first, fields[FIELDS];
    int got = 1;
    if (import->words == NULL || import->words->n == 0)
        return err_set(err,
                       "%s: SpamAssassin keeps no words, only sums of them: name mail of yours in "
                       "which to look for the words",
                       import->lines.path);
    words_sort(import->words);
    for (; got > 0; got = lines_next(&import->lines, &line, err)) {
        size_t n = fields_of(line, fields);
        int result = 0;
        if (n == 3 && str_eq(fields[0], STR("v")))
            result = value_take(import, fields, err);
        else if (n == 5 && str_eq(fields[0], STR("t")))
            result = token_take(import, fields, err);
        else if (n < 3 || !str_eq(fields[0], STR("s")))
            result = lines_err(&import->lines, "malformed", err);
        if (result < 0)
            return -1;
    }
    return got;
}
