#include "directory/ldap/snapshot.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crc32c.h"
#include "base/fsio.h"
#include "directory/ldap/lookup.h"
#include "directory/ldap/writers.h"

#define MAGIC     "poterne ldap 2\n\n"
#define HEAD_SIZE (sizeof MAGIC - 1 + 6 * sizeof(uint64_t))

struct reading {
    struct ldap_session *session;
    const struct conf *conf;
    const bool *stop;
    struct ldap_snapshot *snapshot;
    struct pool *pool; /* one entry at a time */
    /* Groups whose writers are entries: they are looked for when the last page was read, since
     * servers lose their place in the pages over another search. */
    struct pool *waiting_pool;
    struct ldap_who *waiting;
    size_t n_waiting, waiting_room;
    struct buf more;
    struct err *err;
};

/* --- one entry --- */

static bool is_ours(const struct reading *r, const struct address *address)
{
    return conf_domain_find(r->conf, address_domain(address)) != NULL;
}

static int add(struct reading *r, const struct table_entry *entry)
{
    struct ldap_snapshot *s = r->snapshot;
    struct table_entry old;
    int added = table_add(s->table, entry, &old);
    if (added < 0)
        return err_set(r->err, "out of memory for the snapshot");
    if (added == 0 && s->twice++ == 0)
        str_copy(entry->address, s->twice_example, sizeof s->twice_example);
    return 0;
}

/* The official address carries what is known beside it; the aliases name it. Where that one is in a
 * domain that is not ours, each alias carries all of it. */
static int add_who(struct reading *r, const struct ldap_who *who)
{
    struct person person = who->person;
    bool plain = person_is_plain(&person);
    bool owner = who->n > 0 && is_ours(r, &who->addresses[0]);
    buf_clear(&r->more);
    if (!plain)
        person_put(&r->more, &person);
    if (!buf_ok(&r->more))
        return err_set(r->err, "out of memory for the snapshot");
    for (size_t i = 0; i < who->n; i++) {
        struct table_entry entry = {.address = str_of(who->addresses[i].text)};
        if (i > 0)
            entry.target = str_of(who->addresses[0].text);
        if (!plain && (i == 0 || !owner))
            entry.more = buf_str(&r->more);
        if (is_ours(r, &who->addresses[i]) && add(r, &entry) < 0)
            return -1;
    }
    return 0;
}

/* --- groups whose writers must be looked for --- */

static int copy_texts(struct pool *pool, struct ldap_who *who, const struct ldap_who *from)
{
    who->addresses = POOL_ARRAY(pool, from->n, struct address);
    who->writers = POOL_ARRAY(pool, from->n_writers, struct str);
    who->person.redirect = pool_str(pool, from->person.redirect);
    who->person.identities = pool_str(pool, from->person.identities);
    who->person.writers = pool_str(pool, from->person.writers);
    if (!who->addresses || !who->writers || !who->person.redirect.s || !who->person.identities.s ||
        !who->person.writers.s)
        return -1;
    memcpy(who->addresses, from->addresses, from->n * sizeof *from->addresses);
    for (size_t i = 0; i < from->n_writers; i++) {
        who->writers[i] = pool_str(pool, from->writers[i]);
        if (who->writers[i].s == NULL)
            return -1;
    }
    return 0;
}

static int put_off(struct reading *r, const struct ldap_who *who)
{
    struct ldap_who *more =
        pool_grow(r->waiting_pool, r->waiting, r->n_waiting, &r->waiting_room, sizeof *r->waiting);
    if (more)
        r->waiting = more;
    if (more) {
        r->waiting[r->n_waiting] = *who;
        if (copy_texts(r->waiting_pool, &r->waiting[r->n_waiting], who) == 0) {
            r->n_waiting++;
            return 0;
        }
    }
    return err_set(r->err, "the groups that name their writers by entries have no room in %u MB",
                   SNAPSHOT_WAITING_MAX >> 20);
}

static int add_waiting(struct reading *r)
{
    for (size_t i = 0; i < r->n_waiting; i++) {
        if (__atomic_load_n(r->stop, __ATOMIC_RELAXED))
            return err_set(r->err, "it was asked to stop");
        pool_reset(r->pool);
        if (ldap_writers_find(r->session, &r->waiting[i], r->pool, r->err) < 0 ||
            add_who(r, &r->waiting[i]) < 0)
            return -1;
    }
    return 0;
}

/* --- pages --- */

