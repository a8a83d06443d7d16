#include "antivirus/files/walk.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "antivirus/engine.h"
#include "antivirus/files/ole2.h"
#include "antivirus/files/unpack.h"
#include "antivirus/files/zip_names.h"

#define KINDS_OPENED (KINDS_ARCHIVE | KIND(KIND_ISO))

/* What is known of an archive while it is walked. */
struct level {
    struct walk *walk;
    unsigned depth;     /* of what is in the archive */
    kind_set container; /* what the names in it tell of the archive */
    kind_set inside;    /* what all the files in it are */
    size_t names; /* where its own begin among the walk's; sorted so far when they are asked */
    size_t sorted;
};

void walk_start(struct walk *walk, const struct unpack_limits *limits, unsigned depth,
                walk_visit *visit, void *data)
{
    *walk = (struct walk){.left = *limits, .visit = visit, .data = data};
    walk->depth = depth < WALK_DEPTH_MAX ? depth : WALK_DEPTH_MAX;
    walk->path = (struct buf)BUF_OVER(walk->path_bytes);
    walk->names = BUF_INIT(WALK_NAMES_MAX * sizeof(uint64_t));
    walk->seed = (uint64_t)clock_us() * 0x9e3779b97f4a7c15U ^ (uint64_t)(uintptr_t)walk;
}

static void __attribute__((format(printf, 3, 4)))
note(struct walk *walk, bool limit, const char *format, ...)
{
    walk->limited |= limit;
    if (walk->note[0])
        return;
    va_list ap;
    va_start(ap, format);
    vsnprintf(walk->note, sizeof walk->note, format, ap);
    va_end(ap);
}

static kind_set walk_one(struct walk *walk, const struct walk_file *outer);

/* --- paths, for people --- */

/* What no longer fits is left out; returns what to cut the path to afterwards. */
static size_t enter(struct walk *walk, struct str name)
{
    size_t before = walk->path.n;
    size_t room = walk->path.max - before;
    if (before > 0 && room > 1) {
        buf_addc(&walk->path, '/');
        room--;
    }
    buf_add(&walk->path, str_sub(name.n ? name : STR("unnamed"), 0, room));
    return before;
}

/* --- archives --- */

/* Names that make an archive more than an archive. */
static kind_set kinds_by_member(struct str name)
{
    static const struct {
        struct str tail;
        enum file_kind kind;
    } rows[] = {
        {STR("[Content_Types].xml"), KIND_OOXML}, {STR("vbaProject.bin"), KIND_MACRO},
        {STR("META-INF/MANIFEST.MF"), KIND_JAR},  {STR("META-INF/manifest.xml"), KIND_ODF},
        {STR("Basic/script-lc.xml"), KIND_MACRO}, {STR("AndroidManifest.xml"), KIND_APK},
        {STR("AppxManifest.xml"), KIND_APPX},
    };
    kind_set kinds = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (str_iends(name, rows[i].tail))
            kinds |= KIND(rows[i].kind);
    if (str_ifind(name, STR("xl/macrosheets/")) != STR_NONE)
        kinds |= KIND(KIND_XLM);
    if (str_ifind(name, STR("embeddings/oleObject")) != STR_NONE)
        kinds |= KIND(KIND_OBJECT);
    return kinds;
}

/* The names of an Office file's pieces are free; its list of them tells their types. */
static kind_set kinds_by_content_types(struct str bytes)
{
    kind_set kinds = 0;
    if (str_ifind(bytes, STR("ms-office.vbaProject")) != STR_NONE)
        kinds |= KIND(KIND_MACRO);
    if (str_ifind(bytes, STR("excel.macrosheet")) != STR_NONE ||
        str_ifind(bytes, STR("excel.intlmacrosheet")) != STR_NONE)
        kinds |= KIND(KIND_XLM);
    return kinds;
}

/* FNV-1a from a start that no sender knows; libarchive turns some backslashes. */
static uint64_t name_hash(const struct walk *walk, struct str name)
{
    uint64_t hash = walk->seed;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.s[i] == '\\' ? '/' : name.s[i];
        hash = (hash ^ (unsigned char)c) * 0x100000001b3U;
    }
    return hash ^ name.n;
}

static void remember_name(struct walk *walk, struct str name)
{
    uint64_t hash = name_hash(walk, name);
    if (walk->names.n + sizeof hash <= walk->names.max)
        buf_addn(&walk->names, &hash, sizeof hash);
}

#define OFFICE_FINDINGS (KIND(KIND_MACRO) | KIND(KIND_XLM) | KIND(KIND_OBJECT))

