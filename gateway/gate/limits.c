#include "gateway/gate/limits.h"

#include <stdio.h>
#include <time.h>

#include "gateway/gate/table.h"

#define QUARTER (15 * 60)
#define HOUR    (60 * 60)

int limits_open(struct limits *limits, const struct conf *conf, struct err *err)
{
    *limits = (struct limits){.conf = &conf->limits};
    if (networks_load(&conf->limits.shared, &limits->shared, err) < 0)
        return -1;
    limits->windows =
        windows_open(conf->state_dir, LIMITS_TABLE, LIMITS_ENTRIES, WINDOWS_REFUSE, err);
    return limits->windows ? 0 : -1;
}

void limits_close(struct limits *limits)
{
    networks_free(&limits->shared);
    windows_close(&limits->windows);
}

/* --- which limits --- */

static const struct conf_allowance *allowance_of(const struct conf_limits *conf,
                                                 enum network_class of)
{
    switch (of) {
    case CLASS_WEBMAIL:
        return &conf->webmail;
    case CLASS_RELAY:
        return &conf->relay;
    case CLASS_INSIDE:
        return &conf->inside;
    case CLASS_OUTSIDE:
        break;
    }
    return &conf->outside;
}

unsigned limits_of_message(const struct conf_limits *conf, enum network_class network_class)
{
    return allowance_of(conf, network_class)->recipients_per_message;
}

void limits_for(const struct conf_limits *conf, struct windows_charge *charge)
{
    const struct conf_allowance *allowance =
        charge->who.kind == LIMITS_ACCOUNT_ALL
            ? &conf->account
            : allowance_of(conf, (enum network_class)charge->who.of);
    const struct windows_limit limits[] = {
        {LIMITS_MESSAGES, HOUR, allowance->messages_per_hour},
        {LIMITS_RECIPIENTS, QUARTER, allowance->recipients_per_15min},
        {LIMITS_RECIPIENTS, HOUR, allowance->recipients_per_hour},
    };
    _Static_assert(sizeof limits / sizeof limits[0] <= WINDOWS_LIMITS_MAX, "they fit");
    charge->n_limits = sizeof limits / sizeof limits[0];
    memcpy(charge->limits, limits, sizeof limits);
}

void limits_charge(const struct conf_limits *conf, enum limits_kind kind, enum network_class of,
                   struct str name, struct windows_charge *charge)
{
    char network[GATE_NETWORK_SIZE];
    struct gate_key key;
    /* an address of IPv6 is one of as many as somebody likes */
    if (kind == LIMITS_ADDRESS && str_chr(name, ':') != STR_NONE && gate_network(name, &key)) {
        gate_network_text(&key, network);
        name = str_of(network);
    }
    charge->who = windows_who(kind, kind == LIMITS_ACCOUNT_ALL ? 0 : of, name);
    limits_for(conf, charge);
}

/* Who is counted. */
static size_t charges_of(const struct limits *limits, const struct limits_origin *origin,
                         struct windows_charge charges[WINDOWS_CHARGES_MAX])
{
    const struct conf_limits *conf = limits->conf;
    enum network_class of = origin->network_class;
    bool logged_in = origin->account.n > 0;
    size_t n = 0;
    if (logged_in) {
        limits_charge(conf, LIMITS_ACCOUNT, of, origin->account, &charges[n++]);
        limits_charge(conf, LIMITS_ACCOUNT_ALL, of, origin->account, &charges[n++]);
    }
    if (of == CLASS_WEBMAIL && !logged_in)
        limits_charge(conf, LIMITS_SENDER, of, origin->sender, &charges[n++]);
    else if (of != CLASS_WEBMAIL && !(logged_in && networks_hold(&limits->shared, origin->ip)))
        limits_charge(conf, LIMITS_ADDRESS, of, origin->ip, &charges[n++]);
    return n;
}

/* --- words --- */

static const char *what_of(const struct windows_limit *limit)
{
    if (limit->series == LIMITS_MESSAGES)
        return "messages an hour";
    return limit->seconds == QUARTER ? "recipients in 15 minutes" : "recipients an hour";
}

/* In an answer of SMTP: a name may have letters of any language. */
static void shown(const char *name, char out[WINDOWS_NAME_SIZE])
{
    size_t n = 0;
    for (; name[n] && n + 1 < WINDOWS_NAME_SIZE; n++)
        out[n] = name[n] > ' ' && name[n] <= '~' ? name[n] : '?';
    out[n] = '\0';
}

/* "50 messages an hour from outside for jean@univ.example, 50 counted; try again at 14:05:00 UTC,
 * in 312 s" */
static void say(const struct windows_charge *charge, const struct windows_reached *reached,
                int64_t now, char words[LIMITS_WORDS_SIZE])
{
    const struct windows_limit *limit = &charge->limits[reached->limit];
    bool all = charge->who.kind == LIMITS_ACCOUNT_ALL;
    char at[sizeof "00:00:00"] = "?", name[WINDOWS_NAME_SIZE];
    time_t until = (time_t)reached->until;
    struct tm utc;
    if (gmtime_r(&until, &utc))
        strftime(at, sizeof at, "%H:%M:%S", &utc);
    shown(charge->who.name, name);
    snprintf(words, LIMITS_WORDS_SIZE,
             "%u %s%s%s for %s, %u counted; try again at %s UTC, in %lld s", limit->most,
             what_of(limit), all ? "" : " from ",
             all ? "" : network_class_name((enum network_class)charge->who.of), name,
             reached->counted, at, (long long)(reached->until - now));
}

void limits_count(struct limits *limits, const struct limits_origin *origin,
                  enum limits_series series, int64_t now, struct limits_answer *answer)
{
    struct windows_charge charges[WINDOWS_CHARGES_MAX];
    struct windows_reached reached = {0};
    size_t n = charges_of(limits, origin, charges);
    *answer = (struct limits_answer){
        .result = windows_count(limits->windows, charges, n, series, now, &reached)};
    if (answer->result != WINDOWS_REACHED)
        return;
    const struct windows_charge *charge = &charges[reached.charge];
    say(charge, &reached, now, answer->words);
    answer->of_account =
        charge->who.kind == LIMITS_ACCOUNT || charge->who.kind == LIMITS_ACCOUNT_ALL;
    answer->hits = reached.hits;
}
