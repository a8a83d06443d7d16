/* The part of hash.h that needs libcrypt. */
#include <crypt.h>
#include <stdlib.h>

#include "directory/hash.h"

/* Takes as long whatever differs. */
static bool same(const char *a, const char *b, size_t n)
{
    unsigned char differs = 0;
    for (size_t i = 0; i < n; i++)
        differs |= (unsigned char)(a[i] ^ b[i]);
    return differs == 0;
}

bool hash_is_of(const char *password, struct str hash)
{
    char setting[HASH_MAX + 1];
    struct crypt_data *data = calloc(1, sizeof *data);
    bool right = false;
    if (data && str_copy(hash, setting, sizeof setting)) {
        const char *made = crypt_rn(password, setting, data, (int)sizeof *data);
        right = made && strlen(made) == hash.n && same(made, hash.s, hash.n);
    }
    if (data)
        explicit_bzero(data, sizeof *data);
    free(data);
    return right;
}

int hash_make(const char *password, char out[HASH_MAX + 1], struct err *err)
{
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];
    struct crypt_data *data = calloc(1, sizeof *data);
    const char *made = NULL;
    if (data && crypt_gensalt_rn("$y$", 0, NULL, 0, setting, (int)sizeof setting))
        made = crypt_rn(password, setting, data, (int)sizeof *data);
    bool good = made && str_copy(str_of(made), out, HASH_MAX + 1);
    if (data)
        explicit_bzero(data, sizeof *data);
    free(data);
    return good ? 0 : err_set(err, "libcrypt makes no hash of it");
}
