#include "antivirus/clamav_seen.h"

#include <stdlib.h>

/* Parts with one size and hash that are compared with a file: somebody may have made many. */
#define SAME_KEY_MAX 4

static bool is_line_end(char c)
{
    return c == '\r' || c == '\n';
}

static struct str without_last_line_ends(struct str x)
{
    while (x.n > 0 && is_line_end(x.s[x.n - 1]))
        x.n--;
    return x;
}

/* The next byte that counts at or after i. */
static size_t next_counting(struct str x, size_t i)
{
    while (i < x.n && x.s[i] == '\r')
        i++;
    return i;
}

static void key_of_text(struct str x, struct clamav_seen_key *key)
{
    uint64_t hash = 0;
    size_t size = 0;
    x = without_last_line_ends(x);
    for (size_t i = next_counting(x, 0); i < x.n; i = next_counting(x, i + 1)) {
        hash = (hash ^ (unsigned char)x.s[i]) * 0x100000001b3U;
        size++;
    }
    key->size = size;
    key->hash = hash;
    key->text = true;
}

static void key_of_bytes(struct str x, struct clamav_seen_key *key)
{
    key->size = x.n;
    key->hash = str_hash(x);
    key->text = false;
}

static bool same_text(struct str a, struct str b)
{
    a = without_last_line_ends(a);
    b = without_last_line_ends(b);
    size_t i = 0, k = 0;
    for (;; i++, k++) {
        i = next_counting(a, i);
        k = next_counting(b, k);
        if (i >= a.n || k >= b.n)
            return i >= a.n && k >= b.n;
        if (a.s[i] != b.s[k])
            return false;
    }
}

static int by_key(const void *x, const void *y)
{
    const struct clamav_seen_key *a = x, *b = y;
    if (a->text != b->text)
        return a->text ? 1 : -1;
    if (a->size != b->size)
        return a->size < b->size ? -1 : 1;
    return a->hash == b->hash ? 0 : a->hash < b->hash ? -1 : 1;
}

void clamav_seen_start(struct clamav_seen *seen, const struct av_message *message)
{
    seen->parts = message->parts;
    seen->n = message->n_parts < AV_PARTS_MAX ? message->n_parts : AV_PARTS_MAX;
    for (size_t i = 0; i < seen->n; i++) {
        const struct av_part *part = &message->parts[i];
        bool text = part->as_it_stands && str_chr(part->bytes, '\0') == STR_NONE;
        (text ? key_of_text : key_of_bytes)(part->bytes, &seen->keys[i]);
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
        struct str other = seen->parts[part].bytes;
        if (key->text ? same_text(other, bytes) : str_eq(other, bytes))
            seen->seen[part] = true;
    }
}

void clamav_seen_file(struct clamav_seen *seen, struct str bytes)
{
    struct clamav_seen_key key;
    if (seen->n == 0)
        return;
    key_of_bytes(bytes, &key);
    mark(seen, &key, bytes);
    key_of_text(bytes, &key);
    mark(seen, &key, bytes);
}

void clamav_seen_forget(struct clamav_seen *seen)
{
    memset(seen->seen, 0, seen->n * sizeof seen->seen[0]);
}
