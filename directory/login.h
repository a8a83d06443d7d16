/*
 * login: is that their password? Asked by edge over a lasting connection to the directory process
 * (directory.h: WISH_LOGIN, whose `password` is the third text), and answered by the first LDAP
 * directory of the user's domain that has such an entry, by a bind in its name.
 *
 *     reply    u32 number, u8 enum login_result, str account, str addresses, u8 soon,
 *              u64 seconds until the password expires, str note
 * WISH_USER asks the same of who has logged in elsewhere (a token): there is no password and no
 * bind, so that a locked or expired one does not matter. Away is never wrong: whatever is not a
 * clear answer is LOGIN_AWAY.
 */
#ifndef POTERNE_DIRECTORY_LOGIN_H
#define POTERNE_DIRECTORY_LOGIN_H

#include "base/wire.h"
#include "directory/directory.h"

#define LOGIN_PASSWORD_MAX  1024
#define LOGIN_ADDRESSES_MAX (2 * PERSON_LIST_MAX)
#define LOGIN_NOTE_SIZE     256
#define LOGIN_PATIENCE_MS   8000 /* for all: below edge's LOGINS_TIMEOUT */

enum login_result {
    LOGIN_OK,
    LOGIN_WRONG, /* no such user, or not the password: who asks is not told which */
    LOGIN_EXPIRED,
    LOGIN_MUST_CHANGE, /* the first thing to be done with it */
    LOGIN_LOCKED,
    LOGIN_DISABLED, /* the account takes no mail, and sends none */
    LOGIN_AWAY,
};

struct login_answer {
    enum login_result result;
    /* Whom the name is of: the official address, also where the password is wrong. Empty: nobody */
    char account[ADDRESS_MAX + 1];
    char
        addresses[LOGIN_ADDRESSES_MAX + 1]; /* of LOGIN_OK: that it may send from, blanks between */
    bool soon;                              /* … the password expires in */
    uint64_t expires;                       /* … so many seconds */
    char note[LOGIN_NOTE_SIZE];             /* for the log: why not */
};

void login_reply_put(struct buf *out, uint32_t number, const struct login_answer *answer);
bool login_reply_get(struct str message, uint32_t *number, struct login_answer *answer);

/* Is the address one of those the account may send from? With a separator (directory.subaddress)
 * jean+list@ is as jean@. */
bool login_may_send(const char *addresses, struct str sender, const char *separator);

#endif
