/*
 * world: poterne-edge with all that stands around it, made of cardboard, for t/smtp/edge.t and
 * t/bench. It opens a port, starts the program as poterned does, and plays its neighbours.
 *
 *   world PROGRAM FOLDER [SETTINGS [LISTENERS]]     FOLDER: state/ and run/ are made in it
 *
 * Says "port N" (of each listener, in poterned's order), then a line for whatever it is told:
 * "queued ID", "held ID", "refused STAGE CODE", "exit STATUS". Reads commands: "drain", "directory
 * off", "directory on", "content off", "content on". Ends when edge has ended, or when its standard
 * input does.
 *
 * directory: nobody…@ is unknown, down…@ unavailable, mute…@ never answered, die…@ ends the
 * connection; other domains than ours.example are not ours. jean may log in with "secret".
 * content and antivirus, by words in the message: "Test: spam", "Test: hops", "Test: infected",
 * "Test: unscannable", "Test: die" (content goes away), "Test: av-die", "Test: hang".
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/role.h"
#include "directory/directory.h"
#include "directory/login.h"
#include "gateway/scan.h"
#include "journal/event.h"
#include "spool/notice.h"

#define PEERS_MAX   4096
#define MESSAGE_MAX (32 * 1024 * 1024)
#define PATH_SIZE   256
#define NOBODY      65534
#define LISTEN_MAX  4

enum service { DIRECTORY, CONTENT, ANTIVIRUS, DELIVERY, JOURNAL, SERVICES };
static const char *const names[] = {"directory", "content", "antivirus", "delivery", "journal"};

struct peer {
    int fd;
    enum service service;
};

struct world {
    char run[PATH_SIZE];
    int doors[SERVICES]; /* -1: off */
    struct peer peers[PEERS_MAX];
    size_t n_peers;
    int ctl;
    pid_t pid;
    struct buf message, reply, mail;
};

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "world: %s: %s\n", what, strerror(errno));
    exit(2);
}

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void say(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vprintf(format, ap);
    va_end(ap);
    printf("\n");
    fflush(stdout);
}

static void send_reply(const struct world *w, int fd)
{
    struct err err;
    if (ipc_send(fd, buf_str(&w->reply), NULL, &err) != 1)
        fprintf(stderr, "world: %s\n", err.text);
}

/* Each: 1 keeps the connection, 0 closes it. */

static int play_login(struct world *w, int fd, const struct directory_request *request)
{
    struct login_answer answer = {.result = LOGIN_WRONG};
    if (str_eq(request->address, STR("jean"))) {
        snprintf(answer.account, sizeof answer.account, "jean@ours.example");
        snprintf(answer.addresses, sizeof answer.addresses, "jean@ours.example");
        answer.result = str_eq(request->password, STR("secret")) ? LOGIN_OK : LOGIN_WRONG;
    }
    login_reply_put(&w->reply, request->number, &answer);
    send_reply(w, fd);
    return 1;
}

static int play_directory(struct world *w, int fd)
{
    struct directory_answer answer = {.result = DIRECTORY_KNOWN, .how = "cardboard"};
    struct directory_request request;
    if (!directory_request_get(buf_str(&w->message), &request))
        return 0;
    if (request.wish == WISH_LOGIN)
        return play_login(w, fd, &request);
    struct str address = request.address;
    if (str_starts(address, STR("die")))
        return 0;
    if (str_starts(address, STR("mute")))
        return 1;
    if (!str_iends(address, STR("@ours.example")))
        answer.result = DIRECTORY_NOT_OURS;
    else if (str_starts(address, STR("nobody")))
        answer.result = DIRECTORY_UNKNOWN;
    else if (str_starts(address, STR("down")))
        answer.result = DIRECTORY_UNAVAILABLE;
    str_copy(address, answer.address, sizeof answer.address);
    directory_reply_put(&w->reply, request.number, &answer);
    send_reply(w, fd);
    return 1;
}

