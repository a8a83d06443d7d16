#include "bayes/publish/note.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fsio.h"

#define NOTE_MODE 0644

static void text_put(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.n; i++)
        buf_addc(out, (unsigned char)text.s[i] < ' ' ? ' ' : text.s[i]);
}

static void value_put(struct buf *out, const struct note_field *field, const char *at)
{
    uint32_t u32;
    uint64_t u64;
    double real;
    switch (field->type) {
    case NOTE_BOOL:
        buf_add(out, *(const bool *)at ? STR("yes") : STR("no"));
        return;
    case NOTE_U32:
        memcpy(&u32, at, sizeof u32);
        buf_addf(out, "%" PRIu32, u32);
        return;
    case NOTE_U64:
        memcpy(&u64, at, sizeof u64);
        buf_addf(out, "%" PRIu64, u64);
        return;
    case NOTE_DOUBLE:
        memcpy(&real, at, sizeof real);
        buf_addf(out, "%.9f", real);
        return;
    case NOTE_TEXT:
        text_put(out, str_of(at));
        return;
    }
}

int note_write(const char *path, const struct note_form *form, const void *record, struct err *err)
{
    struct buf out = BUF_INIT(NOTE_MAX);
    buf_addf(&out, "%s\n", form->title);
    for (size_t i = 0; i < form->n; i++) {
        buf_addf(&out, "%s ", form->fields[i].key);
        value_put(&out, &form->fields[i], (const char *)record + form->fields[i].at);
        buf_addc(&out, '\n');
    }
    int result = buf_ok(&out) ? fsio_replace(path, buf_str(&out), NOTE_MODE, err)
                              : err_set(err, "%s: no room for the note", path);
    buf_release(&out);
    return result;
}

/* False for what is no such value. */
static bool value_get(struct str text, const struct note_field *field, char *at)
{
    uint64_t u64 = 0;
    uint32_t u32;
    double real;
    switch (field->type) {
    case NOTE_BOOL:
        *(bool *)at = str_eq(text, STR("yes"));
        return *(bool *)at || str_eq(text, STR("no"));
    case NOTE_U32:
        if (!str_to_u64(text, UINT32_MAX, &u64))
            return false;
        u32 = (uint32_t)u64;
        memcpy(at, &u32, sizeof u32);
        return true;
    case NOTE_U64:
        if (!str_to_u64(text, UINT64_MAX, &u64))
            return false;
        memcpy(at, &u64, sizeof u64);
        return true;
    case NOTE_DOUBLE:
        if (!str_to_double(text, &real))
            return false;
        memcpy(at, &real, sizeof real);
        return true;
    case NOTE_TEXT:
        return str_copy(text, at, field->size);
    }
    return false;
}

static bool line_get(struct str line, const struct note_form *form, void *record)
{
    struct str key;
    if (!str_next(&line, ' ', &key))
        return false;
    for (size_t i = 0; i < form->n; i++)
        if (str_eq(key, str_of(form->fields[i].key)))
            return value_get(line, &form->fields[i], (char *)record + form->fields[i].at);
    return true;
}

static int text_get(struct str text, const char *path, const struct note_form *form, void *record,
                    struct err *err)
{
    struct str line;
    if (!str_next_line(&text, &line) || !str_eq(line, str_of(form->title)))
        return err_set(err, "%s:1: expected \"%s\"", path, form->title);
    for (unsigned n = 2; str_next_line(&text, &line); n++)
        if (!line_get(line, form, record))
            return err_set(err, "%s:%u: makes no sense", path, n);
    return 1;
}

int note_read(const char *path, const struct note_form *form, void *record, struct err *err)
{
    struct buf text = BUF_INIT(NOTE_MAX);
    if (access(path, F_OK) < 0 && errno == ENOENT)
        return 0;
    int result = fsio_read_file(path, &text, err);
    if (result == 0)
        result = text_get(buf_str(&text), path, form, record, err);
    buf_release(&text);
    return result;
}
