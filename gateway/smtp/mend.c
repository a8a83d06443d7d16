#include "gateway/smtp/mend.h"

static bool breaks_run(char c)
{
    return c == '\r' || c == '\n' || c == '\0';
}

/* Bytes without a break; the CR in front of them stood alone. */
static void put_run(struct smtp_mender *m, struct str run, smtp_body_sink *sink, void *data)
{
    if (m->after_cr)
        sink(data, STR("\n"));
    sink(data, run);
    m->after_cr = false;
    m->in_line = true;
}

static void put_break(struct smtp_mender *m, char c, smtp_body_sink *sink, void *data)
{
    if (c == '\0')
        return;
    if (c == '\r') {
        sink(data, m->after_cr ? STR("\n\r") : STR("\r"));
        m->after_cr = m->in_line = true;
        return;
    }
    sink(data, m->after_cr ? STR("\n") : STR("\r\n"));
    m->after_cr = m->in_line = false;
}

/* Where the first byte stands that must not be handed on as it is; in.n: nowhere. */
static size_t sound_bytes(const struct smtp_mender *m, struct str in)
{
    bool after_cr = m->after_cr;
    for (size_t i = 0; i < in.n; i++) {
        if (in.s[i] == '\0' || after_cr != (in.s[i] == '\n'))
            return i;
        after_cr = in.s[i] == '\r';
    }
    return in.n;
}

void smtp_mend(struct smtp_mender *m, struct str in, bool sound, smtp_body_sink *sink, void *data)
{
    size_t i = sound ? in.n : sound_bytes(m, in);
    if (i > 0) {
        sink(data, str_sub(in, 0, i));
        m->after_cr = in.s[i - 1] == '\r';
        m->in_line = in.s[i - 1] != '\n';
    }
    while (i < in.n) {
        size_t from = i;
        while (i < in.n && !breaks_run(in.s[i]))
            i++;
        if (i > from)
            put_run(m, str_sub(in, from, i), sink, data);
        if (i < in.n)
            put_break(m, in.s[i++], sink, data);
    }
}

void smtp_mend_finish(struct smtp_mender *m, smtp_body_sink *sink, void *data)
{
    if (m->in_line)
        sink(data, m->after_cr ? STR("\n") : STR("\r\n"));
    m->after_cr = m->in_line = false;
}
