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

static void visit_row(const struct conf_setting *setting, const struct conf_origin *origin,
                      const char *title, conf_visit *visit, void *data)
{
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

/* What was not written and has no default is no setting that could be read again. */
static void visit_titled(const char *section, const struct conf_titled_origin *titled,
                         conf_visit *visit, void *data)
{
    size_t n;
    const struct conf_setting *rows = conf_rows(section, &n);
    for (size_t i = 0; i < n; i++)
        if (titled->settings[i].value.items)
            visit_row(&rows[i], &titled->settings[i], titled->name, visit, data);
}

void conf_each(const struct conf *conf, conf_visit *visit, void *data)
{
    const struct conf_loaded *loaded = conf_loaded(conf);
    for (size_t i = 0; i < conf_n_settings; i++)
        visit_row(&conf_settings[i], &loaded->origins[i], NULL, visit, data);
    for (size_t s = 0; s < conf->antivirus.n_scanners; s++)
        visit_titled("scanner", &loaded->scanners[s], visit, data);
    for (size_t d = 0; d < conf->n_domains; d++)
        visit_titled("domain", &loaded->domains[d], visit, data);
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
