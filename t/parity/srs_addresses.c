/*
 * SRS addresses for srs.t: reads lines `forward SENDER DOMAIN` and `back ADDRESS` and prints for
 * each what sender/srs.c makes of it. The key is 32 times the letter k.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "sender/srs.h"

static void forward(const struct srs_keys *keys, struct str rest)
{
    char made[SRS_ADDRESS_SIZE];
    struct str sender;
    str_next(&rest, ' ', &sender);
    puts(srs_forward(keys, sender, rest, time(NULL), made) ? made : "does not fit");
}

static void back(const struct srs_keys *keys, struct str address)
{
    static const char *const results[] = {"", "forged", "expired"};
    char to[SRS_ADDRESS_SIZE];
    enum srs_result result = srs_back(keys, address, time(NULL), to);
    puts(result == SRS_GOOD ? to : results[result]);
}

int main(void)
{
    struct srs_keys keys = {.n = 1};
    char line[1024];
    memset(keys.bytes[0], 'k', SRS_KEY_SIZE);
    while (fgets(line, sizeof line, stdin)) {
        struct str rest = str_trim(str_of(line)), verb;
        str_next(&rest, ' ', &verb);
        if (str_eq(verb, STR("forward")))
            forward(&keys, rest);
        else
            back(&keys, rest);
    }
    return 0;
}
