/* text: writing for people what may come from mail, times, sizes, and how far a job is. */
#include <inttypes.h>
#include <pwd.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/conf_number.h"
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

void tool_put_who(struct buf *out)
{
    const char *name = getuid() == 0 ? getenv("SUDO_USER") : NULL;
    const struct passwd *user = getpwuid(getuid());
    if (name == NULL || *name == '\0')
        name = user ? user->pw_name : NULL;
    if (name)
        buf_addf(out, "by %.64s", name);
    else
        buf_addf(out, "by user %u", (unsigned)getuid());
}

void tool_time(int64_t time_us, char out[TOOL_TIME_SIZE])
{
    time_t seconds = (time_t)(time_us / 1000000);
    struct tm tm;
    if (localtime_r(&seconds, &tm) == NULL ||
        strftime(out, TOOL_TIME_SIZE, "%Y-%m-%d %H:%M:%S", &tm) == 0)
        snprintf(out, TOOL_TIME_SIZE, "@%" PRId64, time_us);
}

#define SECOND_US ((int64_t)1000000)
#define AGE_MAX   ((uint64_t)3650 * 86400)

int tool_when(const char *option, const char *word, int64_t now_us, int64_t *time_us,
              struct err *err)
{
    static const char *const forms[] = {"%Y-%m-%d", "%Y-%m-%dT%H:%M"};
    uint64_t age;
    struct err why;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        struct tm day = {.tm_isdst = -1};
        const char *end = strptime(word, forms[i], &day);
        if (end && *end == '\0') {
            *time_us = (int64_t)mktime(&day) * SECOND_US;
            return 0;
        }
    }
    if (conf_number(str_of(word), conf_time_units, "an age", 1, AGE_MAX, &age, &why) < 0)
        return err_set(err,
                       "%s needs an age such as 12h or 7d, or a day such as 2026-11-20, "
                       "not \"%s\"",
                       option, word);
    *time_us = now_us - (int64_t)age * SECOND_US;
    return 0;
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

#define BAR_WIDTH     30
#define BAR_REDRAW_MS 100
#define LINE_EVERY_MS 10000
#define PACE_AFTER    1.0 /* seconds */

void tool_duration(uint64_t seconds, char out[TOOL_DURATION_SIZE])
{
    uint64_t minutes = seconds / 60 % 60, hours = seconds / 3600;
    if (hours)
        snprintf(out, TOOL_DURATION_SIZE, "%" PRIu64 ":%02" PRIu64 ":%02" PRIu64, hours, minutes,
                 seconds % 60);
    else
        snprintf(out, TOOL_DURATION_SIZE, "%" PRIu64 ":%02" PRIu64, minutes, seconds % 60);
}

/* Without the first moments, that say nothing yet. */
static void put_pace(const struct tool_progress *bar)
{
    double seconds = (double)(bar->drawn_ms - bar->begun_ms) / 1000;
    uint64_t behind = bar->by_bytes ? bar->bytes : bar->done;
    char left[TOOL_DURATION_SIZE];
    if (seconds < PACE_AFTER || behind == 0)
        return;
    fprintf(stderr, ", %.0f/s", (double)bar->done / seconds);
    if (behind >= bar->total)
        return;
    tool_duration((uint64_t)(seconds * (double)(bar->total - behind) / (double)behind), left);
    fprintf(stderr, ", %s left", left);
}

static void put_numbers(const struct tool_progress *bar)
{
    char behind[TOOL_SIZE_SIZE], total[TOOL_SIZE_SIZE];
    if (bar->by_bytes) {
        tool_size(bar->bytes, behind);
        tool_size(bar->total, total);
        fprintf(stderr, "%" PRIu64 ", %s of %s", bar->done, behind, total);
    } else {
        fprintf(stderr, "%" PRIu64 "/%" PRIu64, bar->done, bar->total);
    }
    put_pace(bar);
}

static void draw(struct tool_progress *bar)
{
    bar->drawn_ms = clock_ms();
    uint64_t behind = bar->by_bytes ? bar->bytes : bar->done;
    double share = bar->total ? (double)behind / (double)bar->total : 0;
    fprintf(stderr, "\r%s [", bar->what);
    for (unsigned i = 0; i < BAR_WIDTH; i++)
        fputc(i < (unsigned)(share * BAR_WIDTH) ? '#' : '.', stderr);
    fputs("] ", stderr);
    put_numbers(bar);
    fputs("\33[K", stderr); /* what a longer text left behind goes */
}

void tool_progress_begin(struct tool_progress *bar, const char *what, uint64_t total)
{
    *bar = (struct tool_progress){.what = what, .total = total};
    bar->terminal = what && isatty(STDERR_FILENO) == 1;
    bar->begun_ms = bar->drawn_ms = clock_ms();
    if (bar->terminal)
        draw(bar);
}

static void put_line(struct tool_progress *bar)
{
    bar->drawn_ms = clock_ms();
    fprintf(stderr, "%s ", bar->what);
    put_numbers(bar);
    fputc('\n', stderr);
}

static void show(struct tool_progress *bar)
{
    if (bar->terminal && clock_ms() - bar->drawn_ms >= BAR_REDRAW_MS)
        draw(bar);
    else if (!bar->terminal && bar->lines && bar->what &&
             clock_ms() - bar->drawn_ms >= LINE_EVERY_MS)
        put_line(bar);
}

void tool_progress_to(struct tool_progress *bar, uint64_t done)
{
    bar->done = done;
    show(bar);
}

void tool_progress_step(struct tool_progress *bar)
{
    tool_progress_to(bar, bar->done + 1);
}

void tool_progress_move(struct tool_progress *bar, uint64_t bytes, uint64_t items)
{
    bar->by_bytes = true;
    bar->bytes = bytes;
    bar->done = items;
    show(bar);
}

void tool_progress_end(struct tool_progress *bar)
{
    if (!bar->terminal)
        return;
    draw(bar);
    fputc('\n', stderr);
}
