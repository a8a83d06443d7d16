/*
 * err: what went wrong, in words for the person who must mend it: what failed, on what, why, and
 * where it helps what to do next. Functions that can fail take one and return -1; one that
 * fails always fills it.
 */
#ifndef POTERNE_BASE_ERR_H
#define POTERNE_BASE_ERR_H

#define ERR_TEXT_MAX 1024

struct err {
    char text[ERR_TEXT_MAX];
};

/* Both return -1, so that a function can end with `return err_set(err, …)`. A NULL err is fine. */
int err_set(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* As err_set, with ": " and the words of errno behind it. */
int err_sys(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Puts "format: " in front of what is there. */
int err_prefix(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
