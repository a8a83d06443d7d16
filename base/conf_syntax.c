#include "base/conf_syntax.h"

#include "base/ascii.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/buf.h"

struct parser {
    struct str in;
    size_t at;
    unsigned line;
    const char *file;
    struct pool *pool;
    struct buf word; /* the word being read */
    struct err *err;
};

#define FAIL(p, ...) fail_at((p), (p)->line, __VA_ARGS__)

static int fail_at(struct parser *p, unsigned line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int fail_at(struct parser *p, unsigned line, const char *format, ...)
{
    char text[ERR_TEXT_MAX];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    return err_set(p->err, "%s:%u: %s", p->file, line, text);
}

static int no_memory(struct parser *p)
{
    return FAIL(p, "out of memory, or the settings are larger than the limit");
}

/* The byte at hand; 0 at the end (NUL bytes were refused before). */
static char peek(const struct parser *p)
{
    return p->at < p->in.n ? p->in.s[p->at] : '\0';
}

static bool is_blank_or_cr(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static bool is_punct(char c)
{
    return c == '{' || c == '}' || c == ',' || c == ';' || c == '"';
}

static bool is_name_char(char c)
{
    return ascii_is_word(c) || c == '-' || c == '.';
}

/* Spaces and a comment, up to but without the end of the line. */
static void skip_blanks(struct parser *p)
{
    while (is_blank_or_cr(peek(p)))
        p->at++;
    if (peek(p) != '#')
        return;
    while (p->at < p->in.n && p->in.s[p->at] != '\n')
        p->at++;
}

static void skip_lines(struct parser *p)
{
    for (skip_blanks(p); peek(p) == '\n'; skip_blanks(p)) {
        p->line++;
        p->at++;
    }
}

/* What stands at hand, in words for an error. */
static const char *seen(const struct parser *p, char text[32])
{
    char c = peek(p);
    if (p->at >= p->in.n)
        return "the end of the file";
    if (c == '\n')
        return "the end of the line";
    if ((unsigned char)c >= 0x80)
        return "a byte that is not ASCII";
    snprintf(text, 32, "`%c`", c);
    return text;
}

static int read_quoted(struct parser *p)
{
    unsigned start = p->line;
    for (p->at++; peek(p) != '"'; p->at++) {
        char c = peek(p);
        if (p->at >= p->in.n || c == '\n')
            return fail_at(p, start, "text without its closing \"; expected it on the same line");
        if (c == '\\') {
            p->at++;
            c = peek(p);
            if (c != '"' && c != '\\' && c != 'n' && c != 't')
                return FAIL(p, "unknown escape in a text; expected \\\" \\\\ \\n or \\t");
            c = c == 'n' ? '\n' : c == 't' ? '\t' : c;
        }
        buf_addc(&p->word, c);
    }
    p->at++;
    return 0;
}

/* A word or a quoted text is added to p->word. */
static int read_word(struct parser *p)
{
    size_t from = p->word.n;
    char text[32];
    if (peek(p) == '"') {
        if (read_quoted(p) < 0)
            return -1;
    } else {
        if (peek(p) == '\'')
            return FAIL(p, "texts are quoted with \", not with '");
        while (p->at < p->in.n && !is_blank_or_cr(peek(p)) && peek(p) != '\n' && !is_punct(peek(p)))
            buf_addc(&p->word, p->in.s[p->at++]);
        if (p->word.n == from && buf_ok(&p->word))
            return FAIL(p, "expected a value, found %s", seen(p, text));
    }
    if (!buf_ok(&p->word))
        return FAIL(p, "value longer than %d bytes", CONF_WORD_MAX);
    return 0;
}

static int add_item(struct parser *p, struct conf_value *value, size_t *cap)
{
    if (value->n >= CONF_ITEMS_MAX)
        return FAIL(p, "list of more than %d items", CONF_ITEMS_MAX);
    struct str *items = pool_grow(p->pool, value->items, value->n, cap, sizeof *items);
    struct str item = pool_str(p->pool, buf_str(&p->word));
    if (items == NULL || item.s == NULL)
        return no_memory(p);
    value->items = items;
    value->items[value->n++] = item;
    return 0;
}

/* Words side by side on one line, joined by one space. */
static int read_item(struct parser *p)
{
    buf_clear(&p->word);
    for (;;) {
        if (read_word(p) < 0)
            return -1;
        skip_blanks(p);
        char c = peek(p);
        if (p->at >= p->in.n || c == '\n' || (is_punct(c) && c != '"'))
            return 0;
        buf_addc(&p->word, ' ');
    }
}

static int read_list(struct parser *p, struct conf_value *value)
{
    unsigned start = p->line;
    size_t cap = 0;
    char text[32];
    value->list = true;
    for (p->at++;; p->at++) {
        skip_lines(p);
        if (peek(p) == '}')
            break;
        if (p->at >= p->in.n)
            return fail_at(p, start, "list without its closing }");
        if (read_item(p) < 0 || add_item(p, value, &cap) < 0)
            return -1;
        skip_lines(p);
        if (peek(p) == '}')
            break;
        if (p->at >= p->in.n)
            return fail_at(p, start, "list without its closing }");
        if (peek(p) != ',')
            return FAIL(p, "expected , or } in a list, found %s", seen(p, text));
    }
    p->at++;
    return 0;
}

static int read_value(struct parser *p, struct conf_value *value)
{
    size_t cap = 0;
    *value = (struct conf_value){0};
    skip_blanks(p);
    if (peek(p) == '{')
        return read_list(p, value);
    buf_clear(&p->word);
    if (read_word(p) < 0)
        return -1;
    return add_item(p, value, &cap);
}

static int add_entry(struct parser *p, struct conf_entries *entries, struct conf_entry entry)
{
    if (entries->n >= CONF_ENTRIES_MAX)
        return FAIL(p, "more than %d settings", CONF_ENTRIES_MAX);
    struct conf_entry *items =
        pool_grow(p->pool, entries->items, entries->n, &entries->cap, sizeof *items);
    if (items == NULL)
        return no_memory(p);
    entry.file = p->file;
    entries->items = items;
    entries->items[entries->n++] = entry;
    return 0;
}

static int read_name(struct parser *p, const char **name)
{
    size_t from = p->at;
    char text[32];
    while (is_name_char(peek(p)))
        p->at++;
    if (p->at == from)
        return FAIL(p, "expected the name of a setting or section, found %s", seen(p, text));
    *name = pool_cstr(p->pool, str_sub(p->in, from, p->at));
    return *name ? 0 : no_memory(p);
}

static int expected_brace(struct parser *p, const struct conf_entry *open)
{
    return fail_at(p, open->line, "expected = for a setting or { for a section behind %s",
                   open->section);
}

/* `section {` or `section title {`, the name being read already. */
static int open_section(struct parser *p, struct conf_entries *entries, struct conf_entry *open)
{
    if (*open->section)
        return FAIL(p, "expected = behind %s (sections do not nest; %s is not closed yet)",
                    open->name, open->section);
    *open = (struct conf_entry){.section = open->name, .line = p->line};
    if (p->at < p->in.n && peek(p) != '\n' && peek(p) != '{') {
        buf_clear(&p->word);
        if (read_word(p) < 0)
            return expected_brace(p, open);
        open->title = pool_cstr(p->pool, buf_str(&p->word));
        if (open->title == NULL)
            return no_memory(p);
    }
    skip_lines(p);
    if (peek(p) != '{')
        return expected_brace(p, open);
    p->at++;
    return add_entry(p, entries, *open);
}

/* Nothing but `;`, the end of the line or `}` may stand behind a setting. */
static int end_setting(struct parser *p, const char *name)
{
    char text[32];
    skip_blanks(p);
    char c = peek(p);
    if (c == ';')
        p->at++;
    else if (p->at < p->in.n && c != '\n' && c != '}')
        return FAIL(p, "expected ; or the end of the line behind the value of %s, found %s", name,
                    seen(p, text));
    return 0;
}

static int read_entry(struct parser *p, struct conf_entries *entries, struct conf_entry *open)
{
    unsigned line = p->line;
    if (read_name(p, &open->name) < 0)
        return -1;
    skip_blanks(p);
    if (peek(p) != '=')
        return open_section(p, entries, open);
    struct conf_entry entry = *open;
    entry.line = line;
    p->at++;
    if (read_value(p, &entry.value) < 0 || end_setting(p, entry.name) < 0)
        return -1;
    return add_entry(p, entries, entry);
}

static int read_entries(struct parser *p, struct conf_entries *entries)
{
    const struct conf_entry outside = {.section = ""};
    struct conf_entry open = outside;
    for (skip_lines(p); p->at < p->in.n; skip_lines(p)) {
        char c = peek(p);
        if (c == ';') {
            p->at++;
        } else if (c == '}' && *open.section) {
            p->at++;
            open = outside;
        } else if (c == '}') {
            return FAIL(p, "} without a section that it could close");
        } else if (read_entry(p, entries, &open) < 0) {
            return -1;
        }
    }
    if (*open.section)
        return fail_at(p, open.line, "section %s without its closing }", open.section);
    return 0;
}

/* Control bytes are a mistake wherever they stand, so the parser need not look for them. */
static int check_bytes(struct parser *p)
{
    unsigned line = 1;
    for (size_t i = 0; i < p->in.n; i++) {
        unsigned char c = (unsigned char)p->in.s[i];
        if (c == '\n')
            line++;
        else if ((c < 32 && c != '\t' && c != '\r') || c == 127)
            return fail_at(p, line, "control byte 0x%02x; expected text", c);
    }
    return 0;
}

int conf_syntax_parse(struct str text, const char *file, struct pool *pool,
                      struct conf_entries *entries, struct err *err)
{
    struct parser p = {text, 0, 1, file, pool, BUF_INIT(CONF_WORD_MAX), err};
    if (str_starts(text, STR("\xef\xbb\xbf")))
        p.at = 3;
    int result = check_bytes(&p);
    if (result == 0)
        result = read_entries(&p, entries);
    buf_release(&p.word);
    return result;
}

int conf_syntax_value(struct str text, struct pool *pool, struct conf_value *value, struct err *err)
{
    struct parser p = {text, 0, 1, "value", pool, BUF_INIT(CONF_WORD_MAX), err};
    int result = check_bytes(&p);
    if (result == 0)
        result = read_value(&p, value);
    skip_lines(&p);
    if (result == 0 && p.at < text.n)
        result = FAIL(&p, "something stands behind the value");
    buf_release(&p.word);
    return result;
}

static bool needs_quotes(struct str word)
{
    if (word.n == 0 || word.s[0] == '#' || word.s[0] == '\'')
        return true;
    for (size_t i = 0; i < word.n; i++)
        if (is_blank_or_cr(word.s[i]) || word.s[i] == '\n' || is_punct(word.s[i]))
            return true;
    return false;
}

static void print_word(struct str word, struct buf *out)
{
    if (!needs_quotes(word)) {
        buf_add(out, word);
        return;
    }
    buf_addc(out, '"');
    for (size_t i = 0; i < word.n; i++) {
        char c = word.s[i];
        if (c == '"' || c == '\\' || c == '\n' || c == '\t')
            buf_addc(out, '\\');
        buf_addc(out, c == '\n' ? 'n' : c == '\t' ? 't' : c);
    }
    buf_addc(out, '"');
}

void conf_syntax_print(const struct conf_value *value, struct buf *out)
{
    if (!value->list) {
        print_word(value->n ? value->items[0] : STR(""), out);
        return;
    }
    buf_add(out, STR("{ "));
    for (size_t i = 0; i < value->n; i++) {
        if (i)
            buf_add(out, STR(", "));
        print_word(value->items[i], out);
    }
    buf_add(out, value->n ? STR(" }") : STR("}"));
}
