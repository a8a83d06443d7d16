/* Files of accounts: one more, one less, another password, a lock. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "directory/accounts.h"
#include "directory/hash.h"
#include "tools/account_file.h"
#include "tools/account_tool.h"
#include "tools/json.h"

enum change { ADD, PASSWORD, LOCK, UNLOCK, REMOVE };

static const struct {
    const char *done;   /* for programs */
    const char *people; /* for people */
} words[] = {
    [ADD] = {"added", "is an account now"},
    [PASSWORD] = {"password", "has another password"},
    [LOCK] = {"locked", "is locked"},
    [UNLOCK] = {"unlocked", "can log in again"},
    [REMOVE] = {"removed", "is no account any more"},
};

/* Where an account stands in the text. */
struct place {
    struct str line; /* with its end */
    struct str password;
};

/* The line that has this official address. */
static bool find_line(struct str text, struct str official, struct place *place)
{
    struct str rest = text, line;
    struct address address;
    for (;;) {
        const char *begin = rest.s;
        if (!str_next_line(&rest, &line))
            return false;
        place->line = str_n(begin, (size_t)(rest.s - begin));
        line = str_trim(line);
        size_t colon = str_chr(line, ':');
        if (line.n == 0 || line.s[0] == '#' || colon == STR_NONE ||
            !address_normal(str_sub(line, 0, colon), false, &address) ||
            !str_eq(str_of(address.text), official))
            continue;
        struct str behind = str_from(line, colon + 1);
        place->password = str_sub(behind, 0, str_chr(behind, ':'));
        return true;
    }
}

/* 1: it is there, at *place; 0: it is not. */
static int find_account(const struct account_file *file, struct str address, struct place *place,
                        struct err *err)
{
    struct accounts *accounts;
    struct table *table;
    struct account account;
    struct str text = buf_str(&file->text);
    if (text.n == 0)
        return 0;
    if (accounts_parse(text, file->path, &accounts, &table, err) != FILE_READ)
        return -1;
    table_free(&table);
    int found = accounts_find(accounts, address, &account);
    if (found && !find_line(text, str_sub(account.own, 0, str_chr(account.own, ' ')), place))
        found = err_set(err, "%s: there is no line of %.*s", file->path, STR_ARG(address));
    accounts_free(&accounts);
    return found;
}

static void put_added(struct str text, const char *address, const char *hash, struct buf *out)
{
    buf_add(out, text);
    buf_addf(out, "%s%s:%s\n", text.n && text.s[text.n - 1] != '\n' ? "\n" : "", address, hash);
}

/* The text with something else where `old`, a part of it, stands. */
static void put_instead(struct str text, struct str old, const char *mark, struct str now,
                        struct buf *out)
{
    size_t at = (size_t)(old.s - text.s);
    buf_add(out, str_sub(text, 0, at));
    buf_add(out, str_of(mark));
    buf_add(out, now);
    buf_add(out, str_from(text, at + old.n));
}

static int put_changed(const struct account_job *job, struct str text, const struct place *place,
                       enum change change, const char *hash, struct buf *out, struct err *err)
{
    struct str password = place->password;
    bool locked = str_starts(password, STR("!"));
    switch (change) {
    case ADD:
        put_added(text, job->address.text, hash, out);
        break;
    case PASSWORD: /* one that is locked stays so */
        put_instead(text, password, locked ? "!" : "", str_of(hash), out);
        break;
    case LOCK:
        put_instead(text, password, locked ? "" : "!", password, out);
        break;
    case UNLOCK:
        while (str_starts(password, STR("!")))
            password = str_from(password, 1);
        if (password.n == 0)
            return err_set(err, "%s has no password; `poterne account password` gives one",
                           job->address.text);
        put_instead(text, place->password, "", password, out);
        break;
    case REMOVE:
        put_instead(text, place->line, "", STR_EMPTY, out);
        if (out->n == 0) /* an empty file is a mistake for who reads it */
            buf_addf(out, ACCOUNT_FILE_FIRST);
        break;
    }
    return buf_ok(out) ? 0 : err_set(err, "there is no room for it in the file of accounts");
}

/* What would be refused is never written. */
static int write_changed(struct account_file *file, struct str text, struct err *err)
{
    struct accounts *accounts;
    struct table *table;
    if (accounts_parse(text, file->path, &accounts, &table, err) != FILE_READ)
        return -1;
    accounts_free(&accounts);
    table_free(&table);
    return account_file_replace(file, text, err);
}

