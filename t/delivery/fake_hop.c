/* A next hop that follows the rules but for one fault. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "t/delivery/fake.h"

#define LINE_MAX_BYTES 4096
#define RCPTS_MAX      200

struct talk {
    struct fake_hop *hop;
    int fd;
    FILE *in;
    int messages;
    char rcpts[RCPTS_MAX][128];
    unsigned n_rcpts;
};

static void say(struct talk *talk, const char *text)
{
    ssize_t ignored = send(talk->fd, text, strlen(text), MSG_NOSIGNAL);
    (void)ignored;
}

/* The end of the connection goes out with it. */
static void say_last(struct talk *talk, const char *text)
{
    ssize_t ignored = send(talk->fd, text, strlen(text), MSG_NOSIGNAL | MSG_MORE);
    (void)ignored;
}

static void flood(struct talk *talk)
{
    char block[4096];
    memset(block, '2', sizeof block);
    while (!talk->hop->stopping && send(talk->fd, block, sizeof block, MSG_NOSIGNAL) > 0)
        continue;
}

/* False: the connection is over. */
static bool answer(struct talk *talk, enum fake_step step, const char *right)
{
    struct fake_hop *hop = talk->hop;
    int fault = hop->at == (int)step && talk->messages >= hop->after ? hop->fault : FAULT_NONE;
    switch (fault) {
    case FAULT_CLOSE:
        return false;
    case FAULT_STALL:
        while (!hop->stopping && hop->fault == FAULT_STALL)
            usleep(10000);
        return false;
    case FAULT_BABBLE:
        say(talk, "HTTP/1.1 200 OK\r\n\r\n");
        return true;
    case FAULT_FLOOD:
        flood(talk);
        return false;
    case FAULT_TEMP:
        say(talk, "451 4.3.0 not now\r\n");
        return true;
    case FAULT_PERM:
        say(talk, "550 5.1.1 never\r\n");
        return true;
    case FAULT_421:
        say(talk, "421 4.4.5 closing\r\n");
        return false;
    case FAULT_TEMP_CLOSE:
        say_last(talk, "451 4.3.0 not now\r\n");
        return false;
    case FAULT_RIGHT_CLOSE:
        say_last(talk, right);
        return false;
    default:
        say(talk, right);
        return true;
    }
}

static bool faulty(const struct talk *talk, enum fake_step step)
{
    return talk->hop->fault != FAULT_NONE && talk->hop->at == (int)step &&
           talk->messages >= talk->hop->after;
}

static void keep(struct talk *talk, unsigned rcpt, const char *subject, size_t size, uint32_t crc)
{
    struct fake_hop *hop = talk->hop;
    pthread_mutex_lock(&hop->lock);
    if (hop->n < FAKE_MESSAGES_MAX) {
        struct fake_message *m = &hop->messages[hop->n];
        snprintf(m->recipient, sizeof m->recipient, "%s", talk->rcpts[rcpt]);
        snprintf(m->subject, sizeof m->subject, "%s", subject);
        m->size = size;
        m->crc = crc;
        hop->n++;
    }
    pthread_mutex_unlock(&hop->lock);
}

static bool take_message(struct talk *talk)
{
    char line[LINE_MAX_BYTES];
    char subject[64] = "";
    size_t size = 0;
    uint32_t crc = 0;
    while (fgets(line, sizeof line, talk->in)) {
        if (strcmp(line, ".\r\n") == 0)
            break;
        const char *text = line[0] == '.' ? line + 1 : line;
        if (strncmp(text, "Subject: ", 9) == 0)
            str_copy(str_trim(str_of(text + 9)), subject, sizeof subject);
        size += strlen(text);
        crc = crc32c(crc, str_of(text));
    }
    if (feof(talk->in) || ferror(talk->in))
        return false;
    if (talk->hop->delay_us)
        usleep(talk->hop->delay_us);
    unsigned replies = talk->hop->kind == FAKE_LMTP ? talk->n_rcpts : 1;
    bool good = !faulty(talk, STEP_FINAL) || talk->hop->fault == FAULT_RIGHT_CLOSE;
    for (unsigned i = 0; good && i < talk->n_rcpts; i++)
        keep(talk, i, subject, size, crc);
    for (unsigned i = 0; i < replies; i++)
        if (!answer(talk, STEP_FINAL, "250 2.0.0 saved\r\n"))
            return false;
    talk->messages++;
    talk->n_rcpts = 0;
    return true;
}

static bool on_hello(struct talk *talk, const char *line)
{
    bool old = talk->hop->kind == FAKE_HELO;
    if (old && strncmp(line, "EHLO", 4) == 0) {
        say(talk, "500 5.5.1 what?\r\n");
        return true;
    }
    return answer(
        talk, STEP_HELLO,
        old ? "250 hop.example\r\n"
            : "250-hop.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 30000000\r\n");
}

