#include "gateway/antivirus/readings.h"

#include "base/ascii.h"
#include "mail/transfer.h"

static bool is_space_but_lf(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

/* From its front: there most often stands something, and blanks at the end may be many. */
static bool is_last_line(struct str rest)
{
    for (size_t i = 0; i < rest.n; i++)
        if (!ascii_is_space(rest.s[i]))
            return false;
    return true;
}

/* --- base64, line by line: what does not fill a group of four is dropped --- */

static bool has_ragged_lines(struct str coded)
{
    struct str line;
    while (str_next_line(&coded, &line)) {
        size_t n = 0;
        for (size_t i = 0; i < line.n; i++)
            n += transfer_is_base64(line.s[i]) || line.s[i] == '=';
        if (n % 4 != 0 && !is_last_line(coded))
            return true;
    }
    return false;
}

static void decode_ragged_lines(struct str coded, struct buf *scratch, struct buf *out)
{
    struct str line;
    while (str_next_line(&coded, &line)) {
        line = str_trim(line);
        buf_add(scratch, str_sub(line, 0, line.n - line.n % 4));
    }
    transfer_base64(buf_str(scratch), out);
}

/* --- base64 with padding where none belongs: taken for noise --- */

static bool has_stray_padding(struct str coded)
{
    size_t pad = str_chr(coded, '=');
    for (size_t i = pad == STR_NONE ? coded.n : pad; i < coded.n; i++)
        if (transfer_is_base64(coded.s[i]))
            return true;
    return false;
}

static void decode_without_padding(struct str coded, struct buf *scratch, struct buf *out)
{
    for (size_t i = 0; i < coded.n; i++)
        if (coded.s[i] != '=')
            buf_addc(scratch, coded.s[i]);
    transfer_base64(buf_str(scratch), out);
}

/* --- base64 among lines that are something else (a "begin-base64" frame) --- */

static bool is_foreign_line(struct str line)
{
    for (size_t i = 0; i < line.n; i++)
        if (!transfer_is_base64(line.s[i]) && line.s[i] != '=' && !is_space_but_lf(line.s[i]))
            return true;
    return str_istarts(line, STR("begin-base64"));
}

static bool has_foreign_lines(struct str coded)
{
    struct str line;
    while (str_next_line(&coded, &line))
        if (is_foreign_line(line))
            return true;
    return false;
}

static void decode_own_lines(struct str coded, struct buf *scratch, struct buf *out)
{
    struct str line;
    while (str_next_line(&coded, &line))
        if (!is_foreign_line(line))
            buf_add(scratch, line);
    transfer_base64(buf_str(scratch), out);
}

/* --- base64 with "-" and "_" for "+" and "/" (RFC 4648 5) --- */

static bool has_other_alphabet(struct str coded)
{
    struct str line;
    while (str_next_line(&coded, &line)) {
        line = str_trim(line);
        bool odd = false, foreign = false;
        for (size_t i = 0; i < line.n; i++) {
            odd |= line.s[i] == '-' || line.s[i] == '_';
            foreign |= !transfer_is_base64(line.s[i]) && !strchr("-_=", line.s[i]);
        }
        if (odd && !foreign && !str_starts(line, STR("--")))
            return true;
    }
    return false;
}

static void decode_other_alphabet(struct str coded, struct buf *scratch, struct buf *out)
{
    for (size_t i = 0; i < coded.n; i++) {
        char c = coded.s[i];
        buf_addc(scratch, (char)(c == '-' ? '+' : c == '_' ? '/' : c));
    }
    transfer_base64(buf_str(scratch), out);
}

/* --- base64, each line for itself: what does not fill a group ends there --- */

static bool has_odd_lines(struct str coded)
{
    struct str line;
    while (str_next_line(&coded, &line)) {
        line = str_trim(line);
        if (line.n % 4 > 1 && !is_last_line(coded) && str_chr(line, '=') == STR_NONE)
            return true;
    }
    return false;
}

static void decode_line_by_line(struct str coded, struct buf *scratch, struct buf *out)
{
    struct str line;
    while (str_next_line(&coded, &line)) {
        buf_add(scratch, line);
        buf_addc(scratch, '=');
    }
    transfer_base64(buf_str(scratch), out);
}

/* --- quoted-printable: "=" before what is no hexadecimal number is dropped with it --- */

static bool is_bad_escape(struct str coded, size_t i)
{
    return coded.s[i] == '=' && hex_byte(coded, i + 1) < 0 && i + 2 < coded.n &&
           !strchr(" \t\r\n", coded.s[i + 1]) && !strchr("\r\n", coded.s[i + 2]);
}

static bool has_bad_escapes(struct str coded)
{
    for (size_t i = 0; i < coded.n; i++)
        if (is_bad_escape(coded, i))
            return true;
    return false;
}

static void decode_without_bad_escapes(struct str coded, struct buf *scratch, struct buf *out)
{
    for (size_t i = 0; i < coded.n; i++) {
        if (is_bad_escape(coded, i))
            i += 2;
        else
            buf_addc(scratch, coded.s[i]);
    }
    transfer_qp(buf_str(scratch), out);
}

/* --- uuencode without its "begin" line --- */

static bool lacks_begin(struct str coded)
{
    return !str_starts(coded, STR("begin ")) && str_find(coded, STR("\nbegin ")) == STR_NONE;
}

static void decode_bare_uu(struct str coded, struct buf *scratch, struct buf *out)
{
    buf_add(scratch, STR("begin 644 x\n"));
    buf_add(scratch, coded);
    transfer_uu(buf_str(scratch), out);
}

/* --- quoted-printable: blanks at the end of a line are kept; in a text nobody cares --- */

static bool has_final_blanks(struct str coded)
{
    struct str line;
    if (str_find(coded, STR("=00")) == STR_NONE)
        return false;
    while (str_next_line(&coded, &line))
        if (line.n > 1 && (line.s[line.n - 1] == ' ' || line.s[line.n - 1] == '\t') &&
            str_trim(line).n > 0 && !str_ends(str_trim(line), STR("=")))
            return true;
    return false;
}

/* A coded blank stays. */
static void decode_final_blanks(struct str coded, struct buf *scratch, struct buf *out)
{
    struct str line;
    while (str_next_line(&coded, &line)) {
        bool blank = line.n > 0 && (line.s[line.n - 1] == ' ' || line.s[line.n - 1] == '\t');
        buf_add(scratch, str_sub(line, 0, line.n - blank));
        if (blank)
            buf_add(scratch, line.s[line.n - 1] == ' ' ? STR("=20") : STR("=09"));
        buf_addc(scratch, '\n');
    }
    transfer_qp(buf_str(scratch), out);
}

const struct av_reading av_readings[] = {
    {ENC_BASE64, has_ragged_lines, decode_ragged_lines},
    {ENC_BASE64, has_stray_padding, decode_without_padding},
    {ENC_BASE64, has_foreign_lines, decode_own_lines},
    {ENC_BASE64, has_other_alphabet, decode_other_alphabet},
    {ENC_BASE64, has_odd_lines, decode_line_by_line},
    {ENC_QP, has_bad_escapes, decode_without_bad_escapes},
    {ENC_QP, has_final_blanks, decode_final_blanks},
    {ENC_UUENCODE, lacks_begin, decode_bare_uu},
};
const size_t n_av_readings = sizeof av_readings / sizeof av_readings[0];
