#include "rules/match/words.h"

#define CHUNK    4096
#define NO_ENTRY UINT32_MAX
#define READ_MAX 8 /* bytes that are read at once */
/* Bits of a hash, by the number of words: most bits of a table are to be 0. */
#define HASH_BITS_MIN 8
#define HASH_BITS_MAX 16
#define BITS_PER_WORD 12

struct number {
    uint32_t number;
    struct number *next;
};

/* The first bytes of a word, compared at once; behind a shorter one both are 0. */
struct start {
    uint64_t bytes, mask;
};

struct entry {
    struct start start;
    uint32_t next; /* of the same head */
    struct str word;
    struct number *numbers;
};

/* How many bytes of a word are hashed: as many as it has, of these. */
enum key { KEY_3, KEY_4, KEY_8, KEYS };

struct table {
    uint64_t *bits;
    uint32_t *heads; /* [hashes] */
};

struct words {
    unsigned hash_bits;
    uint64_t *gate; /* the first three bytes of every word */
    struct table tables[KEYS];
    struct entry *entries;
    size_t n, cap;
};

/* The first n bytes of eight that were read from a text. */
static uint64_t first_bytes(uint64_t bytes, unsigned n)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    return n == 8 ? bytes : bytes >> (64 - 8 * n);
#else
    return n == 8 ? bytes : bytes & ((1ull << (8 * n)) - 1);
#endif
}

static uint32_t hash(const struct words *words, uint64_t bytes, enum key key)
{
    static const unsigned lengths[KEYS] = {3, 4, 8};
    uint64_t part = first_bytes(bytes, lengths[key]);
    return (uint32_t)(part * 0x9e3779b97f4a7c15u >> (64 - words->hash_bits));
}

static bool make_table(struct pool *pool, unsigned hash_bits, struct table *table)
{
    const size_t hashes = (size_t)1 << hash_bits;
    table->bits = POOL_ARRAY(pool, hashes / 64, uint64_t);
    table->heads = POOL_ARRAY(pool, hashes, uint32_t);
    if (table->heads)
        memset(table->heads, 0xff, hashes * sizeof *table->heads);
    return table->bits && table->heads;
}

struct words *words_new(struct pool *pool, size_t n)
{
    struct words *words = POOL_NEW(pool, struct words);
    if (words == NULL)
        return NULL;
    words->hash_bits = HASH_BITS_MIN;
    while (words->hash_bits < HASH_BITS_MAX && n * BITS_PER_WORD > (size_t)1 << words->hash_bits)
        words->hash_bits++;
    words->gate = POOL_ARRAY(pool, ((size_t)1 << words->hash_bits) / 64, uint64_t);
    bool ok = words->gate != NULL;
    for (enum key key = 0; ok && key < KEYS; key++)
        ok = make_table(pool, words->hash_bits, &words->tables[key]);
    return ok ? words : NULL;
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
    for (uint32_t i = table->heads[h]; i != NO_ENTRY; i = words->entries[i].next) {
        if (str_eq(words->entries[i].word, word))
            return &words->entries[i];
    }
    return NULL;
}

static uint64_t eight_bytes(const char *text)
{
    uint64_t bytes;
    memcpy(&bytes, text, sizeof bytes);
    return bytes;
}

static struct start start_of(struct str word)
{
    struct start start = {0, 0};
    size_t n = word.n < sizeof start.bytes ? word.n : sizeof start.bytes;
    memcpy(&start.bytes, word.s, n);
    memset(&start.mask, 0xff, n);
    return start;
}

static struct entry *add_entry(struct words *words, struct pool *pool, struct table *table,
                               uint32_t h, struct str word)
{
    struct entry *entries = pool_grow(pool, words->entries, words->n, &words->cap, sizeof *entries);
    struct str copy = pool_str(pool, word);
    if (entries == NULL || copy.s == NULL)
        return NULL;
    words->entries = entries;
    entries[words->n] = (struct entry){start_of(copy), table->heads[h], copy, NULL};
    table->heads[h] = (uint32_t)words->n;
    set_bit(table->bits, h);
    return &entries[words->n++];
}

bool words_add(struct words *words, struct pool *pool, struct str word, uint32_t number)
{
    uint64_t bytes = start_of(word).bytes;
    enum key key = word.n >= 8 ? KEY_8 : word.n >= 4 ? KEY_4 : KEY_3;
    uint32_t h = hash(words, bytes, key);
    struct table *table = &words->tables[key];
    set_bit(words->gate, hash(words, bytes, KEY_3));
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

/* `bytes` are the text's first ones, and what stands behind it. */
static bool stands_at(const struct entry *entry, uint64_t bytes, struct str text)
{
    const size_t known = sizeof bytes;
    if ((bytes & entry->start.mask) != entry->start.bytes || entry->word.n > text.n)
        return false;
    return entry->word.n <= known ||
           memcmp(entry->word.s + known, text.s + known, entry->word.n - known) == 0;
}

/* The words with that hash that stand at the beginning of text, whose place is `at`. */
static bool check(const struct search *search, const struct table *table, uint32_t h,
                  uint64_t bytes, struct str text, size_t at)
{
    const struct entry *entries = search->words->entries;
    for (uint32_t i = table->heads[h]; i != NO_ENTRY; i = entries[i].next) {
        if (!stands_at(&entries[i], bytes, text))
            continue;
        for (const struct number *n = entries[i].numbers; n; n = n->next) {
            if (!search->found(search->data, n->number, at))
                return false;
        }
    }
    return true;
}

/* What may begin at place i of low, which passed the gate. */
static bool check_place(const struct search *search, struct str low, size_t i, uint64_t bytes,
                        size_t at)
{
    for (enum key key = 0; key < KEYS; key++) {
        const struct table *table = &search->words->tables[key];
        uint32_t h = hash(search->words, bytes, key);
        if (has_bit(table->bits, h) && !check(search, table, h, bytes, str_from(low, i), at + i))
            return false;
    }
    return true;
}

/* Words that begin in the first `starts` bytes of low; from each, READ_MAX bytes may be read. */
static bool search_chunk(const struct search *search, struct str low, size_t starts, size_t at)
{
    for (size_t i = 0; i < starts; i++) {
        uint64_t bytes = eight_bytes(low.s + i);
        if (has_bit(search->words->gate, hash(search->words, bytes, KEY_3)) &&
            !check_place(search, low, i, bytes, at))
            return false;
    }
    return true;
}

void words_search(const struct words *words, struct str text, words_found *found, void *data)
{
    char low[CHUNK + WORDS_BYTES_MAX + READ_MAX];
    const struct search search = {words, found, data};
    if (words->n == 0)
        return;
    for (size_t at = 0; at < text.n; at += CHUNK) {
        struct str piece = str_sub(text, at, at + CHUNK + WORDS_BYTES_MAX);
        for (size_t i = 0; i < piece.n; i++)
            low[i] = str_lower_char(piece.s[i]);
        memset(low + piece.n, 0, READ_MAX);
        if (!search_chunk(&search, str_n(low, piece.n), piece.n < CHUNK ? piece.n : CHUNK, at))
            return;
    }
}
