#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int err_set(struct err *err, const char *format, ...)
{
    va_list ap;
    if (err == NULL)
        return -1;
    va_start(ap, format);
    vsnprintf(err->text, sizeof err->text, format, ap);
    va_end(ap);
    return -1;
}

int err_sys(struct err *err, const char *format, ...)
{
    int saved = errno;
    char why[128];
    va_list ap;
    if (err == NULL)
        return -1;
    va_start(ap, format);
    vsnprintf(err->text, sizeof err->text, format, ap);
    va_end(ap);
    size_t n = strlen(err->text);
    snprintf(err->text + n, sizeof err->text - n, ": %s", strerror_r(saved, why, sizeof why));
    errno = saved;
    return -1;
}

int err_prefix(struct err *err, const char *format, ...)
{
    char old[ERR_TEXT_MAX];
    va_list ap;
    if (err == NULL)
        return -1;
    memcpy(old, err->text, sizeof old);
    va_start(ap, format);
    vsnprintf(err->text, sizeof err->text, format, ap);
    va_end(ap);
    size_t n = strlen(err->text);
    snprintf(err->text + n, sizeof err->text - n, ": %s", old);
    return -1;
}
