#include "mail/html.h"

#include "base/err.h"
#include "mail/html_entity.h"
#include "mail/html_look.h"
#include "mail/html_sheet.h"
#include "mail/html_tag.h"
#include "mail/html_token.h"

#define ATTRIBUTES_MAX 100         /* of one tag; more are left out */
#define VALUE_MAX      (16 * 1024) /* bytes of one attribute's value */
#define COUNTS         256
#define IMPLIED_LOOK   16 /* open elements looked at for one that a new one ends */

struct element {
    const struct html_tag *tag; /* NULL: unknown */
    uint32_t name;              /* hash of the name without case */
    struct look look;
};

struct link {
    bool open;
    size_t uri;  /* index; STR_NONE: the href is no link */
    size_t from; /* where its text starts in the visible text */
};

struct page {
    struct html_sinks *out;
    struct str rest;
    struct str base; /* href of <base> */
    struct sheet sheet;
    struct link link;
    struct element stack[HTML_DEPTH_MAX];
    size_t depth;
    unsigned short counts[COUNTS]; /* open elements by hash of name, so that a stray end tag
                                      costs no search */
    struct buf scratch;            /* decoded value of one attribute */
};

/* What a tag's attributes say, as far as it matters. */
struct attributes {
    struct str style, class, id, type, value, http_equiv, content;
    size_t href; /* index of its link */
};

static uint32_t hash_name(struct str name)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < name.n; i++)
        h = (h ^ (unsigned char)str_lower_char(name.s[i])) * 16777619u;
    return h;
}

static const struct look *look_now(const struct page *page)
{
    return page->depth ? &page->stack[page->depth - 1].look : &look_of_page;
}

static struct flow *flow_now(struct page *page)
{
    return look_is_hidden(look_now(page)) ? &page->out->invisible : &page->out->visible;
}

/* Text with its character references decoded. */
static void show(struct page *page, struct str text)
{
    struct flow *flow = flow_now(page);
    while (text.n) {
        char bytes[4];
        size_t n;
        size_t amp = str_chr(text, '&');
        flow_text(flow, str_sub(text, 0, amp));
        text = str_from(text, amp);
        if (text.n == 0)
            return;
        size_t used = html_entity(text, false, bytes, &n);
        flow_text(flow, used ? str_n(bytes, n) : STR("&"));
        text = str_from(text, used ? used : 1);
    }
}

/* What is hidden goes nowhere near the visible text: not even a space is owed for it. */
static void lay_out(struct page *page, unsigned flags)
{
    struct flow *flow = flow_now(page);
    if (flags & TAG_PARAGRAPH)
        flow_paragraph(flow);
    else if (flags & (TAG_LINE | TAG_CELL))
        flow_space(flow);
}

static void pop_to(struct page *page, size_t depth)
{
    while (page->depth > depth)
        page->counts[page->stack[--page->depth].name % COUNTS]--;
}

static void push(struct page *page, const struct html_tag *tag, uint32_t name,
                 const struct look *look)
{
    if (page->depth == HTML_DEPTH_MAX)
        return;
    page->stack[page->depth++] = (struct element){tag, name, *look};
    page->counts[name % COUNTS]++;
}

/* Closes the innermost open element of that name, and all inside it. */
static void close_element(struct page *page, uint32_t name)
{
    if (page->counts[name % COUNTS] == 0)
        return;
    for (size_t i = page->depth; i > 0; i--) {
        if (page->stack[i - 1].name == name) {
            pop_to(page, i - 1);
            return;
        }
    }
}

static bool is(struct str x, const char *word)
{
    return str_ieq(x, str_of(word));
}

/* Does the element, when it begins, end one that is open? Elements of one name are one tag. */
static bool ends(const struct html_tag *tag, const struct html_tag *open)
{
    bool row = strcmp(tag->name, "tr") == 0;
    return (tag->flags & TAG_REPEATS && open == tag) ||
           ((tag->flags & TAG_CELL || row) && open->flags & TAG_CELL) ||
           (tag->flags & TAG_CLOSES_P && strcmp(open->name, "p") == 0);
}

/* The elements whose end tags HTML lets out: a new <li> ends the one before, and so on. */
static void close_implied(struct page *page, const struct html_tag *tag)
{
    size_t lowest = page->depth > IMPLIED_LOOK ? page->depth - IMPLIED_LOOK : 0;
    for (size_t i = page->depth; i > lowest; i--) {
        const struct html_tag *open = page->stack[i - 1].tag;
        if (open && ends(tag, open))
            pop_to(page, i - 1);
        else if (open && open->flags & (TAG_PARAGRAPH | TAG_LINE | TAG_CELL))
            return;
    }
}

/* The value with its references decoded; good until the next call. */
static struct str decoded(struct page *page, struct str value)
{
    value = str_sub(value, 0, VALUE_MAX);
    if (str_chr(value, '&') == STR_NONE)
        return value;
    buf_clear(&page->scratch);
    html_decode(value, true, &page->scratch);
    return buf_str(&page->scratch);
}

