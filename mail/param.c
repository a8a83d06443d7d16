#include "mail/param.h"

#include "mail/charset.h"
#include "mail/transfer.h"

/* One "name=value" as written; name*1*=value is section 1, extended. */
struct piece {
    struct str name;
    struct str value;
    unsigned section;
    bool sectioned;
    bool extended;
};

static bool is_mail_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static size_t skip(struct str x, size_t at, bool semicolons)
{
    while (at < x.n && (is_mail_space(x.s[at]) || (semicolons && x.s[at] == ';')))
        at++;
    return at;
}

/* Position behind the comment that starts at `at`; nested ones included, a ')' lacking: the end. */
static size_t skip_comment(struct str x, size_t at)
{
    unsigned depth = 0;
    for (; at < x.n; at++) {
        if (x.s[at] == '\\')
            at++;
        else if (x.s[at] == '(')
            depth++;
        else if (x.s[at] == ')' && --depth == 0)
            return at + 1;
    }
    return x.n;
}

struct str params_skip(struct str x)
{
    size_t at = 0;
    while (at < x.n && (is_mail_space(x.s[at]) || strchr(";,(", x.s[at])))
        at = x.s[at] == '(' ? skip_comment(x, at) : at + 1;
    return str_from(x, at);
}

/* The quoted text that starts at `at`, backslashes undone before '"' and '\' only: file names
 * of Windows come with single ones. Without a closing quote it ends at ';'. */
static int quoted(struct pool *pool, struct str x, size_t *at, struct str *value, struct err *err)
{
    size_t i = *at + 1, n = 0, end = i;
    while (end < x.n && x.s[end] != '"')
        end += x.s[end] == '\\' ? 2 : 1;
    bool closed = end < x.n;
    if (!closed) {
        size_t semicolon = str_chr(str_from(x, i), ';');
        end = semicolon == STR_NONE ? x.n : i + semicolon;
    }
    *at = end + closed;
    *value = str_sub(x, i, end);
    if (str_chr(*value, '\\') == STR_NONE)
        return 0;
    char *to = pool_alloc(pool, value->n);
    if (to == NULL)
        return err_set(err, "out of memory for a MIME parameter");
    for (i = 0; i < value->n; i++) {
        bool escape = value->s[i] == '\\' && i + 1 < value->n &&
                      (value->s[i + 1] == '"' || value->s[i + 1] == '\\');
        i += escape;
        to[n++] = value->s[i];
    }
    *value = str_n(to, n);
    return 0;
}

/* Is there "word=" at the position: the next parameter, whose ';' was forgotten? */
static bool starts_param(struct str x, size_t at)
{
    size_t from = at;
    while (at < x.n && !is_mail_space(x.s[at]) && !strchr("=;\"()", x.s[at]))
        at++;
    return at > from && at < x.n && x.s[at] == '=';
}

/* An unquoted value may hold blanks, as file names of careless senders do. */
static struct str unquoted(struct str x, size_t *at)
{
    size_t from = *at, end = from;
    while (end < x.n && x.s[end] != ';') {
        if (is_mail_space(x.s[end])) {
            size_t next = skip(x, end, false);
            if (next < x.n && (x.s[next] == '(' || starts_param(x, next)))
                break;
            end = next;
            continue;
        }
        end++;
    }
    *at = end;
    return str_trim(str_sub(x, from, end));
}

/* "filename*0*" into its name, section and kind. */
static void split_name(struct piece *piece)
{
    struct str name = piece->name;
    uint64_t section;
    if (name.n && name.s[name.n - 1] == '*') {
        piece->extended = true;
        name.n--;
    }
    size_t star = str_chr(name, '*');
    if (star != STR_NONE && str_to_u64(str_from(name, star + 1), PARAMS_MAX, &section)) {
        piece->section = (unsigned)section;
        piece->sectioned = true;
        name.n = star;
    }
    piece->name = name;
}

/* Reads one parameter; false at the end, *found false where there was only junk. */
static bool next_piece(struct pool *pool, struct str x, size_t *at, struct piece *piece,
                       bool *found, int *result, struct err *err)
{
    *found = false;
    *piece = (struct piece){0};
    *at = skip(x, *at, true);
    if (*at == x.n)
        return false;
    if (x.s[*at] == '(') {
        *at = skip_comment(x, *at);
        return true;
    }
    size_t from = *at, end = from;
    while (end < x.n && !is_mail_space(x.s[end]) && x.s[end] != '=' && x.s[end] != ';')
        end++;
    piece->name = str_sub(x, from, end);
    end = skip(x, end, false);
    *at = end;
    if (end == x.n || x.s[end] != '=')
        return true;
    *at = end = skip(x, end + 1, false);
    if (end < x.n && x.s[end] == '"')
        *result = quoted(pool, x, at, &piece->value, err);
    else
        piece->value = unquoted(x, at);
    split_name(piece);
    *found = piece->name.n > 0;
    return *result == 0;
}

