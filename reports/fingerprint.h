/*
 * fingerprint: SHA-256 of what makes a message this one: the sender's fields and, part by part, the
 * decoded contents. It is the same for the message as it was scanned and for the original that
 * comes back in a report (restore.h), whatever was done to it on the way: fields added, folded,
 * encoded or moved, line ends changed, blanks at line ends and empty lines at the end lost,
 * transfer encodings changed, "From " lines escaped. It is made for signing: nobody can find
 * another message with the same one.
 *
 * Covered: type, charset, file name and contents of each part, and of the header what says who sent
 * it, with what, and how it came: the fields from which most is learned. A field that is not
 * covered can be added by whoever reports; words in it count for that field only
 * (bayes/features/field.h).
 */
#ifndef POTERNE_REPORTS_FINGERPRINT_H
#define POTERNE_REPORTS_FINGERPRINT_H

#include "mail/message.h"

#define FINGERPRINT_SIZE 32

/* Fields that the message was without, and that servers behind us add then (RFC 6409 8). */
enum missing_field { MISSING_FROM = 1, MISSING_TO = 2, MISSING_DATE = 4, MISSING_ID = 8 };
#define MISSING_ALL 15
/* "From" …; the bit is one of the above. */
const char *missing_field_name(enum missing_field bit);

struct fingerprint {
    unsigned char bytes[FINGERPRINT_SIZE];
    unsigned missing; /* enum missing_field */
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
