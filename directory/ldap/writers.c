#include "directory/ldap/writers.h"

/* The addresses of one entry; *cut: they are not all there. */
static void add_entry(struct ldap_session *session, LDAPMessage *message, struct pool *pool,
                      struct buf *list, bool *cut)
{
    struct err err;
    struct ldap_entry entry;
    struct ldap_who writer;
    if (ldap_session_entry(session, message, pool, &entry, &err) < 0 ||
        ldap_entry_read(&session->site->shape, &entry, pool, &writer) < 0) {
        *cut = true; /* it is too large */
        return;
    }
    if (writer.person.flags & PERSON_GROUP)
        return;
    for (size_t i = 0; i < writer.n; i++)
        *cut |= !ldap_list_add(list, str_of(writer.addresses[i].text));
}

static int add_writer(struct ldap_session *session, struct str name, struct pool *pool,
                      struct buf *list, bool *cut, struct err *err)
{
    const char *base = pool_cstr(pool, name);
    struct ldap_query query = {.base = base, .filter = "(objectClass=*)", .limit = 1};
    LDAPMessage *result = NULL;
    if (base == NULL)
        return err_set(err, "out of memory");
    if (ldap_session_search(session, &query, &result, err) < 0)
        return -1;
    LDAPMessage *found = result ? ldap_first_entry(session->ld, result) : NULL;
    if (found)
        add_entry(session, found, pool, list, cut);
    ldap_msgfree(result);
    return 0;
}

int ldap_writers_find(struct ldap_session *session, struct ldap_who *who, struct pool *pool,
                      struct err *err)
{
    char room[PERSON_LIST_MAX + 1];
    struct buf list = BUF_OVER(room);
    struct person *person = &who->person;
    bool cut = false;
    buf_add(&list, person->writers);
    for (size_t i = 0; i < who->n_writers; i++)
        if (add_writer(session, who->writers[i], pool, &list, &cut, err) < 0)
            return -1;
    if (who->n_writers == 0)
        return 0;
    person->flags |= cut ? PERSON_CUT : 0U;
    person->writers = pool_str(pool, buf_str(&list));
    return person->writers.s ? 0 : err_set(err, "out of memory");
}
