#include "gateway/reports/who.h"

#include <jansson.h>
#include <stdio.h>

#include "base/domain.h"
#include "base/network.h"

static bool is_trusted(const struct conf *conf, struct str client_ip)
{
    const struct conf_list *list = &conf->reports.trusted;
    struct network network;
    for (size_t i = 0; i < list->n; i++)
        if (network_parse(str_of(list->items[i]), &network) && network_holds(&network, client_ip))
            return true;
    return false;
}

/* May this domain sign for From? */
static bool signs_for(const struct conf *conf, const char *signer, struct str from)
{
    char domain[DOMAIN_SIZE];
    if (signer == NULL || !domain_normal(str_of(signer), domain))
        return false;
    struct str d = str_of(domain);
    if (str_eq(d, from))
        return true;
    return str_ends(from, d) && from.s[from.n - d.n - 1] == '.' && conf_domain_find(conf, d);
}

static bool is_good_signature(const struct conf *conf, const json_t *signature, struct str from)
{
    const char *result = json_string_value(json_object_get(signature, "result"));
    return result && strcmp(result, "pass") == 0 &&
           json_is_false(json_object_get(signature, "testing")) &&
           json_is_false(json_object_get(signature, "partial")) &&
           signs_for(conf, json_string_value(json_object_get(signature, "domain")), from);
}

static bool is_signed(const struct conf *conf, struct str evidence, struct str from)
{
    json_t *root = json_loadb(evidence.n ? evidence.s : "", evidence.n, 0, NULL);
    const json_t *list = json_object_get(json_object_get(root, "content"), "dkim");
    bool found = false;
    for (size_t i = 0; i < json_array_size(list) && !found; i++)
        found = is_good_signature(conf, json_array_get(list, i), from);
    json_decref(root);
    return found;
}

static bool is_manager(const struct conf *conf, const char *address)
{
    struct address manager;
    for (size_t i = 0; i < conf->managers.n; i++)
        if (address_normal(str_of(conf->managers.items[i]), false, &manager) &&
            strcmp(manager.text, address) == 0)
            return true;
    return false;
}

void who_find(const struct conf *conf, struct str client_ip, struct str evidence,
              const struct who_claim *claim, struct who *who)
{
    struct address address;
    bool says_from = address_normal(claim->from, false, &address);
    *who = (struct who){.certain = false};
    if (!says_from && !address_normal(claim->sender, false, &address))
        return;
    struct str domain = address_domain(&address);
    str_copy(str_of(address.text), who->address, sizeof who->address);
    who->certain =
        says_from &&
        (is_trusted(conf, client_ip) ||
         (claim->named && conf_domain_find(conf, domain) && is_signed(conf, evidence, domain)));
    who->manager = who->certain && is_manager(conf, who->address);
}

void who_text(const struct who *who, char text[WHO_TEXT_MAX + 1])
{
    snprintf(text, WHO_TEXT_MAX + 1, "%s%s", who->address[0] ? who->address : "nobody",
             who->certain ? "" : " (unverified)");
}
