#include "rules/eval/pdf.h"

#include "rules/facts/body.h"
#include "rules/facts/pdfs.h"

/* The message's PDF files; what was left out of them makes the answer uncertain. */
static struct pdfs *pdfs_of(struct eval_context *c)
{
    struct pdfs *pdfs = facts_pdfs(c->facts);
    if (pdfs)
        c->limited |= pdfs->limited;
    return pdfs;
}

static double pixels(const struct pdfs *pdfs)
{
    double area = 0;
    for (size_t i = 0; i < pdfs->n; i++) {
        if (pdfs->list[i].pdf->area > 0)
            area = pdfs->list[i].pdf->area;
    }
    return area;
}

/* (MIN, MAX): attached PDF files, by their names */
static double pdf_count(struct eval_context *c)
{
    const struct pdfs *pdfs = facts_pdfs(c->facts);
    return pdfs ? eval_in_bounds((double)pdfs->named, c->a, c->n, 0) : EVAL_NO_MEMORY;
}

/* (MIN, MAX): images in them */
static double pdf_image_count(struct eval_context *c)
{
    const struct pdfs *pdfs = facts_pdfs(c->facts);
    size_t images = 0;
    if (pdfs == NULL)
        return EVAL_NO_MEMORY;
    for (size_t i = 0; i < pdfs->n; i++)
        images += pdfs->list[i].pdf->images;
    return eval_in_bounds((double)images, c->a, c->n, 0);
}

typedef bool size_test(const struct eval_context *c, struct pdf_size size);

static double some_size(struct eval_context *c, size_test *test)
{
    const struct pdfs *pdfs = pdfs_of(c);
    if (pdfs == NULL)
        return EVAL_NO_MEMORY;
    for (size_t i = 0; i < pdfs->n; i++) {
        const struct pdf *pdf = pdfs->list[i].pdf;
        for (size_t k = 0; k < pdf->n_sizes; k++) {
            if (test(c, pdf->sizes[k]))
                return 1;
        }
    }
    return 0;
}

static bool is_exactly(const struct eval_context *c, struct pdf_size size)
{
    return size.height == c->a[0].number && size.width == c->a[1].number;
}

/* (HEIGHT, WIDTH): of an image, or of all images of a file together */
static double pdf_image_size_exact(struct eval_context *c)
{
    return some_size(c, is_exactly);
}

static bool is_in_range(const struct eval_context *c, struct pdf_size size)
{
    return size.height >= c->a[0].number && size.width >= c->a[1].number &&
           (c->n <= 2 || size.height <= c->a[2].number) &&
           (c->n <= 3 || size.width <= c->a[3].number);
}

/* (MIN_HEIGHT, MIN_WIDTH, MAX_HEIGHT, MAX_WIDTH) */
static double pdf_image_size_range(struct eval_context *c)
{
    return some_size(c, is_in_range);
}

/* (MIN, MAX): bytes of text for each pixel, MAX itself left out */
static double pdf_image_to_text_ratio(struct eval_context *c)
{
    const struct pdfs *pdfs = facts_pdfs(c->facts);
    size_t text;
    if (pdfs == NULL || !eval_text_length(c, &text))
        return EVAL_NO_MEMORY;
    double area = pixels(pdfs);
    if (area == 0 || text == 0)
        return 0;
    return (double)text / area >= c->a[0].number && (double)text / area < c->a[1].number;
}

static bool is_blank(struct str line)
{
    for (size_t i = 0; i < line.n; i++) {
        if (line.s[i] != ' ' && (line.s[i] < '\t' || line.s[i] > '\r'))
            return false;
    }
    return true;
}

/* (BYTES): there is a PDF, and at most so much text beside the subject */
static double pdf_is_empty_body(struct eval_context *c)
{
    const struct pdfs *pdfs = facts_pdfs(c->facts);
    const struct fact_texts *text =
        c->raw ? facts_rawbody(c->facts) : facts_body(c->facts, BODY_RENDERED);
    size_t bytes = 0;
    if (pdfs == NULL || text == NULL)
        return EVAL_NO_MEMORY;
    for (size_t i = 1; i < text->n; i++)
        bytes += is_blank(text->list[i]) ? 0 : text->list[i].n;
    return pdfs->named > 0 && (double)bytes <= (c->n ? c->a[0].number : 0);
}

