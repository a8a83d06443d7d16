#include "gateway/reports/audit_named.h"

#include "base/buf.h"

#define LINE_MAX      400
#define ADDRESS_SHOWN 100
#define FOUND_SHOWN   150

_Static_assert(FINDING_KINDS <= AUDIT_NAMED_MAX, "there is a line for each kind");

static json_t *line_of(const struct finding *f)
{
    char line[LINE_MAX];
    struct buf text = BUF_OVER(line);
    buf_addf(&text, "%s %.*s%s%.*s%s: %.*s", finding_name(f->kind), STR_ARG(f->id),
             f->recipient.n ? " <" : "", STR_ARG(str_sub(f->recipient, 0, ADDRESS_SHOWN)),
             f->recipient.n ? ">" : "", STR_ARG(str_sub(f->found, 0, FOUND_SHOWN)));
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] < 0x20)
            text.p[i] = ' ';
    json_t *word = buf_ok(&text) ? json_stringn(text.p, text.n) : NULL;
    if (word == NULL) /* no UTF-8 */
        word = json_sprintf("%s %.*s", finding_name(f->kind), STR_ARG(f->id));
    return word ? word : json_string(finding_name(f->kind));
}

void audit_named_add(struct audit_named *named, const struct finding *finding)
{
    json_t **kind = &named->kinds[finding->kind];
    if (*kind == NULL)
        *kind = json_array();
    json_array_append_new(*kind, line_of(finding));
    if (json_array_size(*kind) > AUDIT_NAMED_MAX)
        json_array_remove(*kind, 0);
}

/* How many of each kind. */
static void share_out(const struct audit_named *named, size_t of[FINDING_KINDS])
{
    size_t n = 0, before;
    do {
        before = n;
        for (size_t i = 0; i < FINDING_KINDS && n < AUDIT_NAMED_MAX; i++)
            if (of[i] < json_array_size(named->kinds[i])) {
                of[i]++;
                n++;
            }
    } while (n > before);
}

json_t *audit_named_list(const struct audit_named *named)
{
    size_t of[FINDING_KINDS] = {0};
    json_t *list = json_array();
    share_out(named, of);
    for (size_t i = 0; i < FINDING_KINDS; i++)
        for (size_t k = json_array_size(named->kinds[i]); of[i] > 0; of[i]--)
            json_array_append(list, json_array_get(named->kinds[i], --k));
    return list;
}

void audit_named_release(struct audit_named *named)
{
    for (size_t i = 0; i < FINDING_KINDS; i++)
        json_decref(named->kinds[i]);
    *named = (struct audit_named){{NULL}};
}
