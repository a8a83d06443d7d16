/*
 * dns_file: a dns_source out of a text, for tests, for trials, and for keys that are kept by hand.
 * One record a line:
 *   NAME A 192.0.2.1
 *   NAME AAAA 2001:db8::1
 *   NAME MX 10 mx.example.org
 *   NAME NS ns.example.org
 *   NAME PTR host.example.org
 *   NAME CNAME other.example.org
 *   NAME TXT the text to the end of the line
 *   NAME TXT "strings as RFC 1035 5.1" " writes them, \065 and \" included"
 *   NAME TEMPFAIL [TYPE]
 *   NAME TIMEOUT [TYPE]
 * TEMPFAIL and TIMEOUT say that nobody can tell now: of TYPE, or of what else is asked of NAME.
 * Empty lines and lines that begin with # are left out. A name that is not there does not exist.
 * Names are compared without case; a blank in one is written \032.
 */
#ifndef POTERNE_SENDER_DNS_FILE_H
#define POTERNE_SENDER_DNS_FILE_H

#include "base/buf.h"
#include "sender/dns.h"

#define DNS_FILE_MAX       (4 * 1024 * 1024)
#define DNS_FILE_CNAME_MAX 10 /* aliases in a row; behind them the question fails */

struct dns_file;

/* NULL: err names the line that can't be read. */
struct dns_file *dns_file_parse(struct str text, const char *path, struct err *err);
struct dns_file *dns_file_read(const char *path, struct err *err);
void dns_file_free(struct dns_file **file);
/* Lives as long as the file. */
struct dns_source dns_file_source(struct dns_file *file);

#endif
