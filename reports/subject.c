#include "reports/subject.h"

#include "mail/message.h"
#include "mail/word.h"

#define TAGS_MAX      10   /* taken out of one Subject */
#define REWRITTEN_MAX 4096 /* bytes of a Subject that is encoded anew */

struct str subject_untagged(struct str text, struct str tag)
{
    text = str_trim(text);
    while (tag.n && str_istarts(text, tag))
        text = str_trim(str_from(text, tag.n));
    return text;
}

/* Length of the encoded word in front, or 0. */
static size_t first_word(struct str text)
{
    if (!str_starts(text, STR("=?")))
        return 0;
    size_t at = 2;
    for (unsigned marks = 0; marks < 2; marks++) {
        size_t mark = str_chr(str_from(text, at), '?');
        if (mark == STR_NONE)
            return 0;
        at += mark + 1;
    }
    size_t end = str_find(str_from(text, at), STR("?="));
    return end == STR_NONE ? 0 : at + end + 2;
}

/* How many bytes in front are the tag, as text or as an encoded word of its own? */
static size_t tag_in_front(struct str text, struct str tag)
{
    if (str_istarts(text, tag))
        return tag.n;
    size_t n = first_word(text);
    struct buf word = BUF_INIT(4 * n + 1);
    if (n)
        words_decode(str_sub(text, 0, n), &word);
    bool is_tag = buf_ok(&word) && str_ieq(str_trim(buf_str(&word)), tag);
    buf_release(&word);
    return is_tag ? n : 0;
}

/* The tag stands in an encoded word together with more. */
static struct str rewritten(struct pool *pool, struct str text)
{
    struct buf out = BUF_INIT(REWRITTEN_MAX * 8);
    words_encode(str_sub(text, 0, REWRITTEN_MAX), &out);
    struct str value = out.failed ? STR_EMPTY : pool_strf(pool, " %.*s", STR_ARG(buf_str(&out)));
    buf_release(&out);
    return value;
}

struct str subject_restored(struct pool *pool, struct str value, struct str tag, bool *tagged)
{
    struct str rest = str_trim(value);
    *tagged = false;
    for (unsigned i = 0; tag.n && i < TAGS_MAX; i++) {
        size_t n = tag_in_front(rest, tag);
        if (n == 0)
            break;
        rest = str_trim(str_from(rest, n));
        *tagged = true;
    }
    const struct header header = {.value = rest};
    struct str text = header_text(pool, &header);
    if (text.s == NULL)
        return text;
    if (tag.n && str_istarts(text, tag)) {
        *tagged = true;
        return rewritten(pool, subject_untagged(text, tag));
    }
    return *tagged ? pool_strf(pool, " %.*s", STR_ARG(rest)) : pool_str(pool, value);
}
