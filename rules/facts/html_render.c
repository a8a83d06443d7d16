#include "rules/facts/html_render.h"

#include "base/ascii.h"
#include "mail/utf8.h"
#include "rules/facts/html_entities.h"
#include "rules/facts/html_inside.h"
#include "rules/facts/html_links.h"
#include "rules/facts/html_notes.h"
#include "rules/facts/html_parse.h"
#include "rules/facts/html_style.h"
#include "rules/facts/text_class.h"
#include "rules/facts/uris.h"

/* Texts that grow while they are read: anchors, titles. Each goes on up to where the next starts.
 */
struct growing {
    struct buf text;
    size_t *starts;
    size_t n, cap;
};

struct renderer {
    struct pool *pool;
    struct html_doc *doc;
    struct html_links links;
    struct styles styles;
    struct html_inside_table inside;
    struct html_notes notes;
    struct growing anchors, titles;
    size_t comments_cap, scripts_cap;
    char *out; /* the text so far */
    size_t n, room;
    size_t last;     /* the last piece of it begins here */
    bool any;        /* there is one */
    bool last_blank; /* it was white space of an element */
    bool last_hidden;
    bool last_wide;
    bool wide; /* some piece has characters above U+00FF, or the source was decoded */
    bool source_wide;
    struct hidden_range *hidden;
    size_t n_hidden, hidden_cap;
    char *decoded; /* for one piece of text or attribute */
    size_t decoded_size;
    bool no_memory;
};

static void set(struct renderer *r, enum html_number number, double value)
{
    r->doc->numbers[number] = value;
    r->doc->defined[number] = true;
}

static void add_text(struct renderer *r, enum html_texts kind, struct str text, size_t *cap)
{
    struct html_doc *doc = r->doc;
    struct str *list = pool_grow(r->pool, doc->texts[kind], doc->n_texts[kind], cap, sizeof *list);
    if (list == NULL) {
        r->no_memory = true;
        return;
    }
    doc->texts[kind] = list;
    list[doc->n_texts[kind]++] = text;
}

static void grow_begin(struct renderer *r, struct growing *growing)
{
    size_t *starts = pool_grow(r->pool, growing->starts, growing->n, &growing->cap, sizeof *starts);
    if (starts == NULL) {
        r->no_memory = true;
        return;
    }
    growing->starts = starts;
    starts[growing->n++] = growing->text.n;
}

static void grow_add(struct growing *growing, struct str text)
{
    if (growing->n)
        buf_add(&growing->text, text);
}

/* Room for n bytes for a decoded piece. */
static char *decode_room(struct renderer *r, size_t n)
{
    if (n <= r->decoded_size)
        return r->decoded;
    size_t size = n < 4096 ? 4096 : n + n / 2;
    char *room = pool_alloc(r->pool, size);
    if (room == NULL) {
        r->no_memory = true;
        return NULL;
    }
    r->decoded = room;
    r->decoded_size = size;
    return room;
}

static void note_hidden(struct renderer *r, size_t from, size_t to)
{
    if (r->n_hidden && r->hidden[r->n_hidden - 1].to == from) {
        r->hidden[r->n_hidden - 1].to = to;
        return;
    }
    struct hidden_range *hidden =
        pool_grow(r->pool, r->hidden, r->n_hidden, &r->hidden_cap, sizeof *hidden);
    if (hidden == NULL) {
        r->no_memory = true;
        return;
    }
    r->hidden = hidden;
    hidden[r->n_hidden++] = (struct hidden_range){from, to};
}

/* White space of an element: a blank at the end of the text before it goes. */
static void show_space(struct renderer *r, struct str space)
{
    if (space.n > r->room - r->n)
        return;
    if (r->any && !r->last_blank && !r->last_hidden && r->n > r->last && r->out[r->n - 1] == ' ')
        r->n--;
    r->last = r->n;
    memcpy(r->out + r->n, space.s, space.n);
    r->n += space.n;
    r->any = r->last_blank = true;
    r->last_hidden = r->last_wide = false;
}

