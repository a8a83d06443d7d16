/* A file of any kind for the file policy: archives are walked, compound files read, names judged,
 * within their limits. */
#include <stdlib.h>

#include "antivirus/files/names.h"
#include "antivirus/files/ole2.h"
#include "antivirus/files/walk.h"
#include "base/clock.h"

#define SIZE_MAX_UNPACKED ((size_t)1024 * 1024)
#define FILES             200
#define DEPTH             6
#define TIME_MS           2000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    size_t files;
    unsigned sum;
};

static void on_file(void *data, const struct walk_file *file)
{
    struct seen *seen = data;
    struct file_names names = {.n = 0};
    seen->files++;
    for (size_t i = 0; i < file->bytes.n; i++)
        seen->sum += (unsigned char)file->bytes.s[i];
    for (size_t i = 0; i < file->path.n; i++)
        seen->sum += (unsigned char)file->path.s[i];
    file_names_add(&names, file->name);
    file_names_add(&names, file->other);
    if (names.n > NAMES_MAX || file->depth > DEPTH || file->path.n > WALK_PATH_MAX)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str bytes = str_n((const char *)data, size);
    const struct unpack_limits limits = {.size = SIZE_MAX_UNPACKED,
                                         .files = FILES,
                                         .deadline = (uint64_t)clock_ms() + TIME_MS};
    struct seen seen = {0};
    struct walk walk;
    walk_start(&walk, &limits, DEPTH, on_file, &seen);
    walk_file(&walk, STR("a.zip"), bytes);
    if (seen.files == 0 || walk.left.size > SIZE_MAX_UNPACKED || walk.left.files > FILES)
        abort();
    if (ole2_kinds(bytes, NULL) == 1 && seen.sum == 1)
        abort();
    return 0;
}
