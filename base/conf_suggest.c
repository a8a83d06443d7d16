#include "base/conf_suggest.h"

#include "base/conf_table.h"
#include "base/spelling.h"

struct best {
    const struct conf_setting *setting;
    size_t distance;
};

static void consider(struct best *best, const struct conf_setting *setting, size_t d)
{
    if (d < best->distance) {
        best->distance = d;
        best->setting = setting;
    }
}

typedef size_t measure(const struct conf_setting *setting, const char *section, const char *name);

static struct best find_best(measure *how_far, const char *section, const char *name)
{
    struct best best = {NULL, SPELLING_NEAR + 1};
    for (size_t i = 0; i < conf_n_settings; i++)
        consider(&best, &conf_settings[i], how_far(&conf_settings[i], section, name));
    for (size_t k = 0; k < TITLED_KINDS; k++)
        for (size_t i = 0; i < conf_titled[k].n_rows; i++)
            consider(&best, &conf_titled[k].rows[i],
                     how_far(&conf_titled[k].rows[i], section, name));
    return best;
}

static size_t section_distance(const struct conf_setting *setting, const char *section,
                               const char *name)
{
    return *setting->section ? spelling_distance(str_of(section), setting->section)
                             : SPELLING_WORD_MAX;
}

static size_t name_distance(const struct conf_setting *setting, const char *section,
                            const char *name)
{
    return strcmp(section, setting->section) == 0 ? spelling_distance(str_of(name), setting->name)
                                                  : SPELLING_WORD_MAX;
}

/* The same name in another section */
static size_t elsewhere(const struct conf_setting *setting, const char *section, const char *name)
{
    return strcmp(name, setting->name) == 0 ? 0 : SPELLING_WORD_MAX;
}

int conf_suggest_section(const char *section, struct err *err)
{
    struct best best = find_best(section_distance, section, "");
    if (best.setting)
        return err_set(err, "unknown section %s; did you mean %s?", section, best.setting->section);
    return err_set(err, "unknown section %s; poterne.conf(5) names all there are", section);
}

static int belongs(const char *name, const struct conf_setting *setting, struct err *err)
{
    if (*setting->section == '\0')
        return err_set(err, "%s belongs outside of all sections", name);
    return err_set(err, "%s belongs into section %s { … }", name, setting->section);
}

int conf_suggest_setting(const char *section, const char *name, struct err *err)
{
    const char *where = *section ? " in section " : "";
    struct best other = find_best(elsewhere, section, name);
    if (other.setting)
        return belongs(name, other.setting, err);
    struct best best = find_best(name_distance, section, name);
    if (best.setting)
        return err_set(err, "unknown setting %s%s%s; did you mean %s?", name, where, section,
                       best.setting->name);
    return err_set(err, "unknown setting %s%s%s; poterne.conf(5) names all there are", name, where,
                   section);
}