static bool mail_says(const struct world *w, const char *what)
{
    return str_find(buf_str(&w->mail), str_of(what)) != STR_NONE;
}

static int play_content(struct world *w, int fd)
{
    struct edit none[1] = {{0}};
    struct content_facts facts = {
        .heuristics = mail_says(w, "Test: spam") ? -3 : 4,
        .required = 5,
        .received_hops = mail_says(w, "Test: hops") ? 1000 : 1,
        .subject = STR("cardboard"),
        .evidence = STR("{\"rules\":[]}"),
        .edits = {.list = none},
        .tagged = {.list = none},
    };
    if (mail_says(w, "Test: die"))
        return 0;
    if (mail_says(w, "Test: hang"))
        return 1;
    content_facts_put(&w->reply, &facts);
    send_reply(w, fd);
    return 0;
}

static int play_antivirus(struct world *w, int fd)
{
    /* one answer for each engine of the default settings: whose is missing has failed */
    struct av_answer answers[] = {
        {.engine = "clamav", .version = "1"},
        {.engine = "yara", .version = "1"},
        {.engine = "files", .version = "1"},
    };
    if (mail_says(w, "Test: av-die"))
        return 0;
    if (mail_says(w, "Test: infected")) {
        answers[0].result = AV_INFECTED;
        snprintf(answers[0].name, sizeof answers[0].name, "Paper.Virus");
    } else if (mail_says(w, "Test: unscannable")) {
        answers[0].result = AV_UNSCANNABLE;
        snprintf(answers[0].name, sizeof answers[0].name, "too thick");
    }
    av_answers_put(&w->reply, answers, sizeof answers / sizeof answers[0]);
    send_reply(w, fd);
    return 0;
}

static int play_scanner(struct world *w, int fd, enum service service, struct ipc_fds *fds)
{
    struct scan_request request;
    struct err err;
    buf_clear(&w->mail);
    if (!scan_request_get(buf_str(&w->message), &request) || fds->n != 1)
        return 0;
    int read = fsio_pread(fds->fd[0], &w->mail, request.size, (off_t)request.offset, "mail", &err);
    ipc_fds_close(fds);
    if (read < 0)
        return 0;
    return service == CONTENT ? play_content(w, fd) : play_antivirus(w, fd);
}

static int play_delivery(const struct world *w)
{
    struct notice notice;
    if (!notice_get(buf_str(&w->message), &notice))
        return 0;
    say("%s %.*s", notice.kind == NOTICE_HELD ? "held" : "queued", STR_ARG(notice.id));
    return 1;
}

static int play_journal(struct world *w, int fd)
{
    struct event event;
    if (!event_get(buf_str(&w->message), &event))
        return 0;
    if (event.kind == EVENT_ACCEPTED)
        say("accepted %.*s", STR_ARG(event.accepted.id));
    else if (event.kind == EVENT_REFUSED)
        say("refused %.*s %u %.*s", STR_ARG(event.refused.stage), event.refused.code,
            STR_ARG(event.refused.recipient));
    else
        return 0;
    event_ack_put(&w->reply, event.number);
    send_reply(w, fd);
    return 1;
}

static int play(struct world *w, const struct peer *peer)
{
    struct ipc_fds fds = {.n = 0};
    struct err err;
    int got = ipc_recv(peer->fd, &w->message, &fds, &err);
    if (got == 0)
        return 1;
    if (got != 1)
        return 0;
    buf_clear(&w->reply);
    switch (peer->service) {
    case DIRECTORY:
        return play_directory(w, peer->fd);
    case CONTENT:
    case ANTIVIRUS:
        return play_scanner(w, peer->fd, peer->service, &fds);
    case DELIVERY:
        return play_delivery(w);
    default:
        return play_journal(w, peer->fd);
    }
}

/* --- the stage --- */

static void open_door(struct world *w, enum service service)
{
    char path[PATH_SIZE];
    struct err err;
    if (!ipc_path(w->run, names[service], path, sizeof path))
        die("path too long");
    w->doors[service] = ipc_listen(path, 0600, &err);
    if (w->doors[service] < 0)
        die(err.text);
}

