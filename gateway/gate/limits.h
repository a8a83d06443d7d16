/*
 * limits: may this be sent now? Against stolen passwords: what is to be sent is counted in sliding
 * windows (windows.h), by the settings of sections limits_*. Counted are
 *
 *   who has logged in   his account in the class of his network, and over all classes;
 *                       the address, too, but for webmail and the networks of limits.shared
 *   webmail             without a login: the sender address, which a webmail server tells truly
 *   else                the address (IPv6: its /64)
 *
 * A message counts when MAIL is let through, a recipient when RCPT is, whatever comes of them: what
 * is tried counts. What a limit refuses does not, or the time that the answer tells were not true;
 * how often that happens is counted apart (`hits`).
 */
#ifndef POTERNE_GATEWAY_GATE_LIMITS_H
#define POTERNE_GATEWAY_GATE_LIMITS_H

#include "gateway/gate/classes.h"
#include "gateway/gate/windows.h"

#define LIMITS_TABLE "limits"
/* With WINDOWS_ENTRY_BYTES each 16 MB, for all. Three are needed for an account that sends from an
 * address of its own, and nine tenths can be used (windows.h): 15 000 such accounts in an hour. */
#define LIMITS_ENTRIES    49152
#define LIMITS_WORDS_SIZE 240

enum limits_series { LIMITS_MESSAGES, LIMITS_RECIPIENTS };
/* Kinds of windows_who. */
enum limits_kind { LIMITS_ADDRESS = 1, LIMITS_ACCOUNT, LIMITS_ACCOUNT_ALL, LIMITS_SENDER };

struct limits {
    const struct conf_limits *conf;
    struct networks shared;
    struct windows *windows;
};

/* -1 with err set: out of memory. */
int limits_open(struct limits *limits, const struct conf *conf, struct err *err);
void limits_close(struct limits *limits);

/* Who sends. */
struct limits_origin {
    enum network_class network_class;
    struct str ip;
    struct str account; /* who has logged in; empty: nobody */
    struct str sender;  /* of the message */
};

struct limits_answer {
    enum windows_result result;
    char words[LIMITS_WORDS_SIZE]; /* WINDOWS_REACHED: which limit, what was counted, until when */
    bool of_account;               /* it is the account's */
    unsigned hits;                 /* of him, within an hour */
};

/* One more message, or recipient; `now`: seconds since 1970. */
void limits_count(struct limits *limits, const struct limits_origin *origin,
                  enum limits_series series, int64_t now, struct limits_answer *answer);
/* Recipients that one message may have; 0: no limit. */
unsigned limits_of_message(const struct conf_limits *conf, enum network_class network_class);

/* What is counted of somebody, and the limits that hold for him: also for who looks at it. */
void limits_charge(const struct conf_limits *conf, enum limits_kind kind, enum network_class of,
                   struct str name, struct windows_charge *charge);
/* The limits of one who is known already. */
void limits_for(const struct conf_limits *conf, struct windows_charge *charge);

#endif