/* Appends with blanks folded; U+00C2 U+00A0, which comes of UTF-8 read as Latin-1, is one, too. */
static void fold(struct renderer *r, struct str text)
{
    size_t at = 0;
    while (at < text.n) {
        size_t end = at;
        while (end < text.n && !ascii_is_space(text.s[end]) && text.s[end] != '\xc3')
            end++;
        memcpy(r->out + r->n, text.s + at, end - at);
        r->n += end - at;
        if (end == text.n)
            return;
        at = end;
        if (text.s[at] == '\xc3') {
            bool blank = str_starts(str_from(text, at), STR("\xc3\x82\xc2\xa0"));
            r->out[r->n++] = blank ? ' ' : text.s[at];
            at += blank ? 4 : 1;
            continue;
        }
        r->out[r->n++] = ' ';
        while (at < text.n && ascii_is_space(text.s[at]))
            at++;
    }
}

static void show_text(struct renderer *r, struct str text, bool hidden, bool wide)
{
    bool after_blank = r->any && !hidden && r->last_blank;
    size_t start = r->n;
    if (text.n > r->room - r->n)
        return;
    fold(r, text);
    if (after_blank && r->n > start && r->out[start] == ' ') {
        memmove(r->out + start, r->out + start + 1, r->n - start - 1);
        r->n--;
    }
    r->last = start;
    r->any = true;
    r->last_blank = false;
    r->last_hidden = hidden;
    r->last_wide = wide;
    r->wide |= wide;
    if (hidden)
        note_hidden(r, start, r->n);
}

/* Is it hidden by how it looks? */
static bool is_hidden(struct renderer *r, struct str text)
{
    size_t at = 0;
    while (at < text.n && ascii_is_space(text.s[at]))
        at++;
    if (at == text.n)
        return false;
    switch (styles_visibility(&r->styles)) {
    case STYLE_LOW_CONTRAST:
        set(r, HTML_FONT_LOW_CONTRAST, 1);
        return true;
    case STYLE_INVALID_COLOUR:
        set(r, HTML_FONT_INVALID_COLOR, 1);
        return true;
    case STYLE_HIDDEN:
        return true;
    case STYLE_VISIBLE:
        break;
    }
    return false;
}

static void on_text(void *data, struct str text, bool is_data)
{
    struct renderer *r = data;
    bool wide = r->source_wide;
    if (r->no_memory)
        return;
    if (!is_data && str_chr(text, '&') != STR_NONE) {
        char *room = decode_room(r, text.n);
        if (room == NULL)
            return;
        text = str_n(room, html_entities_decode(text, true, room, &wide));
    }
    if (html_inside_open(&r->inside, ID_SCRIPT) > 0) {
        struct str kept = is_data ? text : pool_str(r->pool, text);
        add_text(r, HTML_SCRIPTS, kept, &r->scripts_cap);
        return;
    }
    if (html_inside_open(&r->inside, ID_STYLE) > 0)
        return;
    if (html_inside_open(&r->inside, ID_A) > 0)
        grow_add(&r->anchors, text);
    if (html_inside_open(&r->inside, ID_TITLE) > 0)
        grow_add(&r->titles, text);
    bool hidden = is_hidden(r, text);
    if (r->any)
        html_notes_join(&r->notes, str_sub(str_n(r->out, r->n), r->last, r->n), r->last_wide, text,
                        wide);
    show_text(r, text, hidden, wide);
}

static void on_comment(void *data, struct str whole)
{
    struct renderer *r = data;
    add_text(r, HTML_COMMENTS, whole, &r->comments_cap);
}

static void on_declaration(void *data, struct str whole)
{
    struct renderer *r = data;
    if (str_istarts(whole, STR("<!doctype")))
        html_inside_declare(&r->inside);
}

