/* Any bytes as what another filter, or another poterne, has learned: refused, or made into portable
 * text that reads well. The same bytes as packed grams. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fsio.h"
#include "bayes/features/grams_pack.h"
#include "bayes/transfer/import.h"
#include "bayes/transfer/portable.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int file_of(const void *data, size_t size)
{
    struct err err;
    int fd = memfd_create("import", MFD_CLOEXEC);
    if (fd < 0 || fsio_pwrite(fd, str_n(data, size), 0, "import", &err) < 0)
        abort();
    return fd;
}

static int read_all(int fd)
{
    struct err err;
    struct portable_record record;
    struct portable_in *in = malloc(sizeof *in);
    int got = in ? portable_open(in, fd, "import", &err) : -1;
    if (got == 0)
        while ((got = portable_next(in, &record, &err)) > 0)
            ;
    free(in);
    return got;
}

/* What is written must be readable. */
static void convert(int in, struct import_words *words)
{
    struct err err;
    struct import_summary summary;
    int out = memfd_create("out", MFD_CLOEXEC);
    if (out >= 0 && import_convert(in, "import", words, out, "out", &summary, &err) == 0 &&
        summary.format != IMPORT_POTERNE) {
        if (lseek(out, 0, SEEK_SET) != 0 || read_all(out) != 0)
            abort();
    }
    fsio_close_quiet(&out);
}

/* What can be unpacked packs into the same bytes. */
static void grams(struct str packed)
{
    uint32_t list[GRAMS_MAX];
    size_t n;
    struct buf again = BUF_INIT(GRAMS_PACKED_BYTES);
    if (!grams_unpack(packed, list, GRAMS_MAX, &n))
        return;
    if (!grams_pack(&again, list, n) || !buf_ok(&again) || !str_eq(buf_str(&again), packed))
        abort();
    buf_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err;
    struct feature feature = {1, STR("subject:word")};
    struct features features = {.list = &feature, .n = 1};
    struct import_words *words = import_words_new();
    int fd = file_of(data, size);
    if (words && import_words_add(words, &features, &err) == 0)
        convert(fd, words);
    if (lseek(fd, 0, SEEK_SET) == 0)
        read_all(fd);
    grams(str_n((const char *)data, size));
    import_words_free(&words);
    close(fd);
    return 0;
}
