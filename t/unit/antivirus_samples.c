#include "t/unit/antivirus_samples.h"

#include <stdlib.h>

/* APPNOTE.TXT 4.3.7, 4.3.12, 4.3.16 */
#define LOCAL_MAGIC     0x04034b50U
#define DIRECTORY_MAGIC 0x02014b50U
#define END_MAGIC       0x06054b50U
#define METHOD_STORED   0
#define METHOD_DEFLATED 8
#define FLAG_ENCRYPTED  1
#define NAME_SIZE_MAX   64

static void put(struct buf *out, unsigned bytes, uint32_t value)
{
    for (unsigned i = 0; i < bytes; i++)
        buf_addc(out, (char)(value >> (8 * i)));
}

void sample_zip_begin(struct sample_zip *zip, struct buf *out)
{
    *zip = (struct sample_zip){.out = out, .directory = BUF_INIT(1 << 24)};
}

struct entry {
    const char *name;
    unsigned flags, method;
    struct str packed;
    uint32_t size;
};

static void put_common(struct buf *out, const struct entry *entry)
{
    put(out, 2, 20); /* version needed */
    put(out, 2, entry->flags);
    put(out, 2, entry->method);
    put(out, 4, 0); /* time, date */
    put(out, 4, 0); /* CRC: nobody looks */
    put(out, 4, (uint32_t)entry->packed.n);
    put(out, 4, entry->size);
    put(out, 2, (uint32_t)strlen(entry->name));
    put(out, 2, 0); /* extra */
}

static void put_entry(struct sample_zip *zip, const struct entry *entry)
{
    size_t at = zip->out->n;
    put(zip->out, 4, LOCAL_MAGIC);
    put_common(zip->out, entry);
    buf_add(zip->out, str_of(entry->name));
    buf_add(zip->out, entry->packed);
    put(&zip->directory, 4, DIRECTORY_MAGIC);
    put(&zip->directory, 2, 20);
    put_common(&zip->directory, entry);
    put(&zip->directory, 2, 0); /* comment */
    put(&zip->directory, 4, 0); /* disk, internal attributes */
    put(&zip->directory, 4, 0); /* external attributes */
    put(&zip->directory, 4, (uint32_t)at);
    buf_add(&zip->directory, str_of(entry->name));
    zip->files++;
}

void sample_zip_stored(struct sample_zip *zip, const char *name, struct str bytes)
{
    put_entry(zip, &(struct entry){.name = name,
                                   .method = METHOD_STORED,
                                   .packed = bytes,
                                   .size = (uint32_t)bytes.n});
}

void sample_zip_locked(struct sample_zip *zip, const char *name, struct str bytes)
{
    put_entry(zip, &(struct entry){.name = name,
                                   .flags = FLAG_ENCRYPTED,
                                   .method = METHOD_DEFLATED,
                                   .packed = bytes,
                                   .size = (uint32_t)bytes.n});
}

struct bits {
    struct buf *out;
    uint32_t held;
    unsigned n;
};

static void put_bits(struct bits *bits, uint32_t value, unsigned n)
{
    bits->held |= value << bits->n;
    for (bits->n += n; bits->n >= 8; bits->n -= 8, bits->held >>= 8)
        buf_addc(bits->out, (char)bits->held);
}

/* RFC 1951 3.2.6, fixed codes: one literal 0, then "the last byte 258 times" again and again */
static void deflate_zeros(struct buf *out, size_t size)
{
    struct bits bits = {.out = out};
    put_bits(&bits, 3, 3);    /* last block, fixed codes */
    put_bits(&bits, 0x0c, 8); /* literal 0: 00110000, most significant bit first */
    for (size_t n = 1; n < size; n += 258) {
        put_bits(&bits, 0xa3, 8); /* length 258: 11000101 */
        put_bits(&bits, 0, 5);    /* distance 1 */
    }
    put_bits(&bits, 0, 7); /* end of block */
    put_bits(&bits, 0, 7);
}

void sample_zip_bomb(struct sample_zip *zip, const char *name, size_t size, uint32_t claimed)
{
    struct buf packed = BUF_INIT(size / 128 + 64);
    deflate_zeros(&packed, size);
    put_entry(zip, &(struct entry){.name = name,
                                   .method = METHOD_DEFLATED,
                                   .packed = buf_str(&packed),
                                   .size = claimed});
    buf_release(&packed);
}

void sample_zip_end(struct sample_zip *zip)
{
    size_t at = zip->out->n;
    buf_add(zip->out, buf_str(&zip->directory));
    put(zip->out, 4, END_MAGIC);
    put(zip->out, 4, 0);
    put(zip->out, 2, zip->files);
    put(zip->out, 2, zip->files);
    put(zip->out, 4, (uint32_t)zip->directory.n);
    put(zip->out, 4, (uint32_t)at);
    put(zip->out, 2, 0);
    if (!buf_ok(zip->out) || !buf_ok(&zip->directory))
        abort();
    buf_release(&zip->directory);
}

void sample_zip_of(struct buf *out, const char *name, struct str bytes)
{
    struct sample_zip zip;
    sample_zip_begin(&zip, out);
    sample_zip_stored(&zip, name, bytes);
    sample_zip_end(&zip);
}

void sample_base64(struct buf *out, struct str bytes)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < bytes.n; i += 3) {
        uint32_t v = 0;
        for (size_t k = 0; k < 3; k++)
            v = v << 8 | (i + k < bytes.n ? (unsigned char)bytes.s[i + k] : 0);
        size_t left = bytes.n - i;
        for (unsigned k = 0; k < 4; k++)
            buf_addc(out, k <= left ? alphabet[v >> (18 - 6 * k) & 63] : '=');
        if (i % 57 == 54)
            buf_add(out, STR("\r\n"));
    }
    buf_add(out, STR("\r\n"));
}

void sample_mail(struct buf *out, const char *type, struct str attachment)
{
    buf_addf(out,
             "From: a@example.org\r\nTo: b@example.org\r\nSubject: sample\r\n"
             "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
             "--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n"
             "--b\r\nContent-Type: %s\r\nContent-Transfer-Encoding: base64\r\n\r\n",
             type);
    sample_base64(out, attachment);
    buf_add(out, STR("--b--\r\n"));
    if (!buf_ok(out))
        abort();
}