static void shut_door(struct world *w, enum service service)
{
    char path[PATH_SIZE];
    if (ipc_path(w->run, names[service], path, sizeof path))
        unlink(path);
    fsio_close_quiet(&w->doors[service]);
    for (size_t i = 0; i < w->n_peers;) {
        if (w->peers[i].service == service) {
            close(w->peers[i].fd);
            w->peers[i] = w->peers[--w->n_peers];
        } else {
            i++;
        }
    }
}

static int open_port(unsigned *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, n) < 0 || listen(fd, 1024) < 0 ||
        getsockname(fd, (struct sockaddr *)&at, &n) < 0)
        die("listen");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)); /* as places.c does */
    *port = ntohs(at.sin_port);
    return fd;
}

static int settings(const char *folder, const char *more)
{
    int fd = memfd_create("settings", 0);
    struct buf text = BUF_INIT(CONF_FILE_MAX);
    struct err err;
    buf_addf(&text,
             "hostname = mx.ours.example\nmanagers = { admin@ours.example }\n"
             "state_dir = \"%s/state\"\nrun_dir = \"%s/run\"\n"
             "domain ours.example { next_hop = \"lmtp://127.0.0.1:24\" }\n%s\n",
             folder, folder, more ? more : "");
    if (fd < 0 || !buf_ok(&text) || fsio_write(fd, buf_str(&text), "settings", &err) < 0)
        die("settings");
    buf_release(&text);
    return fd;
}

struct listeners {
    size_t n;
    int fd[LISTEN_MAX];
    unsigned port[LISTEN_MAX];
    char text[LISTEN_MAX][16];
};

/* As poterned starts it. */
static _Noreturn void become_edge(const char *program, const char *conf, const char *ctl,
                                  const struct listeners *l)
{
    const char *argv[8 + 2 * LISTEN_MAX] = {program, "--conf-path", "cardboard", "--conf-fd",
                                            conf,    "--ctl-fd",    ctl};
    size_t n = 7;
    for (size_t i = 0; i < l->n; i++) {
        argv[n++] = "--listen-fd";
        argv[n++] = l->text[i];
    }
    /* what LeakSanitizer wants to see at the end is closed to a process in its sandbox */
    setenv("ASAN_OPTIONS", "detect_leaks=0", 0);
    execv(program, (char *const *)argv);
    die(program);
}

static void start_edge(struct world *w, const char *program, const char *folder, const char *more,
                       size_t n_listeners)
{
    int pair[2];
    char conf[16], ctl[16];
    struct listeners l = {.n = n_listeners};
    for (size_t i = 0; i < l.n; i++) {
        l.fd[i] = open_port(&l.port[i]);
        snprintf(l.text[i], sizeof l.text[i], "%d", l.fd[i]);
    }
    int conf_fd = settings(folder, more);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair) < 0)
        die("socketpair");
    snprintf(conf, sizeof conf, "%d", conf_fd);
    snprintf(ctl, sizeof ctl, "%d", pair[1]);
    w->pid = fork();
    if (w->pid == 0) {
        close(pair[0]);
        become_edge(program, conf, ctl, &l);
    }
    close(pair[1]);
    close(conf_fd);
    for (size_t i = 0; i < l.n; i++)
        close(l.fd[i]);
    w->ctl = pair[0];
    char ready = 0;
    struct pollfd p = {.fd = w->ctl, .events = POLLIN};
    if (poll(&p, 1, 30000) != 1 || recv(w->ctl, &ready, 1, 0) != 1 || ready != ROLE_READY)
        die("edge did not get ready");
    for (size_t i = 0; i < l.n; i++)
        say("port %u", l.port[i]);
}

