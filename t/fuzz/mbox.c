/*
 * mbox: mailboxes read whole and in pieces. The first byte says how large the pieces are; the
 * separators that are found in them must be those of the whole, and messages no longer than what
 * stands between separators.
 */
#include <stdlib.h>

#include "tools/files.h"

#define MAIL_MAX (1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static size_t find_whole(struct str whole, size_t from)
{
    size_t ignored, at = mbox_find(whole, from, true, true, &ignored);
    must(at == STR_NONE || (at >= from && at < whole.n));
    return at;
}

/* As tools/pieces.c does it: what was looked at is dropped, a piece is read behind it. */
static size_t find_in_pieces(struct str whole, size_t from, size_t piece)
{
    size_t begin = from > MBOX_BEFORE ? from - MBOX_BEFORE : 0, end = from, resume = 0;
    while (end < whole.n) {
        end = end + piece < whole.n ? end + piece : whole.n;
        struct str text = str_sub(whole, begin, end);
        size_t scanned = from - begin;
        size_t found = mbox_find(text, scanned, begin == 0, end == whole.n, &resume);
        if (found != STR_NONE)
            return begin + found;
        must(resume >= scanned && resume <= text.n);
        from = begin + resume;
        begin = from > MBOX_BEFORE ? from - MBOX_BEFORE : 0;
    }
    return STR_NONE;
}

static void check_pieces(struct str whole, size_t piece)
{
    for (size_t from = 0, at; from < whole.n; from = at + 1) {
        at = find_whole(whole, from);
        must(find_in_pieces(whole, from, piece) == at);
        if (at == STR_NONE)
            return;
    }
}

static void check_messages(struct str whole)
{
    struct buf message = BUF_INIT(MAIL_MAX);
    size_t left = whole.n;
    for (struct str rest = whole; mbox_next(&rest, &message); left = rest.n) {
        must(!message.failed && rest.n < left);
        must(message.n <= left - rest.n);
    }
    must(left == 0);
    must(!mbox_is(whole) || find_whole(whole, 0) == 0);
    must(mbox_line_dropped(whole).n <= whole.n);
    buf_release(&message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct str whole = str_n((const char *)data + 1, size - 1);
    check_pieces(whole, (size_t)data[0] * 8 + 1);
    check_messages(whole);
    return 0;
}