/* A local part that starts with "no" is refused, one with "later" is told to come again. */
static bool on_rcpt(struct talk *talk, const char *line)
{
    const char *address = strchr(line, '<');
    const char *end = address ? strchr(address, '>') : NULL;
    if (end == NULL || talk->n_rcpts == RCPTS_MAX)
        return answer(talk, STEP_RCPT, "501 5.1.3 what?\r\n");
    if (strncmp(address, "<no", 3) == 0)
        return say(talk, "550 5.1.1 no such user\r\n"), true;
    if (strncmp(address, "<later", 6) == 0)
        return say(talk, "450 4.2.0 come again\r\n"), true;
    if (!faulty(talk, STEP_RCPT))
        str_copy(str_n(address + 1, (size_t)(end - address - 1)), talk->rcpts[talk->n_rcpts++],
                 sizeof talk->rcpts[0]);
    return answer(talk, STEP_RCPT, "250 2.1.5 ok\r\n");
}

static bool on_line(struct talk *talk, const char *line)
{
    if (strncmp(line, "EHLO", 4) == 0 || strncmp(line, "LHLO", 4) == 0 ||
        strncmp(line, "HELO", 4) == 0)
        return on_hello(talk, line);
    if (strncmp(line, "MAIL", 4) == 0) {
        talk->n_rcpts = 0;
        return answer(talk, STEP_MAIL, "250 2.1.0 ok\r\n");
    }
    if (strncmp(line, "RCPT", 4) == 0)
        return on_rcpt(talk, line);
    if (strncmp(line, "RSET", 4) == 0)
        return say(talk, "250 2.0.0 ok\r\n"), true;
    if (strncmp(line, "QUIT", 4) == 0)
        return say(talk, "221 2.0.0 bye\r\n"), false;
    if (strncmp(line, "DATA", 4) != 0)
        return say(talk, "500 5.5.1 what?\r\n"), true;
    if (talk->n_rcpts == 0)
        return say(talk, "503 5.5.1 nobody\r\n"), true;
    bool good = !faulty(talk, STEP_DATA);
    return answer(talk, STEP_DATA, "354 go on\r\n") && (!good || take_message(talk));
}

static void *serve_one(void *data)
{
    struct talk *talk = data;
    struct fake_hop *hop = talk->hop;
    char line[LINE_MAX_BYTES];
    unsigned now = ++hop->open;
    if (now > hop->open_most)
        hop->open_most = now;
    if (answer(talk, STEP_GREETING, "220 hop.example\r\n"))
        while (fgets(line, sizeof line, talk->in) && on_line(talk, line) && !hop->stopping)
            continue;
    fclose(talk->in);
    hop->open--;
    free(talk);
    return NULL;
}

static void serve(struct fake_hop *hop, int fd)
{
    pthread_t thread;
    struct talk *talk = calloc(1, sizeof *talk);
    const struct timeval limit = {.tv_sec = 20};
    const int one = 1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    talk->hop = hop;
    talk->fd = fd;
    talk->in = fdopen(fd, "r");
    hop->connections++;
    if (pthread_create(&thread, NULL, serve_one, talk) == 0)
        pthread_detach(thread);
}

static void *accept_all(void *data)
{
    struct fake_hop *hop = data;
    int fd;
    while ((fd = accept(hop->listen_fd, NULL, NULL)) >= 0)
        serve(hop, fd);
    return NULL;
}

static void start(struct fake_hop *hop, enum fake_hop_kind kind, const struct sockaddr *at,
                  socklen_t n)
{
    int one = 1;
    memset(hop, 0, sizeof *hop);
    hop->kind = kind;
    hop->messages = calloc(FAKE_MESSAGES_MAX, sizeof *hop->messages);
    pthread_mutex_init(&hop->lock, NULL);
    hop->listen_fd = socket(at->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(hop->listen_fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(hop->listen_fd, at, n) < 0 || listen(hop->listen_fd, 100) < 0)
        abort();
    pthread_create(&hop->thread, NULL, accept_all, hop);
}

void fake_hop_start(struct fake_hop *hop, enum fake_hop_kind kind, unsigned port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    socklen_t n = sizeof at;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    start(hop, kind, (struct sockaddr *)&at, sizeof at);
    if (getsockname(hop->listen_fd, (struct sockaddr *)&at, &n) < 0)
        abort();
    hop->port = ntohs(at.sin_port);
}

void fake_hop_start_at(struct fake_hop *hop, enum fake_hop_kind kind, const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    str_copy(str_of(path), at.sun_path, sizeof at.sun_path);
    start(hop, kind, (struct sockaddr *)&at, sizeof at);
    chmod(path, 0666);
}

void fake_hop_stop(struct fake_hop *hop)
{
    hop->stopping = true;
    shutdown(hop->listen_fd, SHUT_RDWR);
    pthread_join(hop->thread, NULL);
    close(hop->listen_fd);
    WAIT_FOR(hop->open == 0, 25);
    free(hop->messages);
    hop->messages = NULL;
}

unsigned fake_hop_count(struct fake_hop *hop, const char *subject, const char *recipient)
{
    unsigned n = 0;
    pthread_mutex_lock(&hop->lock);
    for (size_t i = 0; i < hop->n; i++)
        n += (subject == NULL || strcmp(hop->messages[i].subject, subject) == 0) &&
             (recipient == NULL || strcmp(hop->messages[i].recipient, recipient) == 0);
    pthread_mutex_unlock(&hop->lock);
    return n;
}

void fake_hop_fault(struct fake_hop *hop, enum fake_fault fault, enum fake_step at)
{
    hop->at = (int)at;
    hop->fault = (int)fault;
}
