#include "gateway/reports/reporter.h"

#include <jansson.h>

#include "mail/address.h"
#include "mail/header.h"
#include "mail/uri.h"

struct str reporter_author(struct pool *pool, const struct message *message)
{
    size_t at = 0;
    const struct header *field = part_header(message->root, STR("From"), &at);
    if (field == NULL || part_header(message->root, STR("From"), &at))
        return STR_EMPTY;
    struct str rest = header_unfold(pool, field);
    struct mail_address first, more;
    if (!mail_address_next(&rest, &first) || mail_address_next(&rest, &more))
        return STR_EMPTY;
    return first.address;
}

/* Whole, not under test, and of the author's domain, above or below it. */
static bool is_of(const json_t *signature, struct str author, char domain[DOMAIN_SIZE])
{
    const char *result = json_string_value(json_object_get(signature, "result"));
    const char *signer = json_string_value(json_object_get(signature, "domain"));
    return result && strcmp(result, "pass") == 0 &&
           json_is_false(json_object_get(signature, "testing")) &&
           json_is_false(json_object_get(signature, "partial")) && signer &&
           domain_normal(str_of(signer), domain) &&
           (domain_holds(str_of(domain), author) || domain_holds(author, str_of(domain)));
}

bool reporter_find(struct str evidence, struct str author, char signer[DOMAIN_SIZE])
{
    char domain[DOMAIN_SIZE], of[DOMAIN_SIZE];
    bool found = false;
    signer[0] = '\0';
    if (!domain_normal(domain_of_address(author), of))
        return false;
    json_t *root = json_loadb(evidence.n ? evidence.s : "", evidence.n, 0, NULL);
    const json_t *list = json_object_get(json_object_get(root, "content"), "dkim");
    for (size_t i = 0; i < json_array_size(list) && !found; i++)
        found = is_of(json_array_get(list, i), str_of(of), domain);
    json_decref(root);
    struct str organization = found ? uri_domain(domain) : STR_EMPTY;
    if (found)
        str_copy(organization.n ? organization : str_of(domain), signer, DOMAIN_SIZE);
    return found;
}
