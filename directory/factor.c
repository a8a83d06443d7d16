#include "directory/factor.h"

#include <liboath/oath.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/ascii.h"
#include "base/fsio.h"
#include "directory/hash.h"

/* --- one of them --- */

static const struct str kinds[FACTOR_KINDS] = {
    [FACTOR_APP_PASSWORD] = STR("app-password"),
    [FACTOR_TOTP] = STR("totp"),
};

/* Those of Debian, whatever else hash.h takes. */
static struct str app_hash(struct str text)
{
    struct str hash = hash_read(text);
    bool ours = str_starts(hash, STR("$y$")) || str_starts(hash, STR("$6$"));
    return ours ? hash : STR_EMPTY;
}

static bool is_base32(struct str text)
{
    for (size_t i = 0; i < text.n; i++)
        if (!ascii_is_letter(text.s[i]) && (!text.s[i] || strchr("234567= ", text.s[i]) == NULL))
            return false;
    return text.n > 0;
}

void factors_add(struct factors *factors, enum factor_kind kind, struct str secret)
{
    bool app = kind == FACTOR_APP_PASSWORD;
    struct str good = app ? app_hash(secret) : is_base32(secret) ? secret : STR_EMPTY;
    if (good.n == 0 || good.n > FACTOR_SECRET_MAX)
        factors->unread[kind] = true;
    else if (factors->n < FACTORS_MAX)
        factors->list[factors->n++] = (struct factor){kind, good};
    else
        factors->unread[kind] = true;
}

/* --- the file --- */

struct line {
    struct address address;
    struct factor factor;
};

struct factor_file {
    atomic_uint users;
    struct buf text;
    struct line *lines; /* ordered by address */
    size_t n;
};

void factor_file_free(struct factor_file **file)
{
    struct factor_file *f = *file;
    *file = NULL;
    if (f == NULL || atomic_fetch_sub(&f->users, 1) > 1)
        return;
    if (f->text.p)
        explicit_bzero(f->text.p, f->text.cap);
    buf_release(&f->text);
    free(f->lines);
    free(f);
}

struct factor_file *factor_file_share(struct factor_file *file)
{
    if (file)
        atomic_fetch_add(&file->users, 1);
    return file;
}

static int by_address(const void *a, const void *b)
{
    const struct line *one = a, *other = b;
    return strcmp(one->address.text, other->address.text);
}

static bool next_word(struct str *rest, struct str *word)
{
    while (rest->n && (rest->s[0] == ' ' || rest->s[0] == '\t'))
        *rest = str_from(*rest, 1);
    size_t n = 0;
    while (n < rest->n && rest->s[n] != ' ' && rest->s[n] != '\t')
        n++;
    *word = str_sub(*rest, 0, n);
    *rest = str_from(*rest, n);
    return n > 0;
}

/* 2026-11-23, for people. */
static bool is_day(struct str text)
{
    for (size_t i = 0; i < text.n; i++)
        if (i == 4 || i == 7 ? text.s[i] != '-' : !ascii_is_digit(text.s[i]))
            return false;
    return text.n == 10;
}

/* NULL: it is understood; else what was expected. */
static const char *read_line(struct str text, struct line *line)
{
    struct str address, kind, name, secret, day, more;
    struct factors one = {.n = 0};
    if (!next_word(&text, &address) || !next_word(&text, &kind) || !next_word(&text, &name) ||
        !next_word(&text, &secret) ||
        (next_word(&text, &day) && (!is_day(day) || next_word(&text, &more))))
        return "expected four words: an address, app-password or totp, a name, a secret; and the "
               "day of its making if you like";
    if (!address_normal(address, false, &line->address))
        return "that is no mail address";
    size_t i = 0;
    while (i < FACTOR_KINDS && !str_eq(kind, kinds[i]))
        i++;
    if (i == FACTOR_KINDS)
        return "expected app-password or totp behind the address";
    factors_add(&one, (enum factor_kind)i, secret);
    line->factor = one.list[0];
    if (one.n)
        return NULL;
    return i == FACTOR_TOTP ? "expected a secret in base32 (A-Z, 2-7)"
                            : "expected a hash of crypt(5) that begins with $y$ or $6$";
}

static int read_lines(struct factor_file *f, const char *path, struct err *err)
{
    struct str rest = buf_str(&f->text), text;
    size_t room = 0;
    for (unsigned number = 1; str_next_line(&rest, &text); number++) {
        text = str_trim(text);
        if (text.n == 0 || text.s[0] == '#')
            continue;
        if (f->n == room) {
            room = room ? 2 * room : 64;
            struct line *more = reallocarray(f->lines, room, sizeof *more);
            if (more == NULL)
                return err_set(err, "%s: out of memory", path);
            f->lines = more;
        }
        const char *why =
            f->n < FACTOR_LINES_MAX ? read_line(text, &f->lines[f->n]) : "there are too many lines";
        if (why)
            return err_set(err, "%s:%u: %s", path, number, why);
        f->n++;
    }
    if (f->n)
        qsort(f->lines, f->n, sizeof *f->lines, by_address);
    return 0;
}

static int make_file(struct factor_file **file, struct err *err)
{
    *file = calloc(1, sizeof **file);
    if (*file == NULL)
        return err_set(err, "out of memory");
    (*file)->text = BUF_INIT(FACTOR_FILE_MAX);
    atomic_init(&(*file)->users, 1);
    return 0;
}

