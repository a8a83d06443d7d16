/* The file of second factors: one more, one less, and which there are. */
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/ascii.h"
#include "base/random.h"
#include "directory/factor.h"
#include "directory/hash.h"
#include "tools/account_file.h"
#include "tools/account_tool.h"
#include "tools/json.h"

#define APP_PASSWORD_CHARS 20 /* of 32: 100 bits */
#define TOTP_SECRET_CHARS  32 /* of 32: 160 bits, as RFC 4226 4 has it */
#define DAY_SIZE           11

/* A line of the file that has a second factor; texts point into it. */
struct entry {
    struct str whole; /* with its end of line */
    struct address address;
    struct str kind, name, day;
};

static bool next_word(struct str *rest, struct str *word)
{
    *rest = str_trim(*rest);
    size_t n = 0;
    while (n < rest->n && rest->s[n] != ' ' && rest->s[n] != '\t')
        n++;
    *word = str_sub(*rest, 0, n);
    *rest = str_from(*rest, n);
    return n > 0;
}

/* What factor_file_parse() has read without a mistake. */
static bool next_entry(struct str *rest, struct entry *entry)
{
    struct str line, address, secret;
    for (;;) {
        const char *begin = rest->s;
        if (!str_next_line(rest, &line))
            return false;
        entry->whole = str_n(begin, (size_t)(rest->s - begin));
        if (!next_word(&line, &address) || address.s[0] == '#')
            continue;
        next_word(&line, &entry->kind);
        next_word(&line, &entry->name);
        next_word(&line, &secret);
        next_word(&line, &entry->day);
        if (address_normal(address, false, &entry->address))
            return true;
    }
}

/* --- the file --- */

static int open_file(const struct account_job *job, struct account_file *file, struct err *err)
{
    struct factor_file *factors;
    const char *path = job->conf->submission.second_factor_file;
    if (path == NULL)
        return err_set(err, "there is no file of second factors; set "
                            "submission.second_factor_file");
    if (account_file_open(job->conf, path, FACTOR_FILE_MAX, file, err) < 0)
        return -1;
    if (factor_file_parse(buf_str(&file->text), file->path, &factors, err) == 0) {
        factor_file_free(&factors);
        return 0;
    }
    account_file_close(file);
    return -1;
}

/* Is there one of that name, how many of that address? */
static bool find(const struct account_job *job, const struct account_file *file, const char *name,
                 struct entry *found, size_t *n)
{
    struct str rest = buf_str(&file->text);
    struct entry entry;
    bool there = false;
    *n = 0;
    while (next_entry(&rest, &entry)) {
        if (strcmp(entry.address.text, job->address.text) != 0)
            continue;
        ++*n;
        if (str_eq(entry.name, str_of(name))) {
            *found = entry;
            there = true;
        }
    }
    return there;
}

/* What would be refused is never written. */
static int replace(struct account_file *file, const struct buf *text, struct err *err)
{
    struct factor_file *factors;
    if (!buf_ok(text))
        return err_set(err, "%s: there is no room for it", file->path);
    if (factor_file_parse(buf_str(text), file->path, &factors, err) < 0)
        return -1;
    factor_file_free(&factors);
    return account_file_replace(file, buf_str(text), err);
}

static void wipe(struct buf *text)
{
    if (text->p)
        explicit_bzero(text->p, text->cap);
    buf_release(text);
}

static int add_line(const struct account_job *job, struct account_file *file, const char *kind,
                    const char *name, const char *secret, struct err *err)
{
    struct entry entry;
    struct buf text = BUF_INIT(FACTOR_FILE_MAX);
    char day[DAY_SIZE];
    struct tm tm;
    time_t now = time(NULL);
    size_t n;
    if (find(job, file, name, &entry, &n))
        return err_set(err,
                       "%s has a %.*s called %s; choose another name, or `poterne account revoke` "
                       "it first",
                       job->address.text, STR_ARG(entry.kind), name);
    if (n >= FACTORS_MAX)
        return err_set(err, "%s has %zu second factors, and no more count; revoke one first",
                       job->address.text, n);
    gmtime_r(&now, &tm);
    strftime(day, sizeof day, "%Y-%m-%d", &tm);
    buf_add(&text, buf_str(&file->text));
    if (text.n && text.p[text.n - 1] != '\n')
        buf_addc(&text, '\n');
    buf_addf(&text, "%s %s %s %s %s\n", job->address.text, kind, name, secret, day);
    int result = replace(file, &text, err);
    wipe(&text);
    return result;
}

