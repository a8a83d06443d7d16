#include "backup/manifest.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hex.h"

#define POOL_MAX  ((size_t)2 * 1024 * 1024 * 1024)
#define OWNER_MAX 200
#define PART_MAX  255
#define MODE_MAX  07777
#define FIRST     "poterne backup "

struct manifest *manifest_new(struct err *err)
{
    struct manifest *m = calloc(1, sizeof *m);
    if (m)
        m->pool = pool_new(POOL_MAX);
    if (m && m->pool)
        return m;
    free(m);
    err_set(err, "out of memory");
    return NULL;
}

void manifest_free(struct manifest **m)
{
    if (*m == NULL)
        return;
    pool_free(&(*m)->pool);
    free(*m);
    *m = NULL;
}

/* --- the list --- */

int manifest_add(struct manifest *m, const struct piece *piece, struct err *err)
{
    if (m->n >= MANIFEST_PIECES_MAX)
        return err_set(err, "more than %d files and pieces of files", MANIFEST_PIECES_MAX);
    struct piece *grown = pool_grow(m->pool, m->pieces, m->n, &m->cap, sizeof *grown);
    if (grown == NULL)
        return err_set(err, "out of memory");
    m->pieces = grown;
    struct piece *made = &m->pieces[m->n];
    const struct piece *last = m->n ? made - 1 : NULL;
    *made = *piece;
    /* the pieces of a file, and owners, are alike most of the time */
    made->path =
        last && str_eq(last->path, piece->path) ? last->path : pool_str(m->pool, piece->path);
    made->owner =
        last && str_eq(last->owner, piece->owner) ? last->owner : pool_str(m->pool, piece->owner);
    if (made->path.s == NULL || made->owner.s == NULL)
        return err_set(err, "out of memory");
    m->n++;
    return 0;
}

static int compare(const void *a, const void *b)
{
    const struct piece *x = a, *y = b;
    int order = str_cmp(x->path, y->path);
    return order ? order : (x->number > y->number) - (x->number < y->number);
}

void manifest_sort(struct manifest *m)
{
    size_t kept = 0;
    for (size_t i = 0; i < m->n; i++)
        if (!m->pieces[i].dropped)
            m->pieces[kept++] = m->pieces[i];
    m->n = kept;
    if (m->n)
        qsort(m->pieces, m->n, sizeof *m->pieces, compare);
}

const struct piece *manifest_find(const struct manifest *m, struct str path, uint32_t number)
{
    const struct piece key = {.path = path, .number = number};
    return m->n ? bsearch(&key, m->pieces, m->n, sizeof *m->pieces, compare) : NULL;
}