/* An attribute's value, its references decoded; .s NULL: there is no such attribute. `lasting`:
 * it is kept beyond the next call. */
static struct str attribute(struct renderer *r, const struct html_tag_event *tag, struct str name,
                            bool lasting)
{
    bool wide = false;
    for (size_t i = 0; i < tag->n_attributes; i++) {
        struct str value = tag->attributes[i].value;
        if (!str_ieq(tag->attributes[i].name, name))
            continue;
        if (str_chr(value, '&') == STR_NONE)
            return value.s ? value : STR("");
        char *room = lasting ? pool_alloc(r->pool, value.n) : decode_room(r, value.n);
        if (room == NULL) {
            r->no_memory = true;
            return STR_EMPTY;
        }
        return str_n(room, html_entities_decode(value, false, room, &wide));
    }
    return STR_EMPTY;
}

/* "class/href", which a missing blank makes: the address as well. */
static struct str broken_attribute(const struct html_tag_event *tag, struct str name)
{
    for (size_t i = 0; i < tag->n_attributes; i++) {
        struct str key = tag->attributes[i].name;
        size_t at = str_ifind(key, name);
        if (at != STR_NONE && at > 0 && ascii_is_word(key.s[at - 1]))
            return tag->attributes[i].value;
    }
    return STR_EMPTY;
}

static struct str without_byte_order_mark(struct renderer *r, struct str x)
{
    size_t at;
    while ((at = str_find(x, STR("\xef\xbb\xbf"))) != STR_NONE) {
        char *copy = pool_alloc(r->pool, x.n);
        size_t n = 0;
        if (copy == NULL)
            return x;
        for (; at != STR_NONE; at = str_find(x, STR("\xef\xbb\xbf"))) {
            memcpy(copy + n, x.s, at);
            n += at;
            x = str_from(x, at + 3);
        }
        memcpy(copy + n, x.s, x.n);
        return str_n(copy, n + x.n);
    }
    return x;
}

static void link_if(struct renderer *r, const struct html_tag_event *tag, unsigned type,
                    struct str name)
{
    struct str value = attribute(r, tag, name, false);
    if (value.s)
        html_links_add(&r->links, type, value);
}

/* The address that an <a> leads to; .s NULL: none. */
static struct str address_of(struct renderer *r, const struct html_tag_event *tag)
{
    struct str broken = broken_attribute(tag, STR("/href"));
    struct str value = broken.s ? broken : attribute(r, tag, STR("href"), false);
    return value.s ? without_byte_order_mark(r, value) : value;
}

/* "5; url=http://…" */
static void link_refresh(struct renderer *r, const struct html_tag_event *tag)
{
    if (str_ifind(attribute(r, tag, STR("http-equiv"), false), STR("refresh")) == STR_NONE)
        return;
    struct str content = attribute(r, tag, STR("content"), false), uri = STR_EMPTY;
    for (size_t at = 0, found;
         (found = str_ifind(str_from(content, at), STR("url"))) != STR_NONE;) {
        size_t end = at + found + 3;
        bool word = at + found == 0 || !ascii_is_word(content.s[at + found - 1]);
        while (end < content.n && ascii_is_space(content.s[end]))
            end++;
        if (word && end < content.n && content.s[end] == '=')
            uri = str_trim(str_from(content, end + 1));
        at += found + 3;
    }
    size_t semicolon = str_chr(uri, ';');
    if (uri.n)
        html_links_add(&r->links, URI_TYPE_META, str_trim(str_sub(uri, 0, semicolon)));
}

struct source {
    unsigned char id;
    const char *attribute;
    unsigned type;
};