static int change_open(const struct account_job *job, struct account_file *file, enum change change,
                       const char *hash, struct err *err)
{
    struct place place = {STR_EMPTY, STR_EMPTY};
    struct buf text = BUF_INIT(ACCOUNTS_FILE_MAX);
    int found = find_account(file, str_of(job->address.text), &place, err);
    if (found < 0)
        return -1;
    if (found != (change != ADD))
        return err_set(err, "%s: another has just %s %s", file->path, found ? "added" : "removed",
                       job->address.text);
    int result = put_changed(job, buf_str(&file->text), &place, change, hash, &text, err);
    if (result == 0)
        result = write_changed(file, buf_str(&text), err);
    if (text.p)
        explicit_bzero(text.p, text.cap);
    buf_release(&text);
    return result;
}

static int change_file(const struct account_job *job, const char *path, enum change change,
                       const char *hash, struct err *err)
{
    struct account_file file;
    if (account_file_open(job->conf, path, ACCOUNTS_FILE_MAX, &file, err) < 0)
        return -1;
    int result = change_open(job, &file, change, hash, err);
    account_file_close(&file);
    return result;
}

/* Where an account is, and by what it is called. */
struct found {
    const char *path; /* not there: the first file of its domain; NULL: there is none */
    char own[ACCOUNTS_LINE_MAX + 1];
};

/* 1: it is there; 0: it is not. */
static int find_file(const struct account_job *job, struct found *found, struct err *err)
{
    const struct conf_domain *domain = conf_domain_find(job->conf, address_domain(&job->address));
    const char *at;
    *found = (struct found){.path = account_file_of(domain, 0)};
    for (size_t i = 0; (at = account_file_of(domain, i)) != NULL; i++) {
        struct accounts *accounts;
        struct account account;
        struct table *table;
        struct stat st;
        if (access(at, F_OK) < 0)
            continue;
        if (accounts_load(at, &accounts, &table, &st, err) != FILE_READ)
            return -1;
        bool there = accounts_find(accounts, str_of(job->address.text), &account);
        if (there)
            str_copy(account.own, found->own, sizeof found->own);
        accounts_free(&accounts);
        table_free(&table);
        if (!there)
            continue;
        found->path = at;
        return 1;
    }
    return 0;
}

/* Where it is to be done. */
static int find_place(const struct account_job *job, enum change change, struct found *found,
                      struct err *err)
{
    int there = find_file(job, found, err);
    if (there < 0)
        return -1;
    if (found->path == NULL)
        return err_set(err,
                       "the domain of %s has no file of accounts; name one in its directory: "
                       "accounts \"/etc/poterne/accounts\"",
                       job->address.text);
    if (there && change == ADD)
        return err_set(
            err, "%s: %s is there already; `poterne account password` gives it another password",
            found->path, job->address.text);
    if (!there && change != ADD)
        return err_set(err, "%s has no account in a file; `poterne account add` makes one",
                       job->address.text);
    return 0;
}

static void put_done(const struct account_job *job, const char *path, enum change change)
{
    if (account_as_json(job))
        json_line(json_pack("{s:s, s:s, s:s, s:b}", "address", job->address.text, "file", path,
                            "done", words[change].done, "added", (int)(change == ADD)));
    else
        printf("%s: %s %s\n", path, job->address.text, words[change].people);
}

/* By whatever name he was let in. They go before the account: whoever has an address next must not
 * be let in by them. */
static int revoke_all(const struct account_job *job, struct str own, struct err *err)
{
    struct account_job each = *job;
    struct str one;
    while (str_next(&own, ' ', &one))
        if (address_normal(one, false, &each.address) && account_revoke_all(&each, err) < 0)
            return -1;
    return 0;
}

/* The password is asked for before the file is locked: who goes away meanwhile keeps nobody out. */
static int change_account(const struct account_job *job, enum change change)
{
    char hash[HASH_MAX + 1] = "";
    struct found found;
    struct err err = {""};
    int result = find_place(job, change, &found, &err);
    if (result == 0 && (change == ADD || change == PASSWORD))
        result = account_read_hash(hash, &err);
    if (result == 0 && change == REMOVE)
        result = revoke_all(job, str_of(found.own), &err);
    if (result == 0)
        result = change_file(job, found.path, change, hash, &err);
    explicit_bzero(hash, sizeof hash);
    if (result < 0)
        return tool_fail(ACCOUNT_COMMAND, &err);
    put_done(job, found.path, change);
    return TOOL_YES;
}

int account_add(const struct account_job *job, const char *name)
{
    return change_account(job, ADD);
}

int account_password(const struct account_job *job, const char *name)
{
    return change_account(job, PASSWORD);
}

int account_lock(const struct account_job *job, const char *name)
{
    return change_account(job, LOCK);
}

int account_unlock(const struct account_job *job, const char *name)
{
    return change_account(job, UNLOCK);
}

int account_remove(const struct account_job *job, const char *name)
{
    return change_account(job, REMOVE);
}
