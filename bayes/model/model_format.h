/*
 * The bytes of a model file, shared by the one that writes it (model_write.c) and the one that
 * maps it (model.c). Everything is in the byte order of the machine: a model is rebuilt from the
 * ledger, never carried to another kind of machine (its magic number then does not match).
 *
 *   struct model_header, filled up with zeros to MODEL_WEIGHTS_AT
 *   int32_t [header.weights]            of byte 4-grams (regression.h): GRAM_WEIGHTS or none
 *   struct model_slot [header.slots]
 *
 * The table is a sorted hash table: keys in rising order, each in the first free slot at or
 * after model_home(key), so that a search goes forward from there and ends at the first larger
 * key or empty slot. Keys are feature hashes mixed with a salt of the file's own, so that nobody
 * can choose words that crowd one place. The last slot is always empty.
 */
#ifndef POTERNE_BAYES_MODEL_MODEL_FORMAT_H
#define POTERNE_BAYES_MODEL_MODEL_FORMAT_H

#include "bayes/model/fusion.h"

#define MODEL_MAGIC      0x6c65646f6d6e7470u /* "ptnmodel" where bytes go from low to high */
#define MODEL_VERSION    2u
#define MODEL_WEIGHTS_AT 4096u
#define MODEL_TOKENS_MAX (UINT64_C(1) << 28)
#define MODEL_FUSION_MAX 7

struct model_header {
    uint64_t magic;
    uint32_t version;
    uint32_t slot_size;
    uint64_t generation;
    uint64_t built; /* seconds since 1970 */
    uint64_t spam;  /* messages learned */
    uint64_t ham;
    uint64_t tokens;
    uint64_t homes; /* slots that are the home of some key; the rest takes the overflow */
    uint64_t slots;
    uint64_t salt;
    uint64_t weights;
    uint32_t fusion_inputs; /* FUSION_INPUTS of the program that wrote it */
    int32_t fusion[MODEL_FUSION_MAX];
    double caution;      /* model.h */
    uint64_t body_sum;   /* of all that follows the header */
    uint64_t header_sum; /* of the header's bytes before this field */
};

static inline size_t model_table_at(uint64_t weights)
{
    return MODEL_WEIGHTS_AT + (size_t)weights * sizeof(int32_t);
}

/* empty when both counts are 0 */
struct model_slot {
    uint64_t key;
    uint32_t spam;
    uint32_t ham;
};

/* One to one (the finaliser of splitmix64, S. Vigna), so that no two features share a key. */
static inline uint64_t model_key(uint64_t hash, uint64_t salt)
{
    uint64_t k = hash ^ salt;
    k = (k ^ (k >> 30)) * 0xbf58476d1ce4e5b9u;
    k = (k ^ (k >> 27)) * 0x94d049bb133111ebu;
    return k ^ (k >> 31);
}

static inline uint64_t model_home(uint64_t key, uint64_t homes)
{
    return (uint64_t)(((unsigned __int128)key * homes) >> 64);
}

/* Detects damage, not malice. `n` is a multiple of 8; start with sum = 0 and carry on with it. */
uint64_t model_sum(uint64_t sum, const void *bytes, size_t n);

#endif
