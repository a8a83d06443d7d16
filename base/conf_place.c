#include "base/conf_place.h"

#include <arpa/inet.h>
#include <limits.h>

#include "base/domain.h"

#define DNS_PORT 53

bool conf_place_path(struct str text)
{
    return str_starts(text, STR("/")) && text.n < PATH_MAX && str_chr(text, '\n') == STR_NONE &&
           str_find(text, STR("/../")) == STR_NONE && !str_ends(text, STR("/.."));
}

const char *conf_place_fold(struct str path, struct pool *pool)
{
    char *out = pool_alloc(pool, path.n + sizeof "/");
    struct str part;
    size_t n = 0;
    if (out == NULL)
        return NULL;
    while (str_next(&path, '/', &part)) {
        if (part.n == 0 || str_eq(part, STR(".")))
            continue;
        out[n++] = '/';
        memcpy(out + n, part.s, part.n);
        n += part.n;
    }
    if (n == 0)
        out[n++] = '/';
    out[n] = '\0';
    return out;
}

/* "192.0.2.10:24" or "[2001:db8::1]:24"; the port may be absent where `port` is not 0. */
static bool split_host_port(struct str text, char host[INET6_ADDRSTRLEN], uint16_t *port)
{
    unsigned char address[sizeof(struct in6_addr)];
    bool six = str_starts(text, STR("["));
    size_t end = six ? str_chr(text, ']') : str_chr(text, ':');
    if (six && end == STR_NONE)
        return false;
    struct str name = str_sub(text, six ? 1 : 0, end);
    struct str rest = str_from(text, end == STR_NONE ? text.n : end + (six ? 1 : 0));
    uint64_t number = *port;
    if (rest.n && (rest.s[0] != ':' || !str_to_u64(str_from(rest, 1), UINT16_MAX, &number)))
        return false;
    *port = (uint16_t)number;
    return number > 0 && str_copy(name, host, INET6_ADDRSTRLEN) &&
           inet_pton(six ? AF_INET6 : AF_INET, host, address) == 1;
}

int conf_place_listen(struct str text, struct err *err)
{
    char host[INET6_ADDRSTRLEN];
    uint16_t port = 0;
    if (split_host_port(text, host, &port))
        return 0;
    return err_set(err, "expected address:port such as 0.0.0.0:25 or [::]:25");
}

/* IPv6 needs no brackets where there is no port. */
bool conf_place_server(struct str text, char *host, uint16_t *port)
{
    unsigned char address[sizeof(struct in6_addr)];
    *port = DNS_PORT;
    if (str_copy(text, host, INET6_ADDRSTRLEN) && inet_pton(AF_INET6, host, address) == 1)
        return true;
    return split_host_port(text, host, port);
}

static int copy_text(struct str text, struct pool *pool, const char **out, struct err *err)
{
    *out = pool_cstr(pool, text);
    return *out ? 0 : err_set(err, "out of memory, or the settings are larger than the limit");
}

static bool template_valid(struct str path)
{
    for (size_t i = 0; i < path.n; i++)
        if (path.s[i] == '%' && (++i == path.n || strchr("du%", path.s[i]) == NULL))
            return false;
    return str_find(path, STR("%u")) != STR_NONE;
}

static int store_hop_path(struct str path, struct pool *pool, struct conf_hop *hop, struct err *err)
{
    if (!conf_place_path(path))
        return err_set(err, "expected an absolute path behind %s://",
                       hop->kind == HOP_MAILDIR ? "maildir" : "lmtp");
    if (hop->kind == HOP_MAILDIR && !template_valid(path))
        return err_set(err, "expected a folder with %%u (local part) and, where there are "
                            "several domains, %%d (domain)");
    if (hop->kind == HOP_LMTP && path.n > CONF_SOCKET_PATH_MAX)
        return err_set(err, "expected a socket path of at most %d bytes", CONF_SOCKET_PATH_MAX);
    return copy_text(path, pool, &hop->path, err);
}

