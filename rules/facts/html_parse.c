#include "rules/facts/html_parse.h"

enum section { SECTION_NONE, SECTION_INCLUDE, SECTION_RCDATA, SECTION_CDATA, SECTION_IGNORE };

/* Elements whose content is no markup. */
struct literal {
    struct str name;
    bool is_data;  /* nor has it character references */
    bool to_end;   /* unclosed: the rest of the text is its content */
    bool no_close; /* nothing closes it */
};
static const struct literal literals[] = {
    {{"script", 6}, true, true, false},    {{"style", 5}, true, true, false},
    {{"xmp", 3}, true, true, false},       {{"iframe", 6}, true, true, false},
    {{"plaintext", 9}, true, true, true},  {{"title", 5}, false, false, false},
    {{"textarea", 8}, false, true, false},
};

struct parser {
    struct str html;
    const struct html_events *events;
    void *data;
    size_t at;   /* read so far */
    size_t from; /* text that was not told yet begins here */
    const struct literal *literal;
    const struct literal *unclosed;                 /* its end is told before the next tag */
    enum section sections[HTML_PARSE_SECTIONS_MAX]; /* the strongest up to that one */
    size_t n_sections;
    bool short_comments; /* '>' alone ends one */
    struct html_attribute attributes[HTML_PARSE_ATTRIBUTES_MAX];
    size_t n_attributes;
};

/* What a construct at '<' turned out to be. */
enum outcome { NO_MARKUP, DONE, NO_END };

enum byte_class { SPACE = 1, NAME_FIRST = 2, NAME = 4 };

static unsigned char class_of(char c)
{
    static const unsigned char classes[128] = {
        ['\t'] = SPACE, ['\n'] = SPACE, ['\v'] = SPACE, ['\f'] = SPACE, ['\r'] = SPACE,
        [' '] = SPACE,  ['-'] = NAME,   ['.'] = NAME,   ['0'] = NAME,   ['1'] = NAME,
        ['2'] = NAME,   ['3'] = NAME,   ['4'] = NAME,   ['5'] = NAME,   ['6'] = NAME,
        ['7'] = NAME,   ['8'] = NAME,   ['9'] = NAME,   [':'] = 6,      ['A'] = 6,
        ['B'] = 6,      ['C'] = 6,      ['D'] = 6,      ['E'] = 6,      ['F'] = 6,
        ['G'] = 6,      ['H'] = 6,      ['I'] = 6,      ['J'] = 6,      ['K'] = 6,
        ['L'] = 6,      ['M'] = 6,      ['N'] = 6,      ['O'] = 6,      ['P'] = 6,
        ['Q'] = 6,      ['R'] = 6,      ['S'] = 6,      ['T'] = 6,      ['U'] = 6,
        ['V'] = 6,      ['W'] = 6,      ['X'] = 6,      ['Y'] = 6,      ['Z'] = 6,
        ['_'] = 6,      ['a'] = 6,      ['b'] = 6,      ['c'] = 6,      ['d'] = 6,
        ['e'] = 6,      ['f'] = 6,      ['g'] = 6,      ['h'] = 6,      ['i'] = 6,
        ['j'] = 6,      ['k'] = 6,      ['l'] = 6,      ['m'] = 6,      ['n'] = 6,
        ['o'] = 6,      ['p'] = 6,      ['q'] = 6,      ['r'] = 6,      ['s'] = 6,
        ['t'] = 6,      ['u'] = 6,      ['v'] = 6,      ['w'] = 6,      ['x'] = 6,
        ['y'] = 6,      ['z'] = 6,
    };
    return (unsigned char)c < 128 ? classes[(unsigned char)c] : 0;
}

/* The byte there, 0 at the end. */
static char peek(const struct parser *p, size_t at)
{
    return at < p->html.n ? p->html.s[at] : '\0';
}

static size_t skip_space(const struct parser *p, size_t at)
{
    while (at < p->html.n && class_of(p->html.s[at]) & SPACE)
        at++;
    return at;
}

/* Position of the next `c` at or after `at`, or the end. */
static size_t find(const struct parser *p, size_t at, char c)
{
    size_t found = str_chr(str_from(p->html, at), c);
    return found == STR_NONE ? p->html.n : at + found;
}

static enum section section_of(const struct parser *p)
{
    return p->n_sections ? p->sections[p->n_sections - 1] : SECTION_NONE;
}

static bool is_ignored(const struct parser *p)
{
    return section_of(p) == SECTION_IGNORE;
}

static void tell_unclosed(struct parser *p)
{
    const struct literal *literal = p->unclosed;
    p->unclosed = NULL;
    if (literal && !is_ignored(p))
        p->events->end(p->data, literal->name);
}

