#include "rules/network/links.h"

/* In the order in which hosts are taken. */
enum rank { ANCHOR, FORM, PICTURE, ELEMENT, TEXT, ANCHOR_EMPTY, RANKS };

static enum rank rank_of(const struct fact_uri *uri)
{
    if (uri->types & URI_TYPE_A) {
        for (size_t i = 0; i < uri->n_anchors; i++) {
            if (uri->anchors[i].n)
                return ANCHOR;
        }
        return ANCHOR_EMPTY;
    }
    if (uri->types & URI_TYPE_FORM)
        return FORM;
    if (uri->types & URI_TYPE_IMG)
        return PICTURE;
    return uri->types == URI_TYPE_PARSED ? TEXT : ELEMENT;
}

static size_t most(const struct rules_settings *settings)
{
    double number = settings_number(settings, SETTINGS_URIDNSBL_MAX_DOMAINS);
    return number < 0 ? 0 : number > LINKS_MAX ? LINKS_MAX : (size_t)number;
}

static void add(struct links *links, size_t max, const struct rules_settings *settings,
                const struct fact_host *host)
{
    if (links->n == max || settings_in(settings, SETTINGS_URIDNSBL_SKIP, host->domain, NULL) ||
        settings_in(settings, SETTINGS_URIDNSBL_SKIP, host->host, NULL))
        return;
    for (size_t i = 0; i < links->n; i++) {
        if (str_eq(links->list[i].host, host->host))
            return;
    }
    links->list[links->n++] = *host;
}

static struct links *make(struct facts *facts)
{
    const struct fact_uris *uris = facts_uris(facts);
    struct links *links = POOL_NEW(facts->pool, struct links);
    size_t max = most(facts->settings);
    bool skip_mailto = settings_number(facts->settings, SETTINGS_URIDNSBL_SKIP_MAILTO) != 0;
    if (uris && links)
        links->list = POOL_ARRAY(facts->pool, max + 1, struct fact_host);
    if (uris == NULL || links == NULL || links->list == NULL)
        return NULL;
    for (enum rank rank = ANCHOR; rank < RANKS; rank++) {
        for (size_t i = 0; i < uris->n && links->n < max; i++) {
            const struct fact_uri *uri = &uris->list[i];
            if (rank_of(uri) != rank || (skip_mailto && str_istarts(uri->raw, STR("mailto:"))))
                continue;
            for (size_t k = 0; k < uri->n_hosts; k++)
                add(links, max, facts->settings, &uri->hosts[k]);
        }
    }
    return links;
}

const struct links *network_links(struct facts *facts)
{
    if (facts->made[FACT_LINKS] == NULL)
        facts->made[FACT_LINKS] = make(facts);
    facts->no_memory |= facts->made[FACT_LINKS] == NULL;
    return facts->made[FACT_LINKS];
}
