#include "rules/facts/body.h"

#include "base/ascii.h"
#include "rules/facts/header.h"
#include "rules/facts/parts_lines.h"
#include "rules/facts/rendered.h"
#include "rules/facts/text_fold.h"

#define SCAN_SLACK 1024 /* so much more is looked at, to cut at a line end or a blank */

/* As in SpamAssassin 0 is "all", which has a limit here. */
static size_t scan_size(const struct facts *facts, enum settings_number which, size_t otherwise)
{
    double size = facts->settings ? settings_number(facts->settings, which) : (double)otherwise;
    return size > 0 && size < BODY_PART_SCAN_MAX ? (size_t)size : BODY_PART_SCAN_MAX;
}

/* The text cut at about `max` characters (bytes, when not `wide`), behind one of `stops`. */
static struct str cut_text(struct str x, size_t max, bool wide, const char *stops)
{
    size_t at = max;
    if (x.n <= max)
        return x;
    if (wide)
        at = text_skip(x, max);
    if (at >= x.n)
        return x;
    for (const char *stop = stops; *stop; stop++) {
        size_t found = str_chr(str_from(x, at), *stop);
        if (found != STR_NONE && found <= SCAN_SLACK)
            return str_sub(x, 0, at + found + 1);
    }
    return str_sub(x, 0, at);
}

/* What is shown, or only what is hidden. */
static struct str pick(struct pool *pool, const struct rendered_html *shown, bool hidden)
{
    if (shown->n_hidden == 0)
        return hidden ? STR("") : shown->text;
    char *out = pool_alloc(pool, shown->text.n + 1);
    size_t n = 0, at = 0;
    for (size_t i = 0; out && i < shown->n_hidden; i++) {
        size_t from = hidden ? shown->hidden[i].from : at;
        size_t to = hidden ? shown->hidden[i].to : shown->hidden[i].from;
        memcpy(out + n, shown->text.s + from, to - from);
        n += to - from;
        at = shown->hidden[i].to;
    }
    if (out && !hidden) {
        memcpy(out + n, shown->text.s + at, shown->text.n - at);
        n += shown->text.n - at;
    }
    return str_n(out, n);
}

/* Each leaf's text, cut to what is scanned; false: no memory. */
static bool choose_texts(struct facts *facts, const struct rendered *rendered, enum body_text which,
                         struct str *texts, bool *wide)
{
    size_t scan = scan_size(facts, SETTINGS_BODY_PART_SCAN_SIZE, BODY_PART_SCAN);
    *wide = false;
    for (size_t i = 0; i < rendered->n; i++) {
        const struct rendered_leaf *leaf = &rendered->list[i];
        texts[i] = leaf->shown.text;
        if (leaf->is_text && which != BODY_RENDERED)
            texts[i] = pick(facts->pool, &leaf->shown, which == BODY_INVISIBLE);
        if (leaf->is_text && texts[i].s == NULL)
            return false;
        size_t whole = texts[i].n;
        texts[i] = cut_text(texts[i], scan, leaf->shown.wide, "\n ");
        facts->truncated |= texts[i].n < whole;
        *wide |= leaf->shown.wide;
    }
    return true;
}

static struct fact_texts *new_texts(struct pool *pool, size_t n)
{
    struct fact_texts *made = POOL_NEW(pool, struct fact_texts);
    if (made == NULL)
        return NULL;
    made->list = POOL_ARRAY(pool, n ? n : 1, struct str);
    return made->list ? made : NULL;
}

/* Bytes of a line's first piece: up to its last blank before BODY_LINE_MAX. */
static size_t piece_of(struct str line)
{
    if (line.n <= BODY_LINE_MAX)
        return line.n;
    size_t blank = str_rchr(str_sub(line, 0, BODY_LINE_MAX + 1), ' ');
    return blank == STR_NONE ? BODY_LINE_MAX : blank + 1;
}

static size_t count_pieces(struct str text, bool *cut)
{
    size_t n = 0;
    for (size_t at = 0; at < text.n; n++) {
        struct str line = str_sub(text, at, line_after(text, at));
        size_t piece = piece_of(line);
        *cut |= piece < line.n;
        at += piece;
    }
    return n;
}

/* The lines of the text, long ones in pieces; then a copy, for a line end between them. The text
 * has room for a line end behind it. */
static struct fact_texts *cut_lines(struct pool *pool, char *text, size_t n)
{
    bool cut = false;
    size_t pieces = count_pieces(str_n(text, n), &cut), used = 0;
    struct fact_texts *made = new_texts(pool, pieces);
    char *out = cut ? pool_alloc(pool, n + pieces) : text;
    if (made == NULL || out == NULL)
        return NULL;
    for (size_t at = 0; at < n;) {
        size_t piece = piece_of(str_sub(str_n(text, n), at, line_after(str_n(text, n), at)));
        if (cut)
            memcpy(out + used, text + at, piece);
        made->list[made->n++] = str_n(out + used, piece);
        used += piece;
        at += piece;
        if (out[used - 1] != '\n')
            out[used++] = '\n';
    }
    return made;
}

/* The subject's line; that of a message without one is empty. */
static struct str subject_line(struct facts *facts)
{
    struct str raw = fact_field_raw(facts_parts(facts)->root, STR("subject"));
    return raw.s ? header_decode(facts->pool, STR("subject"), raw) : STR("");
}

