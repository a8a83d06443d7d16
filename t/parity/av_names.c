/*
 * av_names FILE…: the parts of each message that the engines get to see, a line for each of a
 * part's file names: "FILE PART BYTES NAME", without NAME for a part that has none. PART counts
 * from 0.
 */
#include <stdio.h>

#include "base/fsio.h"
#include "gateway/antivirus/content.h"

#define MESSAGE_MAX ((size_t)32 * 1024 * 1024)
#define DECODED_MAX ((size_t)100 * 1024 * 1024)

static void print(const char *path, const struct av_message *message)
{
    for (size_t i = 0; i < message->n_parts; i++) {
        const struct av_part *part = &message->parts[i];
        if (part->n_names == 0)
            printf("%s %zu %zu\n", path, i, part->bytes.n);
        for (size_t k = 0; k < part->n_names; k++)
            printf("%s %zu %zu %.*s\n", path, i, part->bytes.n, STR_ARG(part->names[k]));
    }
}

int main(int argc, char **argv)
{
    struct av_content *content = av_content_new(DECODED_MAX);
    struct err err = {"usage: av_names FILE..."};
    int result = content && argc > 1 ? 0 : -1;
    for (int i = 1; i < argc && result == 0; i++) {
        struct buf raw = BUF_INIT(MESSAGE_MAX);
        struct av_message message;
        result = fsio_read_file(argv[i], &raw, &err);
        if (result == 0) {
            av_content_make(content, buf_str(&raw), &message);
            print(argv[i], &message);
        }
        buf_release(&raw);
    }
    av_content_free(&content);
    if (result < 0)
        fprintf(stderr, "%s\n", err.text);
    return result < 0;
}
