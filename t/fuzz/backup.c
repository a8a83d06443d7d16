/* Manifests of backups: somebody else's text. Whatever is believed has only paths that stay inside,
 * and reads the same once it is written again. */
#include <stdio.h>
#include <stdlib.h>

#include "backup/manifest.h"

#define TEXT_MAX ((size_t)1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* As fuzzers find no sum: the text with the last line that belongs to it. */
static struct manifest *with_its_sum(struct str text, struct err *err)
{
    unsigned char sum[SHA256_SIZE];
    struct sha256 h;
    struct buf whole = BUF_INIT(TEXT_MAX);
    size_t files = 0;
    struct str rest = text, line;
    struct manifest *m = NULL;
    while (str_next_line(&rest, &line))
        files += str_starts(line, STR("file "));
    buf_add(&whole, text);
    if (text.n == 0 || text.s[text.n - 1] != '\n')
        buf_addc(&whole, '\n');
    if (sha256_begin(&h, err) == 0) {
        sha256_add(&h, buf_str(&whole));
        if (sha256_end(&h, sum, err) == 0) {
            buf_addf(&whole, "end %zu ", files);
            for (size_t i = 0; i < SHA256_SIZE; i++)
                buf_addf(&whole, "%02x", sum[i]);
            buf_addc(&whole, '\n');
            m = buf_ok(&whole) ? manifest_get(buf_str(&whole), err) : NULL;
        }
    }
    buf_release(&whole);
    return m;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {""};
    struct buf out = BUF_INIT(2 * TEXT_MAX);
    struct manifest *m = manifest_get(str_n((const char *)data, size), &err);
    manifest_free(&m);
    m = with_its_sum(str_n((const char *)data, size), &err);
    for (size_t i = 0; m && i < m->n; i++) {
        char stored[MANIFEST_PATH_MAX + 32];
        if (!manifest_path_ok(m->pieces[i].path) ||
            !manifest_stored(&m->pieces[i], stored, sizeof stored) || strstr(stored, "/../"))
            abort();
    }
    for (size_t i = 0; m && i < m->n_folders; i++)
        if (!manifest_path_ok(m->folders[i].path))
            abort();
    if (m && manifest_put(m, &out, &err) == 0) {
        struct manifest *again = manifest_get(buf_str(&out), &err);
        if (again == NULL || again->n != m->n || again->n_folders != m->n_folders)
            abort();
        manifest_free(&again);
    }
    manifest_free(&m);
    buf_release(&out);
    return 0;
}