/* Which attributes hold a link, on which elements, and of what kind. */
static bool link_attribute(const struct html_tag *tag, struct str name, enum uri_source *source)
{
    static const struct {
        const char *attribute;
        const char *tag; /* NULL: any other */
        enum uri_source source;
    } links[] = {
        {"href", "a", URI_HREF},        {"href", "area", URI_HREF}, {"href", NULL, URI_OTHER},
        {"src", "img", URI_IMG},        {"src", "input", URI_IMG},  {"src", NULL, URI_OTHER},
        {"background", NULL, URI_IMG},  {"action", NULL, URI_FORM}, {"formaction", NULL, URI_FORM},
        {"data", "object", URI_OTHER},  {"poster", NULL, URI_IMG},  {"longdesc", NULL, URI_OTHER},
        {"xlink:href", NULL, URI_HREF},
    };
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
        if (!is(name, links[i].attribute))
            continue;
        if (links[i].tag && (tag == NULL || strcmp(tag->name, links[i].tag) != 0))
            continue;
        *source = links[i].source;
        return true;
    }
    return false;
}

static void note_attribute(struct attributes *a, struct str name, struct str value)
{
    struct {
        const char *name;
        struct str *slot;
    } slots[] = {{"style", &a->style},    {"class", &a->class}, {"id", &a->id},
                 {"type", &a->type},      {"value", &a->value}, {"http-equiv", &a->http_equiv},
                 {"content", &a->content}};
    for (size_t i = 0; i < sizeof slots / sizeof slots[0]; i++)
        if (slots[i].slot->s == NULL && is(name, slots[i].name))
            *slots[i].slot = value;
}

/* Reads a tag's attributes: links are added, looks applied, the rest noted. */
static void read_attributes(struct page *page, const struct html_tag *tag, struct str rest,
                            struct look *look, struct attributes *a)
{
    struct str name, value;
    *a = (struct attributes){.href = STR_NONE};
    for (unsigned i = 0; i < ATTRIBUTES_MAX && html_attribute(&rest, &name, &value); i++) {
        enum uri_source source;
        bool is_base = tag && strcmp(tag->name, "base") == 0;
        if (link_attribute(tag, name, &source) && !is_base) {
            size_t index = uris_add(page->out->uris, decoded(page, value), page->base, source);
            if (is(name, "href"))
                a->href = index;
        } else if (is_base && is(name, "href") && page->base.n == 0) {
            page->base = pool_str(page->out->pool, str_sub(decoded(page, value), 0, URI_BYTES_MAX));
        }
        if (!look_attribute(look, name, value))
            note_attribute(a, name, value);
    }
}

/* Pictures named in styles are fetched as well. */
static void add_style_links(struct page *page, struct str style)
{
    size_t at;
    while ((at = str_ifind(style, STR("url("))) != STR_NONE) {
        style = str_from(style, at + 4);
        size_t close = str_chr(style, ')');
        struct str link = str_trim(str_sub(style, 0, close));
        if (link.n && (link.s[0] == '"' || link.s[0] == '\''))
            link = str_sub(link, 1, link.n - 1);
        uris_add(page->out->uris, link, page->base, URI_OTHER);
        style = str_from(style, close == STR_NONE ? style.n : close + 1);
    }
}

static void apply_looks(struct page *page, struct str name, const struct attributes *a,
                        const struct look *parent, struct look *look)
{
    sheet_apply(&page->sheet, look, parent, name, a->class, a->id);
    if (a->style.n) {
        struct str style = decoded(page, a->style);
        look_declare(look, parent, style);
        add_style_links(page, style);
    }
    look_finish(look);
}

/* Does the text of a link name another site than the one it leads to? */
static bool misleads(const struct uri *uri, struct str shown)
{
    char host[HOST_MAX + 1];
    struct str other = uri_shown_host(shown, host);
    if (other.n == 0 || uri->host.n == 0 || str_istarts(uri->clean, STR("mailto:")))
        return false;
    struct str domain = uri_domain(host);
    return !str_eq(uri->host, other) && !(domain.n && str_eq(uri->domain, domain));
}

static int end_link(struct page *page, struct err *err)
{
    struct link *link = &page->link;
    struct uris *uris = page->out->uris;
    const struct buf *text = page->out->visible.out;
    bool was_open = link->open;
    link->open = false;
    if (!was_open || link->uri == STR_NONE || uris->no_memory)
        return 0;
    struct uri *uri = &uris->list[link->uri];
    struct str shown = str_trim(str_from(buf_str(text), link->from));
    if (shown.n == 0)
        return 0;
    page->out->facts->links_misleading += misleads(uri, shown);
    if (uri->anchor.n == 0)
        uri->anchor = pool_str(page->out->pool, shown);
    return uri->anchor.s ? 0 : err_set(err, "out of memory for the text of a link");
}

/* "0; url=http://…" */
static void add_refresh(struct page *page, const struct attributes *a)
{
    struct str content = decoded(page, a->content);
    size_t at = is(a->http_equiv, "refresh") ? str_ifind(content, STR("url=")) : STR_NONE;
    if (at != STR_NONE)
        uris_add(page->out->uris, str_from(content, at + 4), page->base, URI_OTHER);
}

