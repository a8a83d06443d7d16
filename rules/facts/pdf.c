#include "rules/facts/pdf.h"

#include "base/ascii.h"
#include "rules/facts/pdf_string.h"

#define MAGIC_WITHIN 1024 /* "%PDF-1.4" begins at most so far from the file's beginning */

/* A file while its lines are read. */
struct reader {
    struct pool *pool;
    struct pdf *pdf;
    struct md5 fuzzy, tags;
    size_t lines;
    bool fuzzy_over;
    bool image; /* one was announced, its size is still to come */
    double height, width;
};

static bool has(struct str line, struct str what)
{
    return str_find(line, what) != STR_NONE;
}

bool pdf_begins(struct str *file)
{
    if (str_starts(*file, STR("\xef\xbb\xbf")))
        *file = str_from(*file, 3);
    struct str head = str_sub(*file, 0, MAGIC_WITHIN + 8);
    for (size_t at = 0; at + 8 <= head.n; at++) {
        if (str_starts(str_from(head, at), STR("%PDF-")) && ascii_is_digit(head.s[at + 5]) &&
            head.s[at + 6] == '.' && ascii_is_digit(head.s[at + 7]))
            return true;
    }
    return false;
}

/* Takes digits off the front; false when there are none. Far too many mean "very large". */
static bool take_number(struct str *rest, double *number)
{
    size_t n = 0;
    *number = 0;
    for (; n < rest->n && ascii_is_digit(rest->s[n]); n++)
        *number = *number * 10 + (rest->s[n] - '0');
    *rest = str_from(*rest, n);
    return n > 0;
}

static bool take_spaces(struct str *rest)
{
    size_t n = 0;
    while (n < rest->n && ascii_is_space(rest->s[n]))
        n++;
    *rest = str_from(*rest, n);
    return n > 0;
}

/* "630 0 0 149 0 0 cm": a picture is laid out. */
static bool is_matrix(struct str line, double *width, double *height)
{
    double numbers[6];
    for (size_t i = 0; i < 6; i++) {
        if (!take_number(&line, &numbers[i]) || !take_spaces(&line))
            return false;
    }
    *width = numbers[0];
    *height = numbers[3];
    return str_eq(line, STR("cm"));
}

/* "…/Width 630/Height 149…", but not at the line's beginning, where SpamAssassin expects only one
 * of the two. */
static bool is_dictionary(struct str line, double *width, double *height)
{
    const struct str before = STR("/Width"), between = STR("/Height");
    for (size_t at = str_find(line, before); at != STR_NONE; at = str_find(line, before)) {
        struct str rest = str_from(line, at + before.n);
        line = rest;
        if (rest.n == 0 || !ascii_is_space(rest.s[0]))
            continue;
        rest = str_from(rest, 1);
        if (!take_number(&rest, width) || !str_starts(rest, between))
            continue;
        rest = str_from(rest, between.n);
        if (rest.n == 0 || !ascii_is_space(rest.s[0]))
            continue;
        rest = str_from(rest, 1);
        if (take_number(&rest, height))
            return true;
    }
    return false;
}

/* "/Width 630": a number behind one blank. */
static bool begins_with_number(struct str line, struct str name)
{
    struct str rest = str_from(line, name.n);
    return str_starts(line, name) && rest.n >= 2 && ascii_is_space(rest.s[0]) &&
           ascii_is_digit(rest.s[1]);
}

static bool finds_size(struct str line, double *width, double *height)
{
    if (is_matrix(line, width, height))
        return true;
    if (begins_with_number(line, STR("/Width")) || begins_with_number(line, STR("/Height")))
        return false;
    return is_dictionary(line, width, height);
}

static void add_size(struct pdf *pdf, double height, double width)
{
    for (size_t i = 0; i < pdf->n_sizes; i++) {
        if (pdf->sizes[i].height == height && pdf->sizes[i].width == width)
            return;
    }
    if (pdf->n_sizes == PDF_SIZES_MAX)
        pdf->limited = true;
    else
        pdf->sizes[pdf->n_sizes++] = (struct pdf_size){height, width};
}

/* The line as it goes on to the rest: without blanks at its end when it was taken. */
static struct str read_fuzzy(struct reader *reader, struct str line)
{
    double width, height;
    if (reader->fuzzy_over || ++reader->lines >= PDF_FUZZY_LINES)
        return line;
    bool layout = str_starts(line, STR("%")) || str_starts(line, STR("/Height")) ||
                  str_starts(line, STR("/Width")) || str_starts(line, STR("/MediaBox")) ||
                  str_starts(line, STR("/CropBox")) || is_matrix(line, &width, &height);
    if (!layout) {
        while (line.n && ascii_is_space(line.s[line.n - 1]))
            line.n--;
        md5_add(&reader->fuzzy, line);
    }
    reader->fuzzy_over = has(line, STR("stream"));
    return line;
}

static void read_image(struct reader *reader, struct str line)
{
    double width, height;
    reader->image |= has(line, STR("/Image"));
    if (!reader->image || !finds_size(line, &width, &height) || width == 0 || height == 0)
        return;
    reader->fuzzy_over = true;
    reader->image = false;
    reader->height += height;
    reader->width += width;
    reader->pdf->area += width * height;
    reader->pdf->images++;
    add_size(reader->pdf, height, width);
}

