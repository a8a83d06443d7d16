/* Files of accounts: whose are there, and their passwords. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "directory/accounts.h"
#include "directory/hash.h"
#include "directory/login.h"
#include "tools/account_file.h"
#include "tools/account_tool.h"
#include "tools/json.h"

/* --- the password --- */

/* One line, byte by byte: a stream would keep a copy. -1: err. */
static int read_line(char out[LOGIN_PASSWORD_MAX + 1], struct err *err)
{
    size_t n = 0;
    char c = '\0';
    for (;;) {
        ssize_t got = read(STDIN_FILENO, &c, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_sys(err, "cannot read standard input");
        if (got == 0 || c == '\n')
            break;
        if (c == '\0' || n == LOGIN_PASSWORD_MAX)
            return err_set(err, "a password has at most %d bytes, none of them NUL",
                           LOGIN_PASSWORD_MAX);
        out[n++] = c;
    }
    n -= n && out[n - 1] == '\r';
    out[n] = '\0';
    return 0;
}

static int ask(const char *words, char out[LOGIN_PASSWORD_MAX + 1], struct err *err)
{
    struct termios before, silent;
    bool terminal = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &before) == 0;
    if (!terminal)
        return read_line(out, err);
    silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    fputs(words, stderr);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    int result = read_line(out, err);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    fputc('\n', stderr);
    return result;
}

/* On a terminal it is asked for twice: nobody sees what he types. */
static int read_hash(char hash[HASH_MAX + 1], struct err *err)
{
    char password[LOGIN_PASSWORD_MAX + 1] = "", again[LOGIN_PASSWORD_MAX + 1] = "";
    int result = ask("New password: ", password, err);
    if (result == 0 && strlen(password) < ACCOUNT_PASSWORD_LEAST)
        result = err_set(err, "a password has at least %d bytes", ACCOUNT_PASSWORD_LEAST);
    if (result == 0 && isatty(STDIN_FILENO)) {
        result = ask("Again: ", again, err);
        if (result == 0 && strcmp(password, again) != 0)
            result = err_set(err, "these were two passwords");
    }
    if (result == 0)
        result = hash_make(password, hash, err);
    explicit_bzero(password, sizeof password);
    explicit_bzero(again, sizeof again);
    return result;
}

/* --- the file --- */

static enum file_result parse(const struct account_file *file, struct accounts **accounts,
                              struct err *err)
{
    struct table *table;
    enum file_result result =
        accounts_parse(buf_str(&file->text), file->path, accounts, &table, err);
    table_free(&table);
    return result;
}

/* Of the line that has the account, the password; false: none has it. */
static bool find_password(struct str text, struct str official, struct str *password)
{
    struct str rest = text, line;
    struct address address;
    while (str_next_line(&rest, &line)) {
        line = str_trim(line);
        size_t colon = str_chr(line, ':');
        if (line.n == 0 || line.s[0] == '#' || colon == STR_NONE ||
            !address_normal(str_sub(line, 0, colon), false, &address) ||
            !str_eq(str_of(address.text), official))
            continue;
        struct str behind = str_from(line, colon + 1);
        *password = str_sub(behind, 0, str_chr(behind, ':'));
        return true;
    }
    return false;
}

