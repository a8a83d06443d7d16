#include "gateway/gate/bounces.h"

/* Of an account: what it sends, and what comes of that. */
enum kind { KIND_SENT = 1, KIND_ANSWERED };
enum series { ANSWERED, BOUNCED, SENT = 0 };

int bounces_open(struct bounces *bounces, const struct conf *conf, struct err *err)
{
    *bounces = (struct bounces){.conf = &conf->limits};
    if (conf->limits.freeze_bounces == 0)
        return 0;
    bounces->windows =
        windows_open(conf->state_dir, BOUNCES_TABLE, BOUNCES_ENTRIES, WINDOWS_FORGET, err);
    return bounces->windows ? 0 : -1;
}

void bounces_close(struct bounces *bounces)
{
    windows_close(&bounces->windows);
}

static struct windows_who who_of(enum kind kind, struct str account)
{
    return windows_who(kind, 0, account);
}

static unsigned sum(struct windows *windows, enum kind kind, struct str account, enum series series,
                    int64_t now)
{
    const struct windows_who who = who_of(kind, account);
    struct windows_entry entry;
    if (!windows_find(windows, &who, &entry))
        return 0;
    return windows_sum(&entry, series, BOUNCES_SECONDS, now);
}

struct bounces_counts bounces_counted(struct windows *windows, struct str account, int64_t now)
{
    struct bounces_counts counts = {
        .sent = sum(windows, KIND_SENT, account, SENT, now),
        .answered = sum(windows, KIND_ANSWERED, account, ANSWERED, now),
        .bounced = sum(windows, KIND_ANSWERED, account, BOUNCED, now),
    };
    counts.of = counts.sent > counts.answered ? counts.sent : counts.answered;
    return counts;
}

void bounces_forget(struct windows *windows, struct str account)
{
    const struct windows_who sent = who_of(KIND_SENT, account);
    const struct windows_who answered = who_of(KIND_ANSWERED, account);
    windows_clear(windows, &sent);
    windows_clear(windows, &answered);
}

static void count(const struct bounces *bounces, enum kind kind, struct str account,
                  enum series series, int64_t now)
{
    const struct windows_charge charge = {.who = who_of(kind, account)};
    struct windows_reached reached;
    windows_count(bounces->windows, &charge, 1, series, now, &reached);
}

void bounces_sent(const struct bounces *bounces, struct str account, size_t n, int64_t now)
{
    for (size_t i = 0; bounces->windows && i < n && i < BOUNCES_SENT_MAX; i++)
        count(bounces, KIND_SENT, account, SENT, now);
}

bool bounces_note(const struct bounces *bounces, struct str account, bool bounced, int64_t now,
                  struct bounces_counts *counts)
{
    const struct conf_limits *conf = bounces->conf;
    if (bounces->windows == NULL)
        return false;
    count(bounces, KIND_ANSWERED, account, ANSWERED, now);
    if (!bounced)
        return false;
    count(bounces, KIND_ANSWERED, account, BOUNCED, now);
    *counts = bounces_counted(bounces->windows, account, now);
    return counts->bounced >= conf->freeze_bounces &&
           (uint64_t)counts->bounced * 100 >= (uint64_t)counts->of * conf->freeze_bounces_percent;
}
