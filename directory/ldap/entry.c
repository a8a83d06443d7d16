#include "directory/ldap/entry.h"

#include <stdlib.h>

struct reading {
    const struct ldap_shape *shape;
    const struct ldap_entry *entry;
    struct pool *pool;
    struct ldap_who *who;
    size_t cap;
    bool official; /* the first address is known to be it */
};

/* Without its options */
static struct str base_name(struct str name)
{
    return str_sub(name, 0, str_chr(name, ';'));
}

static const struct ldap_attribute *attribute(const struct ldap_entry *entry, struct str name)
{
    for (size_t i = 0; i < entry->n; i++)
        if (str_ieq(base_name(entry->attributes[i].name), name) && entry->attributes[i].n)
            return &entry->attributes[i];
    return NULL;
}

static const struct ldap_attribute *named(const struct reading *r, const char *name)
{
    return name ? attribute(r->entry, str_of(name)) : NULL;
}

/* --- numbers and tests --- */

static bool read_number(struct str text, uint64_t *n)
{
    bool negative = str_starts(text, STR("-"));
    if (!str_to_u64(str_from(text, negative), UINT64_MAX / 2, n))
        return false;
    if (negative)
        *n = (uint64_t)0 - *n;
    return true;
}

static bool holds(struct str test, const struct ldap_entry *entry)
{
    size_t eq = str_chr(test, '='), bit = str_chr(test, '&');
    size_t n = eq < bit ? eq : bit;
    const struct ldap_attribute *a = attribute(entry, str_sub(test, 0, n));
    struct str operand = n == STR_NONE ? STR_EMPTY : str_from(test, n + 1);
    uint64_t bits = 0, value;
    if (a == NULL || n == STR_NONE)
        return a != NULL;
    if (n == bit && !str_to_u64(operand, UINT32_MAX, &bits))
        return false;
    for (size_t i = 0; i < a->n; i++) {
        if (n == eq ? str_ieq(a->values[i], operand)
                    : read_number(a->values[i], &value) && (value & bits))
            return true;
    }
    return false;
}

static bool any_holds(const struct conf_list *tests, const struct ldap_entry *entry)
{
    for (size_t i = 0; i < tests->n; i++)
        if (holds(str_of(tests->items[i]), entry))
            return true;
    return false;
}

static uint64_t quantity(const struct reading *r, const char *name)
{
    const struct ldap_attribute *a = named(r, name);
    uint64_t n, product;
    if (a == NULL || !str_to_u64(str_trim(a->values[0]), UINT64_MAX, &n))
        return 0;
    return __builtin_mul_overflow(n, (uint64_t)r->shape->quota_unit, &product) ? UINT64_MAX
                                                                               : product;
}

/* How many a group has. A server that gives out so many at a time (Active Directory: 1500) names
 * the range in an option; where it does not end with `*` there are more. */
static uint32_t count_members(const struct reading *r)
{
    const struct ldap_attribute *a = NULL;
    for (size_t i = 0; r->shape->members && i < r->entry->n; i++)
        if (str_ieq(base_name(r->entry->attributes[i].name), str_of(r->shape->members)) &&
            (a == NULL || r->entry->attributes[i].all > a->all))
            a = &r->entry->attributes[i];
    if (a == NULL)
        return 0;
    bool part = str_ifind(a->name, STR(";range=")) != STR_NONE && !str_ends(a->name, STR("-*"));
    return (uint32_t)(a->all < UINT32_MAX ? a->all : UINT32_MAX - 1) + part;
}

/* --- addresses --- */

/* What may be an address, without `smtp:`; another prefix says that it is none. */
static struct str mail_text(struct str text)
{
    size_t colon = str_chr(text, ':');
    bool smtp = str_istarts(text, STR("smtp:"));
    if (colon != STR_NONE && !smtp && colon < str_chr(text, '@'))
        return STR_EMPTY;
    return str_trim(smtp ? str_from(text, colon + 1) : text);
}

/* 1 an address, 0 none; *capital: it is said to be the official one */
static int read_address(struct str text, struct address *address, bool *capital)
{
    *capital = str_starts(text, STR("SMTP:"));
    return address_normal(mail_text(text), false, address);
}

static int add_address(struct reading *r, const struct address *address, bool official)
{
    struct ldap_who *who = r->who;
    size_t at = 0;
    while (at < who->n && strcmp(who->addresses[at].text, address->text) != 0)
        at++;
    if (at == who->n) {
        if (who->n >= LDAP_ADDRESSES_MAX)
            return 0;
        struct address *more =
            pool_grow(r->pool, who->addresses, who->n, &r->cap, sizeof *who->addresses);
        if (more == NULL)
            return -1;
        who->addresses = more;
        who->addresses[who->n++] = *address;
    }
    if (official && !r->official) {
        struct address first = who->addresses[0];
        who->addresses[0] = who->addresses[at];
        who->addresses[at] = first;
        r->official = true;
    }
    return 0;
}

