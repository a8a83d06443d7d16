/*
 * ledger_export: what was learned as text, and back; from other filters' dumps too.
 *
 * The portable format (one record a line, fields parted by a TAB, numbers decimal, hashes 16
 * hexadecimal digits; lines may come in any order after the first two):
 *
 *   poterne-model 1
 *   totals SPAM HAM                          messages
 *   token HASH SPAM HAM DAY                  DAY: last seen, days since 1970
 *   weight POSITION VALUE                    of the grams; those that are 0 are left out
 *   fusion INDEX VALUE
 *   end LINES                                lines before this one: without it the file is cut
 * short
 *
 * Reading never goes beyond IMPORT_LINE_MAX bytes a line and MODEL_TOKENS_MAX tokens. An import is
 * one transaction and is added to what is there: whole, or not at all.
 */
#ifndef POTERNE_BAYES_LEDGER_EXPORT_H
#define POTERNE_BAYES_LEDGER_EXPORT_H

#include "bayes/ledger.h"

#define IMPORT_LINE_MAX 4096

/* The fds are positioned at the beginning and stay open; path is for messages. */
int ledger_export(struct ledger *ledger, int fd, const char *path, struct err *err);

enum import_format { IMPORT_POTERNE, IMPORT_SPAMASSASSIN, IMPORT_BOGOFILTER };

struct import_summary {
    enum import_format format; /* found by the first line */
    uint64_t spam;             /* messages */
    uint64_t ham;
    uint64_t tokens;  /* taken over */
    uint64_t dropped; /* that have no counterpart here */
};
const char *import_format_text(enum import_format format);

/*
 * Our own export, `sa-learn --backup`, or `bogoutil -d wordlist.db`. -1 with nothing changed
 * when it is none of these, malformed or cut short.
 */
int ledger_import(struct ledger *ledger, int fd, const char *path, struct import_summary *summary,
                  struct err *err);

#endif