static int add_page(struct reading *r, LDAPMessage *result)
{
    LDAP *ld = r->session->ld;
    for (LDAPMessage *m = ldap_first_entry(ld, result); m; m = ldap_next_entry(ld, m)) {
        struct ldap_entry entry;
        struct ldap_who who;
        pool_reset(r->pool);
        if (ldap_session_entry(r->session, m, r->pool, &entry, r->err) < 0)
            return -1;
        if (ldap_entry_read(&r->session->site->shape, &entry, r->pool, &who) < 0)
            return err_set(r->err, "%s: an entry is larger than there is room for",
                           r->session->server);
        if ((who.n_writers ? put_off(r, &who) : add_who(r, &who)) < 0)
            return -1;
        r->snapshot->entries++;
    }
    return 0;
}

/* Takes the cookie of the next page out of an answer; an empty one: it was the last. */
static int next_cookie(struct reading *r, LDAPMessage *result, struct berval *cookie)
{
    LDAPControl **controls = NULL;
    ber_int_t total;
    int code = LDAP_SUCCESS;
    if (ldap_parse_result(r->session->ld, result, &code, NULL, NULL, NULL, &controls, 0) !=
            LDAP_SUCCESS ||
        code != LDAP_SUCCESS)
        return err_set(r->err, "%s: a page was not given out whole: %s", r->session->server,
                       ldap_err2string(code));
    ber_memfree(cookie->bv_val);
    *cookie = (struct berval){0};
    LDAPControl *page = ldap_control_find(LDAP_CONTROL_PAGEDRESULTS, controls, NULL);
    /* a server that does not know pages has given out all that it gives */
    if (page)
        code = ldap_parse_pageresponse_control(r->session->ld, page, &total, cookie);
    ldap_controls_free(controls);
    return code == LDAP_SUCCESS ? 0
                                : err_set(r->err, "%s: page not understood", r->session->server);
}

static int read_page(struct reading *r, struct berval *cookie)
{
    const struct ldap_site *site = r->session->site;
    struct ldap_query query = {.filter = site->shape.people};
    LDAPControl *control = NULL;
    LDAPMessage *result = NULL;
    if (r->session->ld == NULL) {
        /* a page control needs a handle; the first page connects by itself */
        struct ldap_query probe = {.filter = "(objectClass=*)", .limit = 1};
        if (ldap_session_search(r->session, &probe, &result, r->err) < 0)
            return -1;
        ldap_msgfree(result);
        result = NULL;
    }
    int size = (int)site->conf->page_size;
    uint64_t generation = r->session->generation;
    if (ldap_create_page_control(r->session->ld, size, cookie, 0, &control) != LDAP_SUCCESS)
        return err_set(r->err, "out of memory");
    query.controls = (LDAPControl *[]){control, NULL};
    int found = ldap_session_search(r->session, &query, &result, r->err);
    ldap_control_free(control);
    if (found == 0 && r->session->generation != generation && cookie->bv_len)
        found =
            err_set(r->err, "%s: the connection was lost between two pages", r->session->server);
    if (found == 0)
        found = add_page(r, result);
    if (found == 0)
        found = next_cookie(r, result, cookie);
    ldap_msgfree(result);
    return found;
}

static int read_pages(struct reading *r)
{
    struct berval cookie = {0};
    int64_t end = clock_seconds() + SNAPSHOT_SECONDS_MAX;
    size_t n = 0;
    int result;
    do {
        result = read_page(r, &cookie);
        if (result == 0 && cookie.bv_len && (++n >= SNAPSHOT_PAGES_MAX || clock_seconds() >= end))
            result = err_set(r->err, "%s: no end after %zu pages", r->session->server, n);
        if (result == 0 && __atomic_load_n(r->stop, __ATOMIC_RELAXED))
            result = err_set(r->err, "it was asked to stop");
    } while (result == 0 && cookie.bv_len);
    ber_memfree(cookie.bv_val);
    if (result == 0)
        result = add_waiting(r);
    if (result == 0 && table_count(r->snapshot->table) == 0)
        result = err_set(r->err,
                         "%s: %zu entries and no address of our domains in them; look at base, "
                         "people, and what bind_dn may read",
                         r->session->server, r->snapshot->entries);
    return result;
}

