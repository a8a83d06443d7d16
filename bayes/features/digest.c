#include "bayes/features/features.h"

/* Bytes of the body that are looked at, from its beginning; line ends and blanks beside them, which
 * change on the way, do not count. */
#define DIGEST_BODY_MAX (1024 * 1024)

static uint64_t digest_add(uint64_t digest, struct str text)
{
    digest = (digest ^ tokens_hash(text)) * 0x9e3779b97f4a7c15u;
    return digest ^ (digest >> 32);
}

/* The words of the unfolded value: how it was folded does not count. */
static uint64_t digest_header(uint64_t digest, const struct header *header)
{
    struct str rest = header->value, line, word;
    while (str_next_line(&rest, &line))
        while (str_next(&line, ' ', &word))
            if (str_trim(word).n)
                digest = digest_add(digest, str_trim(word));
    return digest;
}

uint64_t features_digest(const struct message *message)
{
    static const char *const names[] = {"From", "To", "Date", "Message-ID"};
    uint64_t digest = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct header *header = message_header(message, str_of(names[i]));
        digest = digest_add(digest, str_of(names[i]));
        if (header)
            digest = digest_header(digest, header);
    }
    struct str body = str_trim(message->root->body), line;
    for (size_t left = DIGEST_BODY_MAX; left && str_next_line(&body, &line);) {
        line = str_sub(str_trim(line), 0, left);
        left -= line.n;
        digest = digest_add(digest, line);
    }
    return digest;
}