static int add_detail(struct reader *reader, const char *key, struct str value)
{
    struct pdf *pdf = reader->pdf;
    value = str_sub(value, 0, PDF_DETAIL_MAX);
    for (size_t i = 0; i < pdf->n_details; i++) {
        if (strcmp(pdf->details[i].key, key) == 0 && str_eq(pdf->details[i].value, value))
            return 0;
    }
    if (pdf->n_details == PDF_DETAILS_MAX) {
        pdf->limited = true;
        return 0;
    }
    value = pool_str(reader->pool, value);
    if (value.s == NULL)
        return -1;
    pdf->details[pdf->n_details++] = (struct pdf_detail){key, value};
    return 0;
}

static int read_string(struct reader *reader, const char *key, struct str name, struct str line)
{
    bool open[2] = {true, true}; /* may "(" and "<" still come to an end in this line? */
    for (size_t at = str_find(line, name); at != STR_NONE; at = str_find(line, name)) {
        char out[PDF_STRING_MAX];
        struct str rest = str_from(line, at + name.n);
        line = rest;
        for (unsigned i = 0; i < 2 && rest.n && ascii_is_space(rest.s[0]); i++)
            rest = str_from(rest, 1);
        bool hex = str_starts(rest, STR("<"));
        if (!open[hex])
            continue;
        size_t end = pdf_string_end(rest);
        if (end == STR_NONE) {
            open[hex] = !hex && !str_starts(rest, STR("("));
            continue;
        }
        size_t n = pdf_string_read(str_sub(rest, 0, end + 1), out);
        return add_detail(reader, key, str_n(out, n));
    }
    return 0;
}

/* "/ModDate (D:20070703144220": its digits. */
static int read_date(struct reader *reader, const char *key, struct str name, struct str line)
{
    for (size_t at = str_find(line, name); at != STR_NONE; at = str_find(line, name)) {
        struct str rest = str_from(line, at + name.n);
        line = rest;
        for (unsigned i = 0; i < 2 && rest.n && ascii_is_space(rest.s[0]); i++)
            rest = str_from(rest, 1);
        if (!str_starts(rest, STR("(D:")))
            continue;
        rest = str_from(rest, 3);
        size_t n = 0;
        while (n < rest.n && n < PDF_DETAIL_MAX && ascii_is_digit(rest.s[n]))
            n++;
        if (n)
            return add_detail(reader, key, str_sub(rest, 0, n));
    }
    return 0;
}

static int read_link(struct reader *reader, struct str line)
{
    struct pdf *pdf = reader->pdf;
    char out[PDF_STRING_MAX];
    if (pdf->n_links == PDF_LINKS_MAX)
        return 0;
    struct str link = str_n(out, pdf_link_read(line, out));
    for (size_t i = 0; i < pdf->n_links; i++) {
        if (str_eq(pdf->links[i], link))
            return 0;
    }
    if (link.n == 0)
        return 0;
    link = pool_str(reader->pool, link);
    pdf->links[pdf->n_links++] = link;
    return link.s ? 0 : -1;
}

static void read_tag(struct reader *reader, struct str line)
{
    size_t n = 1;
    if (!str_starts(line, STR("/")))
        return;
    while (n < line.n && ascii_is_letter(line.s[n]))
        n++;
    md5_add(&reader->tags, str_sub(line, 1, n));
}

static int read_line(struct reader *reader, struct str line)
{
    line = read_fuzzy(reader, line);
    if (str_chr(line, '/') == STR_NONE) {
        read_image(reader, line);
        return 0;
    }
    reader->pdf->encrypted |= str_starts(line, STR("/Encrypt"));
    read_image(reader, line);
    read_tag(reader, line);
    bool ok = read_link(reader, line) == 0 &&
              read_string(reader, "author", STR("/Author"), line) == 0 &&
              read_string(reader, "creator", STR("/Creator"), line) == 0 &&
              read_date(reader, "created", STR("/CreationDate"), line) == 0 &&
              read_date(reader, "modified", STR("/ModDate"), line) == 0 &&
              read_string(reader, "producer", STR("/Producer"), line) == 0 &&
              read_string(reader, "title", STR("/Title"), line) == 0;
    return ok ? 0 : -1;
}

struct pdf *pdf_read(struct pool *pool, struct str file)
{
    struct reader reader = {.pool = pool, .pdf = POOL_NEW(pool, struct pdf)};
    struct str line;
    if (reader.pdf == NULL)
        return NULL;
    reader.pdf->details = POOL_ARRAY(pool, PDF_DETAILS_MAX, struct pdf_detail);
    reader.pdf->sizes = POOL_ARRAY(pool, PDF_SIZES_MAX + 1, struct pdf_size);
    reader.pdf->links = POOL_ARRAY(pool, PDF_LINKS_MAX, struct str);
    if (reader.pdf->links == NULL || reader.pdf->details == NULL || reader.pdf->sizes == NULL)
        return NULL;
    md5_init(&reader.fuzzy);
    md5_init(&reader.tags);
    while (str_next(&file, '\n', &line)) {
        if (line.n && read_line(&reader, line) < 0)
            return NULL;
    }
    if (reader.height > 0 && reader.width > 0)
        reader.pdf->sizes[reader.pdf->n_sizes++] = (struct pdf_size){reader.height, reader.width};
    if (reader.fuzzy.bytes)
        md5_finish(&reader.fuzzy, reader.pdf->fuzzy);
    if (reader.tags.bytes)
        md5_finish(&reader.tags, reader.pdf->tags);
    return reader.pdf;
}