/* The text of buttons and fields is seen. */
static void show_input(struct page *page, const struct attributes *a)
{
    if (is(a->type, "hidden") || is(a->type, "password") || a->value.n == 0)
        return;
    flow_space(flow_now(page));
    show(page, a->value);
    flow_space(flow_now(page));
}

static int open_special(struct page *page, const struct html_tag *tag, const struct attributes *a,
                        struct err *err)
{
    struct html_facts *facts = page->out->facts;
    struct str name = str_of(tag->name);
    if (is(name, "a")) {
        if (end_link(page, err) < 0)
            return -1;
        facts->links += a->href != STR_NONE;
        page->link = (struct link){true, a->href, page->out->visible.out->n};
    } else if (is(name, "img")) {
        facts->images++;
    } else if (is(name, "form")) {
        facts->forms++;
    } else if (is(name, "script")) {
        facts->scripts++;
    } else if (is(name, "br")) {
        flow_line(flow_now(page));
    } else if (is(name, "input")) {
        show_input(page, a);
    } else if (is(name, "meta")) {
        add_refresh(page, a);
    }
    return 0;
}

/* The content of <style>, <script>, <title> and the like, of which only some is shown. */
static void take_raw(struct page *page, const struct html_tag *tag)
{
    struct str raw = html_raw_text(&page->rest, str_of(tag->name));
    if (strcmp(tag->name, "style") == 0)
        sheet_add(&page->sheet, raw);
    else if ((tag->flags & TAG_UNSEEN) == 0)
        show(page, raw);
}

/* Links are blue whatever the text around them is, unless they say otherwise. */
static void default_look(const struct html_tag *tag, struct look *look)
{
    if (tag && strcmp(tag->name, "a") == 0)
        look->text = (struct colour){0, 0, 0xee, false};
    if (tag && tag->flags & TAG_UNSEEN)
        look->gone = true;
}

static int on_open(struct page *page, const struct html_token *token, struct err *err)
{
    const struct html_tag *tag = html_tag_find(token->name);
    struct attributes a;
    if (tag == NULL && str_chr(token->name, ':') == STR_NONE &&
        str_chr(token->name, '-') == STR_NONE)
        page->out->facts->bad_tags++;
    if (tag) {
        close_implied(page, tag);
        lay_out(page, tag->flags);
    }
    const struct look *parent = look_now(page);
    struct look look = look_inside(parent);
    default_look(tag, &look);
    read_attributes(page, tag, token->attributes, &look, &a);
    apply_looks(page, token->name, &a, parent, &look);
    if (tag && open_special(page, tag, &a, err) < 0)
        return -1;
    if (tag && tag->flags & TAG_RAW)
        take_raw(page, tag);
    else if (tag == NULL || (tag->flags & TAG_VOID) == 0)
        push(page, tag, hash_name(token->name), &look);
    return 0;
}

static int on_close(struct page *page, const struct html_token *token, struct err *err)
{
    const struct html_tag *tag = html_tag_find(token->name);
    if (is(token->name, "a") && end_link(page, err) < 0)
        return -1;
    if (tag)
        lay_out(page, tag->flags & ~(unsigned)TAG_VOID);
    if (is(token->name, "br"))
        flow_line(flow_now(page));
    close_element(page, hash_name(token->name));
    return 0;
}

static int on_token(struct page *page, const struct html_token *token, struct err *err)
{
    switch (token->kind) {
    case HTML_TEXT:
        show(page, token->text);
        return 0;
    case HTML_OPEN:
        return on_open(page, token, err);
    case HTML_CLOSE:
        return on_close(page, token, err);
    case HTML_COMMENT:
        page->out->facts->comments += token->text.n > 0;
        return 0;
    case HTML_UNFINISHED:
        page->out->facts->bad_tags++;
        flow_text(&page->out->invisible, token->text);
        return 0;
    }
    return 0;
}

static int render(struct page *page, struct err *err)
{
    struct html_sinks *out = page->out;
    struct html_token token;
    size_t visible = out->visible.out->n, invisible = out->invisible.out->n;
    out->facts->present = true;
    while (html_next(&page->rest, &token))
        if (on_token(page, &token, err) < 0)
            return -1;
    if (end_link(page, err) < 0)
        return -1;
    flow_paragraph(&out->visible);
    flow_paragraph(&out->invisible);
    out->facts->text_visible += out->visible.out->n - visible;
    out->facts->text_invisible += out->invisible.out->n - invisible;
    if (page->sheet.no_memory || out->uris->no_memory)
        return err_set(err, "out of memory for the links and styles of a message");
    return 0;
}

int html_render(struct html_sinks *sinks, struct str html, struct err *err)
{
    struct page *page = POOL_NEW(sinks->pool, struct page);
    if (page == NULL)
        return err_set(err, "out of memory for an HTML part");
    page->out = sinks;
    page->rest = html;
    page->sheet.pool = sinks->pool;
    page->scratch = BUF_INIT(VALUE_MAX);
    int result = render(page, err);
    buf_release(&page->scratch);
    return result;
}
