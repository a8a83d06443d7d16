#include "directory/accounts.h"

#include <stdlib.h>
#include <time.h>

#include "base/pool.h"
#include "directory/address.h"
#include "directory/hash.h"
#include "directory/person.h"

#define MEMORY_MAX  ((size_t)256 * 1024 * 1024) /* of one file's accounts, without its text */
#define DAY         ((int64_t)86400)
#define FIELDS      8
#define DECOY_TRIES 64 /* accounts without a password that are passed over */

struct accounts {
    struct buf text; /* the file: the hashes stand in it */
    struct pool *pool;
    struct account *list;
    size_t n, cap;
    struct table *index; /* each address; its `line` is the account's place in the list */
};

void accounts_free(struct accounts **accounts)
{
    struct accounts *gone = *accounts;
    *accounts = NULL;
    if (gone == NULL)
        return;
    if (gone->text.p)
        explicit_bzero(gone->text.p, gone->text.cap);
    buf_release(&gone->text);
    table_free(&gone->index);
    pool_free(&gone->pool);
    free(gone);
}

/* --- one line --- */

struct line {
    struct account account;
    struct address addresses[ACCOUNTS_ADDRESSES_MAX];
    size_t n_own, n; /* the first are its own */
    unsigned number;
};

/* The end of that day; false: no day such as 2027-06-30. */
static bool read_day(struct str text, int64_t *end)
{
    uint64_t year, month, day;
    if (text.n != 10 || text.s[4] != '-' || text.s[7] != '-' ||
        !str_to_u64(str_sub(text, 0, 4), 9999, &year) || year < 1970 ||
        !str_to_u64(str_sub(text, 5, 7), 12, &month) || month < 1 ||
        !str_to_u64(str_sub(text, 8, 10), 31, &day) || day < 1)
        return false;
    struct tm tm = {.tm_year = (int)year - 1900, .tm_mon = (int)month - 1, .tm_mday = (int)day};
    time_t begin = timegm(&tm);
    *end = (int64_t)begin + DAY;
    return tm.tm_mday == (int)day; /* the 31st of June is another day */
}

static int add_addresses(struct line *line, struct str list, struct err *err)
{
    struct str one;
    while (str_next(&list, ',', &one)) {
        if (line->n == ACCOUNTS_ADDRESSES_MAX)
            return err_set(err, "an account has at most %d addresses", ACCOUNTS_ADDRESSES_MAX);
        if (!address_normal(one, false, &line->addresses[line->n]))
            return err_set(err, "`%.*s`: expected a mail address", STR_ARG(str_sub(one, 0, 200)));
        line->n++;
    }
    return 0;
}

/* What is no list of addresses. */
static int add_flag(struct account *account, struct str word, struct err *err)
{
    static const struct str expires = STR("expires=");
    if (str_eq(word, STR("nologin")))
        account->nologin = true;
    else if (str_eq(word, STR("disabled")))
        account->disabled = true;
    else if (str_starts(word, expires)) {
        if (!read_day(str_from(word, expires.n), &account->expires))
            return err_set(err, "`%.*s`: expected a day such as expires=2027-06-30",
                           STR_ARG(str_sub(word, 0, 100)));
    } else if (!str_starts(word, STR("userdb_")))
        return err_set(err,
                       "`%.*s` is not understood; expected alias=, send_as=, expires=, nologin, "
                       "disabled, or userdb_ words, which are passed over",
                       STR_ARG(str_sub(word, 0, str_chr(word, '='))));
    return 0;
}

/* Aliases before what it sends as: they are its own. */
static int read_extra(struct line *line, struct str extra, struct err *err)
{
    static const struct str names[] = {STR("alias="), STR("send_as=")};
    for (size_t pass = 0; pass < 3; pass++) {
        struct str rest = extra, word;
        while (str_next(&rest, ' ', &word)) {
            size_t kind = str_starts(word, names[0]) ? 0 : str_starts(word, names[1]) ? 1 : 2;
            if (word.n == 0 || kind != pass)
                continue;
            if ((kind < 2 ? add_addresses(line, str_from(word, names[kind].n), err)
                          : add_flag(&line->account, word, err)) < 0)
                return -1;
        }
        if (pass == 0)
            line->n_own = line->n;
    }
    return 0;
}

