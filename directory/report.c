#include "directory/report.h"

#include "directory/address.h"

/* jean+list@example.org as jean@example.org; false: there is nothing to take away */
static bool without_extension(const struct conf *conf, const struct address *address,
                              struct address *out)
{
    char separator = conf->directory_subaddress[0];
    size_t n = str_chr(str_n(address->text, address->local_n), separator);
    if (separator == '\0' || address->text[0] == '"' || n == STR_NONE || n == 0)
        return false;
    struct str rest = str_from(str_of(address->text), address->local_n);
    memcpy(out->text, address->text, n);
    memcpy(out->text + n, rest.s, rest.n);
    out->text[n + rest.n] = '\0';
    out->local_n = n;
    return true;
}

static bool is_setting(const char *setting, const struct address *address)
{
    struct address normal;
    return setting && address_normal(str_of(setting), false, &normal) &&
           strcmp(normal.text, address->text) == 0;
}

static enum report_address find(const struct conf *conf, const struct address *address)
{
    if (is_setting(conf->spam.reports, address))
        return REPORT_ADDRESS_EITHER;
    if (is_setting(conf->reports.spam, address))
        return REPORT_ADDRESS_SPAM;
    if (is_setting(conf->reports.ham, address))
        return REPORT_ADDRESS_HAM;
    if (is_setting(conf->reports.dmarc, address))
        return REPORT_ADDRESS_DMARC;
    return is_setting(conf->reports.tls, address) ? REPORT_ADDRESS_TLS : REPORT_ADDRESS_NONE;
}

enum report_address report_address_of(const struct conf *conf, struct str address)
{
    struct address normal, shorter;
    bool any = report_address_own(conf) || conf->reports.dmarc || conf->reports.tls;
    if (!any || !address_normal(address, false, &normal))
        return REPORT_ADDRESS_NONE;
    enum report_address found = find(conf, &normal);
    if (found == REPORT_ADDRESS_NONE && without_extension(conf, &normal, &shorter))
        found = find(conf, &shorter);
    return found;
}

const char *report_address_own(const struct conf *conf)
{
    if (conf->spam.reports)
        return conf->spam.reports;
    return conf->reports.spam ? conf->reports.spam : conf->reports.ham;
}
