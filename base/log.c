#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"

static struct {
    char name[32];
    enum log_level least;
} log_self = {"poterne", LOG_INFO_LEVEL};

void log_open(const char *name, enum log_level least)
{
    snprintf(log_self.name, sizeof log_self.name, "%s", name);
    log_self.least = least;
}

static size_t put_head(char *line, size_t size, enum log_level level)
{
    static const char *const names[] = {"debug", "info", "warning", "error"};
    struct timespec now;
    struct tm tm;
    char day[32];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &tm);
    return (size_t)snprintf(line, size, "%s.%03ldZ %s[%d] %s: ", day, now.tv_nsec / 1000000,
                            log_self.name, (int)getpid(), names[level]);
}

/* Bytes of `text` onto the line, control bytes escaped; keeps room for the final LF. */
static size_t put_text(char *line, size_t n, size_t size, const char *text)
{
    for (; *text && n + 6 < size; text++) {
        unsigned char c = (unsigned char)*text;
        if (c < 32 || c == 127)
            n += (size_t)snprintf(line + n, size - n, "\\x%02x", c);
        else
            line[n++] = (char)c;
    }
    return n;
}

void log_write(enum log_level level, const char *format, ...)
{
    char text[LOG_LINE_MAX];
    char line[LOG_LINE_MAX + 128];
    int saved = errno;
    va_list ap;
    if (level < log_self.least)
        return;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    size_t n = put_head(line, sizeof line, level);
    n = put_text(line, n, sizeof line, text);
    line[n++] = '\n';
    /* A log that can't be written has nowhere to be told. */
    ssize_t ignored = write(STDERR_FILENO, line, n);
    (void)ignored;
    errno = saved;
}