/* --- a new one --- */

/* Of 32 letters, so that five bits of randomness are one. */
static void make_text(const char letters[32], char *out, size_t n)
{
    unsigned char bytes[64];
    random_fill(bytes, n);
    for (size_t i = 0; i < n; i++)
        out[i] = letters[bytes[i] % 32];
    out[n] = '\0';
    explicit_bzero(bytes, sizeof bytes);
}

static void warn_unused(const struct account_job *job, const char *word)
{
    const struct conf_list *asked = &job->conf->submission.second_factor;
    for (size_t i = 0; i < asked->n; i++)
        if (strcmp(asked->items[i], word) == 0)
            return;
    fprintf(stderr,
            "poterne account: it counts for nothing until submission.second_factor has %s\n", word);
}

static void put_secret(const struct account_job *job, const char *kind, const char *name,
                       const char *secret, const char *uri)
{
    if (account_as_json(job)) {
        json_t *line = json_pack("{s:s, s:s, s:o, s:s}", "kind", kind, "address", job->address.text,
                                 "name", json_text(str_of(name)), "secret", secret);
        if (line && uri)
            json_object_set_new(line, "uri", json_string(uri));
        json_line(line);
        return;
    }
    printf("%s\n", secret);
    if (uri)
        printf("%s\n", uri);
}

int account_make_app_password(const struct account_job *job, const char *name)
{
    struct account_file file;
    struct err err = {""};
    char password[APP_PASSWORD_CHARS + 1], hash[HASH_MAX + 1];
    make_text("abcdefghijkmnpqrstuvwxyz23456789", password, APP_PASSWORD_CHARS);
    int result = open_file(job, &file, &err);
    if (result == 0) {
        result = hash_make(password, hash, &err) < 0
                     ? -1
                     : add_line(job, &file, "app-password", name, hash, &err);
        account_file_close(&file);
    }
    if (result == 0) {
        put_secret(job, "app-password", name, password, NULL);
        warn_unused(job, "app_password");
    }
    explicit_bzero(password, sizeof password);
    return result == 0 ? TOOL_YES : tool_fail(ACCOUNT_COMMAND, &err);
}

/* RFC 3986 2.1 */
static void add_encoded(struct buf *out, const char *text)
{
    for (const char *p = text; *p; p++)
        if (ascii_is_alnum(*p) || strchr("-._~", *p))
            buf_addc(out, *p);
        else
            buf_addf(out, "%%%02X", (unsigned char)*p);
}

/* As the programs that make the numbers read it: otpauth://totp/ISSUER:ACCOUNT?… */
static void make_uri(const struct account_job *job, const char *secret, struct buf *out)
{
    buf_addf(out, "otpauth://totp/");
    add_encoded(out, job->conf->hostname);
    buf_addc(out, ':');
    add_encoded(out, job->address.text);
    buf_addf(out, "?secret=%s&issuer=", secret);
    add_encoded(out, job->conf->hostname);
    buf_addf(out, "&algorithm=SHA1&digits=%d&period=%d", FACTOR_TOKEN_DIGITS, FACTOR_STEP);
}

