/*
 * What the issuer of a token answers (RFC 7662). The first byte chooses what the settings ask for.
 * Only an object that says "active" and names a user is good, whatever else stands there.
 */
#include <stdlib.h>

#include "gateway/edge/introspection.h"

#define NOW 1800000000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct introspection said;
    if (size == 0)
        return 0;
    const struct conf_oauth conf = {
        .account = data[0] & 1 ? "sub" : "username",
        .scope = data[0] & 2 ? "mail send" : "",
        .audience = data[0] & 4 ? "mx" : "",
        .issuer = data[0] & 8 ? "login" : "",
    };
    struct str json = str_n((const char *)data + 1, size - 1);
    enum token_result result = introspection_read(json, &conf, NOW, &said);
    if (result == TOKEN_GOOD ? said.user[0] == '\0' || str_find(json, STR("active")) == STR_NONE
                             : said.why == NULL || said.why[0] == '\0')
        abort();
    if (result == TOKEN_GOOD && said.expires != 0 && said.expires <= NOW)
        abort();
    if (result == TOKEN_GOOD && conf.audience[0] && str_find(json, STR("aud")) == STR_NONE)
        abort();
    return 0;
}