static void tell_text(struct parser *p, size_t from, size_t to)
{
    bool is_data = p->literal ? p->literal->is_data : section_of(p) == SECTION_CDATA;
    if (to > from && !is_ignored(p))
        p->events->text(p->data, str_sub(p->html, from, to), is_data);
}

static void tell_comment(struct parser *p, size_t from, size_t to)
{
    if (!is_ignored(p))
        p->events->comment(p->data, str_sub(p->html, from, to));
}

/* "<!-- … -->"; p->from is at the '<'. */
static enum outcome comment(struct parser *p)
{
    for (size_t at = p->from + 4;;) {
        size_t dash = find(p, at, p->short_comments ? '>' : '-');
        if (dash >= p->html.n)
            return NO_END;
        size_t end = dash;
        if (!p->short_comments)
            end = peek(p, dash + 1) == '-' ? skip_space(p, dash + 2) : p->html.n;
        if (peek(p, end) == '>') {
            tell_comment(p, p->from, end + 1);
            p->at = end + 1;
            return DONE;
        }
        /* no blanks are looked at twice */
        at = end < p->html.n && end > dash + 2 ? end : dash + 1;
    }
}

static enum section section_named(struct str name)
{
    if (str_ieq(name, STR("include")))
        return SECTION_INCLUDE;
    if (str_ieq(name, STR("rcdata")))
        return SECTION_RCDATA;
    if (str_ieq(name, STR("cdata")))
        return SECTION_CDATA;
    return str_ieq(name, STR("ignore")) ? SECTION_IGNORE : SECTION_NONE;
}

/* Behind the two dashes that end a comment inside a declaration, or STR_NONE. */
static size_t skip_dashes(const struct parser *p, size_t at)
{
    for (;;) {
        at = find(p, at, '-');
        if (at >= p->html.n)
            return STR_NONE;
        if (peek(p, ++at) == '-')
            return at + 1;
    }
}

/* "<![name name [" */
static enum outcome marked_section(struct parser *p)
{
    enum section strongest = section_of(p);
    bool named = false;
    size_t at = p->from + 3;
    for (;;) {
        at = skip_space(p, at);
        while (class_of(peek(p, at)) & NAME_FIRST) {
            size_t start = at;
            while (class_of(peek(p, at)) & NAME)
                at++;
            enum section section = section_named(str_sub(p->html, start, at));
            strongest = section > strongest ? section : strongest;
            named = true;
            at = skip_space(p, at);
            if (at >= p->html.n)
                return NO_END;
        }
        if (peek(p, at) != '-')
            break;
        if (peek(p, at + 1) != '-')
            return NO_MARKUP;
        if ((at = skip_dashes(p, at + 2)) == STR_NONE)
            return NO_END;
    }
    if (peek(p, at) != '[' || p->n_sections == HTML_PARSE_SECTIONS_MAX)
        return NO_MARKUP;
    if (!named && strongest < SECTION_INCLUDE)
        strongest = SECTION_INCLUDE;
    tell_unclosed(p);
    p->sections[p->n_sections++] = strongest;
    p->at = at + 1;
    return DONE;
}

/* One word, quoted text or comment of a declaration, to *end. */
static enum outcome declaration_word(const struct parser *p, size_t at, size_t *end)
{
    char c = p->html.s[at];
    if (c == '"' || c == '\'') {
        *end = find(p, at + 1, c) + 1;
        return *end > p->html.n ? NO_END : DONE;
    }
    if (c == '-') {
        if (at + 1 >= p->html.n)
            return NO_END;
        if (p->html.s[at + 1] != '-')
            return NO_MARKUP;
        *end = skip_dashes(p, at + 2);
        return *end == STR_NONE ? NO_END : DONE;
    }
    while (at < p->html.n && p->html.s[at] != '>' && !(class_of(p->html.s[at]) & SPACE))
        at++;
    *end = at;
    return at >= p->html.n ? NO_END : DONE;
}

/* "<!DOCTYPE …>" */
static enum outcome declaration(struct parser *p)
{
    size_t at = p->from + 2, start = at;
    while (class_of(peek(p, at)) & NAME)
        at++;
    struct str name = str_sub(p->html, start, at);
    if (at >= p->html.n)
        return NO_END;
    if (!str_ieq(name, STR("doctype")) && !str_ieq(name, STR("entity")))
        return NO_MARKUP;
    for (;;) {
        at = skip_space(p, at);
        if (at >= p->html.n)
            return NO_END;
        if (p->html.s[at] == '>')
            break;
        enum outcome outcome = declaration_word(p, at, &at);
        if (outcome != DONE)
            return outcome;
    }
    p->at = at + 1;
    tell_unclosed(p);
    if (!is_ignored(p))
        p->events->declaration(p->data, str_sub(p->html, p->from, p->at));
    return DONE;
}

