/*
 * protocol: what is said on fetch.sock (base/ipc.h), in the bytes of base/wire.h, over lasting
 * connections. A request is one message:
 *     u32 number, u8 target, u8 method, u32 milliseconds, u32 answer_max, str url, str type,
 *     str body
 * and gets exactly one answer, a message of its own, in any order:
 *     u32 number, u8 result, u32 status, str type, str body, str note
 * Whoever breaks these rules is cut off.
 *
 * Only https is spoken, certificates are always checked, redirections are not followed: a 301 is an
 * answer like any other. Cookies, proxies and the machine's own settings are not known.
 */
#ifndef POTERNE_GATEWAY_FETCH_PROTOCOL_H
#define POTERNE_GATEWAY_FETCH_PROTOCOL_H

#include "base/ipc.h"
#include "base/wire.h"

/* Whose server it is. What the gateway's own servers are called, and what we say there of who we
 * are, stands in the settings and is never said by who asks: edge, which strangers talk to, can't
 * have any other server of ours asked. */
enum fetch_target {
    FETCH_STRANGER = 1,     /* url is what the DNS or a message named: no address of a network in
                               outside.never_to is gone to, no port but fetch.port */
    FETCH_INTROSPECTION = 2 /* oauth.introspection, as oauth.client_id; url is empty */
};

enum fetch_method { FETCH_GET = 1, FETCH_POST = 2 };

enum fetch_result {
    FETCH_ANSWERED,    /* with a status, whichever */
    FETCH_BAD_URL,     /* not https, or what nobody else may name: an address, a port, a user */
    FETCH_NO_HOST,     /* the DNS has no such name, or no address for it */
    FETCH_DNS_FAILED,  /* nobody knows now */
    FETCH_FORBIDDEN,   /* all its addresses are in outside.never_to */
    FETCH_UNREACHABLE, /* no connection, or it was lost */
    FETCH_TLS_FAILED,  /* no handshake */
    FETCH_UNTRUSTED,   /* the certificate: expired, another name, nobody's we trust; see note */
    FETCH_TIMEOUT,
    FETCH_TOO_LARGE, /* the answer, or its header */
    FETCH_MALFORMED, /* what came is not HTTP */
    FETCH_BUSY,      /* too many at once, or no memory: later */
    FETCH_AWAY       /* the process can't be asked; never said by itself */
};

#define FETCH_URL_MAX  2048
#define FETCH_TYPE_MAX 127                   /* bytes of a Content-Type; what is longer is cut */
#define FETCH_BODY_MAX ((size_t)96 * 1024)   /* either way */
#define FETCH_NOTE_MAX 255                   /* bytes of it, for people */
#define FETCH_TIME_MAX ((uint32_t)60 * 1000) /* milliseconds, DNS and all */
#define FETCH_GRACE_MS 2000 /* what an answer may be late: then the process is taken for gone */
_Static_assert(FETCH_BODY_MAX + FETCH_URL_MAX + FETCH_TYPE_MAX + FETCH_NOTE_MAX + 100 < IPC_MSG_MAX,
               "a message holds the largest");

struct fetch_request {
    uint32_t number; /* the desk's own */
    enum fetch_target target;
    enum fetch_method method;
    uint32_t milliseconds; /* for all of it: 1 to FETCH_TIME_MAX */
    uint32_t answer_max;   /* bytes of the answer's body: at most FETCH_BODY_MAX */
    struct str url;        /* of FETCH_STRANGER */
    struct str type, body; /* of FETCH_POST; the type without CR and LF */
};

struct fetch_answer {
    uint32_t number;
    enum fetch_result result;
    unsigned status;       /* 200 …; 0: it was not heard */
    struct str type, body; /* of FETCH_ANSWERED; the type as the server wrote it */
    struct str note;       /* of any other: what happened, in words */
};

void fetch_request_put(struct buf *out, const struct fetch_request *request);
/* Texts point into the message. False: malformed, or beyond a limit above. */
bool fetch_request_get(struct str message, struct fetch_request *request);

void fetch_answer_put(struct buf *out, const struct fetch_answer *answer);
bool fetch_answer_get(struct str message, struct fetch_answer *answer);

/* "timeout", for people and logs. */
const char *fetch_result_name(enum fetch_result result);

#endif
