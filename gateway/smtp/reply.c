#include "gateway/smtp/reply.h"

#include "gateway/smtp/sasl.h"

#define REPLY_LINE_MAX 512
#define CLOSES         true
#define STAYS          false
#define JOURNAL        true
#define QUIET          false

/* clang-format off */
static const struct smtp_reply replies[SMTP_STATUS_COUNT] = {
    [SMTP_NONE]                 = {0, "", "", STAYS, QUIET},

    [SMTP_BANNER]               = {220, "", "", STAYS, QUIET},
    [SMTP_TLS_READY]            = {220, "2.0.0", "Ready to start TLS", STAYS, QUIET},
    [SMTP_BYE]                  = {221, "2.0.0", "Bye", CLOSES, QUIET},
    [SMTP_HELO_OK]              = {250, "", "", STAYS, QUIET},
    [SMTP_OK]                   = {250, "2.0.0", "Ok", STAYS, QUIET},
    [SMTP_AUTH_OK]              = {235, "2.7.0", "Authentication successful", STAYS, QUIET},
    [SMTP_AUTH_GO_ON]           = {334, "", "", STAYS, QUIET},
    [SMTP_SENDER_OK]            = {250, "2.1.0", "Sender ok", STAYS, QUIET},
    [SMTP_RECIPIENT_OK]         = {250, "2.1.5", "Recipient ok", STAYS, QUIET},
    [SMTP_REPORT_OK]            = {250, "2.1.5", "Recipient ok, takes reports", STAYS, QUIET},
    [SMTP_CHUNK_OK]             = {250, "2.0.0", "Chunk received", STAYS, QUIET},
    [SMTP_QUEUED]               = {250, "2.0.0", "Accepted as", STAYS, QUIET},
    [SMTP_VRFY_NOTHING]         = {252, "2.0.0", "Not verified; send mail and see", STAYS, QUIET},
    [SMTP_HELP]                 = {214, "2.0.0", "See RFC 5321; mail to postmaster reaches a person", STAYS, QUIET},
    [SMTP_SEND_DATA]            = {354, "", "Send the message; end with a line that holds a dot", STAYS, QUIET},

    [SMTP_TIMEOUT]              = {421, "4.4.2", "Nothing heard for too long; closing", CLOSES, QUIET},
    [SMTP_SESSION_TOO_LONG]     = {421, "4.4.2", "Session has lasted too long; closing", CLOSES, QUIET},
    [SMTP_SHUTTING_DOWN]        = {421, "4.3.2", "Service is being restarted; try again at once", CLOSES, QUIET},
    [SMTP_TOO_MANY_SESSIONS]    = {421, "4.3.2", "Too many sessions; try again later", CLOSES, JOURNAL},
    [SMTP_TOO_MANY_FROM_CLIENT] = {421, "4.7.0", "Too many sessions from your address; try again later", CLOSES, JOURNAL},
    [SMTP_TOO_MANY_ERRORS]      = {421, "4.7.0", "Too many errors; closing", CLOSES, JOURNAL},
    [SMTP_TOO_MANY_COMMANDS]    = {421, "4.7.0", "Too many commands without a message; closing", CLOSES, JOURNAL},
    [SMTP_TOO_MANY_MESSAGES]    = {421, "4.7.0", "Enough messages for one session; open another", CLOSES, QUIET},
    [SMTP_TOO_MANY_LOGINS]      = {421, "4.7.0", "Too many failed logins; closing", CLOSES, JOURNAL},
    [SMTP_DOUBTFUL_END]         = {421, "4.7.0", "The message had a bare CR or LF, or a NUL; closing", CLOSES, QUIET},
    [SMTP_NO_MEMORY]            = {421, "4.3.0", "Out of memory; try again later", CLOSES, JOURNAL},

    [SMTP_LOGIN_AWAY]           = {454, "4.7.0", "Passwords can't be checked now; try again later", STAYS, JOURNAL},
    [SMTP_TOKEN_AWAY]           = {454, "4.7.0", "Tokens can't be checked now; try again later", STAYS, JOURNAL},
    [SMTP_LOGIN_LATER]          = {454, "4.7.0", "Too many failed logins; try again later", STAYS, JOURNAL},
    [SMTP_DIRECTORY_DOWN]       = {451, "4.3.0", "Recipient can't be checked now; try again later", STAYS, JOURNAL},
    [SMTP_HARVESTING]           = {451, "4.7.1", "Too many unknown recipients from your network; try again later", STAYS, JOURNAL},
    [SMTP_GREYLISTED]           = {451, "4.7.1", "Greylisted for now", STAYS, JOURNAL},
    [SMTP_SCAN_FAILED]          = {451, "4.3.2", "Message could not be examined now; try again later", STAYS, JOURNAL},
    [SMTP_SCANNERS_BUSY]        = {451, "4.3.2", "All scanners are busy; try again later", STAYS, JOURNAL},
    [SMTP_LOCAL_ERROR]          = {451, "4.3.0", "Local error; try again later", STAYS, JOURNAL},
    [SMTP_NO_SPACE]             = {452, "4.3.1", "Storage is nearly full; try again later", STAYS, JOURNAL},
    [SMTP_TOO_MANY_RECIPIENTS]  = {452, "4.5.3", "Too many recipients; send to the rest in another message", STAYS, JOURNAL},
    [SMTP_SENDING_LIMITED]      = {450, "4.7.1", "Enough mail for now", STAYS, JOURNAL},
    [SMTP_MESSAGE_LIMITED]      = {452, "4.5.3", "Too many recipients; send to the rest in another message", STAYS, JOURNAL},
    [SMTP_REPORT_ALONE]         = {452, "4.5.3", "A report has one recipient; send to the others in another message", STAYS, JOURNAL},
    [SMTP_JUDGED_APART]         = {452, "4.5.3", "Other rules hold for this domain; send to it in another message", STAYS, JOURNAL},

    [SMTP_UNKNOWN_COMMAND]      = {500, "5.5.1", "Command not known", STAYS, QUIET},
    [SMTP_LINE_TOO_LONG]        = {500, "5.5.2", "Line too long", STAYS, QUIET},
    [SMTP_BAD_ARGUMENT]         = {501, "5.5.4", "Syntax error in the arguments", STAYS, QUIET},
    [SMTP_BAD_CHUNK_SIZE]       = {501, "5.5.4", "Chunk size not understood; closing", CLOSES, QUIET},
    [SMTP_BAD_SENDER]           = {501, "5.1.7", "Sender address syntax", STAYS, JOURNAL},
    [SMTP_BAD_RECIPIENT]        = {501, "5.1.3", "Recipient address syntax", STAYS, JOURNAL},
    [SMTP_NOT_IMPLEMENTED]      = {502, "5.5.1", "Command not offered here", STAYS, QUIET},
    [SMTP_HELO_FIRST]           = {503, "5.5.1", "Say EHLO first", STAYS, QUIET},
    [SMTP_MAIL_FIRST]           = {503, "5.5.1", "Say MAIL first", STAYS, QUIET},
    [SMTP_NESTED_MAIL]          = {503, "5.5.1", "A message is already under way", STAYS, QUIET},
    [SMTP_IN_CHUNKS]            = {503, "5.5.1", "Only BDAT, RSET, NOOP or QUIT between chunks", STAYS, QUIET},
    [SMTP_NOT_NOW]              = {503, "5.5.1", "Not while a message is under way", STAYS, QUIET},
    [SMTP_TLS_ALREADY]          = {503, "5.5.1", "TLS is already in use", STAYS, QUIET},
    [SMTP_NO_RECIPIENTS]        = {554, "5.5.1", "No valid recipients", STAYS, QUIET},
    [SMTP_STRAY_COMMAND_BYTE]   = {521, "5.5.2", "Bare CR, bare LF or NUL in a command; closing", CLOSES, JOURNAL},
    [SMTP_NOT_SMTP]             = {521, "5.5.1", "This is a mail server; closing", CLOSES, QUIET},
    [SMTP_AUTH_CANCELLED]       = {501, "5.7.0", "Authentication cancelled", STAYS, QUIET},
    [SMTP_AUTH_MALFORMED]       = {501, "5.5.2", "Not base64, or not what the mechanism says", STAYS, QUIET},
    [SMTP_AUTH_MECHANISM]       = {504, "5.5.4", "Mechanism not known, or not offered here", STAYS, QUIET},
    [SMTP_AUTH_ALREADY]         = {503, "5.5.1", "You have logged in already", STAYS, QUIET},
    [SMTP_AUTH_FIRST]           = {530, "5.7.0", "Authentication required", STAYS, JOURNAL},
    [SMTP_TLS_FIRST]            = {530, "5.7.0", "Say STARTTLS first", STAYS, JOURNAL},
    [SMTP_AUTH_FOR_OTHERS]      = {535, "5.7.8", "You can log in for yourself only", STAYS, JOURNAL},
    [SMTP_AUTH_WRONG]           = {535, "5.7.8", "User name or password is wrong", STAYS, JOURNAL},
    [SMTP_AUTH_TOKEN]           = {535, "5.7.8", "The token is not valid here", STAYS, JOURNAL},
    [SMTP_AUTH_SCOPE]           = {535, "5.7.8", "The token is not meant for sending mail here", STAYS, JOURNAL},
    [SMTP_AUTH_EXPIRED]         = {535, "5.7.8", "The password has expired", STAYS, JOURNAL},
    [SMTP_AUTH_MUST_CHANGE]     = {535, "5.7.8", "The password must be changed first", STAYS, JOURNAL},
    [SMTP_AUTH_LOCKED]          = {535, "5.7.13", "The account is locked", STAYS, JOURNAL},
    [SMTP_AUTH_DISABLED]        = {535, "5.7.13", "The account is disabled", STAYS, JOURNAL},
    [SMTP_AUTH_IN_CLEAR]        = {538, "5.7.11", "Passwords are taken over TLS only", STAYS, JOURNAL},
    [SMTP_SENDER_NOT_YOURS]     = {550, "5.7.1", "Not an address that you may send from", STAYS, JOURNAL},
    [SMTP_AUTHOR_NOT_YOURS]     = {550, "5.7.1", "From or Sender is not an address that you may write from", STAYS, JOURNAL},
    [SMTP_AUTHOR_MISSING]       = {550, "5.6.0", "The message has no From field (RFC 5322 3.6)", STAYS, JOURNAL},
    [SMTP_AUTHOR_TWICE]         = {550, "5.6.0", "The message has several From or Sender fields (RFC 5322 3.6)", STAYS, JOURNAL},
    [SMTP_AUTHOR_MALFORMED]     = {550, "5.6.0", "From or Sender is malformed (RFC 5322 3.6.2)", STAYS, JOURNAL},
    [SMTP_SENDER_FROZEN]        = {550, "5.7.1", "This account may send nothing for now", STAYS, JOURNAL},
    [SMTP_XCLIENT_DENIED]       = {550, "5.7.0", "You may not say whose session this is", STAYS, JOURNAL},
    [SMTP_HELO_NOT_YOURS]       = {550, "5.7.1", "That name or address is ours; say your own", STAYS, JOURNAL},
    [SMTP_HELO_BARE_ADDRESS]    = {550, "5.7.1", "An address stands in brackets (RFC 5321 4.1.3); better say a name", STAYS, JOURNAL},
    [SMTP_HELO_NO_DOMAIN]       = {550, "5.7.1", "Say your full host name", STAYS, JOURNAL},
    [SMTP_EARLY_TALKER]         = {554, "5.5.1", "You spoke before you were greeted; closing", CLOSES, JOURNAL},
    [SMTP_UNKNOWN_RECIPIENT]    = {550, "5.1.1", "No such recipient here", STAYS, JOURNAL},
    [SMTP_MAILBOX_DISABLED]     = {550, "5.2.1", "Mailbox is disabled and takes no mail", STAYS, JOURNAL},
    [SMTP_GROUP_CLOSED]         = {550, "5.7.2", "You may not write to this group", STAYS, JOURNAL},
    [SMTP_RELAYING_DENIED]      = {550, "5.7.1", "Not a domain of ours; relaying denied", STAYS, JOURNAL},
    [SMTP_REDIRECTION_FORBIDDEN] = {550, "5.7.1", "Mail may not be redirected there", STAYS, JOURNAL},
    [SMTP_RETURN_FORGED]        = {550, "5.1.1", "That return address was not made here", STAYS, JOURNAL},
    [SMTP_RETURN_EXPIRED]       = {550, "5.1.1", "That return address is too old", STAYS, JOURNAL},
    [SMTP_RETURN_NO_BOUNCE]     = {550, "5.7.1", "Only bounces (MAIL FROM:<>) are taken for a return address", STAYS, JOURNAL},
    [SMTP_LISTED]               = {550, "5.7.1", "Your address is on a block list; postmaster here is still reached", STAYS, JOURNAL},
    [SMTP_REJECTED]             = {550, "5.7.1", "Message refused", STAYS, JOURNAL},
    [SMTP_STRAY_NEWLINE]        = {550, "5.6.0", "Message has a bare CR or LF; every line must end with CR LF", STAYS, JOURNAL},
    [SMTP_NUL_IN_MESSAGE]       = {550, "5.6.0", "Message has a NUL byte; closing", CLOSES, JOURNAL},
    [SMTP_MAILBOX_FULL]         = {552, "5.2.2", "Mailbox is full", STAYS, JOURNAL},
    [SMTP_TOO_BIG]              = {552, "5.3.4", "Message too big", STAYS, JOURNAL},
    [SMTP_MUCH_TOO_BIG]         = {552, "5.3.4", "Message far too big; closing", CLOSES, JOURNAL},
    [SMTP_UTF8_NOT_ASKED]       = {553, "5.6.7", "Address is not ASCII and SMTPUTF8 was not asked for", STAYS, JOURNAL},
    [SMTP_TOO_MANY_HOPS]        = {554, "5.4.6", "Too many Received fields: mail loop", STAYS, JOURNAL},
    [SMTP_UNKNOWN_PARAMETER]    = {555, "5.5.4", "Parameter not known", STAYS, QUIET},
};
/* clang-format on */

