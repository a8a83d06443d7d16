/*
 * SRS with hostile addresses: the first line of the input is a sender, the second a domain, the
 * third an address that comes back. What was made goes back to what it was made of, in time, and
 * not with another key.
 */
#include <stdlib.h>

#include "sender/srs.h"

#define NOW 1800000000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void there_and_back(const struct srs_keys *keys, struct str sender, struct str domain)
{
    static const struct srs_keys others = {.n = 1, .bytes = {{7}}};
    char made[SRS_ADDRESS_SIZE], back[SRS_ADDRESS_SIZE];
    if (domain.n == 0 || str_chr(domain, '@') != STR_NONE ||
        !srs_forward(keys, sender, domain, NOW, made))
        return;
    if (!srs_looks_like(str_of(made)) || srs_back(&others, str_of(made), NOW, back) == SRS_GOOD)
        abort();
    /* hosts with "=" are no hosts, and come back otherwise */
    size_t at = str_rchr(sender, '@');
    if (at == 0 || str_chr(str_from(sender, at), '=') != STR_NONE || at + 1 == sender.n)
        return;
    if (srs_back(keys, str_of(made), NOW, back) == SRS_EXPIRED)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct srs_keys keys = {.n = 0};
    struct err err;
    struct str rest = str_n((const char *)data, size), sender = STR_EMPTY, domain = STR_EMPTY;
    char back[SRS_ADDRESS_SIZE];
    if (srs_key_add(&keys, (const unsigned char *)"one", 3, &err) < 0 ||
        srs_key_add(&keys, (const unsigned char *)"two", 3, &err) < 0)
        return 0;
    str_next(&rest, '\n', &sender);
    str_next(&rest, '\n', &domain);
    there_and_back(&keys, sender, domain);
    if (srs_back(&keys, rest, NOW, back) != SRS_GOOD && *back)
        abort();
    return 0;
}
