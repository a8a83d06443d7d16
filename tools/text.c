/* text: writing for people what may come from mail, times, sizes, and how far a job is. */
#include <inttypes.h>
#include <time.h>
#include <unistd.h>

#include "tools/tool.h"

/* Length of the well-formed, printable UTF-8 character at the head of x (RFC 3629); 0: none. */
static size_t printable(struct str x)
{
    const unsigned char *p = (const unsigned char *)x.s;
    static const struct {
        unsigned char mask, lead;
        uint32_t least;
    } forms[] = {{0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
    for (size_t n = 0; n < 4; n++) {
        if ((p[0] & forms[n].mask) != forms[n].lead)
            continue;
        if (x.n <= n)
            return 0;
        uint32_t code = p[0] & (unsigned char)~forms[n].mask;
        for (size_t i = 1; i <= n; i++) {
            if ((p[i] & 0xc0) != 0x80)
                return 0;
            code = code << 6 | (p[i] & 0x3f);
        }
        bool surrogate = code >= 0xd800 && code <= 0xdfff;
        /* What turns the direction of the text can make a name read as another. */
        bool turns = (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
        if (code < forms[n].least || code > 0x10ffff || surrogate || turns)
            return 0;
        if (code < 0x20 || (code >= 0x7f && code < 0xa0))
            return 0;
        return n + 1;
    }
    return 0;
}

void tool_put_text(FILE *out, struct str text)
{
    while (text.n) {
        size_t n = printable(text);
        if (n)
            fwrite(text.s, 1, n, out);
        else
            fprintf(out, "\\x%02x", (unsigned char)text.s[0]);
        text = str_from(text, n ? n : 1);
    }
}

void tool_time(int64_t time_us, char out[TOOL_TIME_SIZE])
{
    time_t seconds = (time_t)(time_us / 1000000);
    struct tm tm;
    if (localtime_r(&seconds, &tm) == NULL ||
        strftime(out, TOOL_TIME_SIZE, "%Y-%m-%d %H:%M:%S", &tm) == 0)
        snprintf(out, TOOL_TIME_SIZE, "@%" PRId64, time_us);
}

void tool_size(uint64_t bytes, char out[TOOL_SIZE_SIZE])
{
    static const char *const units[] = {"kB", "MB", "GB", "TB"};
    double size = (double)bytes;
    size_t unit = 0;
    if (bytes < 1000) {
        snprintf(out, TOOL_SIZE_SIZE, "%" PRIu64 " B", bytes);
        return;
    }
    for (size /= 1000; size >= 1000 && unit < 3; unit++)
        size /= 1000;
    snprintf(out, TOOL_SIZE_SIZE, "%.1f %s", size, units[unit]);
}

#define BAR_WIDTH     40
#define BAR_REDRAW_MS 100

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void draw(struct tool_progress *bar)
{
    bar->drawn_ms = now_ms();
    if (bar->total == 0) {
        fprintf(stderr, "\r%s %" PRIu64 " ", bar->what, bar->done);
        return;
    }
    uint64_t filled = bar->done * BAR_WIDTH / bar->total;
    fprintf(stderr, "\r%s [", bar->what);
    for (uint64_t i = 0; i < BAR_WIDTH; i++)
        fputc(i < filled ? '#' : '.', stderr);
    fprintf(stderr, "] %" PRIu64 "/%" PRIu64 " ", bar->done, bar->total);
}

void tool_progress_begin(struct tool_progress *bar, const char *what, uint64_t total)
{
    *bar = (struct tool_progress){.what = what, .total = total};
    bar->terminal = isatty(STDERR_FILENO) == 1;
    if (bar->terminal)
        draw(bar);
}

void tool_progress_step(struct tool_progress *bar)
{
    bar->done++;
    if (bar->terminal && now_ms() - bar->drawn_ms >= BAR_REDRAW_MS)
        draw(bar);
}

void tool_progress_end(struct tool_progress *bar)
{
    if (!bar->terminal)
        return;
    draw(bar);
    fputc('\n', stderr);
}
