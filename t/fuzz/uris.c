/*
 * Links: the input as the text of a message (first byte even), or of an HTML part; each link, in
 * all its forms, keeps its bounds, and hosts are what the registry's lists say.
 */
#include <stdlib.h>

#include "rules/facts/uris.h"
#include "rules/language/settings_make.h"

#define POOL_MAX ((size_t)256 << 20)
#define TEXT_MAX (64 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct rules_settings *make_settings(void)
{
    static const char *const tlds[] = {"com", "org", "example", "uk", "co", "info"};
    struct err err;
    struct rules_settings *settings = settings_new(&err);
    for (size_t i = 0; settings && i < sizeof tlds / sizeof *tlds; i++)
        settings_put(settings, SETTINGS_TLD, str_of(tlds[i]), 1);
    if (settings)
        settings_put(settings, SETTINGS_TLD_2, STR("co.uk"), 1);
    return settings;
}

static void check_host(const struct fact_host *host)
{
    for (size_t i = 0; i < host->host.n; i++) {
        if (str_lower_char(host->host.s[i]) != host->host.s[i])
            abort();
    }
    if (!str_ends(host->host, host->domain) || host->domain.n == 0)
        abort();
}

static void check_uri(const struct fact_uri *uri)
{
    if (uri->n_cleaned > 4 * FACT_CLEANED_MAX || uri->types >> URI_TYPES)
        abort();
    for (size_t i = 0; i < uri->n_cleaned; i++) {
        if (uri->cleaned[i].s == NULL || uri->cleaned[i].n > FACT_URI_MAX)
            abort();
    }
    for (size_t i = 0; i < uri->n_hosts; i++)
        check_host(&uri->hosts[i]);
}

/* Each form stands once, and a line end behind each. */
static void check_list(const struct fact_uris *uris)
{
    if (uris->n > FACT_URIS_MAX)
        abort();
    for (size_t i = 0; i < uris->n; i++)
        check_uri(&uris->list[i]);
    for (size_t i = 0; i < uris->n_cleaned; i++) {
        if (uris->cleaned[i].s[uris->cleaned[i].n] != '\n')
            abort();
        if (i && i < 100 && str_eq(uris->cleaned[i], uris->cleaned[i - 1]))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf raw = BUF_INIT(TEXT_MAX + 1024);
    struct pool *pool = pool_new(POOL_MAX);
    struct rules_settings *settings = make_settings();
    struct message *message;
    struct facts facts;
    struct err err;
    if (size == 0 || size > TEXT_MAX || pool == NULL || settings == NULL)
        goto end;
    buf_add(&raw, data[0] & 1 ? STR("Content-Type: text/html\n\n") : STR("Subject: x\n\n"));
    buf_addn(&raw, data + 1, size - 1);
    if (buf_ok(&raw) &&
        message_parse(pool, buf_str(&raw), &mail_limits_default, &message, &err) == 0) {
        const struct rules_input input = {.message = message};
        facts_init(&facts, pool, &input, settings);
        const struct fact_uris *uris = facts_uris(&facts);
        if (uris)
            check_list(uris);
    }
end:
    settings_free(&settings);
    pool_free(&pool);
    buf_release(&raw);
    return 0;
}
