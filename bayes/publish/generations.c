#include "bayes/publish/generations.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/log.h"

#define CURRENT         "current"
#define CURRENT_BESIDE  "current.new"
#define SECONDS_PER_DAY 86400

/* --- names --- */

int generation_path(const char *folder, uint64_t number, char *out, size_t size, struct err *err)
{
    char name[GENERATION_NAME_SIZE];
    snprintf(name, sizeof name, GENERATION_PREFIX "%" PRIu64, number);
    return fsio_join(out, size, folder, name, err);
}

/* The number in "model-N" or "model-N.note"; 0 for any other name. */
static uint64_t name_number(const char *name, bool *note)
{
    uint64_t number = 0;
    struct str rest = str_of(name);
    *note = str_ends(rest, STR(GENERATION_NOTE));
    if (!str_starts(rest, STR(GENERATION_PREFIX)))
        return 0;
    rest = str_sub(rest, strlen(GENERATION_PREFIX), rest.n - (*note ? strlen(GENERATION_NOTE) : 0));
    return str_to_u64(rest, INT64_MAX, &number) ? number : 0;
}

/* --- the list --- */

struct numbers {
    uint64_t *list;
    size_t n;
    size_t cap;
};

static int numbers_add(struct numbers *numbers, uint64_t number, struct err *err)
{
    if (numbers->n == 2 * GENERATIONS_MAX)
        return err_set(err, "more than %d models and notes: remove some", 2 * GENERATIONS_MAX);
    if (numbers->n == numbers->cap) {
        size_t cap = numbers->cap ? 2 * numbers->cap : 64;
        uint64_t *list = realloc(numbers->list, cap * sizeof *list);
        if (list == NULL)
            return err_set(err, "out of memory for %zu models", cap);
        numbers->list = list;
        numbers->cap = cap;
    }
    numbers->list[numbers->n++] = number;
    return 0;
}

static int falling(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x < y) - (x > y);
}

/* Each number once, the largest first. */
static int numbers_read(const char *folder, struct numbers *numbers, struct err *err)
{
    int result = 0;
    size_t kept = 0;
    bool note;
    DIR *dir = opendir(folder);
    if (dir == NULL)
        return err_sys(err, "cannot read folder %s", folder);
    for (struct dirent *entry; result == 0 && (entry = readdir(dir)) != NULL;) {
        uint64_t number = name_number(entry->d_name, &note);
        result = number ? numbers_add(numbers, number, err) : 0;
    }
    closedir(dir);
    if (result < 0)
        return -1;
    if (numbers->n)
        qsort(numbers->list, numbers->n, sizeof numbers->list[0], falling);
    for (size_t i = 0; i < numbers->n; i++)
        if (kept == 0 || numbers->list[kept - 1] != numbers->list[i])
            numbers->list[kept++] = numbers->list[i];
    numbers->n = kept;
    return 0;
}

int generations_read(const char *folder, struct generation **list, size_t *n, struct err *err)
{
    struct numbers numbers = {NULL, 0, 0};
    int result = numbers_read(folder, &numbers, err);
    *n = 0;
    *list = NULL;
    if (result == 0) {
        *list = calloc(numbers.n + 1, sizeof **list);
        if (*list == NULL)
            result = err_set(err, "out of memory for %zu models", numbers.n);
    }
    for (size_t i = 0; result == 0 && i < numbers.n; i++) {
        struct err unread;
        if (generation_read(folder, numbers.list[i], &(*list)[*n], &unread) < 0)
            log_warning("%s", unread.text);
        ++*n;
    }
    free(numbers.list);
    return result;
}

int generation_next(const char *folder, uint64_t least, uint64_t *next, struct err *err)
{
    struct numbers numbers = {NULL, 0, 0};
    int result = numbers_read(folder, &numbers, err);
    *next = numbers.n && numbers.list[0] > least ? numbers.list[0] + 1 : least + 1;
    free(numbers.list);
    return result;
}

/* --- the one in service --- */