static bool on_member(void *data, const struct unpack_member *member)
{
    struct level *level = data;
    struct walk *walk = level->walk;
    struct walk_file file = {.name = member->name,
                             .other = member->other,
                             .bytes = member->bytes,
                             .cut = member->cut,
                             .encrypted = member->encrypted,
                             .depth = level->depth};
    level->container |= kinds_by_member(member->name);
    if (str_iends(member->name, STR("[Content_Types].xml")))
        level->container |= kinds_by_content_types(member->bytes);
    if (member->encrypted)
        level->container |= KIND(KIND_ENCRYPTED);
    remember_name(walk, file.name);
    size_t back = enter(walk, file.name);
    file.path = buf_str(&walk->path);
    level->inside |= walk_one(walk, &file);
    buf_cut(&walk->path, back);
    return !walk->limited;
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* A name that no member was given by is another program's reading of one of them. */
static bool on_zip_name(void *data, struct str name)
{
    struct level *level = data;
    struct walk *walk = level->walk;
    struct unpack_member member = {.name = name};
    uint64_t hash = name_hash(walk, name);
    const uint64_t *known = (const uint64_t *)(const void *)walk->names.p;
    if (level->sorted > 0 &&
        bsearch(&hash, known + level->names, level->sorted, sizeof hash, by_value))
        return true;
    if (walk->left.files == 0 || av_left(walk->left.deadline) == 0) {
        note(walk, true, "%.*s: more names than files_limit, or no time left for them",
             STR_ARG(buf_str(&walk->path)));
        return false;
    }
    walk->left.files--;
    return on_member(level, &member);
}

/* Those of archives within it are among the known: they stand in its bytes when it only stores. */
static void other_names(struct level *level, struct str bytes)
{
    struct buf *names = &level->walk->names;
    level->sorted = buf_ok(names) ? names->n / sizeof(uint64_t) - level->names : 0;
    if (level->sorted > 0)
        qsort(names->p + level->names * sizeof(uint64_t), level->sorted, sizeof(uint64_t),
              by_value);
    zip_names(bytes, on_zip_name, level);
}

static void open_archive(struct walk *walk, struct walk_file *file, struct level *level)
{
    char why[128] = "";
    for (unsigned kind = 0; kind < KINDS && !walk->limited; kind++) {
        if (!(file->kinds & KINDS_OPENED & KIND(kind)))
            continue;
        const struct unpack_job job = {.kind = (enum file_kind)kind,
                                       .bytes = file->bytes,
                                       .name = file->name,
                                       .left = &walk->left,
                                       .member = on_member,
                                       .data = level};
        switch (unpack(&job, why, sizeof why)) {
        case UNPACK_DONE:
            break;
        case UNPACK_LIMIT:
            note(walk, true, "%.*s: %s", STR_ARG(file->path), why);
            break;
        case UNPACK_ENCRYPTED:
            level->container |= KIND(KIND_ENCRYPTED);
            break;
        case UNPACK_BROKEN:
            note(walk, false, "%.*s can't be opened: %s", STR_ARG(file->path), why);
            break;
        }
    }
    if (file->kinds & KIND(KIND_ZIP) && !walk->limited)
        other_names(level, file->bytes);
}

/* --- one file --- */

static kind_set rtf_kinds(struct str bytes)
{
    return str_ifind(bytes, STR("\\objdata")) != STR_NONE ||
                   str_ifind(bytes, STR("\\objocx")) != STR_NONE
               ? KIND(KIND_OBJECT)
               : 0;
}

static void look_inside(struct walk *walk, struct walk_file *file)
{
    if (file->kinds & KIND(KIND_OLE2))
        file->kinds |= ole2_kinds(file->bytes, NULL);
    if (file->kinds & KIND(KIND_RTF))
        file->kinds |= rtf_kinds(file->bytes);
    if (!(file->kinds & KINDS_OPENED))
        return;
    if (file->depth == walk->depth) {
        note(walk, true, "%.*s: archives deeper than recursion_limit", STR_ARG(file->path));
        return;
    }
    struct level level = {.walk = walk,
                          .depth = file->depth + 1,
                          .names = walk->names.n / sizeof(uint64_t)};
    open_archive(walk, file, &level);
    file->kinds |= level.container;
    if (file->kinds & (KIND(KIND_OOXML) | KIND(KIND_ODF)))
        file->kinds |= level.inside & OFFICE_FINDINGS;
}

static kind_set walk_one(struct walk *walk, const struct walk_file *outer)
{
    struct walk_file file = *outer;
    file.kinds = kinds_of(file.bytes);
    look_inside(walk, &file);
    walk->visit(walk->data, &file);
    return file.kinds;
}

void walk_file(struct walk *walk, struct str name, struct str bytes)
{
    struct walk_file file = {.name = name, .bytes = bytes};
    locale_t before = walk->utf8 ? uselocale(walk->utf8) : (locale_t)0;
    buf_clear(&walk->path);
    enter(walk, name);
    file.path = buf_str(&walk->path);
    walk_one(walk, &file);
    buf_release(&walk->names);
    if (before)
        uselocale(before);
}
