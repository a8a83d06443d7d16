/* quarantine_export: a held message as a zip file under a password, so that it can be sent to an
 * engine's maker without being stopped, or run, on the way. */
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zip.h>

#include "quarantine/quarantine.h"
#include "tools/quarantine_tool.h"

#define NAME_SIZE (SPOOL_ID_LEN + 8)
#define PRIVATELY 077 /* umask: what is in it is dangerous */

static int zip_fails(zip_t *zip, const char *path, struct err *err)
{
    return err_set(err, "cannot write %s: %s", path, zip_strerror(zip));
}

/* The bytes must live until the archive is closed. */
static int add(zip_t *zip, const char *path, const char *name, struct str bytes,
               const char *password, struct err *err)
{
    zip_source_t *source = zip_source_buffer(zip, bytes.n ? bytes.s : "", bytes.n, 0);
    if (source == NULL)
        return zip_fails(zip, path, err);
    zip_int64_t index = zip_file_add(zip, name, source, ZIP_FL_ENC_UTF_8);
    if (index < 0) {
        zip_source_free(source);
        return zip_fails(zip, path, err);
    }
    if (zip_file_set_encryption(zip, (zip_uint64_t)index, ZIP_EM_AES_256, password) < 0)
        return zip_fails(zip, path, err);
    return 0;
}

struct content {
    struct str message, text, evidence;
};

static int write_zip(const char *path, bool replace, const char *id, const struct content *content,
                     const char *password, struct err *err)
{
    char eml[NAME_SIZE], txt[NAME_SIZE], json[NAME_SIZE];
    int code;
    snprintf(eml, sizeof eml, "%s.eml", id);
    snprintf(txt, sizeof txt, "%s.txt", id);
    snprintf(json, sizeof json, "%s.json", id);
    zip_t *zip = zip_open(path, ZIP_CREATE | (replace ? ZIP_TRUNCATE : ZIP_EXCL), &code);
    if (zip == NULL && code == ZIP_ER_EXISTS)
        return err_set(err, "%s is there already; --force writes over it", path);
    if (zip == NULL) {
        zip_error_t error;
        zip_error_init_with_code(&error, code);
        err_set(err, "cannot write %s: %s", path, zip_error_strerror(&error));
        zip_error_fini(&error);
        return -1;
    }
    if (add(zip, path, eml, content->message, password, err) == 0 &&
        add(zip, path, txt, content->text, password, err) == 0 &&
        (content->evidence.n == 0 || add(zip, path, json, content->evidence, password, err) == 0)) {
        if (zip_close(zip) == 0)
            return 0;
        zip_fails(zip, path, err);
    }
    zip_discard(zip);
    return -1;
}

/* The file is only ever appended to or unlinked, so the map stays whole. */
static int export_file(struct spool_view *view, const struct spool_file *file, const char *id,
                       const char *path, struct err *err)
{
    struct buf text = BUF_INIT(QUARANTINE_SHOW_MAX);
    size_t n = SPOOL_HEADER_SIZE + (size_t)file->size;
    char *map = mmap(NULL, n, PROT_READ, MAP_PRIVATE, file->fd, 0);
    int result =
        map == MAP_FAILED ? err_sys(err, "cannot read %s", id) : quarantine_show(file, &text, err);
    const struct content content = {.message = str_n(map + SPOOL_HEADER_SIZE, (size_t)file->size),
                                    .text = buf_str(&text),
                                    .evidence = file->envelope.evidence};
    if (result == 0)
        result = write_zip(path, view->args->given & OPT_FORCE, id, &content,
                           view->conf->quarantine.export_password, err);
    if (map != MAP_FAILED)
        munmap(map, n);
    buf_release(&text);
    return result;
}

void quarantine_export(struct spool_view *view)
{
    const struct tool_args *args = view->args;
    char id[SPOOL_ID_LEN + 1];
    struct spool_file *file;
    struct err err = {""};
    if (args->n_rest != 3) {
        spool_view_worse(view, tool_misused(view->command, "export needs an id and the file to "
                                                           "write"));
        return;
    }
    if (!quarantine_find_id(view, args->rest[1], id) || !spool_view_load(view, id, &file))
        return;
    mode_t before = umask(PRIVATELY);
    if (export_file(view, file, id, args->rest[2], &err) < 0)
        spool_view_worse(view, tool_fail(view->command, &err));
    else
        printf("%s: written to %s; its password is quarantine.export_password (\"infected\" unless "
               "the settings say otherwise)\n",
               id, args->rest[2]);
    umask(before);
    spool_unload(&file);
}
