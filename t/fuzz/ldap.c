/* The first byte chooses: an address put into a filter; an LDAP entry; a table, a person or a cache
 * of damaged bytes. */
#include <stdlib.h>

#include "base/ascii.h"
#include "directory/ldap/entry.h"
#include "directory/ldap/filter.h"
#include "directory/quota.h"
#include "directory/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What an address adds is one value: nothing in it opens, closes, or matches more. */
static void try_filter(struct str text)
{
    struct buf out = BUF_INIT(LDAP_FILTER_MAX);
    struct address address;
    if (!address_normal(text, false, &address))
        return;
    ldap_filter_make(&out, "%a", &address);
    for (size_t i = 0; i < out.n; i++)
        if (!ascii_is_alnum(out.p[i]) && !strchr("@.-_+\\", out.p[i]))
            abort();
    buf_clear(&out);
    ldap_filter_value(&out, text);
    for (size_t i = 0; i < out.n; i++)
        if (!ascii_is_alnum(out.p[i]) && !strchr("@.-_+\\", out.p[i]))
            abort();
    buf_release(&out);
}

/* Lines `name value` */
static void try_entry(struct str text)
{
    static const char *const list[] = {"proxyAddresses", "alias"};
    static const char *const tests[] = {"uac&2", "class=group", "there"};
    const struct ldap_shape shape = {.address = "mail",
                                     .quota_used = "used",
                                     .quota_limit = "most",
                                     .quota_unit = 1024,
                                     .identities = "sends",
                                     .redirect = "to",
                                     .members = "member",
                                     .writers = "may",
                                     .aliases = {(const char **)list, 2},
                                     .disabled = {(const char **)tests, 1},
                                     .enabled = {(const char **)tests + 2, 1},
                                     .groups = {(const char **)tests + 1, 1},
                                     .group_size_limit = 2};
    struct ldap_attribute attributes[64];
    struct str values[64], line;
    struct ldap_entry entry = {attributes, 0};
    struct ldap_who who;
    struct pool *pool = pool_new(1024 * 1024);
    while (entry.n < 64 && str_next_line(&text, &line)) {
        size_t blank = str_chr(line, ' ');
        values[entry.n] = blank == STR_NONE ? STR_EMPTY : str_from(line, blank + 1);
        attributes[entry.n] =
            (struct ldap_attribute){str_sub(line, 0, blank), &values[entry.n], 1, 1};
        entry.n++;
    }
    if (pool && ldap_entry_read(&shape, &entry, pool, &who) == 0) {
        char room[PERSON_BYTES_MAX + 1];
        struct buf bytes = BUF_OVER(room);
        struct person back;
        person_put(&bytes, &who.person);
        if (!buf_ok(&bytes) || !person_get(buf_str(&bytes), &back) ||
            back.flags != who.person.flags || !str_eq(back.writers, who.person.writers))
            abort();
    }
    pool_free(&pool);
}

static void try_table(struct str text)
{
    struct buf copy = BUF_INIT(1024 * 1024);
    struct table_entry entry;
    buf_add(&copy, text);
    struct table *table = table_of(&copy);
    if (table)
        table_find(table, STR("a@b.example"), &entry);
    table_free(&table);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_n((const char *)data, size);
    struct person person;
    if (size == 0)
        return 0;
    struct str rest = str_from(text, 1);
    switch (data[0] % 4) {
    case 0:
        try_filter(rest);
        break;
    case 1:
        try_entry(rest);
        break;
    case 2:
        try_table(rest);
        break;
    default:
        quota_is_full(rest);
        if (person_get(rest, &person))
            person_lists(person.writers, STR("a@b.example"));
    }
    return 0;
}
