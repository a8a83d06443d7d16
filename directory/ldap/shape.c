#include "directory/ldap/shape.h"

#define LIST(...)                                                                                  \
    {                                                                                              \
        .items = (const char *[]){__VA_ARGS__},                                                    \
        .n = sizeof((const char *[]){__VA_ARGS__}) / sizeof(const char *)                          \
    }

/* inetOrgPerson (RFC 2798), inetLocalMailRecipient, and what qmail-ldap made usual. */
static const struct ldap_shape openldap = {
    .filter = "(|(mail=%a)(mailLocalAddress=%a)(mailAlternateAddress=%a))",
    .people = "(|(mail=*)(mailLocalAddress=*))",
    .address = "mail",
    .aliases = LIST("mailLocalAddress", "mailAlternateAddress"),
    .disabled = LIST("accountStatus=disabled", "accountStatus=deleted"),
    .groups = LIST("objectClass=groupOfNames"),
    .members = "member",
    .redirect = "mailForwardingAddress",
};

/* [MS-ADA2], [MS-ADA3]. A shared mailbox, a room and a device (msExchRecipientTypeDetails 4, 16,
 * 32, and the same in the cloud) have an account that is disabled, and take mail. */
static const struct ldap_shape active_directory = {
    .filter = "(|(proxyAddresses=smtp:%a)(mail=%a))",
    .people = "(|(proxyAddresses=smtp:*)(mail=*))",
    .address = "mail",
    .aliases = LIST("proxyAddresses"),
    .disabled = LIST("userAccountControl&2"),
    .enabled =
        LIST("msExchRecipientTypeDetails=4", "msExchRecipientTypeDetails=16",
             "msExchRecipientTypeDetails=32", "msExchRecipientTypeDetails=34359738368",
             "msExchRecipientTypeDetails=8589934592", "msExchRecipientTypeDetails=17179869184"),
    .groups = LIST("objectClass=group"),
    .closed = LIST("msExchRequireAuthToSendTo=TRUE"),
    .members = "member",
    .writers = "authOrig",
    .redirect = "msExchGenericForwardingAddress",
    .redirect_keep = LIST("deliverAndRedirect=TRUE"),
};

static bool is_none(const char *text)
{
    return strcmp(text, "-") == 0;
}

static const char *pick(const char *own, const char *preset)
{
    if (*own == '\0')
        return preset;
    return is_none(own) ? NULL : own;
}

static struct conf_list pick_list(const struct conf_list *own, const struct conf_list *preset)
{
    if (own->n == 0)
        return *preset;
    const struct conf_list none = {0};
    return is_none(own->items[0]) ? none : *own;
}

/* An attribute that nobody asked for yet; of a test, what stands before its operator. */
static bool add_attribute(struct ldap_shape *shape, size_t *n, const char *text, struct pool *pool)
{
    if (text == NULL)
        return true;
    struct str name = str_n(text, strcspn(text, "=&"));
    for (size_t i = 0; i < *n; i++)
        if (str_ieq(str_of(shape->attributes[i]), name))
            return true;
    if (*n >= SHAPE_ATTRIBUTES_MAX)
        return false;
    shape->attributes[*n] = pool_cstr(pool, name);
    return shape->attributes[(*n)++] != NULL;
}

static bool add_list(struct ldap_shape *shape, size_t *n, const struct conf_list *list,
                     struct pool *pool)
{
    for (size_t i = 0; i < list->n; i++)
        if (!add_attribute(shape, n, list->items[i], pool))
            return false;
    return true;
}

int ldap_shape_make(const struct conf_ldap *conf, struct pool *pool, struct ldap_shape *shape,
                    struct err *err)
{
    const struct ldap_shape *preset =
        strcmp(conf->preset, "active_directory") == 0 ? &active_directory : &openldap;
    *shape = (struct ldap_shape){
        .filter = pick(conf->filter, preset->filter),
        .people = pick(conf->people, preset->people),
        .address = pick(conf->address, preset->address),
        .quota_used = pick(conf->quota_used, preset->quota_used),
        .quota_limit = pick(conf->quota_limit, preset->quota_limit),
        .identities = pick(conf->identities, preset->identities),
        .redirect = pick(conf->redirect, preset->redirect),
        .members = pick(conf->members, preset->members),
        .writers = pick(conf->writers, preset->writers),
        .aliases = pick_list(&conf->aliases, &preset->aliases),
        .disabled = pick_list(&conf->disabled, &preset->disabled),
        .enabled = pick_list(&conf->enabled, &preset->enabled),
        .groups = pick_list(&conf->groups, &preset->groups),
        .closed = pick_list(&conf->closed, &preset->closed),
        .redirect_keep = pick_list(&conf->redirect_keep, &preset->redirect_keep),
        .quota_unit = conf->quota_unit,
        .group_size_limit = conf->group_size_limit,
        .rewrite = conf->rewrite,
    };
    const char *const single[] = {shape->address,    shape->quota_used, shape->quota_limit,
                                  shape->identities, shape->redirect,   shape->members,
                                  shape->writers};
    const struct conf_list *const lists[] = {&shape->aliases, &shape->disabled,
                                             &shape->enabled, &shape->groups,
                                             &shape->closed,  &shape->redirect_keep};
    size_t n = 0;
    bool good = true;
    for (size_t i = 0; i < sizeof single / sizeof single[0]; i++)
        good = good && add_attribute(shape, &n, single[i], pool);
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        good = good && add_list(shape, &n, lists[i], pool);
    return good ? 0 : err_set(err, "ldap %s: out of memory", conf->name);
}
