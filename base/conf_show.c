/* The settings one by one, and in the file's own syntax. */
#include "base/buf.h"
#include "base/conf_loaded.h"

#define COMMENT_COLUMN 50

static void pad(struct buf *out, size_t line_start)
{
    do
        buf_addc(out, ' ');
    while (buf_ok(out) && out->n - line_start < COMMENT_COLUMN);
}

/* What was not written and has no default is no setting that could be read again. */
static void visit_row(const struct conf_setting *setting, const struct conf_origin *origin,
                      const char *title, conf_visit *visit, void *data)
{
    if (origin->value.items == NULL && !origin->value.list)
        return;
    const struct conf_shown shown = {
        .section = setting->section,
        .title = title,
        .name = setting->name,
        .value = &origin->value,
        .file = origin->file,
        .line = origin->line,
    };
    visit(data, &shown);
}

static void visit_titled(const struct conf_titled *kind, const struct conf_titled_origin *titled,
                         conf_visit *visit, void *data)
{
    for (size_t i = 0; i < kind->n_rows; i++)
        visit_row(&kind->rows[i], &titled->settings[i], titled->name, visit, data);
}

static void visit_kind(const struct conf_loaded *loaded, enum conf_titled_kind kind,
                       conf_visit *visit, void *data)
{
    for (size_t i = 0; i < conf_titled_count(&loaded->conf, kind); i++)
        visit_titled(&conf_titled[kind], &loaded->titled[kind][i], visit, data);
}

void conf_each(const struct conf *conf, conf_visit *visit, void *data)
{
    const struct conf_loaded *loaded = conf_loaded(conf);
    for (size_t i = 0; i < conf_n_settings; i++)
        visit_row(&conf_settings[i], &loaded->origins[i], NULL, visit, data);
    for (unsigned kind = TITLED_DOMAIN + 1; kind < TITLED_KINDS; kind++)
        visit_kind(loaded, kind, visit, data);
    visit_kind(loaded, TITLED_DOMAIN, visit, data);
}

struct showing {
    struct buf *out;
    const char *section, *title; /* the one that is open */
};

static void open_section(struct showing *s, const struct conf_shown *shown)
{
    bool same_title = s->title == shown->title; /* domains' names are texts of their own each */
    if (strcmp(shown->section, s->section) == 0 && same_title)
        return;
    buf_addf(s->out, "%s\n%s%s%s {\n", *s->section ? "}\n" : "", shown->section,
             shown->title ? " " : "", shown->title ? shown->title : "");
    s->section = shown->section;
    s->title = shown->title;
}

static void show(void *data, const struct conf_shown *shown)
{
    struct showing *s = data;
    open_section(s, shown);
    size_t start = s->out->n;
    buf_addf(s->out, "%*s%s = ", *shown->section ? 4 : 0, "", shown->name);
    conf_syntax_print(shown->value, s->out);
    pad(s->out, start);
    if (shown->file)
        buf_addf(s->out, "# %s:%u\n", shown->file, shown->line);
    else
        buf_add(s->out, STR("# default\n"));
}

void conf_show(const struct conf *conf, struct buf *out)
{
    struct showing s = {out, "", NULL};
    conf_each(conf, show, &s);
    buf_add(out, STR("}\n"));
}