int conf_place_hop(struct str text, struct pool *pool, struct conf_hop *hop, struct err *err)
{
    static const struct {
        struct str scheme;
        enum conf_hop_kind kind;
        uint16_t port;
    } kinds[] = {{{"smtp://", 7}, HOP_SMTP, 25},
                 {{"lmtp://", 7}, HOP_LMTP, 24},
                 {{"maildir://", 10}, HOP_MAILDIR, 0}};
    char host[INET6_ADDRSTRLEN];
    size_t i = 0;
    while (i < 3 && !str_starts(text, kinds[i].scheme))
        i++;
    if (i == 3)
        return err_set(err, "expected lmtp://address:port, lmtp:///socket, "
                            "smtp://address:port or maildir:///folder/%%d/%%u");
    struct str rest = str_from(text, kinds[i].scheme.n);
    *hop = (struct conf_hop){.kind = kinds[i].kind, .port = kinds[i].port};
    if (copy_text(text, pool, &hop->text, err) < 0)
        return -1;
    if (hop->kind == HOP_MAILDIR || (hop->kind == HOP_LMTP && str_starts(rest, STR("/"))))
        return store_hop_path(rest, pool, hop, err);
    if (!split_host_port(rest, host, &hop->port))
        return err_set(err,
                       "expected a numeric address and a port, such as 192.0.2.10:%d or "
                       "[2001:db8::1]:%d (host names are not looked up)",
                       kinds[i].port, kinds[i].port);
    return copy_text(str_of(host), pool, &hop->host, err);
}

/* "mail.example.org" or "mail.example.org:587"; what ends in a number is a mistyped address. */
static bool split_name_port(struct str text, char name[DOMAIN_SIZE], uint16_t *port)
{
    size_t colon = str_chr(text, ':');
    uint64_t number = *port;
    if (colon != STR_NONE && !str_to_u64(str_from(text, colon + 1), UINT16_MAX, &number))
        return false;
    if (number == 0 || !domain_normal(str_sub(text, 0, colon), name))
        return false;
    *port = (uint16_t)number;
    const char *last = strrchr(name, '.');
    return last && last[1 + strspn(last + 1, "0123456789")] != '\0';
}

int conf_place_relay(struct str text, bool mx, struct pool *pool, struct conf_hop *hop,
                     struct err *err)
{
    const struct str scheme = STR("smtp://");
    char name[DOMAIN_SIZE];
    *hop = (struct conf_hop){.kind = HOP_SMTP, .named = true, .port = 25};
    if (mx && str_eq(text, STR("mx"))) {
        *hop = (struct conf_hop){.kind = HOP_MX};
        return copy_text(text, pool, &hop->text, err);
    }
    if (!str_starts(text, scheme) || !split_name_port(str_from(text, scheme.n), name, &hop->port))
        return conf_place_hop(text, pool, hop, err);
    if (copy_text(text, pool, &hop->text, err) < 0)
        return -1;
    return copy_text(str_of(name), pool, &hop->host, err);
}

#define ICAP_SCHEME "icap://"
#define ICAP_PORT   1344 /* RFC 3507 4.2 */

/* What stands behind the scheme: it becomes part of a request line. */
static int store_icap(struct str rest, struct pool *pool, struct conf_peer *peer, struct err *err)
{
    char host[INET6_ADDRSTRLEN];
    size_t slash = str_chr(rest, '/');
    bool good = slash != STR_NONE && slash + 1 < rest.n;
    peer->authority = str_sub(rest, 0, slash);
    peer->port = ICAP_PORT;
    for (size_t i = 0; i < rest.n; i++)
        good &= rest.s[i] > ' ' && rest.s[i] < 127;
    if (good && split_host_port(peer->authority, host, &peer->port))
        return copy_text(str_of(host), pool, &peer->host, err);
    return err_set(err, "expected a numeric address, a port and a service, such as "
                        "icap://127.0.0.1:1344/avscan (host names are not looked up)");
}

int conf_place_peer(struct str text, struct pool *pool, struct conf_peer *peer, struct err *err)
{
    char host[INET6_ADDRSTRLEN];
    *peer = (struct conf_peer){.port = 0};
    if (copy_text(text, pool, &peer->text, err) < 0)
        return -1;
    struct str whole = str_of(peer->text);
    if (str_starts(whole, STR(ICAP_SCHEME)))
        return store_icap(str_from(whole, strlen(ICAP_SCHEME)), pool, peer, err);
    if (conf_place_path(text) && text.n <= CONF_SOCKET_PATH_MAX) {
        peer->path = peer->text;
        return 0;
    }
    if (split_host_port(text, host, &peer->port))
        return copy_text(str_of(host), pool, &peer->host, err);
    return err_set(err,
                   "expected the path of a socket (at most %d bytes), or a numeric address and a "
                   "port such as 127.0.0.1:3310 or [::1]:3310, or icap://127.0.0.1:1344/avscan",
                   CONF_SOCKET_PATH_MAX);
}