/* Of several official ones, which stand there in no order, the first by name is it. */
static int by_text(const void *a, const void *b)
{
    return strcmp(((const struct address *)a)->text, ((const struct address *)b)->text);
}

static int add_all(struct reading *r, const char *name)
{
    const struct ldap_attribute *a = named(r, name);
    struct address address;
    bool capital;
    for (size_t i = 0; a && i < a->n; i++)
        if (read_address(a->values[i], &address, &capital) && add_address(r, &address, capital) < 0)
            return -1;
    return 0;
}

static int read_addresses(struct reading *r)
{
    if (add_all(r, r->shape->address) < 0)
        return -1;
    if (r->who->n > 1 && !r->official)
        qsort(r->who->addresses, r->who->n, sizeof *r->who->addresses, by_text);
    for (size_t i = 0; i < r->shape->aliases.n; i++)
        if (add_all(r, r->shape->aliases.items[i]) < 0)
            return -1;
    return 0;
}

bool ldap_list_add(struct buf *list, struct str address)
{
    if (list->n + 1 + address.n > PERSON_LIST_MAX)
        return false;
    buf_add(list, list->n ? STR(" ") : STR_EMPTY);
    buf_add(list, address);
    return true;
}

/* A list in one text. What does not fit is left out, which is said. */
static int read_list(struct reading *r, const char *name, struct str *out)
{
    const struct ldap_attribute *a = named(r, name);
    char room[PERSON_LIST_MAX + 1];
    struct buf list = BUF_OVER(room);
    struct address address;
    bool capital;
    for (size_t i = 0; a && i < a->n; i++) {
        if (!read_address(a->values[i], &address, &capital))
            continue;
        if (!ldap_list_add(&list, str_of(address.text))) {
            r->who->person.flags |= PERSON_CUT;
            break;
        }
    }
    *out = list.n ? pool_str(r->pool, buf_str(&list)) : STR_EMPTY;
    return list.n && out->s == NULL ? -1 : 0;
}

static int read_redirect(struct reading *r)
{
    const struct ldap_attribute *a = named(r, r->shape->redirect);
    struct address address;
    if (a == NULL || !address_written(mail_text(a->values[0]), &address))
        return 0;
    if (any_holds(&r->shape->redirect_keep, r->entry))
        r->who->person.flags |= PERSON_KEEP;
    r->who->person.redirect = pool_str(r->pool, str_of(address.text));
    return r->who->person.redirect.s ? 0 : -1;
}

/* The values that are names of entries and no addresses. */
static int read_writers(struct reading *r)
{
    const struct ldap_attribute *a = named(r, r->shape->writers);
    struct ldap_who *who = r->who;
    struct address address;
    bool capital;
    size_t room = 0;
    for (size_t i = 0; a && i < a->n; i++) {
        if (read_address(a->values[i], &address, &capital) ||
            str_chr(a->values[i], '=') == STR_NONE)
            continue;
        if (who->n_writers == LDAP_WRITERS_MAX) {
            who->person.flags |= PERSON_CUT;
            break;
        }
        struct str *more =
            pool_grow(r->pool, who->writers, who->n_writers, &room, sizeof *who->writers);
        if (more == NULL)
            return -1;
        who->writers = more;
        who->writers[who->n_writers++] = a->values[i];
    }
    return 0;
}

static int read_group(struct reading *r)
{
    struct person *p = &r->who->person;
    unsigned limit = r->shape->group_size_limit;
    if (!any_holds(&r->shape->groups, r->entry))
        return 0;
    p->flags |= PERSON_GROUP;
    p->members = count_members(r);
    if (read_list(r, r->shape->writers, &p->writers) < 0 || read_writers(r) < 0)
        return -1;
    /* values that are no addresses we can read still say: not for everybody */
    if (named(r, r->shape->writers) || any_holds(&r->shape->closed, r->entry) ||
        (limit && p->members > limit))
        p->flags |= PERSON_CLOSED;
    return 0;
}

int ldap_entry_read(const struct ldap_shape *shape, const struct ldap_entry *entry,
                    struct pool *pool, struct ldap_who *who)
{
    struct reading r = {.shape = shape, .entry = entry, .pool = pool, .who = who};
    struct person *p = &who->person;
    *who = (struct ldap_who){0};
    if (read_addresses(&r) < 0 || read_group(&r) < 0 ||
        read_list(&r, shape->identities, &p->identities) < 0 || read_redirect(&r) < 0)
        return -1;
    if (any_holds(&shape->disabled, entry) && !any_holds(&shape->enabled, entry))
        p->flags |= PERSON_DISABLED;
    if (shape->rewrite && who->n > 1)
        p->flags |= PERSON_REWRITE;
    p->quota_used = quantity(&r, shape->quota_used);
    p->quota_limit = quantity(&r, shape->quota_limit);
    return 0;
}