static const struct source sources[] = {
    {ID_BODY, "background", URI_TYPE_BODY}, {ID_TABLE, "background", URI_TYPE_TABLE},
    {ID_TR, "background", URI_TYPE_TR},     {ID_TD, "background", URI_TYPE_TD},
    {ID_IMG, "src", URI_TYPE_IMG},          {ID_FRAME, "src", URI_TYPE_FRAME},
    {ID_IFRAME, "src", URI_TYPE_IFRAME},    {ID_EMBED, "src", URI_TYPE_EMBED},
    {ID_SCRIPT, "src", URI_TYPE_SCRIPT},    {ID_BGSOUND, "src", URI_TYPE_BGSOUND},
    {ID_FORM, "action", URI_TYPE_FORM},
};

static void link_source(struct renderer *r, const struct html_tag_event *tag, unsigned id)
{
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
        if (sources[i].id != id)
            continue;
        bool src = str_eq(str_of(sources[i].attribute), STR("src"));
        struct str broken = src ? broken_attribute(tag, STR("/src")) : STR_EMPTY;
        if (broken.s)
            html_links_add(&r->links, sources[i].type, broken);
        else
            link_if(r, tag, sources[i].type, str_of(sources[i].attribute));
    }
}

static void note_links(struct renderer *r, const struct html_tag_event *tag, unsigned id)
{
    struct str value;
    switch (id) {
    case ID_A:
    case ID_AREA:
    case ID_LINK:
        value = address_of(r, tag);
        if (value.s)
            html_links_add(&r->links,
                           id == ID_A      ? URI_TYPE_A
                           : id == ID_AREA ? URI_TYPE_AREA
                                           : URI_TYPE_LINK,
                           value);
        link_if(r, tag,
                id == ID_A      ? URI_TYPE_A
                : id == ID_AREA ? URI_TYPE_AREA
                                : URI_TYPE_LINK,
                STR("data-saferedirecturl"));
        break;
    case ID_BASE:
        value = attribute(r, tag, STR("href"), false);
        if (value.n)
            html_links_base(&r->links, value);
        break;
    case ID_META:
        link_refresh(r, tag);
        break;
    default:
        link_source(r, tag, id);
    }
}

static void begin_anchor(struct renderer *r, const struct html_tag_event *tag)
{
    struct str address = address_of(r, tag);
    if (r->anchors.n >= HTML_ANCHORS_MAX) {
        r->doc->truncated = true;
        return;
    }
    html_links_anchor(&r->links, html_link_trim(&r->links, address), r->anchors.n);
    grow_begin(r, &r->anchors);
}

static void note_element(struct renderer *r, const struct html_tag_event *tag, unsigned id)
{
    struct str value;
    switch (id) {
    case ID_FONT:
        value = attribute(r, tag, STR("face"), false);
        if (value.s && !html_notes_is_face(value))
            set(r, HTML_FONT_FACE_BAD, 1);
        break;
    case ID_IMG:
        if (html_inside_open(&r->inside, ID_A) > 0)
            grow_add(&r->anchors, STR("<img>\n"));
        r->doc->numbers[HTML_IMAGE_AREA] += html_notes_area(attribute(r, tag, STR("width"), true),
                                                            attribute(r, tag, STR("height"), true));
        break;
    case ID_FORM:
        if (str_ifind(attribute(r, tag, STR("action"), false), STR("mailto:")) != STR_NONE)
            set(r, HTML_FORM_ACTION_MAILTO, 1);
        break;
    case ID_OBJECT:
    case ID_EMBED:
        set(r, HTML_EMBEDS, 1);
        break;
    case ID_A:
        begin_anchor(r, tag);
        break;
    case ID_TITLE:
        grow_begin(r, &r->titles);
        break;
    default:
        break;
    }
}

static void open_style(struct renderer *r, const struct html_tag_event *tag, unsigned id)
{
    struct style_attribute wanted[HTML_PARSE_ATTRIBUTES_MAX];
    size_t n = 0;
    for (size_t i = 0; i < tag->n_attributes; i++) {
        struct str name = tag->attributes[i].name;
        if (!styles_wants(id, name))
            continue;
        size_t j = 0;
        while (j < n && !str_ieq(wanted[j].name, name))
            j++;
        if (j == n)
            wanted[n++] = (struct style_attribute){name, attribute(r, tag, name, true)};
    }
    styles_open(&r->styles, id, wanted, n);
}