/* "<!…": what is no declaration is a comment up to the next '>'. */
static enum outcome bang(struct parser *p)
{
    char c = peek(p, p->from + 2);
    enum outcome outcome = NO_MARKUP;
    if (c == '-' && p->from + 3 >= p->html.n)
        return NO_END;
    if (c == '-' && p->html.s[p->from + 3] == '-')
        return comment(p);
    if (c == '[')
        outcome = marked_section(p);
    else if (class_of(c) & NAME_FIRST && c != '_' && c != ':')
        outcome = declaration(p);
    if (outcome != NO_MARKUP)
        return outcome;
    size_t end = find(p, p->from + 2, '>');
    if (end >= p->html.n)
        return NO_END;
    tell_comment(p, p->from, end + 1);
    p->at = end + 1;
    return DONE;
}

/* Position of the '>' that ends an end tag; quotes behind a blank or '=' hide one. */
static size_t skip_to_gt(const struct parser *p, size_t at)
{
    char quote = '\0', before = ' ';
    for (; at < p->html.n; at++) {
        char c = p->html.s[at];
        if (quote == '\0' && c == '>')
            return at;
        if (c == quote)
            quote = '\0';
        else if (quote == '\0' && (c == '"' || c == '\'') && (before == ' ' || before == '='))
            quote = c;
        before = c;
    }
    return at;
}

static size_t word_end(const struct parser *p, size_t at, char stop)
{
    while (at < p->html.n && p->html.s[at] != '>' && p->html.s[at] != stop &&
           !(class_of(p->html.s[at]) & SPACE))
        at++;
    return at;
}

static enum outcome end_tag(struct parser *p)
{
    size_t start = p->from + 2, end = word_end(p, start, '>'), gt = skip_to_gt(p, end);
    if (gt >= p->html.n)
        return NO_END;
    p->at = gt + 1;
    if (end == start) {
        tell_comment(p, p->from, p->at);
        return DONE;
    }
    tell_unclosed(p);
    if (!is_ignored(p))
        p->events->end(p->data, str_sub(p->html, start, end));
    return DONE;
}

/* The value behind '='; *at is moved behind it. False: the text ends in it. */
static bool read_value(const struct parser *p, size_t *at, struct str *value)
{
    char c = peek(p, *at);
    size_t start = *at;
    if (c == '"' || c == '\'') {
        size_t end = find(p, start + 1, c);
        *value = str_sub(p->html, start + 1, end);
        *at = end + 1;
        return end < p->html.n;
    }
    *at = word_end(p, start, '>');
    *value = str_sub(p->html, start, *at);
    return *at < p->html.n;
}

static bool read_attribute(struct parser *p, size_t *at)
{
    size_t start = *at, end = word_end(p, start + 1, '=');
    struct html_attribute attribute = {str_sub(p->html, start, end), str_sub(p->html, start, end)};
    *at = skip_space(p, end);
    if (peek(p, *at) == '=') {
        *at = skip_space(p, *at + 1);
        if (!read_value(p, at, &attribute.value))
            return false;
        *at = skip_space(p, *at);
    }
    if (p->n_attributes < HTML_PARSE_ATTRIBUTES_MAX)
        p->attributes[p->n_attributes++] = attribute;
    return *at < p->html.n;
}

static const struct literal *find_literal(struct str name)
{
    for (size_t i = 0; i < sizeof literals / sizeof literals[0]; i++) {
        if (str_ieq(name, literals[i].name))
            return &literals[i];
    }
    return NULL;
}

static enum outcome start_tag(struct parser *p)
{
    size_t start = p->from + 1, end = word_end(p, start, '>'), at = skip_space(p, end);
    p->n_attributes = 0;
    while (at < p->html.n && p->html.s[at] != '>') {
        if (!read_attribute(p, &at))
            return NO_END;
    }
    if (at >= p->html.n)
        return NO_END;
    p->at = at + 1;
    struct html_tag_event tag = {str_sub(p->html, start, end), p->attributes, p->n_attributes};
    tell_unclosed(p);
    if (!is_ignored(p))
        p->events->start(p->data, &tag);
    p->literal = find_literal(tag.name);
    return DONE;
}

static enum outcome processing(struct parser *p)
{
    size_t end = find(p, p->from + 2, '>');
    p->at = end + 1;
    if (end < p->html.n)
        tell_unclosed(p);
    return end < p->html.n ? DONE : NO_END;
}

