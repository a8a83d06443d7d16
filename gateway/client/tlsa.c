#include "gateway/client/tlsa.h"

#include <stdio.h>
#include <stdlib.h>

#define FIELDS      3 /* bytes: usage, selector, matching type */
#define SHA256_SIZE 32
#define SHA512_SIZE 64
#define SHOWN       SHA512_SIZE /* bytes of the data: all of a digest */

static bool data_fits(enum tlsa_matching matching, size_t n)
{
    switch (matching) {
    case TLSA_WHOLE:
        return n > 0 && n <= TLSA_DATA_MAX;
    case TLSA_SHA256:
        return n == SHA256_SIZE;
    case TLSA_SHA512:
        return n == SHA512_SIZE;
    }
    return false;
}

bool tlsa_record_read(struct str wire, struct tlsa_record *record)
{
    if (wire.n <= FIELDS)
        return false;
    unsigned usage = (unsigned char)wire.s[0];
    unsigned selector = (unsigned char)wire.s[1];
    unsigned matching = (unsigned char)wire.s[2];
    if ((usage != TLSA_DANE_TA && usage != TLSA_DANE_EE) || selector > TLSA_PUBLIC_KEY ||
        matching > TLSA_SHA512)
        return false;
    *record = (struct tlsa_record){.usage = (enum tlsa_usage)usage,
                                   .selector = (enum tlsa_selector)selector,
                                   .matching = (enum tlsa_matching)matching,
                                   .data = str_from(wire, FIELDS)};
    return data_fits(record->matching, record->data.n);
}

/* How many bytes the data of all usable ones has, up to the most that are taken. */
static size_t bytes_of(const struct dns_record *records, size_t n)
{
    struct tlsa_record record;
    size_t bytes = 0, usable = 0;
    for (size_t i = 0; i < n && usable < TLSA_RECORDS_MAX; i++) {
        if (!tlsa_record_read(records[i].data, &record))
            continue;
        bytes += record.data.n;
        usable++;
    }
    return bytes;
}

void tlsa_text(const struct tlsa_record *record, char out[TLSA_TEXT_SIZE])
{
    int at = snprintf(out, TLSA_TEXT_SIZE, "%d %d %d ", (int)record->usage, (int)record->selector,
                      (int)record->matching);
    for (size_t i = 0; i < record->data.n && i < SHOWN; i++)
        at += snprintf(out + at, TLSA_TEXT_SIZE - (size_t)at, "%02x",
                       (unsigned)(unsigned char)record->data.s[i]);
    if (record->data.n > SHOWN)
        snprintf(out + at, TLSA_TEXT_SIZE - (size_t)at, "...");
}

/* Whatever its numbers mean. */
static void put_unusable(struct str wire, char out[TLSA_TEXT_SIZE])
{
    if (wire.n <= FIELDS) {
        snprintf(out, TLSA_TEXT_SIZE, "malformed: %zu bytes", wire.n);
        return;
    }
    const struct tlsa_record record = {.usage = (enum tlsa_usage)(unsigned char)wire.s[0],
                                       .selector = (enum tlsa_selector)(unsigned char)wire.s[1],
                                       .matching = (enum tlsa_matching)(unsigned char)wire.s[2],
                                       .data = str_from(wire, FIELDS)};
    tlsa_text(&record, out);
}

struct tlsa *tlsa_read(const struct dns_record *records, size_t n)
{
    size_t used = 0;
    struct tlsa *tlsa = calloc(1, sizeof *tlsa + bytes_of(records, n));
    if (tlsa == NULL)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        struct tlsa_record record;
        if (tlsa->n == TLSA_RECORDS_MAX || !tlsa_record_read(records[i].data, &record)) {
            if (tlsa->passed_over++ == 0)
                put_unusable(records[i].data, tlsa->unusable);
            continue;
        }
        memcpy(tlsa->bytes + used, record.data.s, record.data.n);
        record.data.s = tlsa->bytes + used;
        used += record.data.n;
        tlsa->records[tlsa->n++] = record;
    }
    return tlsa;
}
