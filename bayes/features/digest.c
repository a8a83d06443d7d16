#include <endian.h>

#include "bayes/features/features.h"
#include "mail/contents.h"

static int add_fields(struct pool *pool, struct sha256 *h, const struct message *message,
                      struct err *err)
{
    static const char *const names[] = {"From", "To", "Date", "Message-ID"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct header *header = message_header(message, str_of(names[i]));
        contents_add_text(h, str_of(names[i]));
        if (header == NULL)
            continue;
        struct str text = header_text(pool, header);
        if (text.s == NULL)
            return err_set(err, "out of memory for the fields of a message");
        contents_add_words(h, text);
    }
    return 0;
}

int features_digest(struct pool *pool, const struct message *message, uint64_t *digest,
                    struct err *err)
{
    struct sha256 h;
    unsigned char sum[SHA256_SIZE];
    if (sha256_begin(&h, err) < 0)
        return -1;
    if (add_fields(pool, &h, message, err) < 0 || contents_add_parts(&h, message, err) < 0) {
        sha256_free(&h);
        return -1;
    }
    if (sha256_end(&h, sum, err) < 0)
        return -1;
    memcpy(digest, sum, sizeof *digest);
    *digest = be64toh(*digest);
    return 0;
}
