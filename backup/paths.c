#include "backup/paths.h"

#include "base/conf_table.h"

typedef int path_each(void *data, const char *path, struct err *err);

static bool is_left_out(const struct conf_setting *row)
{
    static const char *const names[][2] = {{"", "state_dir"},
                                           {"", "run_dir"},
                                           {"antivirus", "clamav_databases"},
                                           {"antivirus", "notify_socket"},
                                           {"backup", "folder"},
                                           {"scanner", "reads"},
                                           {"sqlite", "file"}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(row->section, names[i][0]) == 0 && strcmp(row->name, names[i][1]) == 0)
            return true;
    return false;
}

static int each_source(const struct conf_list *list, path_each *each, void *data, struct err *err)
{
    int result = 0;
    for (size_t i = 0; result == 0 && i < list->n; i++) {
        struct conf_source source;
        if (conf_source_of(list->items[i], &source) && conf_source_is_file(source.kind))
            result = each(data, source.name, err);
    }
    return result;
}

/* `base` is the struct that the row's offset is in. */
static int each_of_row(const struct conf_setting *row, const char *base, path_each *each,
                       void *data, struct err *err)
{
    const void *field = base + row->offset;
    if (row->type == CONF_PATH) {
        const char *path = *(const char *const *)field;
        return path && *path ? each(data, path, err) : 0;
    }
    const struct conf_list *list = field;
    int result = 0;
    if (row->type == CONF_SOURCES)
        return each_source(list, each, data, err);
    for (size_t i = 0; result == 0 && row->type == CONF_PATHS && i < list->n; i++)
        result = each(data, list->items[i], err);
    return result;
}

static int each_titled(const struct conf *conf, const struct conf_titled *titled, path_each *each,
                       void *data, struct err *err)
{
    const char *all = *(const char *const *)((const char *)conf + titled->array);
    size_t n = *(const size_t *)((const char *)conf + titled->count);
    int result = 0;
    for (size_t i = 0; result == 0 && i < n; i++)
        for (size_t k = 0; result == 0 && k < titled->n_rows; k++)
            if (!is_left_out(&titled->rows[k]))
                result = each_of_row(&titled->rows[k], all + i * titled->size, each, data, err);
    return result;
}

int paths_each(const struct conf *conf, path_each *each, void *data, struct err *err)
{
    int result = 0;
    for (size_t i = 0; result == 0 && i < conf_n_settings; i++)
        if (!is_left_out(&conf_settings[i]))
            result = each_of_row(&conf_settings[i], (const char *)conf, each, data, err);
    for (size_t i = 0; result == 0 && i < TITLED_KINDS; i++)
        result = each_titled(conf, &conf_titled[i], each, data, err);
    return result;
}
