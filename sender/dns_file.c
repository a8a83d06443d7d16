#include "sender/dns_file.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "base/ascii.h"
#include "base/fsio.h"

enum kind { RECORD, ALIAS, FAILURE, FAILURE_OF_ALL };

struct line {
    struct str name; /* normal form */
    size_t number;   /* keeps the order of the file */
    enum kind kind;
    enum dns_type type; /* RECORD and FAILURE */
    struct dns_record record;
};

struct dns_file {
    struct pool *pool;
    struct line *lines; /* in the order of their names */
    size_t n;
    size_t cap;
};

/* --- answering --- */

static int by_name(const void *a, const void *b)
{
    const struct line *x = a, *y = b;
    int order = str_cmp(x->name, y->name);
    return order ? order : x->number < y->number ? -1 : x->number > y->number;
}

/* The lines of a name: [*from, returned). */
static size_t lines_of(const struct dns_file *file, struct str name, size_t *from)
{
    size_t low = 0, high = file->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (str_cmp(file->lines[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *from = low;
    while (low < file->n && str_eq(file->lines[low].name, name))
        low++;
    return low;
}

static void add_record(struct pool *pool, struct dns_query *query, const struct line *line)
{
    if (query->n == DNS_RECORDS_MAX)
        return;
    struct dns_record *records = POOL_ARRAY(pool, query->n + 1, struct dns_record);
    if (!records) {
        query->status = DNS_TEMP_FAILED;
        return;
    }
    if (query->n > 0)
        memcpy(records, query->records, query->n * sizeof *records);
    records[query->n++] = line->record;
    query->records = records;
    query->status = DNS_FOUND;
}

/* Answers from the lines of one name; true when they send on to another, which is then in *name. */
static bool look_at(const struct dns_file *file, struct pool *pool, struct dns_query *query,
                    struct str *name)
{
    size_t at;
    size_t end = lines_of(file, *name, &at);
    bool fails_else = false;
    query->status = at < end ? DNS_NO_DATA : DNS_NO_NAME;
    for (; at < end && query->status != DNS_TEMP_FAILED; at++) {
        const struct line *line = &file->lines[at];
        if (line->kind == ALIAS) {
            *name = line->record.data;
            return true;
        }
        fails_else |= line->kind == FAILURE_OF_ALL;
        if (line->kind == FAILURE && line->type == query->type)
            query->status = DNS_TEMP_FAILED;
        else if (line->kind == RECORD && line->type == query->type)
            add_record(pool, query, line);
    }
    if (fails_else && query->status != DNS_FOUND)
        query->status = DNS_TEMP_FAILED;
    return false;
}

static void answer(const struct dns_file *file, struct pool *pool, struct dns_query *query)
{
    if (!dns_name_ok(query->name)) {
        query->status = DNS_BAD_NAME;
        return;
    }
    struct str name = dns_name_normal(pool, query->name);
    for (int i = 0; name.s && i < DNS_FILE_CNAME_MAX; i++)
        if (!look_at(file, pool, query, &name))
            return;
    query->status = DNS_TEMP_FAILED;
}

static void answer_all(void *data, struct pool *pool, struct dns_query *queries, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (queries[i].status != DNS_ASKED_NOT)
            continue;
        if (i < DNS_QUESTIONS_MAX)
            answer(data, pool, &queries[i]);
        else
            queries[i].status = DNS_TEMP_FAILED;
    }
}

struct dns_source dns_file_source(struct dns_file *file)
{
    return (struct dns_source){.ask = answer_all, .data = file};
}

/* --- reading --- */

static struct str next_word(struct str *line)
{
    *line = str_trim(*line);
    size_t end = 0;
    while (end < line->n && line->s[end] != ' ' && line->s[end] != '\t')
        end++;
    struct str word = str_sub(*line, 0, end);
    *line = str_trim(str_from(*line, end));
    return word;
}

static bool read_address(struct pool *pool, int family, struct str text, struct str *data)
{
    char word[INET6_ADDRSTRLEN];
    unsigned char bytes[sizeof(struct in6_addr)];
    if (!str_copy(text, word, sizeof word) || inet_pton(family, word, bytes) != 1)
        return false;
    *data = pool_str(pool, str_n((const char *)bytes, family == AF_INET ? 4 : 16));
    return true;
}

/* One byte of a quoted string: itself, \X or \DDD (RFC 1035 5.1). */
static bool read_byte(struct str text, size_t *at, char *byte)
{
    *byte = text.s[(*at)++];
    if (*byte != '\\')
        return true;
    uint64_t number;
    if (*at < text.n && ascii_is_digit(text.s[*at])) {
        if (*at + 3 > text.n || !str_to_u64(str_sub(text, *at, *at + 3), 255, &number))
            return false;
        *byte = (char)(unsigned char)number;
        *at += 3;
        return true;
    }
    if (*at == text.n)
        return false;
    *byte = text.s[(*at)++];
    return true;
}

/* "one" "two", joined. */
static bool read_strings(struct pool *pool, struct str text, struct str *data)
{
    struct buf out = BUF_INIT(DNS_RECORD_MAX);
    bool ok = true;
    while (ok && text.n > 0) {
        size_t at = 1;
        char byte;
        ok = text.s[0] == '"';
        while (ok && at < text.n && text.s[at] != '"') {
            ok = read_byte(text, &at, &byte);
            buf_addc(&out, byte);
        }
        ok = ok && at < text.n;
        text = str_trim(str_from(text, at + 1));
    }
    ok = ok && buf_ok(&out);
    *data = ok ? pool_str(pool, buf_str(&out)) : STR_EMPTY;
    buf_release(&out);
    return ok;
}

static bool read_mx(struct pool *pool, struct str text, struct dns_record *record)
{
    uint64_t preference;
    struct str number = next_word(&text);
    record->data = dns_name_normal(pool, next_word(&text));
    if (!str_to_u64(number, UINT16_MAX, &preference))
        return false;
    record->preference = (unsigned)preference;
    return text.n == 0;
}

static bool read_record(struct pool *pool, struct str text, struct line *line)
{
    switch (line->type) {
    case DNS_A:
        return read_address(pool, AF_INET, text, &line->record.data);
    case DNS_AAAA:
        return read_address(pool, AF_INET6, text, &line->record.data);
    case DNS_MX:
        return read_mx(pool, text, &line->record);
    case DNS_NS:
    case DNS_PTR:
        line->record.data = dns_name_normal(pool, text);
        return text.n > 0;
    case DNS_TXT:
        if (str_starts(text, STR("\"")))
            return read_strings(pool, text, &line->record.data);
        line->record.data = pool_str(pool, text);
        return text.n <= DNS_RECORD_MAX;
    case DNS_TLSA:
        break;
    }
    return false;
}

/* What stands behind the name; false: it can't be read. */
static bool read_kind(struct pool *pool, struct str text, struct line *line)
{
    struct str word = next_word(&text);
    if (str_eq(word, STR("TEMPFAIL")) || str_eq(word, STR("TIMEOUT"))) {
        line->kind = text.n == 0 ? FAILURE_OF_ALL : FAILURE;
        line->record.data = STR("");
        return text.n == 0 || dns_type_of(text, &line->type);
    }
    if (str_eq(word, STR("CNAME"))) {
        line->kind = ALIAS;
        line->record.data = dns_name_normal(pool, text);
        return text.n > 0;
    }
    line->kind = RECORD;
    return dns_type_of(word, &line->type) && read_record(pool, text, line);
}

/* A name, where blanks are written \032; empty when it can't be read. */
static struct str read_name(struct pool *pool, struct str word)
{
    char bytes[DNS_NAME_MAX + 1];
    size_t n = 0;
    for (size_t at = 0; at < word.n; n++)
        if (n == sizeof bytes || !read_byte(word, &at, &bytes[n]))
            return STR_EMPTY;
    return dns_name_normal(pool, str_n(bytes, n));
}

static int add_line(struct dns_file *file, struct str text, const char *path, size_t number,
                    struct err *err)
{
    struct str name = next_word(&text);
    if (name.n == 0 || name.s[0] == '#')
        return 0;
    struct line line = {.number = number, .name = read_name(file->pool, name)};
    if (line.name.n == 0 || !read_kind(file->pool, text, &line))
        return err_set(err,
                       "%s:%zu: expected NAME TYPE DATA, where TYPE is A, AAAA, MX, NS, PTR, "
                       "CNAME or TXT, or NAME TEMPFAIL",
                       path, number);
    struct line *lines = pool_grow(file->pool, file->lines, file->n, &file->cap, sizeof *lines);
    if (!lines || !line.record.data.s)
        return err_set(err, "%s: out of memory", path);
    file->lines = lines;
    file->lines[file->n++] = line;
    return 0;
}

struct dns_file *dns_file_parse(struct str text, const char *path, struct err *err)
{
    struct pool *pool = pool_new(text.n * 100 + 64 * 1024);
    struct dns_file *file = pool ? POOL_NEW(pool, struct dns_file) : NULL;
    if (!file) {
        pool_free(&pool);
        err_set(err, "%s: out of memory", path);
        return NULL;
    }
    file->pool = pool;
    struct str line;
    for (size_t number = 1; str_next_line(&text, &line); number++)
        if (add_line(file, line, path, number, err) < 0) {
            pool_free(&pool);
            return NULL;
        }
    if (file->n > 0)
        qsort(file->lines, file->n, sizeof *file->lines, by_name);
    return file;
}

struct dns_file *dns_file_read(const char *path, struct err *err)
{
    struct buf text = BUF_INIT(DNS_FILE_MAX);
    struct dns_file *file = NULL;
    if (fsio_read_file(path, &text, err) == 0)
        file = dns_file_parse(buf_str(&text), path, err);
    buf_release(&text);
    return file;
}

void dns_file_free(struct dns_file **file)
{
    if (!*file)
        return;
    struct pool *pool = (*file)->pool;
    pool_free(&pool);
    *file = NULL;
}
