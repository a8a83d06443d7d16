/*
 * certificates: sees when other files lie where smtp.tls_certificate and smtp.tls_key point, so
 * that what an ACME client renewed serves without anybody's help. Files are told apart by what
 * stat() says of what a link leads to, and are not opened: whether they can be used is found out by
 * the generation of edge that loads them, beside the one that serves.
 */
#ifndef POTERNE_GATEWAY_CERTIFICATES_H
#define POTERNE_GATEWAY_CERTIFICATES_H

#include <sys/stat.h>
#include <time.h>

#include "base/conf.h"

/* Seconds between two looks. A certificate and its key are two files: only when two looks agree is
 * nobody writing any more. */
#define CERTIFICATES_LOOK 5

struct certificate_look {
    struct stat certificate, key;
};

struct certificates {
    struct certificate_look loaded; /* which the generation that serves has seen, or later ones */
    struct certificate_look last;
    time_t next; /* monotonic seconds */
};

/* What lies there now will be loaded: at the start, and when the settings were read again. */
void certificates_loaded(struct certificates *c, const struct conf_smtp *conf, time_t now);
/* True, once, when other files lie there, and lie still. A file that is missing is being replaced.
 */
bool certificates_changed(struct certificates *c, const struct conf_smtp *conf, time_t now);

#endif
