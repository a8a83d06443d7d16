#include "gateway/signatures/notify.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fsio.h"

#define BACKLOG     16
#define ANSWER_MAX  128
#define SOCKET_MODE 0666 /* freshclam is another user; what it may say here harms nobody */

static const struct {
    struct str text;
    enum notify_word word;
} words[] = {{{"PING", 4}, NOTIFY_PING},
             {{"RELOAD", 6}, NOTIFY_RELOAD},
             {{"VERSION", 7}, NOTIFY_VERSION}};
#define N_WORDS (sizeof words / sizeof *words)

static enum notify_word find_word(struct str text)
{
    for (size_t i = 0; i < N_WORDS; i++)
        if (str_eq(text, words[i].text))
            return words[i].word;
    return NOTIFY_UNKNOWN;
}

static bool begins_word(struct str text)
{
    for (size_t i = 0; i < N_WORDS; i++)
        if (str_eq(text, str_sub(words[i].text, 0, text.n)))
            return true;
    return false;
}

/* clamd takes what one read() brings for a bare word; here it is what stands there once it is one
 * of the words (none begins another). */
static enum notify_word read_bare(struct str said, char *end)
{
    size_t n = 0;
    while (n < said.n && said.s[n] != '\n' && said.s[n] != '\r' && said.s[n] != '\0')
        n++;
    *end = '\n';
    enum notify_word word = find_word(str_sub(said, 0, n));
    if (word == NOTIFY_UNKNOWN && n == said.n && begins_word(said))
        return NOTIFY_MORE;
    return word;
}

enum notify_word notify_read(struct str said, char *end)
{
    *end = '\n';
    if (said.n == 0)
        return NOTIFY_MORE;
    if (said.s[0] != 'n' && said.s[0] != 'z')
        return read_bare(said, end);
    *end = said.s[0] == 'n' ? '\n' : '\0';
    size_t at = str_chr(said, *end);
    struct str text = str_from(str_sub(said, 0, at == STR_NONE ? said.n : at), 1);
    if (at != STR_NONE)
        return find_word(text);
    return text.n == 0 || begins_word(text) ? NOTIFY_MORE : NOTIFY_UNKNOWN;
}

static int remove_old(const char *path, struct err *err)
{
    struct stat st;
    if (lstat(path, &st) < 0)
        return 0;
    if (!S_ISSOCK(st.st_mode))
        return err_set(err, "antivirus.notify_socket: %s is there and is no socket", path);
    return unlink(path) == 0 ? 0 : err_sys(err, "antivirus.notify_socket: cannot replace %s", path);
}

int notify_open(struct notify *notify, const char *path, struct err *err)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    notify->fd = -1;
    for (size_t i = 0; i < NOTIFY_CLIENTS_MAX; i++)
        notify->clients[i].fd = -1;
    if (path == NULL || *path == '\0')
        return 0;
    if (!str_copy(str_of(path), at.sun_path, sizeof at.sun_path))
        return err_set(err, "antivirus.notify_socket: %s is too long; at most %zu bytes", path,
                       sizeof at.sun_path - 1);
    if (remove_old(path, err) < 0)
        return -1;
    notify->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (notify->fd >= 0 && bind(notify->fd, (const struct sockaddr *)&at, sizeof at) == 0 &&
        chmod(path, SOCKET_MODE) == 0 && listen(notify->fd, BACKLOG) == 0)
        return 0;
    err_sys(err, "antivirus.notify_socket: cannot listen on %s", path);
    fsio_close_quiet(&notify->fd);
    return -1;
}

void notify_close(struct notify *notify)
{
    fsio_close_quiet(&notify->fd);
    for (size_t i = 0; i < NOTIFY_CLIENTS_MAX; i++)
        fsio_close_quiet(&notify->clients[i].fd);
}

static struct notify_client *free_client(const struct notify *notify)
{
    for (size_t i = 0; i < NOTIFY_CLIENTS_MAX; i++)
        if (notify->clients[i].fd < 0)
            return (struct notify_client *)&notify->clients[i];
    return NULL;
}

size_t notify_poll(const struct notify *notify, struct pollfd *p)
{
    size_t n = 0;
    /* further ones wait in the socket's line */
    if (notify->fd >= 0 && free_client(notify))
        p[n++] = (struct pollfd){.fd = notify->fd, .events = POLLIN};
    for (size_t i = 0; i < NOTIFY_CLIENTS_MAX; i++)
        if (notify->clients[i].fd >= 0)
            p[n++] = (struct pollfd){.fd = notify->clients[i].fd, .events = POLLIN};
    return n;
}

static void accept_all(struct notify *notify)
{
    struct notify_client *client;
    while (notify->fd >= 0 && (client = free_client(notify)) != NULL) {
        int fd = accept4(notify->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return;
        *client = (struct notify_client){.fd = fd, .until = clock_ms() + NOTIFY_SECONDS * 1000};
    }
}

/* One send: it fits into the buffer of a new socket, or the client is not worth waiting for. */
static void answer(const struct notify_client *client, enum notify_word word, char end,
                   const char *version)
{
    static const char *const answers[] = {[NOTIFY_UNKNOWN] = "UNKNOWN COMMAND",
                                          [NOTIFY_PING] = "PONG",
                                          [NOTIFY_RELOAD] = "RELOADING"};
    char text[ANSWER_MAX];
    int n = snprintf(text, sizeof text - 1, "%s", word == NOTIFY_VERSION ? version : answers[word]);
    if (n < 0 || (size_t)n >= sizeof text - 1)
        n = (int)strlen(text);
    text[n] = end;
    if (send(client->fd, text, (size_t)n + 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        return;
}

/* What it said, when it has said enough; else NOTIFY_MORE. */
static enum notify_word hear(struct notify_client *client, const char *version)
{
    char end;
    ssize_t got =
        recv(client->fd, client->said + client->n, sizeof client->said - client->n, MSG_DONTWAIT);
    bool would_wait = got < 0 && (errno == EAGAIN || errno == EINTR);
    if (would_wait && clock_ms() < client->until)
        return NOTIFY_MORE;
    if (got > 0)
        client->n += (size_t)got;
    enum notify_word word = notify_read(str_n(client->said, client->n), &end);
    if (word == NOTIFY_MORE && got > 0 && client->n < sizeof client->said)
        return NOTIFY_MORE;
    if (word == NOTIFY_MORE)
        word = NOTIFY_UNKNOWN;
    answer(client, word, end, version);
    fsio_close_quiet(&client->fd);
    return word;
}

bool notify_serve(struct notify *notify, const char *version)
{
    bool reload = false;
    accept_all(notify);
    for (size_t i = 0; i < NOTIFY_CLIENTS_MAX; i++)
        if (notify->clients[i].fd >= 0)
            reload |= hear(&notify->clients[i], version) == NOTIFY_RELOAD;
    return reload;
}
