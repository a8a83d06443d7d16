/* mbox: many messages in one file (tools/files.h). */
#include "base/ascii.h"
#include "tools/files.h"

/* "From sender Www Mmm dd hh:mm:ss yyyy", with perhaps more behind; strict, for mail may talk of
 * mail. */
static bool is_from_line(struct str line)
{
    static const char shape[] = "Aaa Aaa #0 00:00:00";
    if (!str_starts(line, STR("From ")))
        return false;
    size_t space = str_chr(str_from(line, 5), ' ');
    if (space == STR_NONE)
        return false;
    struct str date = str_trim(str_from(line, 5 + space));
    if (date.n < sizeof shape - 1 + 5)
        return false;
    for (size_t i = 0; shape[i]; i++) {
        char c = date.s[i];
        bool digit = ascii_is_digit(c);
        bool right = shape[i] == 'A' || shape[i] == 'a' ? ascii_is_letter(c)
                     : shape[i] == '0'                  ? digit
                     : shape[i] == '#'                  ? digit || c == ' '
                                                        : c == shape[i];
        if (!right)
            return false;
    }
    return true;
}

/* Does a line begin there, behind an empty one or at the file's beginning? */
static bool stands_alone(struct str text, size_t at, bool whole_begin)
{
    if (at == 0)
        return whole_begin;
    if (text.s[at - 1] != '\n')
        return false;
    struct str before = str_sub(text, 0, at - 1);
    if (str_ends(before, STR("\r")))
        before.n--;
    return before.n ? before.s[before.n - 1] == '\n' : whole_begin;
}

size_t mbox_find(struct str text, size_t from, bool whole_begin, bool whole_end, size_t *resume)
{
    const struct str mark = STR("From ");
    for (size_t at = from; at < text.n; at++) {
        size_t next = str_find(str_from(text, at), mark);
        if (next == STR_NONE)
            break;
        at += next;
        if (!stands_alone(text, at, whole_begin))
            continue;
        struct str line = str_from(text, at);
        size_t end = str_chr(line, '\n');
        if (end == STR_NONE && !whole_end && line.n < MBOX_LINE_MAX) {
            *resume = at;
            return STR_NONE;
        }
        /* no more of it than every reader has seen, wherever his piece ends */
        if (is_from_line(str_sub(line, 0, end < MBOX_LINE_MAX ? end : MBOX_LINE_MAX)))
            return at;
    }
    /* the mark's beginning may be there already */
    *resume = text.n > from + mark.n ? text.n - mark.n : from;
    return STR_NONE;
}

/* Of the next separator at or behind `from`; whole.n if there is none. */
static size_t find_separator(struct str whole, size_t from)
{
    size_t ignored, at = mbox_find(whole, from, true, true, &ignored);
    return at == STR_NONE ? whole.n : at;
}

bool mbox_is(struct str whole)
{
    return whole.n && find_separator(whole, 0) == 0 && find_separator(whole, 1) < whole.n;
}

struct str mbox_line_dropped(struct str message)
{
    struct str rest = message;
    struct str line;
    if (!str_starts(message, STR("From ")) || !str_next_line(&rest, &line))
        return message;
    return is_from_line(line) ? rest : message;
}

/* The empty line before the next separator is the mailbox's, not the message's. */
static struct str last_line_dropped(struct str message)
{
    if (str_ends(message, STR("\n\n")))
        return str_sub(message, 0, message.n - 1);
    if (str_ends(message, STR("\n\r\n")))
        return str_sub(message, 0, message.n - 2);
    return message;
}

void mbox_message(struct str entry, struct buf *out)
{
    struct str message = last_line_dropped(mbox_line_dropped(entry));
    buf_clear(out);
    while (message.n) {
        struct str line;
        const char *start = message.s;
        str_next_line(&message, &line);
        size_t quotes = 0;
        while (quotes < line.n && line.s[quotes] == '>')
            quotes++;
        bool quoted = quotes && str_starts(str_from(line, quotes), STR("From "));
        struct str with_end = str_n(start, (size_t)(message.s - start));
        buf_add(out, quoted ? str_from(with_end, 1) : with_end);
    }
}

bool mbox_next(struct str *rest, struct buf *out)
{
    if (rest->n == 0)
        return false;
    size_t end = find_separator(*rest, 1);
    mbox_message(str_sub(*rest, 0, end), out);
    *rest = str_from(*rest, end);
    return true;
}
