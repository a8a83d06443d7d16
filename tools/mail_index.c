#include "tools/mail_index.h"

#include "base/buf.h"
#include "tools/files.h"

static int read_line(struct mail_index *index, struct pool *pool, struct str folder,
                     struct str line, struct err *err)
{
    struct str rest = line, label;
    bool blank = !str_next(&rest, ' ', &label) || rest.n == 0;
    bool spam = str_eq(label, STR("spam"));
    if (blank || (!spam && !str_eq(label, STR("ham"))))
        return err_set(err, "a line is \"ham PATH\" or \"spam PATH\", not \"%.*s\"",
                       STR_ARG(str_sub(line, 0, 60)));
    struct mail_index_entry *list =
        index->n < MAIL_INDEX_MAX
            ? pool_grow(pool, index->list, index->n, &index->cap, sizeof *list)
            : NULL;
    if (list == NULL)
        return err_set(err, "more messages than can be kept in mind");
    index->list = list;
    bool absolute = rest.s[0] == '/';
    struct str path = absolute ? pool_str(pool, rest)
                               : pool_strf(pool, "%.*s%.*s", STR_ARG(folder), STR_ARG(rest));
    if (path.s == NULL)
        return err_set(err, "more messages than can be kept in mind");
    list[index->n++] =
        (struct mail_index_entry){spam, path.s, absolute ? path.s : path.s + folder.n};
    return 0;
}

int mail_index_read(struct mail_index *index, struct pool *pool, const char *path, struct err *err)
{
    struct buf file = BUF_INIT(MAIL_INDEX_FILE_MAX);
    struct str line;
    size_t slash = str_rchr(str_of(path), '/');
    struct str folder = str_sub(str_of(path), 0, slash == STR_NONE ? 0 : slash + 1);
    int result = file_read(path, &file, err);
    struct str rest = buf_str(&file);
    for (unsigned n = 1; result == 0 && str_next_line(&rest, &line); n++) {
        if (str_trim(line).n == 0 || line.s[0] == '#')
            continue;
        result = read_line(index, pool, folder, str_trim(line), err);
        if (result < 0)
            err_prefix(err, "%s:%u", path, n);
    }
    buf_release(&file);
    return result;
}
