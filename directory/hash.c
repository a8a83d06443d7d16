#include "directory/hash.h"

#include "base/ascii.h"

static struct str without_scheme(struct str text)
{
    static const struct str schemes[] = {STR("{CRYPT}"), STR("{SHA512-CRYPT}"),
                                         STR("{SHA256-CRYPT}"), STR("{BLF-CRYPT}")};
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++)
        if (str_istarts(text, schemes[i]))
            return str_from(text, schemes[i].n);
    return text;
}

/* $5$ and $6$: with `rounds=` at most six digits of them. */
static bool is_sha(struct str hash)
{
    static const struct str rounds = STR("rounds=");
    struct str rest = str_from(hash, strlen("$6$"));
    return !str_starts(rest, rounds) || str_chr(str_from(rest, rounds.n), '$') <= 6;
}

static bool is_yescrypt(struct str hash)
{
    return hash.n > 7 && str_starts(hash, STR("$y$j")) && hash.s[4] &&
           strchr("56789AB", hash.s[4]) && hash.s[5] == 'T' && hash.s[6] == '$';
}

/* $2b$12$, then salt and hash in 53 characters */
static bool is_bcrypt(struct str hash)
{
    uint64_t cost;
    return hash.n == 60 && hash.s[2] && strchr("aby", hash.s[2]) && hash.s[3] == '$' &&
           hash.s[6] == '$' && str_to_u64(str_sub(hash, 4, 6), 12, &cost) && cost >= 4;
}

static bool is_priced(struct str hash)
{
    if (str_starts(hash, STR("$6$")) || str_starts(hash, STR("$5$")))
        return is_sha(hash);
    return str_starts(hash, STR("$2")) ? is_bcrypt(hash) : is_yescrypt(hash);
}

struct str hash_read(struct str text)
{
    struct str hash = without_scheme(text);
    for (size_t i = 0; i < hash.n; i++)
        if (!ascii_is_alnum(hash.s[i]) && (!hash.s[i] || strchr("$./=", hash.s[i]) == NULL))
            return STR_EMPTY;
    return hash.n <= HASH_MAX && is_priced(hash) ? hash : STR_EMPTY;
}
