/*
 * log: one line an event to standard error, which the service manager or poterned collects:
 *   2026-11-21T22:04:31.123 content[4711] warning: text
 * Control bytes in the text are written as \xNN, so that mail can't forge lines. The level and
 * the name are set once at the start of a process; nothing else is kept.
 */
#ifndef POTERNE_BASE_LOG_H
#define POTERNE_BASE_LOG_H

enum log_level { LOG_DEBUG_LEVEL, LOG_INFO_LEVEL, LOG_WARNING_LEVEL, LOG_ERROR_LEVEL };

#define LOG_LINE_MAX 2048

void log_open(const char *name, enum log_level least);
void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_debug(...)   log_write(LOG_DEBUG_LEVEL, __VA_ARGS__)
#define log_info(...)    log_write(LOG_INFO_LEVEL, __VA_ARGS__)
#define log_warning(...) log_write(LOG_WARNING_LEVEL, __VA_ARGS__)
#define log_error(...)   log_write(LOG_ERROR_LEVEL, __VA_ARGS__)

#endif