static int read_password(struct account *account, struct str text, struct err *err)
{
    account->locked = str_starts(text, STR("!"));
    while (str_starts(text, STR("!")))
        text = str_from(text, 1);
    if (text.n == 0 || str_eq(text, STR("*")))
        return 0;
    account->hash = hash_read(text);
    return account->hash.n ? 0
                           : err_set(err, "the password is no hash that is taken; expected one of "
                                          "crypt(5) that begins with $y$, $6$, $5$ or $2b$");
}

/* The fields between are of no use here; what stands in one of them by mistake would be passed
 * over, and it may have forbidden something. */
static int check_unused(const struct str fields[FIELDS], struct err *err)
{
    static const struct str words[] = {STR("alias="), STR("send_as="), STR("expires="),
                                       STR("nologin"), STR("disabled")};
    for (size_t i = 2; i < FIELDS - 1; i++) {
        struct str field = str_trim(fields[i]);
        for (size_t k = 0; k < sizeof words / sizeof words[0]; k++)
            if (str_starts(field, words[k]))
                return err_set(err, "\"%.*s\" stands behind %zu colons; expected it behind %d",
                               STR_ARG(words[k]), i, FIELDS - 1);
    }
    return 0;
}

static int read_line(struct str text, struct line *line, struct err *err)
{
    struct str fields[FIELDS] = {STR_EMPTY};
    size_t n = 0;
    while (n < FIELDS - 1 && str_next(&text, ':', &fields[n]))
        n++;
    if (n == FIELDS - 1)
        fields[n] = text; /* with whatever colons are in it */
    if (n < 2)
        return err_set(err, "expected an address and behind a colon the hash of its password");
    if (add_addresses(line, fields[0], err) < 0)
        return -1;
    if (line->n != 1 || line->addresses[0].text[0] == '"')
        return err_set(err, "expected one address such as jean@example.org before the first colon");
    if (read_password(&line->account, fields[1], err) < 0 || check_unused(fields, err) < 0)
        return -1;
    return read_extra(line, str_trim(fields[FIELDS - 1]), err);
}

/* --- all of them --- */

static int no_memory(struct err *err)
{
    return err_set(err, "out of memory");
}

static struct str join(struct pool *pool, const struct address *addresses, size_t n)
{
    struct buf list = BUF_INIT(ACCOUNTS_ADDRESSES_MAX * (ADDRESS_MAX + 1));
    for (size_t i = 0; i < n; i++)
        buf_addf(&list, "%s%s", i ? " " : "", addresses[i].text);
    const char *kept = n ? pool_cstr(pool, buf_str(&list)) : "";
    bool good = buf_ok(&list) && kept;
    buf_release(&list);
    return good ? str_of(kept) : STR_EMPTY;
}

/* Its own addresses, as recipients and to be found by. */
static int add_address(struct accounts *a, struct table *table, const struct line *line, size_t i,
                       struct err *err)
{
    struct buf bytes = BUF_INIT(PERSON_BYTES_MAX);
    const struct person person = {.flags = line->account.disabled ? PERSON_DISABLED : 0};
    if (line->account.disabled)
        person_put(&bytes, &person);
    struct str address = str_of(line->addresses[i].text);
    struct table_entry old;
    struct table_entry entry = {.address = address,
                                .target = i ? str_of(line->addresses[0].text) : STR_EMPTY,
                                .more = buf_str(&bytes),
                                .line = line->number};
    struct table_entry place = {.address = address, .line = (unsigned)a->n};
    int added = buf_ok(&bytes) ? table_add(table, &entry, &old) : -1;
    int placed = added == 1 ? table_add(a->index, &place, &old) : 1;
    buf_release(&bytes);
    if (added == 0)
        return err_set(err, "%.*s is there already in line %u", STR_ARG(address), old.line);
    return added == 1 && placed == 1 ? 0 : no_memory(err);
}

static int add_account(struct accounts *a, struct table *table, struct line *line, struct err *err)
{
    struct account *account = &line->account;
    if (a->n == ACCOUNTS_MAX)
        return err_set(err, "there are more than %d accounts", ACCOUNTS_MAX);
    account->own = join(a->pool, line->addresses, line->n_own);
    account->send_as = join(a->pool, line->addresses + line->n_own, line->n - line->n_own);
    struct account *more = pool_grow(a->pool, a->list, a->n, &a->cap, sizeof *a->list);
    if (more == NULL || account->own.n == 0 || (account->send_as.n == 0 && line->n > line->n_own))
        return no_memory(err);
    a->list = more;
    for (size_t i = 0; i < line->n_own; i++)
        if (add_address(a, table, line, i, err) < 0)
            return -1;
    a->list[a->n++] = *account;
    return 0;
}

