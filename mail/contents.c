#include "mail/contents.h"

#include <stdio.h>

#include "base/ascii.h"
#include "mail/header.h"
#include "mail/part.h"

void contents_add_text(struct sha256 *h, struct str x)
{
    for (size_t nul; (nul = str_chr(x, '\0')) != STR_NONE; x = str_from(x, nul + 1))
        sha256_add(h, str_sub(x, 0, nul));
    sha256_add(h, x);
    sha256_add(h, str_n("", 1));
}

void contents_add_words(struct sha256 *h, struct str x)
{
    for (size_t at = 0; at < x.n;) {
        size_t from = at;
        while (at < x.n && !ascii_is_space(x.s[at]) && x.s[at] != '\0')
            at++;
        if (at > from) {
            sha256_add(h, str_sub(x, from, at));
            sha256_add(h, STR(" "));
        }
        at++;
    }
    sha256_add(h, str_n("", 1));
}

/* What mboxes do to lines that start with "From ": any number of '>' in front. */
static struct str unescaped(struct str line)
{
    size_t n = 0;
    while (n < line.n && line.s[n] == '>')
        n++;
    return n && str_starts(str_from(line, n), STR("From ")) ? str_from(line, n) : line;
}

static struct str without_end_blanks(struct str line)
{
    while (line.n && ascii_is_space(line.s[line.n - 1]))
        line.n--;
    return line;
}

/* Line by line; empty ones count only between others. */
static void add_lines(struct sha256 *h, struct str text)
{
    struct str line;
    size_t empty = 0;
    bool any = false;
    for (size_t at = 0; at < text.n;) {
        size_t after = line_after(text, at);
        line = without_end_blanks(str_sub(text, at, after));
        at = after;
        if (line.n == 0) {
            empty++;
            continue;
        }
        for (; any && empty; empty--)
            sha256_add(h, STR("\n"));
        empty = 0;
        sha256_add(h, unescaped(line));
        sha256_add(h, STR("\n"));
        any = true;
    }
}

static int add_leaf(struct sha256 *h, const struct part *part, struct err *err)
{
    struct buf bytes = BUF_INIT(part->body.n + 1);
    contents_add_text(h, part->charset);
    if (part_is_encoded(part)) {
        part_decode(part, &bytes);
        add_lines(h, buf_str(&bytes));
    } else {
        add_lines(h, part->body);
    }
    bool failed = bytes.failed;
    buf_release(&bytes);
    return failed ? err_set(err, "out of memory for a part") : 0;
}

static void add_number(struct sha256 *h, uint64_t number)
{
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)number);
    contents_add_text(h, str_of(text));
}

int contents_add_parts(struct sha256 *h, const struct message *message, struct err *err)
{
    for (size_t i = 0; i < message->n_parts; i++) {
        const struct part *part = message->parts[i];
        uint64_t before = h->total;
        contents_add_text(h, part->type);
        contents_add_text(h, part->filename);
        if (part->child == NULL && add_leaf(h, part, err) < 0)
            return -1;
        add_number(h, part->depth);
        add_number(h, h->total - before);
    }
    return 0;
}
