/*
 * fingerprint: SHA-256 of what makes a message this one: the sender's fields and, part by part, the
 * decoded contents. It is the same for the message as it was scanned and for the original that
 * comes back in a report (restore.h), whatever was done to it on the way: fields added, folded,
 * encoded or moved, line ends changed, blanks at line ends and empty lines at the end lost,
 * transfer encodings changed, "From " lines escaped. It is made for signing: nobody can find
 * another message with the same one. (features_digest() of bayes/ is not.)
 *
 * Covered: From, Sender, Reply-To, To, Cc, Subject without our tag, Date, Message-ID, In-Reply-To,
 * References, List-Id, User-Agent, X-Mailer; type, charset, file name and contents of each part.
 */
#ifndef POTERNE_REPORTS_FINGERPRINT_H
#define POTERNE_REPORTS_FINGERPRINT_H

#include "mail/message.h"

#define FINGERPRINT_SIZE 32

struct fingerprint {
    unsigned char bytes[FINGERPRINT_SIZE];
};

/* tag: conf.spam.subject_tag. -1: out of memory. */
int fingerprint_make(struct pool *pool, const struct message *message, struct str tag,
                     struct fingerprint *fingerprint, struct err *err);

#define FINGERPRINT_HEX_SIZE (2 * FINGERPRINT_SIZE + 1)
/* As it stands in the journal's evidence: lower case hexadecimal digits. */
void fingerprint_hex(const struct fingerprint *fingerprint, char text[FINGERPRINT_HEX_SIZE]);

/* Loads what OpenSSL would load late: once, before a sandbox closes. */
int fingerprint_load(struct err *err);

#endif
