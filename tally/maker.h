/*
 * maker: who makes a report, about whom, and about which day.
 */
#ifndef POTERNE_TALLY_MAKER_H
#define POTERNE_TALLY_MAKER_H

#include "base/buf.h"
#include "base/domain.h"
#include "journal/tally.h"

#define TALLY_TEXT_MAX  ((size_t)32 * 1024 * 1024) /* bytes of a report, not compressed */
#define TALLY_ID_SIZE   (2 * DOMAIN_SIZE + 32)     /* of a report's id, with its NUL */
#define TALLY_FILE_SIZE (2 * DOMAIN_SIZE + 64)     /* of its file's name, with its NUL */

struct tally_maker {
    struct str organization; /* a name, UTF-8 */
    struct str contact;      /* address */
    struct str submitter;    /* the contact's domain */
    struct str hostname;
};

struct tally_subject {
    enum tally_kind kind;
    struct str domain; /* that it is about */
    int64_t day;       /* since 1970, UTC */
};

/* The same for the same report, however often it is made: "20261122.a.example.dmarc@HOSTNAME"
 * (dot-atom, RFC 9990 3.5.1); no two kinds, days, domains or gateways have the same one. */
void tally_report_id(const struct tally_maker *maker, const struct tally_subject *subject,
                     char id[TALLY_ID_SIZE]);
/* "SUBMITTER!DOMAIN!BEGIN!END.xml.gz" (RFC 9990 3.5.2, RFC 8460 5.1) */
void tally_file_name(const struct tally_maker *maker, const struct tally_subject *subject,
                     char name[TALLY_FILE_SIZE]);

/* First and last second of the day, since 1970. */
static inline int64_t tally_begin(int64_t day)
{
    return day * 86400;
}
static inline int64_t tally_end(int64_t day)
{
    return day * 86400 + 86399;
}

/* "2026-11-22"; false: no day of our calendar. */
#define TALLY_DAY_SIZE 16
bool tally_day_put(int64_t day, char out[TALLY_DAY_SIZE]);
bool tally_day_get(struct str text, int64_t *day);

#endif