/* The text with that hash in the password's place, or in a line of its own behind all others. */
static void put_changed(const struct account_file *file, const struct str *password,
                        const char *address, const char *hash, struct buf *out)
{
    struct str text = buf_str(&file->text);
    size_t at = password ? (size_t)(password->s - text.s) : text.n;
    buf_add(out, str_sub(text, 0, at));
    if (password) /* one that is locked stays so */
        buf_addf(out, "%s%s", str_starts(*password, STR("!")) ? "!" : "", hash);
    else
        buf_addf(out, "%s%s:%s\n", text.n && text.s[text.n - 1] != '\n' ? "\n" : "", address, hash);
    if (password)
        buf_add(out, str_from(text, at + password->n));
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

/* 1: done; 0: it is not there (or is, when it is to be added). */
static int change(const struct account_job *job, struct account_file *file, bool add,
                  struct err *err)
{
    struct accounts *accounts = NULL;
    struct account account;
    struct str address = str_of(job->address.text), password = STR_EMPTY;
    if (file->text.n && parse(file, &accounts, err) != FILE_READ)
        return -1;
    bool there = accounts && accounts_find(accounts, address, &account);
    struct str official = there ? str_sub(account.own, 0, str_chr(account.own, ' ')) : STR_EMPTY;
    int result = there != add;
    if (result && there && !find_password(buf_str(&file->text), official, &password))
        result = err_set(err, "%s: there is no line of %s", file->path, job->address.text);
    if (result > 0) {
        char hash[HASH_MAX + 1];
        struct buf text = BUF_INIT(ACCOUNTS_FILE_MAX);
        result = read_hash(hash, err);
        if (result == 0)
            put_changed(file, there ? &password : NULL, job->address.text, hash, &text);
        if (result == 0 && !buf_ok(&text))
            result = err_set(err, "%s: there is no room for it", file->path);
        result = result == 0 && write_changed(file, buf_str(&text), err) == 0 ? 1 : -1;
        if (text.p)
            explicit_bzero(text.p, text.cap);
        buf_release(&text);
    }
    accounts_free(&accounts);
    return result;
}

/* The n'th file of accounts of the domain; NULL: there are no more. */
static const char *file_of(const struct conf_domain *domain, size_t n)
{
    struct conf_source source;
    for (size_t i = 0; domain && i < domain->directory.n; i++)
        if (conf_source_of(domain->directory.items[i], &source) && source.kind == SOURCE_ACCOUNTS &&
            n-- == 0)
            return source.name;
    return NULL;
}

static void put_done(const struct account_job *job, const char *path, bool add)
{
    if (account_as_json(job))
        json_line(json_pack("{s:s, s:s, s:b}", "address", job->address.text, "file", path, "added",
                            (int)add));
    else
        printf("%s: %s %s\n", path, job->address.text,
               add ? "is an account now" : "has another password");
}

int account_set_password(const struct account_job *job, bool add)
{
    const struct conf_domain *domain = conf_domain_find(job->conf, address_domain(&job->address));
    struct err err = {""};
    const char *path;
    int done = 0;
    for (size_t i = 0; done == 0 && (path = file_of(domain, i)) != NULL; i++) {
        struct account_file file;
        if (!add && access(path, F_OK) < 0) /* nobody is in it; this makes none */
            continue;
        done = account_file_open(job->conf, path, ACCOUNTS_FILE_MAX, &file, &err);
        if (done < 0)
            break;
        done = change(job, &file, add, &err);
        account_file_close(&file);
        if (done > 0)
            put_done(job, path, add);
        else if (add && done == 0)
            done = err_set(&err,
                           "%s: %s is there already; `poterne account password` gives it "
                           "another password",
                           path, job->address.text);
    }
    if (done < 0)
        return tool_fail(ACCOUNT_COMMAND, &err);
    if (done > 0)
        return TOOL_YES;
    if (file_of(domain, 0) == NULL)
        err_set(&err,
                "domain %s has no file of accounts; name one in its directory: accounts "
                "\"/etc/poterne/accounts\"",
                domain->name);
    else
        err_set(&err, "%s has no account in a file; `poterne account add` makes one",
                job->address.text);
    return tool_fail(ACCOUNT_COMMAND, &err);
}

/* --- list --- */

static const char *state_of(const struct account *account)
{
    return account->disabled                                             ? "disabled"
           : account->nologin                                            ? "nologin"
           : account->locked                                             ? "locked"
           : account->hash.n == 0                                        ? "no password"
           : account->expires && account->expires <= (int64_t)time(NULL) ? "expired"
                                                                         : "active";
}

static void put_account(const struct account_job *job, const struct account *account)
{
    size_t n = str_chr(account->own, ' ');
    struct str official = str_sub(account->own, 0, n);
    struct str more = n == STR_NONE ? STR_EMPTY : str_from(account->own, n + 1);
    if (account_as_json(job)) {
        json_line(
            json_pack("{s:s, s:o, s:o, s:o, s:s, s:o}", "kind", "account", "address",
                      json_text(official), "aliases", json_text(more), "send_as",
                      json_text(account->send_as), "state", state_of(account), "expires",
                      account->expires ? json_time(account->expires * 1000000) : json_null()));
        return;
    }
    printf("%.*s: account, %s", STR_ARG(official), state_of(account));
    if (more.n)
        printf(", also %.*s", STR_ARG(more));
    if (account->send_as.n)
        printf(", sends as %.*s", STR_ARG(account->send_as));
    putchar('\n');
}

static int list_file(const struct account_job *job, const char *path, size_t *n, struct err *err)
{
    struct accounts *accounts;
    struct account account;
    struct table *table;
    struct stat st;
    if (accounts_load(path, &accounts, &table, &st, err) != FILE_READ)
        return -1;
    if (job->address.text[0] && accounts_find(accounts, str_of(job->address.text), &account)) {
        put_account(job, &account);
        ++*n;
    }
    for (size_t i = 0; !job->address.text[0] && accounts_at(accounts, i, &account); i++, ++*n)
        put_account(job, &account);
    accounts_free(&accounts);
    table_free(&table);
    return 0;
}

/* Did a domain before name it? */
static bool is_listed(const struct conf *conf, const struct conf_domain *domain, const char *path)
{
    const char *other;
    for (const struct conf_domain *d = conf->domains; d < domain; d++)
        for (size_t i = 0; (other = file_of(d, i)) != NULL; i++)
            if (strcmp(other, path) == 0)
                return true;
    return false;
}

int account_list_people(const struct account_job *job, size_t *n)
{
    const struct conf *conf = job->conf;
    struct err err = {""};
    for (size_t i = 0; i < conf->n_domains; i++) {
        const struct conf_domain *domain = &conf->domains[i];
        const char *path;
        for (size_t k = 0; (path = file_of(domain, k)) != NULL; k++)
            if (!is_listed(conf, domain, path) && list_file(job, path, n, &err) < 0)
                return tool_fail(ACCOUNT_COMMAND, &err);
    }
    return TOOL_YES;
}
