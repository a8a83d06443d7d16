/* The password of an account, from who sits there. */
#include <errno.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "directory/hash.h"
#include "directory/login.h"
#include "tools/account_tool.h"

#define CTRL_C '\x03'

/* One line, byte by byte: a stream would keep a copy. -1: err. */
static int read_line(char out[LOGIN_PASSWORD_MAX + 1], struct err *err)
{
    size_t n = 0;
    char c = '\0';
    for (;;) {
        ssize_t got = read(STDIN_FILENO, &c, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_sys(err, "cannot read standard input");
        if (got == 0 || c == '\n')
            break;
        if (c == CTRL_C)
            return err_set(err, "given up, nothing is changed");
        if (c == '\0' || n == LOGIN_PASSWORD_MAX)
            return err_set(err, "a password has at most %d bytes, none of them NUL",
                           LOGIN_PASSWORD_MAX);
        out[n++] = c;
    }
    n -= n && out[n - 1] == '\r';
    out[n] = '\0';
    return 0;
}

static int ask(const char *words, char out[LOGIN_PASSWORD_MAX + 1], struct err *err)
{
    struct termios before, silent;
    bool terminal = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &before) == 0;
    if (!terminal)
        return read_line(out, err);
    silent = before;
    /* ^C is a character that ends the line: who gives up is to see again what he types */
    silent.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
    silent.c_cc[VEOL] = CTRL_C;
    fputs(words, stderr);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    int result = read_line(out, err);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    fputc('\n', stderr);
    return result;
}

int account_read_hash(char hash[HASH_MAX + 1], struct err *err)
{
    char password[LOGIN_PASSWORD_MAX + 1] = "", again[LOGIN_PASSWORD_MAX + 1] = "";
    int result = ask("New password: ", password, err);
    if (result == 0 && strlen(password) < ACCOUNT_PASSWORD_LEAST)
        result = err_set(err, "a password has at least %d bytes", ACCOUNT_PASSWORD_LEAST);
    if (result == 0 && isatty(STDIN_FILENO)) {
        result = ask("Again: ", again, err);
        if (result == 0 && strcmp(password, again) != 0)
            result = err_set(err, "these were two passwords");
    }
    if (result == 0)
        result = hash_make(password, hash, err);
    explicit_bzero(password, sizeof password);
    explicit_bzero(again, sizeof again);
    return result;
}
