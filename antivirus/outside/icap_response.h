/*
 * icap_response: reads one response of an ICAP server (RFC 3507 4.3, 4.4) as its bytes come: status
 * line and fields, the HTTP headers that it encapsulates, its chunked body. Everything is bounded;
 * what breaks the format is ICAP_BAD, and a response that is not whole is never ICAP_WHOLE.
 */
#ifndef POTERNE_ANTIVIRUS_OUTSIDE_ICAP_RESPONSE_H
#define POTERNE_ANTIVIRUS_OUTSIDE_ICAP_RESPONSE_H

#include "base/buf.h"
#include "base/err.h"

#define ICAP_HEAD_MAX  ((size_t)32 * 1024) /* fields; and the HTTP headers together */
#define ICAP_LINE_MAX  ((size_t)1024)      /* a chunk's size with its extensions; a trailer */
#define ICAP_EXTRA_MAX (1024 * 1024)       /* a body may be this much larger than what was sent */

enum icap_read { ICAP_MORE, ICAP_WHOLE, ICAP_BAD };

enum icap_state {
    ICAP_IN_HEAD,
    ICAP_IN_HTTP,
    ICAP_IN_SIZE,
    ICAP_IN_CHUNK,
    ICAP_IN_CHUNK_END,
    ICAP_IN_TRAILER,
    ICAP_AT_END
};

struct icap_response {
    unsigned status;
    struct buf head;      /* status line and fields, without the empty line */
    struct buf http;      /* the encapsulated headers, one behind the other */
    unsigned http_status; /* of an encapsulated HTTP response; 0: there is none */
    bool has_body;
    bool same;       /* the body is, so far, how `sent` begins */
    uint64_t body;   /* bytes of it */
    struct str sent; /* what the body is compared with; its maker's */
    enum icap_state state;
    size_t http_size;     /* bytes of the encapsulated headers */
    size_t http_response; /* where in them the HTTP response begins; STR_NONE: nowhere */
    uint64_t chunk;       /* bytes of the chunk that are still to come */
    size_t trailers;      /* bytes of them */
};

/* For the first time; later ones need icap_response_clear(). */
void icap_response_init(struct icap_response *response);
void icap_response_release(struct icap_response *response);
/* Before each response. */
void icap_response_clear(struct icap_response *response, struct str sent);

/* Takes what it uses off the front of `in`. What follows a whole response stays there. */
enum icap_read icap_response_read(struct icap_response *response, struct buf *in, struct err *err);

/* The body was whole and just what had been sent. */
bool icap_response_echoes(const struct icap_response *response);

/* The value of the next field of that name in a head, which is cut to what follows it. */
bool icap_next_field(struct str *head, const char *name, struct str *value);
/* The value of the first field of that name in a head (lines with CR LF or LF; it may be folded,
 * and then holds line ends); false: there is none. */
bool icap_field(struct str head, const char *name, struct str *value);
/* The reason of the status line: "OK". */
struct str icap_reason(const struct icap_response *response);

#endif
