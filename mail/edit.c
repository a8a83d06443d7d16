#include "mail/edit.h"

#include "base/ascii.h"
#include "mail/header.h"
#include "mail/utf8.h"

#define TAG_MAX      100  /* bytes; a longer tag is cut */
#define SUBJECT_LOOK 1000 /* bytes of a Subject that are decoded to see whether it is tagged */
#define SUBJECTS_MAX 100  /* RFC 5322 allows one; of a message to be tagged, more are removed */

/* One field of the header as its lines stand in the message. */
struct field {
    struct str name;
    struct str value; /* from behind the colon, final line end included */
    size_t at;
    size_t end;
};

struct editor {
    struct pool *pool;
    struct edits *edits;
    size_t cap;
    struct str raw;
    struct str tag; /* cleaned, without blanks at its ends */
    unsigned subjects;
    /* Once the list is nearly full, the rest of the header is written anew into `rest`. */
    bool in_rest;
    size_t rest_from;
    size_t copied; /* raw is in `rest` up to here */
    struct buf rest;
};

/* Two places are kept: for the rest of the header, and for what is inserted at the top. */
#define LIST_MAX (EDITS_MAX - 2)

static int push(struct editor *e, struct edit edit, struct err *err)
{
    struct edits *edits = e->edits;
    struct edit *list = pool_grow(e->pool, edits->list, edits->n, &e->cap, sizeof *list);
    if (list == NULL)
        return err_set(err, "out of memory for the edits of a header");
    edits->list = list;
    list[edits->n++] = edit;
    return 0;
}

static int replace(struct editor *e, size_t at, size_t remove, struct str insert, struct err *err)
{
    struct edits *edits = e->edits;
    struct edit *last = edits->n ? &edits->list[edits->n - 1] : NULL;
    if (!e->in_rest && last && last->at + last->remove == at && insert.n == 0) {
        last->remove += remove;
        return 0;
    }
    if (!e->in_rest && edits->n < LIST_MAX)
        return push(e, (struct edit){at, remove, insert}, err);
    if (!e->in_rest) {
        e->in_rest = true;
        e->rest_from = e->copied = at;
    }
    buf_add(&e->rest, str_sub(e->raw, e->copied, at));
    buf_add(&e->rest, insert);
    e->copied = at + remove;
    return 0;
}