int ldap_snapshot_read(struct ldap_session *session, const struct conf *conf, const bool *stop,
                       struct ldap_snapshot *snapshot, struct err *err)
{
    struct reading r = {.session = session,
                        .conf = conf,
                        .stop = stop,
                        .snapshot = snapshot,
                        .pool = pool_new(LDAP_ENTRY_MAX),
                        .waiting_pool = pool_new(SNAPSHOT_WAITING_MAX),
                        .more = BUF_INIT(PERSON_BYTES_MAX),
                        .err = err};
    *snapshot = (struct ldap_snapshot){.table = table_new(), .when = time(NULL)};
    int result = r.pool && r.waiting_pool && snapshot->table ? read_pages(&r)
                                                             : err_set(err, "out of memory");
    pool_free(&r.pool);
    pool_free(&r.waiting_pool);
    buf_release(&r.more);
    if (result < 0)
        table_free(&snapshot->table);
    else
        table_trim(snapshot->table);
    return result;
}

/* --- on disk --- */

static int write_all(int fd, const char *path, uint64_t identity,
                     const struct ldap_snapshot *snapshot, struct err *err)
{
    char room[HEAD_SIZE + 1];
    struct buf head = BUF_OVER(room);
    char end[sizeof(uint32_t) + 1];
    struct buf tail = BUF_OVER(end);
    struct str texts = table_texts(snapshot->table);
    buf_add(&head, STR(MAGIC));
    wire_u64(&head, identity);
    wire_i64(&head, snapshot->when);
    wire_u64(&head, snapshot->shrink.most);
    wire_i64(&head, snapshot->shrink.most_at);
    wire_i64(&head, snapshot->shrink.held_since);
    wire_u64(&head, snapshot->shrink.held_n);
    wire_u32(&tail, crc32c(crc32c(0, buf_str(&head)), texts));
    if (fsio_write(fd, buf_str(&head), path, err) < 0 || fsio_write(fd, texts, path, err) < 0 ||
        fsio_write(fd, buf_str(&tail), path, err) < 0)
        return -1;
    return fsync(fd) == 0 ? 0 : err_sys(err, "cannot write %s", path);
}

int ldap_snapshot_save(const char *path, uint64_t identity, const struct ldap_snapshot *snapshot,
                       struct err *err)
{
    struct buf beside = BUF_INIT(4096);
    buf_addf(&beside, "%s.%ld.new", path, (long)getpid());
    const char *new_path = buf_cstr(&beside);
    int fd = open(new_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
    int result = fd < 0 ? err_sys(err, "cannot make %s", new_path)
                        : write_all(fd, new_path, identity, snapshot, err);
    fsio_close_quiet(&fd);
    if (result == 0)
        result = fsio_rename_durable(new_path, path, err);
    buf_release(&beside);
    return result;
}

/* Cuts head and tail off; false: it is none of ours, or damaged. */
static bool check_file(struct buf *file, uint64_t identity, struct ldap_snapshot *snapshot)
{
    struct str all = buf_str(file);
    if (all.n < HEAD_SIZE + sizeof(uint32_t) || !str_starts(all, STR(MAGIC)))
        return false;
    struct str body = str_sub(all, 0, all.n - sizeof(uint32_t));
    struct wire tail = wire_of(str_from(all, body.n));
    struct wire head = wire_of(str_from(body, sizeof MAGIC - 1));
    bool same = wire_get_u64(&head) == identity;
    snapshot->when = (time_t)wire_get_i64(&head);
    snapshot->shrink.most = wire_get_u64(&head);
    snapshot->shrink.most_at = (time_t)wire_get_i64(&head);
    snapshot->shrink.held_since = (time_t)wire_get_i64(&head);
    snapshot->shrink.held_n = wire_get_u64(&head);
    if (!same || wire_get_u32(&tail) != crc32c(0, body))
        return false;
    buf_cut(file, body.n);
    buf_eat(file, HEAD_SIZE);
    return true;
}

int ldap_snapshot_load(const char *path, uint64_t identity, struct ldap_snapshot *snapshot,
                       struct err *err)
{
    struct buf file = BUF_INIT(SNAPSHOT_FILE_MAX);
    *snapshot = (struct ldap_snapshot){0};
    if (fsio_read_file(path, &file, err) < 0) {
        buf_release(&file);
        return 0;
    }
    if (!check_file(&file, identity, snapshot)) {
        buf_release(&file);
        err_set(err, "%s is of other settings, or damaged", path);
        return 0;
    }
    snapshot->table = table_of(&file);
    if (snapshot->table == NULL) {
        err_set(err, "%s is damaged, or there is no memory for it", path);
        return 0;
    }
    table_trim(snapshot->table);
    return 1;
}
