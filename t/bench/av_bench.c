/*
 * av_bench poterne|clamd SOCKET FILE…: has each message scanned, one after the other, by poterne's
 * antivirus process (as edge asks it) or by clamd (nINSTREAM), and prints for each
 *   MICROSECONDS RESULT FILE
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/ipc.h"
#include "gateway/scan.h"
#include "t/bench/clock.h"

#define MESSAGE_MAX     ((size_t)64 * 1024 * 1024)
#define WAIT_MS         60000
#define ARGUMENTS_LEAST 4

static int scan_poterne(const char *path, const char *file, const char **result, struct err *err)
{
    struct buf request = BUF_INIT(IPC_MSG_MAX), reply = BUF_INIT(IPC_MSG_MAX);
    struct av_answer answers[AV_ENGINES_MAX];
    struct ipc_fds fds = {.fd = {open(file, O_RDONLY | O_CLOEXEC)}, .n = 1};
    struct stat st;
    size_t n = 0;
    if (fds.fd[0] < 0 || fstat(fds.fd[0], &st) < 0)
        return err_sys(err, "cannot open %s", file);
    const struct scan_request scan = {.id = STR("BENCH"), .size = (uint64_t)st.st_size};
    scan_request_put(&request, &scan);
    int status = ipc_call(path, buf_str(&request), &fds, &reply, WAIT_MS, err);
    if (status == 0 && !av_answers_get(buf_str(&reply), answers, &n))
        status = err_set(err, "a malformed answer");
    *result = "clean";
    for (size_t i = 0; status == 0 && i < n; i++)
        if (answers[i].result != AV_CLEAN)
            *result = av_result_name(answers[i].result);
    ipc_fds_close(&fds);
    buf_release(&request);
    buf_release(&reply);
    return status;
}

static int exchange(int fd, struct str raw, struct buf *reply, struct err *err)
{
    char chunk[1024];
    uint32_t size = htonl((uint32_t)raw.n), end = 0;
    ssize_t got = 0;
    if (fsio_write(fd, STR("nINSTREAM\n"), "clamd", err) < 0 ||
        fsio_write(fd, str_n((const char *)&size, sizeof size), "clamd", err) < 0 ||
        fsio_write(fd, raw, "clamd", err) < 0 ||
        fsio_write(fd, str_n((const char *)&end, sizeof end), "clamd", err) < 0)
        return -1;
    while ((got = read(fd, chunk, sizeof chunk)) > 0)
        buf_add(reply, str_n(chunk, (size_t)got));
    return got == 0 && buf_ok(reply) ? 0 : err_sys(err, "no answer of clamd");
}

static int scan_clamd(const char *path, const char *file, const char **result, struct err *err)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    struct buf raw = BUF_INIT(MESSAGE_MAX), reply = BUF_INIT(IPC_MSG_MAX);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int status = fsio_read_file(file, &raw, err);
    if (status == 0 && (fd < 0 || !str_copy(str_of(path), at.sun_path, sizeof at.sun_path) ||
                        connect(fd, (const struct sockaddr *)&at, sizeof at) < 0))
        status = err_sys(err, "cannot reach clamd at %s", path);
    if (status == 0)
        status = exchange(fd, buf_str(&raw), &reply, err);
    if (fd >= 0)
        close(fd);
    bool found = str_find(buf_str(&reply), STR(" FOUND")) != STR_NONE;
    *result = found ? "infected" : "clean";
    if (status == 0 && !found && str_find(buf_str(&reply), STR(" OK")) == STR_NONE)
        status = err_set(err, "clamd said: %.*s", STR_ARG(buf_str(&reply)));
    buf_release(&raw);
    buf_release(&reply);
    return status;
}

int main(int argc, char **argv)
{
    struct err err = {"usage: av_bench poterne|clamd SOCKET FILE..."};
    int status = argc >= ARGUMENTS_LEAST ? 0 : -1;
    for (int i = ARGUMENTS_LEAST - 1; i < argc && status == 0; i++) {
        const char *result = "";
        double from = wall_now();
        bool clamd = strcmp(argv[1], "clamd") == 0;
        status = (clamd ? scan_clamd : scan_poterne)(argv[2], argv[i], &result, &err);
        printf("%.0f %s %s\n", (wall_now() - from) * 1e6, result, argv[i]);
    }
    if (status < 0)
        fprintf(stderr, "av_bench: %s\n", err.text);
    return status < 0 ? 1 : 0;
}