static void show_name(struct renderer *r, const struct html_name *name)
{
    if (name->flags & NAME_LINES)
        show_space(r, STR("\n\n"));
    else if (name->flags & NAME_LINE)
        show_space(r, STR("\n"));
    else if (name->flags & NAME_BLANK)
        show_space(r, STR(" "));
}

static void on_start(void *data, const struct html_tag_event *tag)
{
    struct renderer *r = data;
    if (r->no_memory)
        return;
    r->doc->truncated |= tag->n_attributes == HTML_PARSE_ATTRIBUTES_MAX;
    const struct html_name *name = html_inside_count(&r->inside, tag->name, 1);
    if (name == NULL)
        return;
    if (name->flags & NAME_STYLE)
        open_style(r, tag, name->id);
    show_name(r, name);
    note_links(r, tag, name->id);
    note_element(r, tag, name->id);
}

static void on_end(void *data, struct str tag)
{
    struct renderer *r = data;
    if (r->no_memory)
        return;
    const struct html_name *name = html_inside_count(&r->inside, tag, -1);
    if (name == NULL)
        return;
    if (name->flags & NAME_STYLE)
        styles_close(&r->styles, name->id);
    show_name(r, name);
}

/* Is there anything in it that must be changed before it is parsed? */
static bool needs_change(struct str html)
{
    return str_find(html, STR("&nbsp;")) != STR_NONE || str_find(html, STR("/>")) != STR_NONE ||
           str_find(html, STR("\xe2\x80\x9c")) != STR_NONE ||
           str_find(html, STR("\xe2\x80\x9d")) != STR_NONE;
}

/* Bytes of "<name/>" at the text's start, and of the name; 0: it is none. */
static size_t empty_tag(struct str x, size_t *name)
{
    size_t end = 1;
    while (end < x.n && (ascii_is_word(x.s[end]) || (unsigned char)x.s[end] >= 0x80))
        end++;
    *name = end;
    while (end < x.n && ascii_is_space(x.s[end]))
        end++;
    bool empty = *name > 1 && str_starts(str_from(x, end), STR("/>"));
    return empty ? end + 2 : 0;
}

/* "&nbsp;" to a blank, "<br/>" to "<br>", curly quotes to straight ones. */
static struct str change(struct pool *pool, struct str html)
{
    char *out = needs_change(html) ? pool_alloc(pool, html.n + 1) : NULL;
    size_t n = 0, at = 0, name;
    if (out == NULL)
        return html;
    while (at < html.n) {
        struct str rest = str_from(html, at);
        size_t taken;
        switch (rest.s[0]) {
        case '&':
            taken = str_starts(rest, STR("&nbsp;")) ? 6 : 1;
            out[n++] = taken == 6 ? ' ' : '&';
            break;
        case '<':
            taken = empty_tag(rest, &name);
            memcpy(out + n, rest.s, taken ? name : 1);
            n += taken ? name : 1;
            if (taken)
                out[n++] = '>';
            taken = taken ? taken : 1;
            break;
        case '\xe2':
            taken = str_starts(rest, STR("\xe2\x80\x9c")) || str_starts(rest, STR("\xe2\x80\x9d"))
                        ? 3
                        : 1;
            out[n++] = taken == 3 ? '"' : '\xe2';
            break;
        default:
            out[n++] = rest.s[0];
            taken = 1;
        }
        at += taken;
    }
    return str_n(out, n);
}