/* Takes "charset'language'" off the front of an RFC 2231 value. */
static struct str take_charset(struct str *value)
{
    size_t first = str_chr(*value, '\'');
    if (first == STR_NONE)
        return STR_EMPTY;
    size_t second = str_chr(str_from(*value, first + 1), '\'');
    if (second == STR_NONE)
        return STR_EMPTY;
    struct str charset = str_sub(*value, 0, first);
    *value = str_from(*value, first + 1 + second + 1);
    return charset;
}

/* The section of that name with the lowest number from `least` on; numbers that are left out
 * are stepped over. */
static const struct piece *find_section(const struct piece *list, size_t n, struct str name,
                                        unsigned least)
{
    const struct piece *found = NULL;
    for (size_t i = 0; i < n; i++)
        if (list[i].sectioned && list[i].section >= least && str_ieq(list[i].name, name) &&
            (found == NULL || list[i].section < found->section))
            found = &list[i];
    return found;
}

/* The whole value whose first section is `piece`, as UTF-8 when it was extended. */
static struct str join(struct pool *pool, const struct piece *list, size_t n,
                       const struct piece *piece)
{
    struct buf bytes = BUF_INIT(64 * 1024), out = BUF_INIT(256 * 1024);
    struct str value = piece->value;
    struct str charset = piece->extended ? take_charset(&value) : STR_EMPTY;
    bool extended = piece->extended;
    while (piece) {
        if (piece->extended)
            transfer_percent(value, &bytes);
        else
            transfer_none(value, &bytes);
        extended |= piece->extended;
        piece = piece->sectioned ? find_section(list, n, piece->name, piece->section + 1) : NULL;
        value = piece ? piece->value : STR_EMPTY;
    }
    if (extended)
        charset_to_utf8(charset, buf_str(&bytes), &out);
    else
        transfer_none(buf_str(&bytes), &out);
    struct str joined = bytes.failed || out.failed ? STR_EMPTY : pool_str(pool, buf_str(&out));
    buf_release(&bytes);
    buf_release(&out);
    return joined;
}

/* Does an extended form of the same name say it better (RFC 5987 4.2)? */
static bool has_better(const struct piece *list, size_t n, const struct piece *piece)
{
    if (piece->extended || piece->sectioned || str_ieq(piece->name, STR("boundary")))
        return false;
    for (size_t i = 0; i < n; i++)
        if ((list[i].extended || list[i].sectioned) && str_ieq(list[i].name, piece->name))
            return true;
    return false;
}

static int assemble(struct pool *pool, const struct piece *pieces, size_t n, struct param **list,
                    size_t *count, struct err *err)
{
    *list = POOL_ARRAY(pool, n, struct param);
    for (size_t i = 0; *list && i < n; i++) {
        const struct piece *piece = &pieces[i];
        bool later = piece->sectioned && find_section(pieces, n, piece->name, 0) != piece;
        if (later || has_better(pieces, n, piece))
            continue;
        struct param *param = &(*list)[(*count)++];
        param->name = pool_lower(pool, piece->name);
        param->value =
            piece->extended || piece->sectioned ? join(pool, pieces, n, piece) : piece->value;
        if (param->name.s == NULL || (param->value.s == NULL && piece->value.n))
            *list = NULL;
    }
    return *list ? 0 : err_set(err, "out of memory for MIME parameters");
}

int params_parse(struct pool *pool, struct str text, struct param **list, size_t *n,
                 struct err *err)
{
    struct piece pieces[PARAMS_MAX];
    size_t n_pieces = 0, at = 0;
    int result = 0;
    bool found;
    *list = NULL;
    *n = 0;
    while (n_pieces < PARAMS_MAX &&
           next_piece(pool, text, &at, &pieces[n_pieces], &found, &result, err))
        n_pieces += found;
    if (result < 0 || n_pieces == 0)
        return result;
    return assemble(pool, pieces, n_pieces, list, n, err);
}

struct str params_find(const struct param *list, size_t n, struct str name)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(list[i].name, name))
            return list[i].value;
    return STR_EMPTY;
}
