#include "base/dial.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/fsio.h"
#include "base/network.h"

/* Its length, or 0: it is no address. */
static socklen_t address_of(const struct dial_place *place, struct sockaddr_storage *to)
{
    struct sockaddr_un *path = (struct sockaddr_un *)to;
    if (place->host)
        return network_sockaddr(str_of(place->host), place->port, to);
    memset(to, 0, sizeof *to);
    path->sun_family = AF_UNIX;
    return str_copy(str_of(place->path), path->sun_path, sizeof path->sun_path) ? sizeof *path : 0;
}

static int bind_source(int fd, const struct dial_place *place, struct err *err)
{
    struct sockaddr_storage from;
    int one = 1;
    if (place->host == NULL || place->source == NULL)
        return 0;
    socklen_t n = network_sockaddr(str_of(place->source), 0, &from);
    if (n == 0)
        return err_set(err, "%s is no address that a connection can come from", place->source);
    /* the port is chosen when it is known where to */
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    if (bind(fd, (const struct sockaddr *)&from, n) == 0)
        return 0;
    return err_sys(err, "cannot come from %s", place->source);
}

int dial_start(const struct dial_place *place, bool *connecting, struct err *err)
{
    struct sockaddr_storage to;
    int one = 1;
    socklen_t n = address_of(place, &to);
    *connecting = false;
    if (n == 0)
        return err_set(err, "%s is no address that can be connected to", place->text);
    int fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_sys(err, "cannot make a socket");
    if (place->host)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (bind_source(fd, place, err) < 0) {
        fsio_close_quiet(&fd);
        return -1;
    }
    if (connect(fd, (const struct sockaddr *)&to, n) == 0)
        return fd;
    *connecting = errno == EINPROGRESS;
    if (*connecting)
        return fd;
    err_sys(err, "cannot connect to %s", place->text);
    fsio_close_quiet(&fd);
    return -1;
}

int dial_finish(int fd, struct err *err)
{
    int why;
    socklen_t n = sizeof why;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &why, &n) < 0)
        return err_sys(err, "cannot ask about a connection");
    errno = why;
    return why ? err_sys(err, "cannot connect") : 0;
}
