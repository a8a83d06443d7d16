#include "rules/match/words.h"

#define HASH_BITS  16
#define HEADS      4096
#define CHUNK      4096
#define NO_ENTRY   UINT32_MAX
#define SHORT_WORD 3

struct number {
    uint32_t number;
    struct number *next;
};

struct entry {
    struct str word;
    struct number *numbers;
    uint32_t next; /* of the same head */
};

/* Words of one key length: three bytes, or the first four of a longer one. */
struct table {
    uint64_t bits[(1 << HASH_BITS) / 64];
    uint32_t heads[HEADS];
};

struct words {
    uint64_t gate[(1 << HASH_BITS) / 64]; /* the first three bytes of every word */
    struct table short_words, long_words;
    struct entry *entries;
    size_t n, cap;
};

static uint32_t hash(uint32_t key)
{
    return (key * 0x9e3779b1u) >> (32 - HASH_BITS);
}

static uint32_t key_of(const char *text, bool is_short)
{
    uint32_t key = 0;
    memcpy(&key, text, sizeof key);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    return is_short ? key >> 8 : key;
#else
    return is_short ? key & 0xffffff : key;
#endif
}

struct words *words_new(struct pool *pool)
{
    struct words *words = POOL_NEW(pool, struct words);
    if (words == NULL)
        return NULL;
    memset(words->short_words.heads, 0xff, sizeof words->short_words.heads);
    memset(words->long_words.heads, 0xff, sizeof words->long_words.heads);
    return words;
}

static void set_bit(uint64_t *bits, uint32_t h)
{
    bits[h / 64] |= 1ull << (h % 64);
}

static bool has_bit(const uint64_t *bits, uint32_t h)
{
    return bits[h / 64] >> (h % 64) & 1;
}

static struct entry *find(struct words *words, const struct table *table, uint32_t h,
                          struct str word)
{
    for (uint32_t i = table->heads[h % HEADS]; i != NO_ENTRY; i = words->entries[i].next) {
        if (str_eq(words->entries[i].word, word))
            return &words->entries[i];
    }
    return NULL;
}

static struct entry *add_entry(struct words *words, struct pool *pool, struct table *table,
                               uint32_t h, struct str word)
{
    struct entry *entries = pool_grow(pool, words->entries, words->n, &words->cap, sizeof *entries);
    struct str copy = pool_str(pool, word);
    if (entries == NULL || copy.s == NULL)
        return NULL;
    words->entries = entries;
    entries[words->n] = (struct entry){copy, NULL, table->heads[h % HEADS]};
    table->heads[h % HEADS] = (uint32_t)words->n;
    set_bit(table->bits, h);
    return &entries[words->n++];
}

bool words_add(struct words *words, struct pool *pool, struct str word, uint32_t number)
{
    char head[sizeof(uint32_t)] = {0};
    bool is_short = word.n == SHORT_WORD;
    memcpy(head, word.s, is_short ? SHORT_WORD : sizeof head);
    uint32_t h = hash(key_of(head, is_short));
    struct table *table = is_short ? &words->short_words : &words->long_words;
    set_bit(words->gate, hash(key_of(head, true)));
    struct entry *entry = find(words, table, h, word);
    if (entry == NULL)
        entry = add_entry(words, pool, table, h, word);
    struct number *more = entry ? POOL_NEW(pool, struct number) : NULL;
    if (more == NULL)
        return false;
    *more = (struct number){number, entry->numbers};
    entry->numbers = more;
    return true;
}

struct search {
    const struct words *words;
    words_found *found;
    void *data;
};

/* The words with that hash that stand at the beginning of text, whose place is `at`. */
static bool check(const struct search *search, const struct table *table, uint32_t h,
                  struct str text, size_t at)
{
    const struct entry *entries = search->words->entries;
    for (uint32_t i = table->heads[h % HEADS]; i != NO_ENTRY; i = entries[i].next) {
        struct str word = entries[i].word;
        if (word.n > text.n || memcmp(word.s, text.s, word.n) != 0)
            continue;
        for (const struct number *n = entries[i].numbers; n; n = n->next) {
            if (!search->found(search->data, n->number, at))
                return false;
        }
    }
    return true;
}

/* What may begin at place i of low, which passed the gate with that hash of three bytes. */
static bool check_place(const struct search *search, struct str low, size_t i, uint32_t h3,
                        size_t at)
{
    const struct table *short_words = &search->words->short_words;
    const struct table *long_words = &search->words->long_words;
    uint32_t h4 = hash(key_of(low.s + i, false));
    if (has_bit(short_words->bits, h3) && !check(search, short_words, h3, str_from(low, i), at + i))
        return false;
    return !has_bit(long_words->bits, h4) ||
           check(search, long_words, h4, str_from(low, i), at + i);
}

/* Words that begin in the first `starts` bytes of low; from each, 4 bytes may be read. */
static bool search_chunk(const struct search *search, struct str low, size_t starts, size_t at)
{
    for (size_t i = 0; i < starts; i++) {
        uint32_t h3 = hash(key_of(low.s + i, true));
        if (has_bit(search->words->gate, h3) && !check_place(search, low, i, h3, at))
            return false;
    }
    return true;
}

void words_search(const struct words *words, struct str text, words_found *found, void *data)
{
    char low[CHUNK + WORDS_BYTES_MAX + sizeof(uint32_t)];
    const struct search search = {words, found, data};
    if (words->n == 0)
        return;
    for (size_t at = 0; at < text.n; at += CHUNK) {
        struct str piece = str_sub(text, at, at + CHUNK + WORDS_BYTES_MAX);
        for (size_t i = 0; i < piece.n; i++)
            low[i] = str_lower_char(piece.s[i]);
        memset(low + piece.n, 0, sizeof(uint32_t));
        if (!search_chunk(&search, str_n(low, piece.n), piece.n < CHUNK ? piece.n : CHUNK, at))
            return;
    }
}
