/*
 * reply: what an internal status says to the client. reply.c holds the one table
 * (code of RFC 5321 4.2, enhanced code of RFC 3463 and RFC 5248, words); no other place
 * writes a code.
 */
#ifndef POTERNE_GATEWAY_SMTP_REPLY_H
#define POTERNE_GATEWAY_SMTP_REPLY_H

#include "base/buf.h"

enum smtp_status {
    SMTP_NONE, /* nothing to say: a step went well, or its reply comes later */

    SMTP_BANNER,
    SMTP_TLS_READY,
    SMTP_BYE,
    SMTP_HELO_OK,
    SMTP_OK,
    SMTP_AUTH_OK,    /* detail: what the password's policy says, or nothing */
    SMTP_AUTH_GO_ON, /* detail: the challenge */
    SMTP_SENDER_OK,
    SMTP_RECIPIENT_OK,
    SMTP_REPORT_OK, /* a recipient too: an address that misjudged mail is reported to */
    SMTP_CHUNK_OK,
    SMTP_QUEUED, /* detail: the message's id */
    SMTP_VRFY_NOTHING,
    SMTP_HELP,
    SMTP_SEND_DATA,

    SMTP_TIMEOUT, /* the 421s end the session */
    SMTP_SESSION_TOO_LONG,
    SMTP_SHUTTING_DOWN,
    SMTP_TOO_MANY_SESSIONS,
    SMTP_TOO_MANY_FROM_CLIENT,
    SMTP_TOO_MANY_ERRORS,
    SMTP_TOO_MANY_COMMANDS,
    SMTP_TOO_MANY_MESSAGES,
    SMTP_TOO_MANY_LOGINS,
    SMTP_DOUBTFUL_END,
    SMTP_NO_MEMORY,

    SMTP_LOGIN_AWAY,
    SMTP_TOKEN_AWAY,
    SMTP_LOGIN_LATER, /* detail: when */
    SMTP_DIRECTORY_DOWN,
    SMTP_HARVESTING,
    SMTP_GREYLISTED, /* detail: how long */
    SMTP_SCAN_FAILED,
    SMTP_SCANNERS_BUSY,
    SMTP_LOCAL_ERROR,
    SMTP_NO_SPACE,
    SMTP_TOO_MANY_RECIPIENTS,
    SMTP_SENDING_LIMITED, /* of these two `detail` says which limit (gateway/gate/limits.h) */
    SMTP_MESSAGE_LIMITED,
    SMTP_REPORT_ALONE,
    SMTP_JUDGED_APART,

    SMTP_UNKNOWN_COMMAND,
    SMTP_LINE_TOO_LONG,
    SMTP_BAD_ARGUMENT,
    SMTP_BAD_CHUNK_SIZE, /* ends the session */
    SMTP_BAD_SENDER,
    SMTP_BAD_RECIPIENT,
    SMTP_NOT_IMPLEMENTED,
    SMTP_HELO_FIRST,
    SMTP_MAIL_FIRST,
    SMTP_NESTED_MAIL,
    SMTP_IN_CHUNKS,
    SMTP_NOT_NOW,
    SMTP_TLS_ALREADY,
    SMTP_NO_RECIPIENTS,
    SMTP_STRAY_COMMAND_BYTE, /* ends the session */
    SMTP_NOT_SMTP,           /* ends the session */
    SMTP_AUTH_CANCELLED,
    SMTP_AUTH_MALFORMED,
    SMTP_AUTH_MECHANISM,
    SMTP_AUTH_ALREADY,
    SMTP_AUTH_FIRST,
    SMTP_TLS_FIRST,
    SMTP_AUTH_FOR_OTHERS,
    SMTP_AUTH_WRONG,
    SMTP_AUTH_TOKEN,
    SMTP_AUTH_SCOPE,
    SMTP_AUTH_EXPIRED, /* of these three `detail` says where to renew it */
    SMTP_AUTH_MUST_CHANGE,
    SMTP_AUTH_LOCKED,
    SMTP_AUTH_DISABLED,
    SMTP_AUTH_IN_CLEAR,
    SMTP_SENDER_NOT_YOURS, /* detail: the account */
    SMTP_AUTHOR_NOT_YOURS, /* detail: the address */
    SMTP_AUTHOR_MISSING,   /* these three of who has logged in: RFC 6409 8 */
    SMTP_AUTHOR_TWICE,
    SMTP_AUTHOR_MALFORMED,
    SMTP_SENDER_FROZEN, /* detail: since when, why, whom to ask */
    SMTP_XCLIENT_DENIED,
    SMTP_HELO_NOT_YOURS,
    SMTP_HELO_BARE_ADDRESS,
    SMTP_HELO_NO_DOMAIN,
    SMTP_EARLY_TALKER, /* ends the session */
    SMTP_UNKNOWN_RECIPIENT,
    SMTP_MAILBOX_DISABLED,
    SMTP_GROUP_CLOSED,
    SMTP_RELAYING_DENIED,
    SMTP_REDIRECTION_FORBIDDEN, /* detail: by which rule */
    SMTP_RETURN_FORGED,         /* of an SRS address of ours (sender/srs.h) */
    SMTP_RETURN_EXPIRED,
    SMTP_RETURN_NO_BOUNCE,
    SMTP_LISTED,   /* detail: who by which list */
    SMTP_REJECTED, /* detail: why */
    SMTP_STRAY_NEWLINE,
    SMTP_NUL_IN_MESSAGE, /* ends the session */
    SMTP_MAILBOX_FULL,
    SMTP_TOO_BIG,
    SMTP_MUCH_TOO_BIG, /* ends the session */
    SMTP_UTF8_NOT_ASKED,
    SMTP_TOO_MANY_HOPS,
    SMTP_UNKNOWN_PARAMETER,

    SMTP_STATUS_COUNT
};

struct smtp_reply {
    unsigned code;
    const char *enhanced; /* "" in those replies that carry none (RFC 2034 3) */
    const char *text;
    bool closes;  /* the session ends behind it */
    bool journal; /* a mail or a client was turned away: not mere bad syntax */
};

const struct smtp_reply *smtp_reply_of(enum smtp_status status);

/*
 * One line "CODE ENHANCED TEXT: DETAIL" with CR LF. Detail may come from the client or a
 * scanner: bytes that are not printable ASCII become '?', and it is cut so that the line fits
 * into the 512 bytes of RFC 5321 4.5.3.1.5.
 */
void smtp_reply_put(struct buf *out, enum smtp_status status, struct str detail);
/* As above, but a line that is followed by more of the same reply ("250-"). */
void smtp_reply_put_more(struct buf *out, enum smtp_status status, struct str detail);

#endif