int account_make_totp(const struct account_job *job, const char *name)
{
    struct account_file file;
    struct err err = {""};
    char secret[TOTP_SECRET_CHARS + 1], room[4096];
    struct buf uri = BUF_OVER(room);
    make_text("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", secret, TOTP_SECRET_CHARS);
    make_uri(job, secret, &uri);
    int result = open_file(job, &file, &err);
    if (result == 0) {
        result = add_line(job, &file, "totp", name, secret, &err);
        account_file_close(&file);
    }
    if (result == 0) {
        put_secret(job, "totp", name, secret, buf_cstr(&uri));
        warn_unused(job, "totp");
    }
    explicit_bzero(secret, sizeof secret);
    explicit_bzero(room, sizeof room);
    return result == 0 ? TOOL_YES : tool_fail(ACCOUNT_COMMAND, &err);
}

/* --- one less --- */

/* All lines but the address's of that name (NULL: of any): more than one may have been written by
 * hand. How many are left out. */
static size_t put_without(const struct account_job *job, const struct account_file *file,
                          const char *name, struct buf *out)
{
    struct str whole = buf_str(&file->text), rest = whole;
    struct entry entry;
    size_t kept = 0, n = 0;
    while (next_entry(&rest, &entry)) {
        if (strcmp(entry.address.text, job->address.text) != 0 ||
            (name && !str_eq(entry.name, str_of(name))))
            continue;
        size_t at = (size_t)(entry.whole.s - whole.s);
        buf_add(out, str_sub(whole, kept, at));
        kept = at + entry.whole.n;
        n++;
    }
    buf_add(out, str_from(whole, kept));
    return n;
}

/* 1: they are gone; 0: there was none. */
static int take_away(const struct account_job *job, const char *name, struct err *err)
{
    struct account_file file;
    struct buf text = BUF_INIT(FACTOR_FILE_MAX);
    if (open_file(job, &file, err) < 0)
        return -1;
    int result = put_without(job, &file, name, &text) > 0;
    if (result && replace(&file, &text, err) < 0)
        result = -1;
    wipe(&text);
    account_file_close(&file);
    return result;
}

int account_revoke_all(const struct account_job *job, struct err *err)
{
    const char *path = job->conf->submission.second_factor_file;
    if (path == NULL || access(path, F_OK) < 0)
        return 0;
    return take_away(job, NULL, err) < 0 ? -1 : 0;
}

int account_revoke(const struct account_job *job, const char *name)
{
    struct err err = {""};
    int result = take_away(job, name, &err);
    if (result < 0)
        return tool_fail(ACCOUNT_COMMAND, &err);
    if (account_as_json(job))
        json_line(json_pack("{s:s, s:o, s:b}", "address", job->address.text, "name",
                            json_text(str_of(name)), "revoked", result));
    else
        printf(result ? "%s: %s is revoked\n" : "%s has no %s\n", job->address.text, name);
    return result ? TOOL_YES : TOOL_NO;
}

/* --- which there are --- */

static void put_entry(const struct account_job *job, const struct entry *entry)
{
    if (account_as_json(job)) {
        json_line(json_pack("{s:o, s:s, s:o, s:o}", "kind", json_text(entry->kind), "address",
                            entry->address.text, "name", json_text(entry->name), "made",
                            entry->day.n ? json_text(entry->day) : json_null()));
        return;
    }
    printf("%s: %.*s ", entry->address.text, STR_ARG(entry->kind));
    tool_put_text(stdout, entry->name);
    if (entry->day.n)
        printf(", made on %.*s", STR_ARG(entry->day));
    putchar('\n');
}

int account_list_factors(const struct account_job *job, size_t *n)
{
    struct account_file file;
    struct entry entry;
    struct err err = {""};
    const char *path = job->conf->submission.second_factor_file;
    if (path == NULL || access(path, F_OK) < 0) /* looking makes none */
        return TOOL_YES;
    if (open_file(job, &file, &err) < 0)
        return tool_fail(ACCOUNT_COMMAND, &err);
    struct str rest = buf_str(&file.text);
    while (next_entry(&rest, &entry)) {
        if (job->address.text[0] && strcmp(entry.address.text, job->address.text) != 0)
            continue;
        put_entry(job, &entry);
        ++*n;
    }
    account_file_close(&file);
    return TOOL_YES;
}