/* The first that is not before it. */
static size_t folder_place(const struct manifest *m, struct str path)
{
    size_t low = 0, high = m->n_folders;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (str_cmp(m->folders[middle].path, path) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct manifest_folder *manifest_folder(const struct manifest *m, struct str path)
{
    size_t at = folder_place(m, path);
    return at < m->n_folders && str_eq(m->folders[at].path, path) ? &m->folders[at] : NULL;
}

int manifest_add_folder(struct manifest *m, const struct manifest_folder *folder, struct err *err)
{
    if (manifest_folder(m, folder->path))
        return 0;
    if (m->n_folders >= MANIFEST_FOLDERS_MAX)
        return err_set(err, "more than %d folders of settings", MANIFEST_FOLDERS_MAX);
    struct manifest_folder *grown =
        pool_grow(m->pool, m->folders, m->n_folders, &m->cap_folders, sizeof *grown);
    if (grown == NULL)
        return err_set(err, "out of memory");
    m->folders = grown;
    const struct manifest_folder made = {.path = pool_str(m->pool, folder->path),
                                         .mode = folder->mode,
                                         .owner = pool_str(m->pool, folder->owner)};
    if (made.path.s == NULL || made.owner.s == NULL)
        return err_set(err, "out of memory");
    size_t at = folder_place(m, made.path);
    memmove(&m->folders[at + 1], &m->folders[at], (m->n_folders - at) * sizeof made);
    m->folders[at] = made;
    m->n_folders++;
    return 0;
}

/* --- paths --- */

static bool is_part_ok(struct str part)
{
    return part.n > 0 && part.n <= PART_MAX && !str_eq(part, STR(".")) && !str_eq(part, STR(".."));
}

static bool are_parts_ok(struct str rest)
{
    struct str part;
    unsigned parts = 0;
    bool sense = true;
    while (sense && str_next(&rest, '/', &part))
        sense = is_part_ok(part) && ++parts <= MANIFEST_DEPTH_MAX;
    return sense;
}

bool manifest_path_ok(struct str path)
{
    bool sense = path.n > 0 && path.n <= MANIFEST_PATH_MAX && path.s[path.n - 1] != '/' &&
                 memchr(path.s, '\0', path.n) == NULL &&
                 (str_starts(path, STR("state/")) || str_starts(path, STR("settings/")));
    return sense && are_parts_ok(path);
}

/* What is beside the settings, and so goes beside them again, is told by this path. */
static bool is_config_ok(struct str path)
{
    return path.n > 1 && path.n <= MANIFEST_PATH_MAX && path.s[0] == '/' &&
           path.s[path.n - 1] != '/' && are_parts_ok(str_from(path, 1));
}

bool manifest_stored(const struct piece *piece, char *out, size_t size)
{
    int n = piece->number == PIECE_WHOLE
                ? snprintf(out, size, "files/%.*s", STR_ARG(piece->path))
                : snprintf(out, size, "pieces/%.*s/%06u", STR_ARG(piece->path), piece->number);
    return n > 0 && (size_t)n < size;
}

/* --- writing --- */

static void put_text(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.s[i];
        if (c > ' ' && c < 127 && c != '%')
            buf_addc(out, (char)c);
        else
            buf_addf(out, "%%%02x", c);
    }
}

static void put_line(struct buf *out, const char *name, struct str text)
{
    buf_addf(out, "%s ", name);
    put_text(out, text);
    buf_addc(out, '\n');
}

static void put_sum(struct buf *out, const unsigned char sum[SHA256_SIZE])
{
    for (size_t i = 0; i < SHA256_SIZE; i++)
        buf_addf(out, "%02x", sum[i]);
}

static void put_piece(struct buf *out, const struct piece *piece)
{
    buf_addf(out, "file ");
    put_sum(out, piece->sum);
    buf_addf(out, " %04o ", piece->mode);
    put_text(out, piece->owner);
    buf_addf(out, " %" PRIu64 " ", piece->size);
    if (piece->number == PIECE_WHOLE)
        buf_addf(out, "- ");
    else
        buf_addf(out, "%u ", piece->number);
    put_text(out, piece->path);
    buf_addc(out, '\n');
}

static void put_folder(struct buf *out, const struct manifest_folder *folder)
{
    buf_addf(out, "folder %04o ", folder->mode);
    put_text(out, folder->owner);
    buf_addc(out, ' ');
    put_text(out, folder->path);
    buf_addc(out, '\n');
}

int manifest_put(struct manifest *m, struct buf *out, struct err *err)
{
    unsigned char sum[SHA256_SIZE];
    manifest_sort(m);
    buf_addf(out, FIRST "%d\n", MANIFEST_VERSION);
    put_line(out, "made", m->made);
    put_line(out, "poterne", m->program);
    put_line(out, "hostname", m->hostname);
    put_line(out, "config", m->config);
    put_line(out, "state", m->state_dir);
    put_line(out, "model", m->model);
    for (size_t i = 0; i < m->n_folders; i++)
        put_folder(out, &m->folders[i]);
    for (size_t i = 0; i < m->n; i++)
        put_piece(out, &m->pieces[i]);
    if (sha256_of(buf_str(out), sum, err) < 0)
        return -1;
    buf_addf(out, "end %zu ", m->n);
    put_sum(out, sum);
    buf_addc(out, '\n');
    return buf_ok(out) ? 0 : err_set(err, "out of memory for the manifest");
}

/* --- reading --- */

static bool get_text(struct pool *pool, struct str word, struct str *text)
{
    char *out = pool_alloc(pool, word.n + 1);
    size_t n = 0;
    if (out == NULL)
        return false;
    for (size_t i = 0; i < word.n; i++) {
        if (word.s[i] != '%') {
            out[n++] = word.s[i];
            continue;
        }
        int byte = hex_byte(word, i + 1);
        if (byte < 0)
            return false;
        out[n++] = (char)byte;
        i += 2;
    }
    *text = str_n(out, n);
    return memchr(out, '\0', n) == NULL;
}

static bool get_sum(struct str word, unsigned char sum[SHA256_SIZE])
{
    if (word.n != 2 * (size_t)SHA256_SIZE)
        return false;
    for (size_t i = 0; i < SHA256_SIZE; i++) {
        int byte = hex_byte(word, 2 * i);
        if (byte < 0)
            return false;
        sum[i] = (unsigned char)byte;
    }
    return true;
}

static bool get_mode(struct str word, uint32_t *mode)
{
    *mode = 0;
    for (size_t i = 0; i < word.n; i++) {
        if (word.s[i] < '0' || word.s[i] > '7' || *mode > MODE_MAX)
            return false;
        *mode = *mode * 8 + (uint32_t)(word.s[i] - '0');
    }
    return word.n > 0 && *mode <= MODE_MAX;
}

static bool get_number(struct str word, uint32_t *number)
{
    uint64_t value;
    *number = PIECE_WHOLE;
    if (str_eq(word, STR("-")))
        return true;
    if (!str_to_u64(word, PIECE_NUMBER_MAX, &value))
        return false;
    *number = (uint32_t)value;
    return true;
}

/* `rest` is behind "file ". */
static bool get_piece(struct manifest *m, struct str rest, struct err *err)
{
    struct piece piece = {.dropped = false};
    struct str word[5];
    for (size_t i = 0; i < 5; i++)
        if (!str_next(&rest, ' ', &word[i]))
            return false;
    return get_sum(word[0], piece.sum) && get_mode(word[1], &piece.mode) &&
           get_text(m->pool, word[2], &piece.owner) && piece.owner.n <= OWNER_MAX &&
           str_to_u64(word[3], PIECE_SIZE, &piece.size) && get_number(word[4], &piece.number) &&
           get_text(m->pool, rest, &piece.path) && manifest_path_ok(piece.path) &&
           manifest_add(m, &piece, err) == 0;
}

/* `rest` is behind "folder ". */
static bool get_folder(struct manifest *m, struct str rest, struct err *err)
{
    struct manifest_folder folder = {.mode = 0};
    struct str mode, owner;
    return str_next(&rest, ' ', &mode) && str_next(&rest, ' ', &owner) &&
           get_mode(mode, &folder.mode) && get_text(m->pool, owner, &folder.owner) &&
           folder.owner.n <= OWNER_MAX && get_text(m->pool, rest, &folder.path) &&
           manifest_path_ok(folder.path) && manifest_folder(m, folder.path) == NULL &&
           manifest_add_folder(m, &folder, err) == 0;
}

static bool get_field(struct manifest *m, struct str name, struct str rest)
{
    const struct {
        struct str name;
        struct str *to;
    } fields[] = {{STR("made"), &m->made},         {STR("poterne"), &m->program},
                  {STR("hostname"), &m->hostname}, {STR("config"), &m->config},
                  {STR("state"), &m->state_dir},   {STR("model"), &m->model}};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (str_eq(name, fields[i].name))
            return get_text(m->pool, rest, fields[i].to) &&
                   (fields[i].to != &m->config || is_config_ok(m->config));
    return false;
}

/* Behind it are the pieces of the same file, and none is missing or short but the last. */
static bool follows(const struct piece *last, const struct piece *piece)
{
    bool same = last && str_eq(last->path, piece->path);
    if (same)
        return piece->number != PIECE_WHOLE && piece->number == last->number + 1 &&
               last->size == PIECE_SIZE;
    return piece->number == PIECE_WHOLE || piece->number == 0;
}

static int check_order(const struct manifest *m, struct err *err)
{
    for (size_t i = 0; i < m->n; i++) {
        const struct piece *last = i ? &m->pieces[i - 1] : NULL;
        if ((last && compare(last, &m->pieces[i]) >= 0) || !follows(last, &m->pieces[i]))
            return err_set(err, "its files are not in order, or pieces of one are missing");
    }
    return 0;
}

/* Its last line says that all of it is there. */
static int check_end(struct str text, struct str *body, uint64_t *pieces, struct err *err)
{
    unsigned char sum[SHA256_SIZE], said[SHA256_SIZE];
    struct str rest, word[3];
    size_t last = text.n ? str_rchr(str_sub(text, 0, text.n - 1), '\n') : STR_NONE;
    if (last == STR_NONE || text.s[text.n - 1] != '\n')
        return err_set(err, "it is cut short");
    *body = str_sub(text, 0, last + 1);
    rest = str_sub(text, last + 1, text.n - 1);
    bool sense = str_next(&rest, ' ', &word[0]) && str_next(&rest, ' ', &word[1]) &&
                 str_eq(word[0], STR("end")) && str_to_u64(word[1], MANIFEST_PIECES_MAX, pieces) &&
                 get_sum(rest, said);
    if (!sense)
        return err_set(err, "it is cut short");
    if (sha256_of(*body, sum, err) < 0)
        return -1;
    if (memcmp(sum, said, SHA256_SIZE) != 0)
        return err_set(err, "its own sum is wrong: it was changed or damaged");
    return 0;
}

/* What a later version looks like behind its first line nobody knows yet. */
static int check_version(struct str text, struct err *err)
{
    struct str line;
    uint64_t version = 0;
    if (!str_next_line(&text, &line) || !str_starts(line, STR(FIRST)) ||
        !str_to_u64(str_from(line, strlen(FIRST)), UINT32_MAX, &version))
        return err_set(err, "it is no manifest of poterne");
    if (version != MANIFEST_VERSION)
        return err_set(err, "it is of version %" PRIu64 ", this poterne reads %d: use a later one",
                       version, MANIFEST_VERSION);
    return 0;
}

/* `rest` is behind its name. */
static bool get_line(struct manifest *m, struct str name, struct str rest, struct err *err)
{
    if (str_eq(name, STR("file")))
        return get_piece(m, rest, err);
    if (str_eq(name, STR("folder")))
        return get_folder(m, rest, err);
    return get_field(m, name, rest);
}

static int get_lines(struct manifest *m, struct str body, struct err *err)
{
    struct str line, name;
    str_next_line(&body, &line);
    for (unsigned number = 2; str_next_line(&body, &line); number++) {
        struct str whole = line;
        struct err why = {""};
        bool sense = str_next(&line, ' ', &name) && get_line(m, name, line, &why);
        if (!sense)
            return err_set(err, "line %u can't be meant%s%s: %.*s", number, why.text[0] ? ": " : "",
                           why.text, (int)(whole.n < 200 ? whole.n : 200), whole.s);
    }
    return m->config.n ? 0 : err_set(err, "it does not say where the settings were");
}

struct manifest *manifest_get(struct str text, struct err *err)
{
    struct str body;
    uint64_t pieces = 0;
    if (check_version(text, err) < 0 || check_end(text, &body, &pieces, err) < 0)
        return NULL;
    struct manifest *m = manifest_new(err);
    int result = m ? get_lines(m, body, err) : -1;
    if (result == 0 && m->n != pieces)
        result = err_set(err, "it has %zu files and says %" PRIu64, m->n, pieces);
    if (result == 0)
        result = check_order(m, err);
    if (result < 0)
        manifest_free(&m);
    return m;
}