/* Characters up to U+00FF as a byte each, as Perl leaves a text that has none beyond. */
static struct str narrow(struct renderer *r, struct str x)
{
    size_t high = utf8_ascii_end(x, 0), n = 0;
    for (size_t i = high; i < x.n; i++) {
        if ((unsigned char)x.s[i] >= 0xc4)
            return x;
    }
    char *out = high < x.n ? pool_alloc(r->pool, x.n) : NULL;
    for (size_t i = 0; out && i < x.n; i++) {
        unsigned char c = (unsigned char)x.s[i];
        bool two = c >= 0xc2 && i + 1 < x.n;
        out[n++] = two ? (char)((c & 3) << 6 | (x.s[i + 1] & 0x3f)) : x.s[i];
        i += two;
    }
    r->no_memory |= high < x.n && out == NULL;
    return out ? str_n(out, n) : x;
}

static void keep_growing(struct renderer *r, struct growing *growing, enum html_texts kind)
{
    struct str all = pool_str(r->pool, buf_str(&growing->text));
    size_t cap = 0;
    if (all.s == NULL || !buf_ok(&growing->text))
        r->no_memory = true;
    for (size_t i = 0; i < growing->n && !r->no_memory; i++) {
        size_t end = i + 1 < growing->n ? growing->starts[i + 1] : all.n;
        struct str one = str_sub(all, growing->starts[i], end);
        add_text(r, kind, r->source_wide ? one : narrow(r, one), &cap);
    }
    buf_release(&growing->text);
}

/* What can be told only at the end. */
static void finish(struct renderer *r, size_t size)
{
    struct str text = str_n(r->out, r->n);
    size_t blanks, length = text_count(text, r->wide, &blanks);
    html_inside_finish(&r->inside, r->doc);
    html_notes_finish(&r->notes, r->inside.tags, r->doc);
    keep_growing(r, &r->anchors, HTML_ANCHORS);
    keep_growing(r, &r->titles, HTML_TITLES);
    set(r, HTML_IS_HTML, 1);
    set(r, HTML_IMAGE_AREA, r->doc->numbers[HTML_IMAGE_AREA]);
    set(r, HTML_MIN_SIZE, r->styles.least);
    set(r, HTML_MAX_SIZE, r->styles.most);
    set(r, HTML_HTML_LENGTH, (double)length);
    set(r, HTML_NON_SPACE_LEN, (double)(length - blanks));
    set(r, HTML_RATIO, ((double)size - (double)length) / (double)size);
    if (r->links.truncated)
        set(r, HTML_URI_TRUNCATED, 1);
    r->doc->truncated |= r->links.truncated || r->styles.truncated || r->inside.truncated;
    r->doc->links = r->links.list;
    r->doc->n_links = r->links.n;
    r->no_memory |= r->links.no_memory || r->styles.no_memory || r->inside.no_memory;
}

bool html_render_part(struct pool *pool, struct str html, bool wide, size_t size,
                      struct html_doc *doc, struct rendered_html *rendered)
{
    static const struct html_events events = {on_text, on_start, on_end, on_comment,
                                              on_declaration};
    struct renderer r = {.pool = pool, .doc = doc, .wide = wide, .source_wide = wide};
    struct str changed = change(pool, html);
    size_t blanks;
    r.links.pool = pool;
    r.room = changed.n + 2 * (changed.n / 3 + 1) + 16; /* no tag is shorter than 3 bytes */
    r.out = pool_alloc(pool, r.room);
    r.anchors.text = r.titles.text = BUF_INIT(changed.n + 6 * (changed.n / 5 + 1));
    styles_init(&r.styles, pool, HTML_FACTS_DEPTH_MAX);
    html_inside_init(&r.inside, pool);
    if (r.out == NULL || r.styles.no_memory)
        return false;
    set(&r, HTML_LENGTH, (double)text_count(html, wide, &blanks));
    html_parse(changed, &events, &r);
    finish(&r, size);
    *rendered = (struct rendered_html){str_n(r.out, r.n), r.wide, r.hidden, r.n_hidden};
    return !r.no_memory;
}
