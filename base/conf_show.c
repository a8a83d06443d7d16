/* The settings in the file's own syntax. */
#include "base/buf.h"
#include "base/conf_loaded.h"

#define COMMENT_COLUMN 50

static void pad(struct buf *out, size_t line_start)
{
    do
        buf_addc(out, ' ');
    while (buf_ok(out) && out->n - line_start < COMMENT_COLUMN);
}

static void show_setting(const struct conf_setting *setting, const struct conf_origin *origin,
                         size_t indent, struct buf *out)
{
    size_t start = out->n;
    buf_addf(out, "%*s%s = ", (int)indent, "", setting->name);
    conf_syntax_print(&origin->value, out);
    pad(out, start);
    if (origin->file)
        buf_addf(out, "# %s:%u\n", origin->file, origin->line);
    else
        buf_add(out, STR("# default\n"));
}

static void show_domain(const struct conf_domain_origin *domain, struct buf *out)
{
    buf_addf(out, "\ndomain %s {\n", domain->name);
    for (size_t i = 0; i < conf_n_domain_settings; i++)
        show_setting(&conf_domain_settings[i], &domain->settings[i], 4, out);
    buf_add(out, STR("}\n"));
}

void conf_show(const struct conf *conf, struct buf *out)
{
    const struct conf_loaded *loaded = conf_loaded(conf);
    const char *section = "";
    for (size_t i = 0; i < conf_n_settings; i++) {
        const struct conf_setting *setting = &conf_settings[i];
        if (strcmp(setting->section, section) != 0) {
            buf_addf(out, "%s\n%s {\n", *section ? "}\n" : "", setting->section);
            section = setting->section;
        }
        show_setting(setting, &loaded->origins[i], *section ? 4 : 0, out);
    }
    buf_add(out, STR("}\n"));
    for (size_t i = 0; i < conf->n_domains; i++)
        show_domain(&loaded->domains[i], out);
}
