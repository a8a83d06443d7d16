/*
 * mime_dump FILE…: what mail/ makes of messages, for comparison with other parsers. A line is
 * "name value", byte strings in hexadecimal:
 *   file PATH / anomalies N / part INDEX PARENT DEPTH (PARENT "-" for the message itself), then
 *   of that part: type, charset, filename, disposition, encoding, header (field as it stands),
 *   text_of (its decoded value), body (as it stands), decoded, text.
 */
#include <stdio.h>

#include "base/fsio.h"
#include "mail/message.h"

#define MESSAGE_MAX (64 * 1024 * 1024)

static void put(const char *name, struct str value)
{
    printf("%s ", name);
    for (size_t i = 0; i < value.n; i++)
        printf("%02x", (unsigned char)value.s[i]);
    putchar('\n');
}

static void put_headers(struct pool *pool, const struct part *part)
{
    for (size_t i = 0; i < part->n_headers; i++) {
        const struct header *h = &part->headers[i];
        const char *end = h->value.s + h->value.n;
        put("header", str_n(h->name.s, (size_t)(end - h->name.s)));
        put("text_of", header_text(pool, h));
    }
}

static void put_part(struct pool *pool, const struct part *part)
{
    struct buf decoded = BUF_INIT(MESSAGE_MAX), text = BUF_INIT(3 * MESSAGE_MAX);
    if (part->parent)
        printf("part %u %u %u\n", part->index, part->parent->index, part->depth);
    else
        printf("part %u - %u\n", part->index, part->depth);
    printf("anomalies %u\nencoding %d\n", part->anomalies, (int)part->encoding);
    put("type", part->type);
    put("charset", part->charset);
    put("filename", part->filename);
    put("disposition", part->disposition);
    put_headers(pool, part);
    put("body", part->body);
    part_decode(part, &decoded);
    part_text(part, &text);
    put("decoded", buf_str(&decoded));
    put("text", buf_str(&text));
    buf_release(&decoded);
    buf_release(&text);
}

static int dump(const char *path, struct err *err)
{
    struct buf raw = BUF_INIT(MESSAGE_MAX);
    struct pool *pool = pool_new(4 * (size_t)MESSAGE_MAX);
    struct message *message = NULL;
    int result = pool ? fsio_read_file(path, &raw, err) : err_set(err, "out of memory");
    if (result == 0)
        result = message_parse(pool, buf_str(&raw), &mail_limits_default, &message, err);
    if (result == 0) {
        printf("file %s\n", path);
        for (size_t i = 0; i < message->n_parts; i++)
            put_part(pool, message->parts[i]);
    }
    pool_free(&pool);
    buf_release(&raw);
    return result;
}

int main(int argc, char **argv)
{
    struct err err;
    for (int i = 1; i < argc; i++) {
        if (dump(argv[i], &err) < 0) {
            fprintf(stderr, "mime_dump: %s\n", err.text);
            return 1;
        }
    }
    return 0;
}
