#include "antivirus/clamav_seen.h"

#include <stdlib.h>

/* Parts with one size and hash that are compared with a file: somebody may have made many. */
#define SAME_KEY_MAX 4

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_line_end(char c)
{
    return c == '\r' || c == '\n';
}

static struct str without_end(struct str x, enum clamav_seen_kind kind)
{
    while (x.n > 0 &&
           (is_line_end(x.s[x.n - 1]) || (kind == CLAMAV_SEEN_LINES && is_blank(x.s[x.n - 1]))))
        x.n--;
    return x;
}

/* A walk over the bytes that count. */
struct walk {
    struct str x;
    size_t i;
    bool no_blank_lines;
};

static struct walk walk_of(struct str x, enum clamav_seen_kind kind)
{
    return (struct walk){without_end(x, kind), 0, kind == CLAMAV_SEEN_LINES};
}

/* The length of the blank line that begins at i, with its end; 0: there is something in it. */
static size_t blank_line(struct str x, size_t i)
{
    size_t at = i;
    while (at < x.n && (is_blank(x.s[at]) || x.s[at] == '\r'))
        at++;
    if (at < x.n && x.s[at] != '\n')
        return 0;
    return at < x.n ? at + 1 - i : x.n - i;
}

/* The next byte, or -1 at the end. */
static int walk_next(struct walk *w)
{
    struct str x = w->x;
    size_t blank;
    while (w->no_blank_lines && w->i < x.n && (w->i == 0 || x.s[w->i - 1] == '\n') &&
           (blank = blank_line(x, w->i)) > 0)
        w->i += blank;
    while (w->i < x.n && x.s[w->i] == '\r')
        w->i++;
    return w->i < x.n ? (unsigned char)x.s[w->i++] : -1;
}

static void make_key(struct str x, enum clamav_seen_kind kind, struct clamav_seen_key *key)
{
    int c;
    key->kind = kind;
    key->size = x.n;
    if (kind == CLAMAV_SEEN_BYTES) {
        key->hash = str_hash(x);
        return;
    }
    struct walk walk = walk_of(x, kind);
    for (key->size = key->hash = 0; (c = walk_next(&walk)) >= 0; key->size++)
        key->hash = (key->hash ^ (unsigned)c) * 0x100000001b3U;
}

static bool same(struct str a, struct str b, enum clamav_seen_kind kind)
{
    if (kind == CLAMAV_SEEN_BYTES)
        return str_eq(a, b);
    struct walk of_a = walk_of(a, kind), of_b = walk_of(b, kind);
    int c;
    do {
        c = walk_next(&of_a);
        if (c != walk_next(&of_b))
            return false;
    } while (c >= 0);
    return true;
}

static int by_key(const void *x, const void *y)
{
    const struct clamav_seen_key *a = x, *b = y;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if (a->size != b->size)
        return a->size < b->size ? -1 : 1;
    return a->hash == b->hash ? 0 : a->hash < b->hash ? -1 : 1;
}

static enum clamav_seen_kind kind_of(const struct av_part *part)
{
    if (!part->as_it_stands || str_chr(part->bytes, '\0') != STR_NONE)
        return CLAMAV_SEEN_BYTES;
    return part->filename.n > 0 ? CLAMAV_SEEN_TEXT : CLAMAV_SEEN_LINES;
}

void clamav_seen_start(struct clamav_seen *seen, const struct av_message *message)
{
    seen->parts = message->parts;
    seen->kinds = 0;
    seen->n = message->n_parts < AV_PARTS_MAX ? message->n_parts : AV_PARTS_MAX;
    for (size_t i = 0; i < seen->n; i++) {
        const struct av_part *part = &message->parts[i];
        enum clamav_seen_kind kind = kind_of(part);
        make_key(part->bytes, kind, &seen->keys[i]);
        seen->kinds |= 1U << kind;
        seen->keys[i].part = i;
        seen->seen[i] = false;
    }
    qsort(seen->keys, seen->n, sizeof seen->keys[0], by_key);
}

/* The first key that is not smaller. */
static size_t find(const struct clamav_seen *seen, const struct clamav_seen_key *key)
{
    size_t from = 0, to = seen->n;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (by_key(&seen->keys[middle], key) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static void mark(struct clamav_seen *seen, const struct clamav_seen_key *key, struct str bytes)
{
    size_t at = find(seen, key);
    for (size_t i = at; i < seen->n && i < at + SAME_KEY_MAX; i++) {
        if (by_key(&seen->keys[i], key) != 0)
            return;
        size_t part = seen->keys[i].part;
        if (same(seen->parts[part].bytes, bytes, key->kind))
            seen->seen[part] = true;
    }
}

void clamav_seen_file(struct clamav_seen *seen, struct str bytes)
{
    struct clamav_seen_key key;
    for (enum clamav_seen_kind kind = CLAMAV_SEEN_BYTES; kind <= CLAMAV_SEEN_LINES; kind++) {
        if (!(seen->kinds & 1U << kind))
            continue;
        make_key(bytes, kind, &key);
        mark(seen, &key, bytes);
    }
}

void clamav_seen_forget(struct clamav_seen *seen)
{
    memset(seen->seen, 0, seen->n * sizeof seen->seen[0]);
}