const struct smtp_reply *smtp_reply_of(enum smtp_status status)
{
    return &replies[status < SMTP_STATUS_COUNT ? status : SMTP_LOCAL_ERROR];
}

static void put_clean(struct buf *out, struct str detail, size_t room)
{
    for (size_t i = 0; i < detail.n && i < room; i++) {
        char c = detail.s[i];
        buf_addc(out, c >= ' ' && c <= '~' ? c : '?');
    }
}

static void put_line(struct buf *out, enum smtp_status status, struct str detail, char sep)
{
    const struct smtp_reply *r = smtp_reply_of(status);
    size_t start = out->n;
    buf_addf(out, "%u%c", r->code, sep);
    if (r->enhanced[0])
        buf_addf(out, "%s ", r->enhanced);
    buf_add(out, str_of(r->text));
    if (detail.n && r->text[0])
        buf_add(out, status == SMTP_QUEUED ? STR(" ") : STR(": "));
    put_clean(out, detail, REPLY_LINE_MAX - 2 - (out->n - start));
    buf_add(out, STR("\r\n"));
}

void smtp_reply_put(struct buf *out, enum smtp_status status, struct str detail)
{
    put_line(out, status, detail, ' ');
}

void smtp_reply_put_more(struct buf *out, enum smtp_status status, struct str detail)
{
    put_line(out, status, detail, '-');
}