static void obey(struct world *w, struct str line)
{
    char drain = ROLE_DRAIN;
    struct str word;
    if (str_eq(line, STR("drain")) && send(w->ctl, &drain, 1, 0) != 1)
        die("drain");
    for (size_t i = 0; i < SERVICES; i++) {
        struct str rest = line;
        if (!str_next(&rest, ' ', &word) || !str_eq(word, str_of(names[i])))
            continue;
        if (str_eq(rest, STR("off")) && w->doors[i] >= 0)
            shut_door(w, (enum service)i);
        else if (str_eq(rest, STR("on")) && w->doors[i] < 0)
            open_door(w, (enum service)i);
    }
}

/* False at its end. */
static bool hear(struct world *w)
{
    char text[4096];
    ssize_t n = read(STDIN_FILENO, text, sizeof text);
    struct str rest = n > 0 ? str_n(text, (size_t)n) : STR_EMPTY;
    struct str line;
    while (str_next_line(&rest, &line))
        obey(w, line);
    return n > 0;
}

static void let_in(struct world *w, enum service service)
{
    struct err err;
    int fd;
    while (w->n_peers < PEERS_MAX && (fd = ipc_accept(w->doors[service], &err)) >= 0)
        w->peers[w->n_peers++] = (struct peer){fd, service};
}

static bool turn(struct world *w)
{
    static struct pollfd p[2 + SERVICES + PEERS_MAX];
    size_t n = w->n_peers;
    p[0] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
    p[1] = (struct pollfd){.fd = w->ctl, .events = POLLIN};
    for (size_t i = 0; i < SERVICES; i++)
        p[2 + i] = (struct pollfd){.fd = w->doors[i], .events = POLLIN};
    for (size_t i = 0; i < n; i++)
        p[2 + SERVICES + i] = (struct pollfd){.fd = w->peers[i].fd, .events = POLLIN};
    if (poll(p, 2 + SERVICES + n, -1) < 0)
        return errno == EINTR;
    /* from the end, since who goes is replaced by the last */
    for (size_t i = n; i-- > 0;)
        if (p[2 + SERVICES + i].revents && !play(w, &w->peers[i])) {
            close(w->peers[i].fd);
            w->peers[i] = w->peers[--w->n_peers];
        }
    for (size_t i = 0; i < SERVICES; i++)
        if (p[2 + i].revents)
            let_in(w, (enum service)i);
    char byte;
    if (p[1].revents && recv(w->ctl, &byte, 1, 0) <= 0)
        return false;
    return !p[0].revents || hear(w);
}

/* Started by root, everything here runs as nobody: there need be no user poterne-edge. */
static void become_nobody(const char *folder)
{
    if (geteuid() != 0)
        return;
    if (chown(folder, NOBODY, NOBODY) < 0 || setgroups(0, NULL) < 0 ||
        setresgid(NOBODY, NOBODY, NOBODY) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0)
        die("becoming nobody");
}

int main(int argc, char **argv)
{
    static struct world w;
    struct err err;
    char path[PATH_SIZE];
    if (argc < 3)
        return 64;
    signal(SIGPIPE, SIG_IGN);
    become_nobody(argv[2]);
    buf_init(&w.message, IPC_MSG_MAX);
    buf_init(&w.reply, IPC_MSG_MAX);
    buf_init(&w.mail, MESSAGE_MAX);
    snprintf(w.run, sizeof w.run, "%s/run", argv[2]);
    snprintf(path, sizeof path, "%s/state", argv[2]);
    if (fsio_mkdir(w.run, 0700, &err) < 0 || fsio_mkdir(path, 0700, &err) < 0)
        die(err.text);
    for (size_t i = 0; i < SERVICES; i++)
        open_door(&w, (enum service)i);
    uint64_t listeners = 1;
    if (argc > 4 && (!str_to_u64(str_of(argv[4]), LISTEN_MAX, &listeners) || listeners == 0))
        return 64;
    start_edge(&w, argv[1], argv[2], argc > 3 ? argv[3] : NULL, listeners);
    while (turn(&w))
        ;
    int status = 0;
    close(w.ctl); /* edge takes that as the word to drain */
    waitpid(w.pid, &status, 0);
    say("exit %d", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    return 0;
}
