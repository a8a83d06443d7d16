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

/* Offset of the next separator line at or behind `from` that stands behind an empty line (or at the
 * very beginning); whole.n if there is none. */
static size_t find_separator(struct str whole, size_t from)
{
    struct str rest = str_from(whole, from);
    struct str line;
    bool empty_before = from == 0;
    while (rest.n) {
        size_t at = whole.n - rest.n;
        str_next_line(&rest, &line);
        if (empty_before && is_from_line(line))
            return at;
        empty_before = line.n == 0;
    }
    return whole.n;
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

bool mbox_next(struct str *rest, struct buf *out)
{
    if (rest->n == 0)
        return false;
    size_t end = find_separator(*rest, 1);
    struct str message = last_line_dropped(mbox_line_dropped(str_sub(*rest, 0, end)));
    *rest = str_from(*rest, end);
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
    return true;
}