static struct fact_texts *make_body(struct facts *facts, enum body_text which)
{
    const struct rendered *rendered = facts_rendered(facts);
    struct str subject = STR(""), *texts;
    bool wide;
    size_t room = 2;
    if (rendered == NULL)
        return NULL;
    if (which != BODY_INVISIBLE && rendered->n)
        subject = subject_line(facts);
    texts = POOL_ARRAY(facts->pool, rendered->n + 1, struct str);
    if (texts == NULL || subject.s == NULL || !choose_texts(facts, rendered, which, texts, &wide))
        return NULL;
    for (size_t i = 0; i < rendered->n; i++)
        room += texts[i].n + 1;
    struct text_fold fold = {.wide = wide};
    fold.out = pool_alloc(facts->pool, room + subject.n + 1);
    if (fold.out == NULL)
        return NULL;
    if (which != BODY_INVISIBLE && rendered->n) {
        memcpy(fold.out, subject.s, subject.n);
        fold.out[subject.n] = '\n';
        fold.n = subject.n + 1;
    }
    bool any = false;
    for (size_t i = 0; i < rendered->n; i++) {
        if (any)
            text_fold_add(&fold, STR("\n"));
        text_fold_add(&fold, texts[i]);
        any |= texts[i].n > 0;
    }
    text_fold_end(&fold);
    return cut_lines(facts->pool, fold.out, fold.n);
}

const struct fact_texts *facts_body(struct facts *facts, enum body_text which)
{
    static const enum fact_slot slots[BODY_TEXTS] = {FACT_BODY, FACT_BODY_VISIBLE,
                                                     FACT_BODY_INVISIBLE};
    if (facts->made[slots[which]] == NULL)
        facts->made[slots[which]] = make_body(facts, which);
    return facts->made[slots[which]];
}

/* Where the next chunk of raw text ends: behind a line end, else a '>', else a blank, else
 * anywhere between BODY_LINE_MAX and twice that. */
static size_t chunk_of(struct str x)
{
    static const char stops[] = {'\n', '>', ' '};
    if (x.n <= 2 * BODY_LINE_MAX)
        return x.n;
    for (size_t i = 0; i < sizeof stops; i++) {
        size_t found = str_chr(str_sub(x, BODY_LINE_MAX, 2 * BODY_LINE_MAX), stops[i]);
        if (found != STR_NONE)
            return BODY_LINE_MAX + found + 1;
    }
    return BODY_LINE_MAX + 1;
}

static void add_chunks(struct fact_texts *made, struct str text)
{
    if (text.n <= BODY_LINE_MAX) {
        made->list[made->n++] = text;
        return;
    }
    while (text.n) {
        size_t n = chunk_of(text);
        made->list[made->n++] = str_sub(text, 0, n);
        text = str_from(text, n);
    }
}

static bool begins_with_word(struct str x, struct str word)
{
    return str_starts(x, word) && (x.n == word.n || !ascii_is_word(x.s[word.n]));
}

static bool is_raw_text(const struct fact_part *part)
{
    bool text = begins_with_word(part->effective, STR("text")) ||
                begins_with_word(part->effective, STR("message"));
    return part->leaf && part->type.n && text && !str_eq(part->type, STR("text/calendar"));
}

static struct fact_texts *make_rawbody(struct facts *facts)
{
    const struct fact_parts *parts = facts_parts(facts);
    size_t scan = scan_size(facts, SETTINGS_RAWBODY_PART_SCAN_SIZE, RAWBODY_PART_SCAN);
    size_t n = 0;
    if (parts == NULL)
        return NULL;
    for (size_t i = 0; i < parts->n; i++) {
        if (!is_raw_text(parts->list[i]))
            continue;
        struct str text = fact_part_decoded(facts, parts->list[i]);
        if (text.s == NULL)
            return NULL;
        struct str cut = cut_text(text, scan, false, "\n> ");
        facts->truncated |= cut.n < text.n;
        n += cut.n / BODY_LINE_MAX + 1;
    }
    struct fact_texts *made = new_texts(facts->pool, n);
    for (size_t i = 0; made && i < parts->n; i++) {
        if (is_raw_text(parts->list[i]))
            add_chunks(made,
                       cut_text(fact_part_decoded(facts, parts->list[i]), scan, false, "\n> "));
    }
    return made;
}

const struct fact_texts *facts_rawbody(struct facts *facts)
{
    if (facts->made[FACT_RAWBODY] == NULL)
        facts->made[FACT_RAWBODY] = make_rawbody(facts);
    return facts->made[FACT_RAWBODY];
}

/* Where a message's lines end with CR LF, those of its header do without exception. */
static struct str whole_header(struct pool *pool, struct str text, size_t lines)
{
    char *out = pool_alloc(pool, text.n + lines);
    size_t n = 0, at = 0;
    for (; out && lines > 0; lines--) {
        size_t next = line_after(text, at), end = next - 1;
        bool bare = text.s[end] == '\n' && (end == at || text.s[end - 1] != '\r');
        memcpy(out + n, text.s + at, end - at);
        n += end - at;
        if (bare)
            out[n++] = '\r';
        out[n++] = text.s[end];
        at = next;
    }
    if (out)
        memcpy(out + n, text.s + at, text.n - at);
    return str_n(out, n + text.n - at);
}

struct str facts_full(struct facts *facts)
{
    const struct fact_parts *parts = facts_parts(facts);
    struct str text = lines_without_mailbox(facts->input->message->raw);
    if (parts == NULL)
        return STR_EMPTY;
    return parts->crlf ? whole_header(facts->pool, text, parts->header_lines) : text;
}