uint64_t generation_current(const char *folder)
{
    char link[PATH_MAX], target[64];
    bool note;
    if (fsio_join(link, sizeof link, folder, CURRENT, NULL) < 0)
        return 0;
    ssize_t got = readlink(link, target, sizeof target - 1);
    if (got < 0)
        return 0;
    target[got] = '\0';
    uint64_t number = name_number(target, &note);
    return note ? 0 : number;
}

struct model *generation_open(const char *folder, uint64_t number, struct err *err)
{
    char path[PATH_MAX];
    if (generation_path(folder, number, path, sizeof path, err) < 0)
        return NULL;
    struct model *model = model_open_path(path, err);
    if (model && model_generation(model) != number) {
        err_set(err, "%s is generation %" PRIu64 " by its content", path, model_generation(model));
        model_close(&model);
    }
    return model;
}

/* Of what has no note one may think well, of what has a damaged one not. */
static bool may_serve(const struct generation *generation)
{
    return generation->kept &&
           (generation->state == GENERATION_ACCEPTED || generation->state == GENERATION_FORCED ||
            (generation->state == GENERATION_UNKNOWN && generation->why[0] == '\0'));
}

uint64_t generation_fallback(const char *folder, uint64_t below)
{
    struct generation *list;
    struct err err;
    size_t n;
    uint64_t found = 0;
    if (generations_read(folder, &list, &n, &err) < 0)
        log_warning("%s", err.text);
    for (size_t i = 0; i < n && found == 0; i++) {
        if (list[i].number >= below || !may_serve(&list[i]))
            continue;
        struct model *model = generation_open(folder, list[i].number, &err);
        if (model)
            found = list[i].number;
        model_close(&model);
    }
    free(list);
    return found;
}

int generation_switch(const char *folder, uint64_t number, struct err *err)
{
    char beside[PATH_MAX], current[PATH_MAX], target[64];
    if (fsio_join(beside, sizeof beside, folder, CURRENT_BESIDE, err) < 0)
        return -1;
    snprintf(current, sizeof current, "%s/" CURRENT, folder);
    snprintf(target, sizeof target, GENERATION_PREFIX "%" PRIu64, number);
    if (unlink(beside) < 0 && errno != ENOENT)
        return err_sys(err, "cannot remove %s", beside);
    if (symlink(target, beside) < 0)
        return err_sys(err, "cannot make the link %s", beside);
    return fsio_rename_durable(beside, current, err);
}

/* --- what is kept --- */

struct keeping {
    uint64_t served;
    uint64_t unserved;
    uint64_t days;
    uint64_t day; /* of the last one seen */
};

/* They come newest first. */
static bool keep(struct keeping *k, const struct generation *generation)
{
    uint64_t day = generation->built / SECONDS_PER_DAY;
    if (!may_serve(generation))
        return k->unserved++ < GENERATIONS_REFUSED;
    bool newest = k->served++ < GENERATIONS_NEWEST;
    bool last_of_day = k->day != day && k->days < GENERATIONS_DAYS;
    if (!newest && last_of_day)
        k->days++;
    k->day = day;
    return newest || last_of_day;
}

static int remove_file(const char *path)
{
    if (unlink(path) == 0 || errno == ENOENT)
        return 0;
    log_warning("cannot remove the old model %s: %s", path, strerror(errno));
    return -1;
}

void generations_expire(const char *folder, uint64_t proved)
{
    struct generation *list;
    struct keeping keeping = {0, 0, 0, 0};
    struct err err;
    size_t n;
    if (generations_read(folder, &list, &n, &err) < 0)
        log_warning("%s", err.text);
    for (size_t i = 0; i < n; i++) {
        char path[PATH_MAX];
        bool wanted = list[i].kept && keep(&keeping, &list[i]);
        if (wanted || list[i].in_service || list[i].number == proved ||
            generation_path(folder, list[i].number, path, sizeof path - strlen(GENERATION_NOTE),
                            &err) < 0)
            continue;
        if (list[i].kept && remove_file(path) < 0)
            break;
        memcpy(path + strlen(path), GENERATION_NOTE, sizeof GENERATION_NOTE);
        if (i >= GENERATIONS_NOTES)
            remove_file(path);
    }
    free(list);
}
