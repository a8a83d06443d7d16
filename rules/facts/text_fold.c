#include "rules/facts/text_fold.h"

#include "rules/facts/text_class.h"

enum class { OTHER, BLANK, LINE_END, ZERO, LEAD };

static const unsigned char classes[256] = {
    [0] = ZERO,     ['\t'] = BLANK, ['\n'] = LINE_END, ['\v'] = BLANK,
    ['\f'] = BLANK, ['\r'] = BLANK, [' '] = BLANK,     [0xc2] = LEAD,
    [0xc3] = LEAD,  [0xe1] = LEAD,  [0xe2] = LEAD,     [0xe3] = LEAD,
};

static void note_blank(struct text_fold *fold)
{
    fold->space = true;
    if (fold->line_ends)
        fold->after = true;
    else
        fold->before = true;
}

static void note_line_end(struct text_fold *fold)
{
    fold->space = true;
    fold->after = false;
    fold->line_ends++;
}

static void flush(struct text_fold *fold)
{
    if (!fold->space)
        return;
    if (fold->line_ends < 2) {
        fold->out[fold->n++] = ' ';
    } else {
        if (fold->before)
            fold->out[fold->n++] = ' ';
        fold->out[fold->n++] = '\n';
        if (fold->after)
            fold->out[fold->n++] = ' ';
    }
    fold->space = fold->before = fold->after = false;
    fold->line_ends = 0;
}

static size_t add_lead(struct text_fold *fold, struct str text, size_t at)
{
    unsigned char c = (unsigned char)text.s[at];
    size_t blank = fold->wide ? text_wide_blank(text, at) : 0;
    if (blank) {
        note_blank(fold);
        return at + blank;
    }
    flush(fold);
    if (!fold->wide && c < 0xc4 && at + 1 < text.n) {
        fold->out[fold->n++] = (char)((c & 3) << 6 | (text.s[at + 1] & 0x3f));
        return at + 2;
    }
    fold->out[fold->n++] = text.s[at];
    return at + 1;
}

void text_fold_add(struct text_fold *fold, struct str text)
{
    size_t at = 0;
    while (at < text.n) {
        size_t end = at;
        while (end < text.n && classes[(unsigned char)text.s[end]] == OTHER)
            end++;
        if (end > at) {
            flush(fold);
            memcpy(fold->out + fold->n, text.s + at, end - at);
            fold->n += end - at;
            at = end;
            continue;
        }
        switch (classes[(unsigned char)text.s[at]]) {
        case BLANK:
            note_blank(fold);
            at++;
            break;
        case LINE_END:
            note_line_end(fold);
            at++;
            break;
        case ZERO:
            flush(fold);
            fold->out[fold->n++] = '\n';
            at++;
            break;
        default:
            at = add_lead(fold, text, at);
        }
    }
}

void text_fold_end(struct text_fold *fold)
{
    flush(fold);
}

size_t text_skip(struct str x, size_t n)
{
    size_t at = 0;
    while (at < x.n && n > 0) {
        at++;
        while (at < x.n && ((unsigned char)x.s[at] & 0xc0) == 0x80)
            at++;
        n--;
    }
    return at;
}