/* What stands at the '<' at p->from. */
static enum outcome markup(struct parser *p)
{
    char c = p->html.s[p->from + 1];
    if (class_of(c) & NAME_FIRST && c != '_' && c != ':')
        return start_tag(p);
    if (c == '/')
        return end_tag(p);
    if (c == '!')
        return bang(p);
    return c == '?' ? processing(p) : NO_MARKUP;
}

/* Content of a literal element up to its end tag; false when there is none. */
static bool read_literal(struct parser *p)
{
    struct str name = p->literal->name;
    for (;;) {
        size_t lt = find(p, p->at, '<');
        if (lt >= p->html.n || p->literal->no_close)
            return false;
        p->at = lt + 1;
        if (peek(p, lt + 1) != '/' || !str_istarts(str_from(p->html, lt + 2), name))
            continue;
        size_t end = skip_space(p, lt + 2 + name.n);
        if (peek(p, end) != '>')
            continue;
        tell_text(p, p->from, lt);
        p->literal = NULL;
        tell_unclosed(p);
        if (!is_ignored(p))
            p->events->end(p->data, name);
        p->at = p->from = end + 1;
        return true;
    }
}

/* Content of a section that has no markup, up to "]]>"; false when there is none. */
static bool read_section(struct parser *p)
{
    size_t end = str_find(str_from(p->html, p->from), STR("]]>"));
    if (end == STR_NONE)
        return false;
    tell_text(p, p->from, p->from + end);
    p->n_sections--;
    p->at = p->from = p->from + end + 3;
    return true;
}

/* To the next '<' or the end; inside a section "]]>" ends that. Behind a ']' one byte is passed
 * over unseen. */
static void read_text(struct parser *p)
{
    if (section_of(p) == SECTION_NONE) {
        p->at = find(p, p->at, '<');
        return;
    }
    while (p->at < p->html.n && p->html.s[p->at] != '<') {
        size_t at = p->at++;
        if (section_of(p) == SECTION_NONE || p->html.s[at] != ']')
            continue;
        bool two = peek(p, at + 1) == ']';
        p->at = at + (two ? 3 : 2);
        if (two && peek(p, at + 2) == '>') {
            tell_text(p, p->from, at);
            p->n_sections--;
            p->from = p->at;
        }
    }
    if (p->at > p->html.n)
        p->at = p->html.n;
}

/* The last word at the end of the text, which might go on, is told for itself. */
static void tell_last_text(struct parser *p)
{
    size_t end = p->html.n;
    bool space = class_of(p->html.s[end - 1]) & SPACE;
    while (!space && end > p->from && !(class_of(p->html.s[end - 1]) & SPACE))
        end--;
    while (end > p->from && class_of(p->html.s[end - 1]) & SPACE)
        end--;
    tell_text(p, p->from, end);
    p->from = end;
}

/* As far as it can be told what things are; the rest begins at p->from. */
static void parse(struct parser *p)
{
    for (;;) {
        if (p->literal && !read_literal(p))
            return;
        enum section section = section_of(p);
        if (section == SECTION_RCDATA || section == SECTION_CDATA) {
            if (!read_section(p))
                return;
            continue;
        }
        read_text(p);
        if (p->at >= p->html.n) {
            if (p->at > p->from)
                tell_last_text(p);
            return;
        }
        tell_text(p, p->from, p->at);
        p->from = p->at;
        if (p->html.n - p->from < 3)
            return;
        enum outcome outcome = markup(p);
        if (outcome == NO_END)
            return;
        if (outcome == DONE)
            p->from = p->at;
        else
            p->at = p->from + 1;
    }
}

static bool begins_markup(const struct parser *p, size_t at)
{
    char c = peek(p, at);
    return at >= p->html.n || class_of(c) & NAME_FIRST || c == '/' || c == '!' || c == '?';
}

/* Makes sense of what has no end. */
static void parse_rest(struct parser *p)
{
    while (p->from < p->html.n) {
        if (p->literal && !p->literal->to_end) {
            p->unclosed = p->literal;
            p->literal = NULL;
        } else if (p->literal == NULL && !p->short_comments && p->html.s[p->from] == '<') {
            p->short_comments = true;
        } else {
            break;
        }
        p->at = p->from;
        parse(p);
    }
    if (p->from < p->html.n && p->literal == NULL && p->html.s[p->from] == '<' &&
        begins_markup(p, p->from + 1)) {
        tell_comment(p, p->from, p->html.n);
        p->from = p->html.n;
    }
    tell_text(p, p->from, p->html.n);
    if (p->literal && p->literal->is_data && p->literal <= &literals[1])
        p->unclosed = p->literal;
    p->literal = NULL;
    tell_unclosed(p);
}

void html_parse(struct str html, const struct html_events *events, void *data)
{
    struct parser p = {.html = html, .events = events, .data = data};
    parse(&p);
    parse_rest(&p);
}