static int finish(struct factor_file **file, const char *path, struct err *err)
{
    if (read_lines(*file, path, err) == 0)
        return 0;
    factor_file_free(file);
    return -1;
}

int factor_file_parse(struct str text, const char *path, struct factor_file **file, struct err *err)
{
    if (make_file(file, err) < 0)
        return -1;
    buf_add(&(*file)->text, text);
    return finish(file, path, err);
}

int factor_file_read(const char *path, struct factor_file **file, struct err *err)
{
    if (make_file(file, err) < 0)
        return -1;
    if (fsio_read_file(path, &(*file)->text, err) == 0)
        return finish(file, path, err);
    factor_file_free(file);
    return -1;
}

void factor_file_find(const struct factor_file *file, struct str address, struct factors *factors)
{
    struct line wanted = {.address = {.text = ""}};
    if (file == NULL || file->n == 0 || !str_copy(address, wanted.address.text, ADDRESS_MAX + 1))
        return;
    const struct line *any =
        bsearch(&wanted, file->lines, file->n, sizeof *file->lines, by_address);
    if (any == NULL)
        return;
    while (any > file->lines && by_address(any - 1, &wanted) == 0)
        any--;
    for (; any < file->lines + file->n && by_address(any, &wanted) == 0; any++)
        factors_add(factors, any->factor.kind, any->factor.secret);
}

/* --- is it right? --- */

int factor_load(struct err *err)
{
    return oath_init() == OATH_OK ? 0 : err_set(err, "liboath can't be used");
}

/* Takes as long whatever differs. */
static bool same(const char *a, const char *b, size_t n)
{
    unsigned char differs = 0;
    for (size_t i = 0; i < n; i++)
        differs |= (unsigned char)(a[i] ^ b[i]);
    return differs == 0;
}

/* The step whose number it is; 0: none. The latest counts, so that each is spent but once. */
static uint64_t step_of(const char *number, struct str base32, int64_t now)
{
    char *secret = NULL;
    size_t n = 0;
    uint64_t found = 0;
    if (now < FACTOR_STEP * (FACTOR_DRIFT + 1) ||
        oath_base32_decode(base32.s, base32.n, &secret, &n) != OATH_OK)
        return 0;
    for (int drift = -FACTOR_DRIFT; drift <= FACTOR_DRIFT; drift++) {
        int64_t at = now + (int64_t)drift * FACTOR_STEP;
        char wanted[FACTOR_TOKEN_DIGITS + 1];
        if (oath_totp_generate(secret, n, (time_t)at, FACTOR_STEP, 0, FACTOR_TOKEN_DIGITS,
                               wanted) == OATH_OK &&
            same(wanted, number, FACTOR_TOKEN_DIGITS))
            found = (uint64_t)at / FACTOR_STEP;
    }
    explicit_bzero(secret, n);
    free(secret);
    return found;
}

static bool ends_with_number(const char *password, size_t n)
{
    if (n <= FACTOR_TOKEN_DIGITS)
        return false;
    for (size_t i = n - FACTOR_TOKEN_DIGITS; i < n; i++)
        if (!ascii_is_digit(password[i]))
            return false;
    return true;
}

static bool check_token(const struct factors *factors, const char *password, int64_t now,
                        struct factor_use *use)
{
    size_t n = strlen(password);
    if (!ends_with_number(password, n))
        return false;
    for (size_t i = 0; i < factors->n && use->step == 0; i++) {
        if (factors->list[i].kind != FACTOR_TOTP)
            continue;
        use->step = step_of(password + n - FACTOR_TOKEN_DIGITS, factors->list[i].secret, now);
        use->secret = factors->list[i].secret;
    }
    use->n = n - FACTOR_TOKEN_DIGITS;
    return use->step != 0;
}

enum factor_result factor_check(const struct factor_policy *policy, bool asked,
                                const struct factors *factors, const char *password, int64_t now,
                                struct factor_use *use)
{
    bool has_app = false, has_token = false;
    *use = (struct factor_use){.n = strlen(password)};
    for (size_t i = 0; i < factors->n; i++) {
        const struct factor *factor = &factors->list[i];
        if (factor->kind == FACTOR_TOTP) {
            has_token |= policy->totp;
            continue;
        }
        has_app |= policy->app_password;
        if (policy->app_password && hash_is_of(password, factor->secret))
            return FACTOR_ENOUGH;
    }
    if (!asked || (!policy->app_password && !policy->totp))
        return FACTOR_PASSWORD;
    bool unread = (policy->app_password && factors->unread[FACTOR_APP_PASSWORD]) ||
                  (policy->totp && factors->unread[FACTOR_TOTP]);
    if (!has_app && !has_token && policy->pass_missing)
        return unread ? FACTOR_UNREAD : FACTOR_PASSWORD;
    if (has_token && check_token(factors, password, now, use))
        return FACTOR_PASSWORD;
    use->why = has_token ? "no application password, and not the token's number"
               : has_app ? "not one of the application passwords"
               : unread  ? "the account's second factor is not understood"
                         : "no second factor is set up for the account";
    return FACTOR_WRONG;
}

bool factor_spend(const struct factor_policy *policy, const struct factor_use *use)
{
    return use->secret.n == 0 || policy->take(policy->data, use->secret, use->step);
}
