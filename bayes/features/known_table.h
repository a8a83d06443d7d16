/* known_table: the file of known.h; for this folder only. */
#ifndef POTERNE_BAYES_FEATURES_KNOWN_TABLE_H
#define POTERNE_BAYES_FEATURES_KNOWN_TABLE_H

#include "base/siphash.h"
#include "bayes/features/known.h"

#define KNOWN_SLOTS     8 /* of a bucket */
#define KNOWN_TABLE_AT  4096
#define KNOWN_FILE_SIZE (KNOWN_TABLE_AT + KNOWN_BUCKETS * KNOWN_SLOTS * sizeof(struct known_slot))

/* As it stands in the file, which never leaves its machine. */
struct known_header {
    char magic[8];
    unsigned char salt[SIPHASH_KEY_SIZE];
};

struct known_slot {
    uint64_t key; /* 0: free */
    uint32_t day; /* since 1970, when it was noted last */
    uint32_t times;
};

struct known {
    void *map;
    const struct known_header *header;
    struct known_slot *slots; /* [KNOWN_BUCKETS][KNOWN_SLOTS] */
};

/* Kinds of keys, so that none is taken for another. */
enum known_kind { KNOWN_ADDRESS = 'a', KNOWN_PAIR = 'p', KNOWN_ID = 'i' };

/* Never 0. The texts count in lower case; they are cut at KNOWN_TEXT_MAX. */
#define KNOWN_TEXT_MAX 512
uint64_t known_key(const struct known *known, enum known_kind kind, struct str own,
                   struct str other);
bool known_has(const struct known *known, uint64_t key);

#endif
