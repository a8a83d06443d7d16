/*
 * The engine "files": tells what each part, and each file in an archive, is called and really is,
 * and asks the admin's file policy about it. It knows no malware.
 */
#include "antivirus/engine.h"

#include <stdio.h>
#include <stdlib.h>

#include "antivirus/files/policy.h"
#include "antivirus/files/walk.h"

struct files {
    struct policy *policy;
    const char *policy_name; /* of its file, for answers */
    locale_t utf8;
};

/* One message. */
struct look {
    const struct files *files;
    const struct av_part *part;
    struct policy_match strongest;
    bool banned;
    char banned_path[WALK_PATH_MAX];
    struct av_answer *answer;
};

#define NAMES_ASKED_MAX 64 /* of one file */

/* Every name that some program may show for the file; false: not all. */
static bool all_names(const struct look *look, const struct walk_file *file, struct str *all,
                      size_t *n)
{
    size_t from_part = file->depth == 0 ? look->part->n_names : 0;
    *n = 0;
    all[(*n)++] = file->name;
    if (file->other.n > 0)
        all[(*n)++] = file->other;
    for (size_t i = 0; i < from_part && *n < NAMES_ASKED_MAX; i++)
        all[(*n)++] = look->part->names[i];
    return from_part <= NAMES_ASKED_MAX - 2;
}

/* For people: a NUL ends nothing. */
static void keep_path(struct look *look, struct str path)
{
    struct buf out = BUF_OVER(look->banned_path);
    path = str_sub(path, 0, out.max);
    for (size_t i = 0; i < path.n; i++)
        buf_addc(&out, path.s[i] ? path.s[i] : '?');
    buf_cstr(&out);
}

static void judge(struct look *look, const struct walk_file *file)
{
    struct file_names names = {.n = 0};
    struct str all[NAMES_ASKED_MAX];
    size_t n_all;
    struct policy_match match;
    bool complete = all_names(look, file, all, &n_all);
    for (size_t i = 0; i < n_all; i++)
        file_names_add(&names, all[i]);
    if (!complete || names.too_many)
        av_found(look->answer, AV_UNSCANNABLE, "too many readings of its name: %.*s",
                 STR_ARG(file->path));
    const struct policy_file asked = {.names = &names,
                                      .all = all,
                                      .n_all = n_all,
                                      .kinds = file->kinds,
                                      .inside = file->depth > 0 || look->part->unpacked};
    if (!policy_match(look->files->policy, &asked, &match) || match.action == POLICY_ALLOW ||
        (look->banned && match.action <= look->strongest.action))
        return;
    look->banned = true;
    look->strongest = match;
    keep_path(look, file->path);
}

static void on_file(void *data, const struct walk_file *file)
{
    struct look *look = data;
    judge(look, file);
    if ((file->kinds & KIND(KIND_ENCRYPTED)) && !look->part->unlocked)
        av_found(look->answer, AV_UNSCANNABLE, "encrypted archive %.*s", STR_ARG(file->path));
    if (file->kinds & KIND(KIND_OFFICE_ENCRYPTED))
        av_found(look->answer, AV_UNSCANNABLE, "encrypted document %.*s", STR_ARG(file->path));
}

static enum conf_action action_of(enum policy_action action)
{
    switch (action) {
    case POLICY_REJECT:
        return ACT_REJECT;
    case POLICY_QUARANTINE:
        return ACT_QUARANTINE;
    case POLICY_MARK:
    case POLICY_ALLOW:
        break;
    }
    return ACT_DELIVER_MARKED;
}

static void files_scan(struct engine *engine, const struct av_message *message, uint64_t deadline,
                       struct av_answer *answer)
{
    const struct files *files = engine->data;
    struct look look = {.files = files, .answer = answer};
    struct walk walk;
    const struct unpack_limits limits = {.size = engine->conf->scan_size_limit,
                                         .files = engine->conf->files_limit,
                                         .deadline = deadline};
    walk_start(&walk, &limits, engine->conf->recursion_limit, on_file, &look);
    walk.utf8 = files->utf8;
    for (size_t i = 0; i < message->n_parts && !walk.limited; i++) {
        look.part = &message->parts[i];
        walk_file(&walk, look.part->filename, look.part->bytes);
    }
    if (look.banned) {
        answer->ban = action_of(look.strongest.action);
        av_found(answer, AV_BANNED, "%s: %s (%s:%u)", look.banned_path, look.strongest.why,
                 files->policy_name, look.strongest.line);
    }
    if (walk.note[0])
        av_found(answer, AV_UNSCANNABLE, "%s", walk.note);
}

static void files_close(struct engine *engine)
{
    struct files *files = engine->data;
    if (!files)
        return;
    policy_free(&files->policy);
    if (files->utf8)
        freelocale(files->utf8);
    free(files);
    engine->data = NULL;
}

static int files_open(struct engine *engine, const char *tmp_dir, struct err *err)
{
    const char *path = engine->conf->file_policy;
    struct files *files = engine->data = calloc(1, sizeof *files);
    if (!files)
        return err_set(err, "files: out of memory");
    files->utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    files->policy = policy_read(path, err);
    if (!files->policy) {
        files_close(engine);
        return err_prefix(err, "antivirus.file_policy");
    }
    const char *slash = strrchr(path, '/');
    files->policy_name = slash ? slash + 1 : path;
    snprintf(engine->version, sizeof engine->version, "file policy of %zu rules",
             policy_rules(files->policy));
    return 0;
}

const struct engine_ops engine_files_ops = {
    .open = files_open,
    .scan = files_scan,
    .close = files_close,
};
