/* text: writing for people what may come from mail, times, sizes, and how far a job is. */
#include <inttypes.h>
#include <time.h>
#include <unistd.h>

#include "mail/utf8.h"
#include "tools/tool.h"

/* What would drive a terminal, or turn the direction of a text so that a name reads as another. */
static bool is_dangerous(uint32_t c)
{
    bool control = c < 0x20 || (c >= 0x7f && c < 0xa0);
    bool turns = (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
    return c == UTF8_BAD || control || turns;
}

void tool_put_text(FILE *out, struct str text)
{
    for (size_t at = 0; at < text.n;) {
        size_t start = at;
        if (!is_dangerous(utf8_next(text, &at)))
            fwrite(text.s + start, 1, at - start, out);
        else
            for (; start < at; start++)
                fprintf(out, "\\x%02x", (unsigned char)text.s[start]);
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
#define LINE_EVERY_MS 10000

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void draw(struct tool_progress *bar)
{
    bar->drawn_ms = now_ms();
    uint64_t filled = bar->total ? bar->done * BAR_WIDTH / bar->total : 0;
    fprintf(stderr, "\r%s [", bar->what);
    for (uint64_t i = 0; i < BAR_WIDTH; i++)
        fputc(i < filled ? '#' : '.', stderr);
    fprintf(stderr, "] %" PRIu64 "/%" PRIu64 " ", bar->done, bar->total);
}

void tool_progress_begin(struct tool_progress *bar, const char *what, uint64_t total)
{
    *bar = (struct tool_progress){.what = what, .total = total};
    bar->terminal = what && isatty(STDERR_FILENO) == 1;
    bar->drawn_ms = now_ms();
    if (bar->terminal)
        draw(bar);
}

static void put_line(struct tool_progress *bar)
{
    bar->drawn_ms = now_ms();
    fprintf(stderr, "%s %" PRIu64 "/%" PRIu64 "\n", bar->what, bar->done, bar->total);
}

void tool_progress_step(struct tool_progress *bar)
{
    bar->done++;
    if (bar->terminal && now_ms() - bar->drawn_ms >= BAR_REDRAW_MS)
        draw(bar);
    else if (!bar->terminal && bar->lines && bar->what && now_ms() - bar->drawn_ms >= LINE_EVERY_MS)
        put_line(bar);
}

void tool_progress_end(struct tool_progress *bar)
{
    if (!bar->terminal)
        return;
    draw(bar);
    fputc('\n', stderr);
}
