#include "rules/facts/pdfs.h"

#include "rules/facts/parts.h"

static bool is_pdf(const struct fact_part *part)
{
    bool pdf = str_eq(part->type, STR("application/pdf")) || str_eq(part->type, STR("image/pdf"));
    bool stream = str_eq(part->type, STR("application/octet-stream")) ||
                  str_eq(part->type, STR("image/octet-stream"));
    return part->leaf && (pdf || (stream && (str_iends(part->name, STR(".pdf")) ||
                                             str_iends(part->name, STR(".fdf")))));
}

static int add(struct facts *facts, struct pdfs *pdfs, struct fact_part *part)
{
    struct pdf_file *file = &pdfs->list[pdfs->n];
    if (pdfs->n == PDFS_MAX) {
        pdfs->limited = true;
        return 0;
    }
    file->name = part->name;
    file->bytes = fact_part_decoded(facts, part);
    if (file->bytes.s == NULL)
        return -1;
    if (!pdf_begins(&file->bytes))
        return 0;
    file->pdf = pdf_read(facts->pool, file->bytes);
    if (file->pdf == NULL)
        return -1;
    pdfs->limited |= file->pdf->limited;
    pdfs->n++;
    return 0;
}

struct pdfs *facts_pdfs(struct facts *facts)
{
    struct pdfs *pdfs = facts->made[FACT_PDFS];
    const struct fact_parts *parts;
    if (pdfs)
        return pdfs;
    if ((parts = facts_parts(facts)) == NULL || (pdfs = POOL_NEW(facts->pool, struct pdfs)) == NULL)
        return NULL;
    pdfs->list = POOL_ARRAY(facts->pool, PDFS_MAX, struct pdf_file);
    if (pdfs->list == NULL)
        return NULL;
    for (size_t i = 0; i < parts->n; i++) {
        if (!is_pdf(parts->list[i]))
            continue;
        pdfs->named++;
        if (add(facts, pdfs, parts->list[i]) < 0)
            return NULL;
    }
    return facts->made[FACT_PDFS] = pdfs;
}

const char *pdf_file_md5(struct pdf_file *file)
{
    struct md5 md5;
    if (file->md5[0] == 0) {
        md5_init(&md5);
        md5_add(&md5, file->bytes);
        md5_finish(&md5, file->md5);
    }
    return file->md5;
}