bool edits_own_field(struct str name)
{
    static const char *const names[] = {"X-Spam-Flag", "X-Spam-Score", "X-Spam-Level",
                                        "X-Spam-Status", "X-Spam-Checker-Version"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (str_ieq(name, str_of(names[i])))
            return true;
    return str_istarts(name, STR("X-Poterne-"));
}

static bool is_space_or_tab(char c)
{
    return c == ' ' || c == '\t';
}

/* The field that starts at *at, *at moved behind it; a line that is none has an empty name. */
static bool next_field(struct str head, size_t *at, struct field *field)
{
    size_t colon = 0;
    if (*at >= head.n)
        return false;
    size_t after = line_after(head, *at);
    size_t name = header_name(line_between(head, *at, after), &colon);
    while (after < head.n && is_space_or_tab(head.s[after]))
        after = line_after(head, after);
    field->name = str_sub(head, *at, *at + name);
    field->value = name ? str_sub(head, *at + colon + 1, after) : STR_EMPTY;
    field->at = *at;
    field->end = after;
    *at = after;
    return true;
}

/* The tag as it stands in a header: what is not ASCII as an encoded word (RFC 2047), which then
 * holds the space behind it when another follows, since blanks between the two are not shown. */
static struct str written_tag(struct editor *e, bool word_follows)
{
    struct buf out = BUF_INIT(8 * TAG_MAX);
    if (str_is_ascii(e->tag))
        return pool_str(e->pool, e->tag);
    buf_add(&out, STR("=?UTF-8?Q?"));
    for (size_t i = 0; i < e->tag.n; i++) {
        char c = e->tag.s[i];
        if (ascii_is_alnum(c))
            buf_addc(&out, c);
        else
            buf_addf(&out, "=%02X", (unsigned char)c);
    }
    buf_add(&out, word_follows ? STR("_?=") : STR("?="));
    struct str text = out.failed ? STR_EMPTY : pool_str(e->pool, buf_str(&out));
    buf_release(&out);
    return text;
}

static bool is_tagged(struct editor *e, const struct field *field, int *result, struct err *err)
{
    struct header header = {.value = str_sub(field->value, 0, SUBJECT_LOOK)};
    struct str text = header_text(e->pool, &header);
    *result = text.s ? 0 : err_set(err, "out of memory for a Subject");
    return text.s && str_istarts(text, e->tag);
}

/* Puts the tag between the blanks behind the colon and the text. */
static int tag_subject(struct editor *e, const struct field *field, struct err *err)
{
    int result;
    if (++e->subjects > SUBJECTS_MAX)
        return replace(e, field->at, field->end - field->at, STR_EMPTY, err);
    if (is_tagged(e, field, &result, err) || result < 0)
        return result;
    size_t blanks = 0;
    while (blanks < field->value.n && is_space_or_tab(field->value.s[blanks]))
        blanks++;
    struct str rest = str_from(field->value, blanks);
    bool line_ends = rest.n == 0 || rest.s[0] == '\r' || rest.s[0] == '\n';
    struct str tag = written_tag(e, str_starts(str_trim(rest), STR("=?")));
    size_t line = line_after(rest, 0);
    bool fold = !line_ends && field->name.n + 1 + blanks + tag.n + line > EDIT_LINE_MAX;
    struct str insert = pool_strf(e->pool, "%s%.*s%s", blanks ? "" : " ", STR_ARG(tag),
                                  line_ends ? ""
                                  : fold    ? "\r\n "
                                            : " ");
    if (tag.s == NULL || insert.s == NULL)
        return err_set(err, "out of memory for a Subject");
    return replace(e, (size_t)(rest.s - e->raw.s), 0, insert, err);
}

static int edit_field(struct editor *e, const struct field *field, struct err *err)
{
    if (edits_own_field(field->name))
        return replace(e, field->at, field->end - field->at, STR_EMPTY, err);
    if (e->tag.n && str_ieq(field->name, STR("Subject")))
        return tag_subject(e, field, err);
    return 0;
}

/* What the end of the header lacks: a line end, a Subject, the empty line. */
static int edit_end(struct editor *e, const struct part *root, struct err *err)
{
    struct str head = root->head;
    bool cut = head.n && head.s[head.n - 1] != '\n';
    bool subject = e->tag.n && e->subjects == 0;
    bool parted = (root->anomalies & MAIL_ANOMALY_NO_BLANK_LINE) == 0;
    if (!subject && parted)
        return 0;
    struct str tag = subject ? written_tag(e, false) : STR("");
    struct str insert =
        pool_strf(e->pool, "%s%s%.*s%s%s", cut ? "\r\n" : "", subject ? "Subject: " : "",
                  STR_ARG(tag), subject ? "\r\n" : "", parted ? "" : "\r\n");
    if (tag.s == NULL || insert.s == NULL)
        return err_set(err, "out of memory for a Subject");
    return replace(e, head.n, 0, insert, err);
}

static int finish_rest(struct editor *e, size_t head_end, struct err *err)
{
    if (!e->in_rest)
        return 0;
    buf_add(&e->rest, str_sub(e->raw, e->copied, head_end));
    struct str text = e->rest.failed ? STR_EMPTY : pool_str(e->pool, buf_str(&e->rest));
    if (text.s == NULL)
        return err_set(err, "out of memory for the edits of a header");
    return push(e, (struct edit){e->rest_from, head_end - e->rest_from, text}, err);
}

struct str edits_tag(struct pool *pool, struct str tag)
{
    char *to = pool_cstr(pool, utf8_head(tag, TAG_MAX));
    size_t n = 0;
    for (size_t i = 0; to && to[i]; i++)
        if ((unsigned char)to[i] >= ' ' && to[i] != 127)
            to[n++] = to[i];
    return to ? str_trim(str_n(to, n)) : STR_EMPTY;
}

static int edit_header(struct editor *e, const struct part *root, struct err *err)
{
    struct field field;
    size_t at = 0;
    if (str_starts(root->head, STR("From ")) || str_starts(root->head, STR(">From ")))
        e->edits->top = at = line_after(root->head, 0);
    while (next_field(root->head, &at, &field))
        if (edit_field(e, &field, err) < 0)
            return -1;
    if (edit_end(e, root, err) < 0)
        return -1;
    return finish_rest(e, root->head.n, err);
}

int edits_make(struct pool *pool, const struct message *message, struct str tag,
               struct edits *edits, struct err *err)
{
    struct editor e = {.pool = pool,
                       .edits = edits,
                       .raw = message->raw,
                       .tag = edits_tag(pool, tag),
                       .rest = BUF_INIT(message->raw.n + SUBJECTS_MAX * 16 * (size_t)TAG_MAX)};
    *edits = (struct edits){0};
    if (e.tag.s == NULL)
        return err_set(err, "out of memory for the edits of a header");
    int result = edit_header(&e, message->root, err);
    buf_release(&e.rest);
    return result;
}

static int insert_first(struct pool *pool, struct edits *edits, struct edit edit, struct err *err)
{
    struct edit *list = POOL_ARRAY(pool, edits->n + 1, struct edit);
    if (list == NULL)
        return err_set(err, "out of memory for the edits of a header");
    list[0] = edit;
    if (edits->n)
        memcpy(list + 1, edits->list, edits->n * sizeof *list);
    edits->list = list;
    edits->n++;
    return 0;
}

int edits_insert_top(struct pool *pool, struct edits *edits, struct str lines, struct err *err)
{
    struct edit *first = edits->n ? &edits->list[0] : NULL;
    if (first == NULL || first->at != edits->top)
        return insert_first(pool, edits, (struct edit){edits->top, 0, lines}, err);
    size_t n = lines.n + first->insert.n;
    char *both = pool_alloc(pool, n);
    if (both == NULL)
        return err_set(err, "out of memory for the edits of a header");
    if (lines.n)
        memcpy(both, lines.s, lines.n);
    if (first->insert.n)
        memcpy(both + lines.n, first->insert.s, first->insert.n);
    first->insert = str_n(both, n);
    return 0;
}

void edits_apply(const struct edits *edits, struct str raw, struct buf *out)
{
    size_t at = 0;
    for (size_t i = 0; i < edits->n; i++) {
        const struct edit *edit = &edits->list[i];
        buf_add(out, str_sub(raw, at, edit->at));
        buf_add(out, edit->insert);
        at = edit->at + edit->remove;
    }
    buf_add(out, str_from(raw, at));
}