static double pdf_is_encrypted(struct eval_context *c)
{
    const struct pdfs *pdfs = facts_pdfs(c->facts);
    if (pdfs == NULL)
        return EVAL_NO_MEMORY;
    for (size_t i = 0; i < pdfs->n; i++) {
        if (pdfs->list[i].pdf->encrypted)
            return 1;
    }
    return 0;
}

double eval_pdf_match_details(struct eval_context *c)
{
    const struct pdfs *pdfs = pdfs_of(c);
    if (pdfs == NULL)
        return EVAL_NO_MEMORY;
    for (size_t i = 0; i < pdfs->n; i++) {
        const struct pdf *pdf = pdfs->list[i].pdf;
        for (size_t k = 0; k < pdf->n_details; k++) {
            if (str_eq(c->a[0].text, str_of(pdf->details[k].key)) &&
                eval_matches(c, 1, pdf->details[k].value)) {
                c->text = pdf->details[k].value;
                return 1;
            }
        }
    }
    return 0;
}

/* (MD5): of the first lines, or of the names with which lines begin */
static double pdf_match_fuzzy_md5(struct eval_context *c)
{
    const struct pdfs *pdfs = facts_pdfs(c->facts);
    if (pdfs == NULL)
        return EVAL_NO_MEMORY;
    for (size_t i = 0; i < pdfs->n; i++) {
        const struct pdf *pdf = pdfs->list[i].pdf;
        if (c->a[0].text.n &&
            (str_ieq(c->a[0].text, str_of(pdf->fuzzy)) || str_ieq(c->a[0].text, str_of(pdf->tags))))
            return 1;
    }
    return 0;
}

/* (MD5) */
static double pdf_match_md5(struct eval_context *c)
{
    struct pdfs *pdfs = facts_pdfs(c->facts);
    if (pdfs == NULL)
        return EVAL_NO_MEMORY;
    for (size_t i = 0; i < pdfs->n; i++) {
        if (str_ieq(c->a[0].text, str_of(pdf_file_md5(&pdfs->list[i]))))
            return 1;
    }
    return 0;
}

double eval_pdf_name_regex(struct eval_context *c)
{
    const struct pdfs *pdfs = facts_pdfs(c->facts);
    if (pdfs == NULL)
        return EVAL_NO_MEMORY;
    for (size_t i = 0; i < pdfs->n; i++) {
        struct str name = pdfs->list[i].name;
        if (name.n && eval_matches(c, 0, name)) {
            c->text = name;
            return 1;
        }
    }
    return 0;
}

/* (NAME) */
static double pdf_named(struct eval_context *c)
{
    const struct pdfs *pdfs = facts_pdfs(c->facts);
    if (pdfs == NULL)
        return EVAL_NO_MEMORY;
    for (size_t i = 0; i < pdfs->n; i++) {
        if (pdfs->list[i].name.n && str_eq(pdfs->list[i].name, c->a[0].text))
            return 1;
    }
    return 0;
}

/* (MIN, MAX): pixels of the images of the last file that has some */
static double pdf_pixel_coverage(struct eval_context *c)
{
    const struct pdfs *pdfs = facts_pdfs(c->facts);
    if (pdfs == NULL)
        return EVAL_NO_MEMORY;
    return pixels(pdfs) > 0 && eval_in_bounds(pixels(pdfs), c->a, c->n, 0);
}

const struct eval_entry eval_pdf[] = {
    {"pdf_count", pdf_count, 1, 2},
    {"pdf_image_count", pdf_image_count, 1, 2},
    {"pdf_image_size_exact", pdf_image_size_exact, 2, 2},
    {"pdf_image_size_range", pdf_image_size_range, 2, 4},
    {"pdf_image_to_text_ratio", pdf_image_to_text_ratio, 2, 2},
    {"pdf_is_empty_body", pdf_is_empty_body, 0, 1},
    {"pdf_is_encrypted", pdf_is_encrypted, 0, 0},
    {"pdf_match_details", eval_pdf_match_details, 2, 2},
    {"pdf_match_fuzzy_md5", pdf_match_fuzzy_md5, 1, 1},
    {"pdf_match_md5", pdf_match_md5, 1, 1},
    {"pdf_name_regex", eval_pdf_name_regex, 1, 1},
    {"pdf_named", pdf_named, 1, 1},
    {"pdf_pixel_coverage", pdf_pixel_coverage, 1, 2},
    {0},
};