static int add_lines(struct accounts *a, struct table *table, const char *path, struct err *err)
{
    struct str rest = buf_str(&a->text), text;
    if (str_starts(rest, STR("\xef\xbb\xbf")))
        rest = str_from(rest, 3);
    struct line *line = malloc(sizeof *line); /* too large for a stack */
    int result = line ? 0 : no_memory(err);
    for (unsigned number = 1; result == 0 && str_next_line(&rest, &text); number++) {
        struct str entry = str_trim(text);
        if (text.n > ACCOUNTS_LINE_MAX)
            result = err_set(err, "line longer than %d bytes", ACCOUNTS_LINE_MAX);
        else if (entry.n && entry.s[0] != '#') {
            line->account = (struct account){.own = STR_EMPTY};
            line->n = line->n_own = 0;
            line->number = number;
            result = read_line(entry, line, err);
            if (result == 0)
                result = add_account(a, table, line, err);
        }
        if (result < 0)
            err_prefix(err, "%s:%u", path, number);
    }
    free(line);
    return result;
}

static struct accounts *new_accounts(void)
{
    struct accounts *a = calloc(1, sizeof *a);
    if (a == NULL)
        return NULL;
    a->text = BUF_INIT(ACCOUNTS_FILE_MAX);
    a->pool = pool_new(MEMORY_MAX);
    a->index = table_new();
    if (a->pool == NULL || a->index == NULL)
        accounts_free(&a);
    return a;
}

/* With its text read. Takes it. */
static enum file_result finish(struct accounts *a, const char *path, struct accounts **accounts,
                               struct table **table, struct err *err)
{
    /* as in file.c: what a full disk leaves must not turn everybody away */
    if (a->text.n == 0) {
        err_set(err, "%s:1: the file is empty; expected accounts, or a comment if it shall be",
                path);
    } else if ((*table = table_new()) == NULL) {
        err_set(err, "%s: out of memory", path);
    } else if (add_lines(a, *table, path, err) == 0) {
        *accounts = a;
        return FILE_READ;
    }
    table_free(table);
    accounts_free(&a);
    return FILE_WRONG;
}

enum file_result accounts_parse(struct str text, const char *path, struct accounts **accounts,
                                struct table **table, struct err *err)
{
    struct accounts *a = new_accounts();
    *accounts = NULL;
    *table = NULL;
    if (a)
        buf_add(&a->text, text);
    if (a && buf_ok(&a->text))
        return finish(a, path, accounts, table, err);
    accounts_free(&a);
    err_set(err, "%s: out of memory", path);
    return FILE_WRONG;
}

enum file_result accounts_load(const char *path, struct accounts **accounts, struct table **table,
                               struct stat *st, struct err *err)
{
    struct accounts *a = new_accounts();
    *accounts = NULL;
    *table = NULL;
    if (a == NULL) {
        err_set(err, "%s: out of memory", path);
        return FILE_UNREADABLE;
    }
    if (file_read(path, &a->text, st, err) == 0)
        return finish(a, path, accounts, table, err);
    accounts_free(&a);
    return FILE_UNREADABLE;
}

/* --- who is it? --- */

bool accounts_find(const struct accounts *a, struct str address, struct account *account)
{
    struct table_entry entry;
    if (!table_find(a->index, address, &entry) || entry.line >= a->n)
        return false;
    *account = a->list[entry.line];
    return true;
}

bool accounts_decoy(const struct accounts *a, struct str address, struct str *hash)
{
    size_t at = a->n ? str_hash(address) % a->n : 0;
    for (size_t i = 0; i < a->n && i < DECOY_TRIES; i++, at = (at + 1) % a->n) {
        if (a->list[at].hash.n == 0)
            continue;
        *hash = a->list[at].hash;
        return true;
    }
    return false;
}

bool accounts_at(const struct accounts *a, size_t i, struct account *account)
{
    if (i < a->n)
        *account = a->list[i];
    return i < a->n;
}

size_t accounts_count(const struct accounts *a)
{
    return a->n;
}
