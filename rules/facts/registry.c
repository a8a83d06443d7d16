#include "rules/facts/registry.h"

#include "base/ascii.h"
#include "mail/uri.h"

#define LABEL_MAX 63

static bool has_lists(const struct rules_settings *settings)
{
    return settings && settings_in(settings, SETTINGS_TLD, STR("com"), NULL);
}

/* `above`: labels that stand right of it. */
static bool is_label(struct str label, size_t above)
{
    if (label.n == 0 || label.n > LABEL_MAX || label.s[0] == '-' || label.s[label.n - 1] == '-')
        return false;
    for (size_t i = 0; i < label.n; i++) {
        char c = label.s[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
        if (!plain && (c != '_' || above < 2))
            return false;
    }
    return true;
}

bool registry_is_name(struct str host)
{
    struct str label;
    size_t dots = 0;
    while (host.n && host.s[host.n - 1] == '.')
        host.n--;
    if (host.n == 0 || host.n > REGISTRY_HOST_MAX)
        return false;
    for (size_t i = 0; i < host.n; i++)
        dots += host.s[i] == '.';
    for (size_t above = dots; str_next(&host, '.', &label); above--) {
        if (!is_label(label, above))
            return false;
        if (above == 0)
            break;
    }
    return dots > 0;
}

bool registry_is_ipv4(struct str host)
{
    struct str part;
    unsigned n = 0;
    while (str_next(&host, '.', &part)) {
        uint64_t value;
        if (n++ == 4 || part.n > 3 || !str_to_u64(part, 255, &value) ||
            (part.n > 1 && part.s[0] == '0'))
            return false;
    }
    return n == 4;
}

bool registry_is_valid(const struct rules_settings *settings, struct str host)
{
    char lower[REGISTRY_HOST_MAX + 1];
    size_t dot = str_rchr(host, '.'), n = dot == STR_NONE ? 0 : host.n - dot;
    if (n < 2 || n > REGISTRY_HOST_MAX)
        return false;
    for (size_t i = 0; i < host.n; i++) {
        if (ascii_is_space(host.s[i]))
            return false;
    }
    for (size_t i = 0; i < n; i++)
        lower[i] = str_lower_char(host.s[dot + i]);
    lower[n] = '\0';
    if (has_lists(settings))
        return settings_in(settings, SETTINGS_TLD, str_n(lower + 1, n - 1), NULL);
    return memchr(lower, '\0', n) == NULL && uri_tld_exists(lower);
}

struct str registry_domain(const struct rules_settings *settings, struct str host)
{
    char name[REGISTRY_HOST_MAX + 1];
    struct str before, domain;
    if (has_lists(settings)) {
        settings_split_domain(settings, host, &before, &domain);
        return domain;
    }
    if (!str_copy(host, name, sizeof name))
        return host;
    domain = uri_domain(name);
    return domain.n ? str_from(host, host.n - domain.n) : host;
}
