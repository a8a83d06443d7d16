#include "gateway/gate/guesses.h"

#include "base/buf.h"
#include "directory/address.h"

enum guess_kind { GUESS_NETWORK = 1, GUESS_NAME, GUESS_OWNER };

#define SERIES      0
#define CHARGES_MAX 2
#define TEXT_MAX    600 /* of a user name with a domain; what is longer is cut */

int guesses_open(struct guesses *guesses, const struct conf *conf, struct err *err)
{
    *guesses = (struct guesses){.conf = &conf->submission, .domain = conf->submission.domain};
    if (guesses->domain == NULL && conf->n_domains)
        guesses->domain = conf->domains[0].name;
    guesses->windows =
        windows_open(conf->state_dir, GUESSES_TABLE, GUESSES_ENTRIES, WINDOWS_FORGET, err);
    guesses->owners = gate_table_open(conf->state_dir, OWNERS_TABLE, OWNERS_ENTRIES, err);
    return guesses->windows && guesses->owners ? 0 : -1;
}

void guesses_close(struct guesses *guesses)
{
    windows_close(&guesses->windows);
    gate_table_close(&guesses->owners);
}

/* With the domain that it would get, and as the directory reads it: however a name is written
 * (quoted, with another form of its domain), it is the same one. */
static struct str whole_name(const struct guesses *guesses, struct str user, struct buf *room)
{
    struct address normal;
    buf_add(room, str_sub(user, 0, TEXT_MAX / 2));
    if (guesses->domain && str_chr(user, '@') == STR_NONE)
        buf_addf(room, "@%s", guesses->domain);
    if (buf_ok(room) && address_normal(buf_str(room), false, &normal)) {
        buf_clear(room);
        buf_addf(room, "%s", normal.text);
    }
    return buf_str(room);
}

static struct windows_charge charge_of(const struct guesses *guesses, enum guess_kind kind,
                                       struct str name, unsigned most)
{
    return (struct windows_charge){.who = windows_who(kind, 0, name),
                                   .limits = {{SERIES, guesses->conf->guesses_window, most}},
                                   .n_limits = 1};
}

/* Of who is known there; *key: by which he is. */
static struct windows_charge owner_charge(const struct guesses *guesses, const char *place,
                                          struct str name, struct gate_key *key)
{
    char room[TEXT_MAX + GATE_NETWORK_SIZE];
    struct buf both = BUF_OVER(room);
    buf_addf(&both, "%s %.*s", place, STR_ARG(name));
    struct windows_charge charge =
        charge_of(guesses, GUESS_OWNER, buf_str(&both), guesses->conf->guesses_account);
    memcpy(key->bytes, charge.who.key, sizeof key->bytes);
    return charge;
}

static bool is_owner(struct guesses *guesses, const struct gate_key *owner, int64_t now)
{
    const struct gate_entry *e = gate_table_find(guesses->owners, owner);
    return e && now - (int64_t)e->last <= (int64_t)OWNERS_LIFETIME; /* <0: the clock was set back */
}

static size_t charges_of(struct guesses *guesses, struct str name, const struct gate_key *network,
                         enum network_class of, int64_t now, struct guess *guess,
                         struct windows_charge charges[CHARGES_MAX])
{
    const struct conf_submission *conf = guesses->conf;
    size_t n = 0;
    if (network) {
        gate_network_text(network, guess->place);
        struct windows_charge owner = owner_charge(guesses, guess->place, name, &guess->owner);
        if (is_owner(guesses, &guess->owner, now)) {
            charges[n++] = owner;
            return n;
        }
    }
    if (network && of != CLASS_WEBMAIL)
        charges[n++] =
            charge_of(guesses, GUESS_NETWORK, str_of(guess->place), conf->guesses_network);
    charges[n++] = charge_of(guesses, GUESS_NAME, name, conf->guesses_account);
    return n;
}

static bool is_same(const struct windows_who *a, const struct windows_who *b)
{
    return a->kind == b->kind && memcmp(a->key, b->key, sizeof a->key) == 0;
}

/* Is one of his being asked about? */
static bool is_open(const struct guesses *guesses, const struct windows_who *who)
{
    for (const struct guess *g = guesses->open; g; g = g->behind)
        for (size_t i = 0; i < g->n; i++)
            if (is_same(&g->who[i], who))
                return true;
    return false;
}

static void open_add(struct guesses *guesses, struct guess *guess)
{
    guess->behind = guesses->open;
    if (guess->behind)
        guess->behind->before = guess;
    guesses->open = guess;
}

static void open_remove(struct guesses *guesses, struct guess *guess)
{
    if (guess->before)
        guess->before->behind = guess->behind;
    else
        guesses->open = guess->behind;
    if (guess->behind)
        guess->behind->before = guess->before;
}

static unsigned seconds_until(const struct windows_reached *reached, int64_t now)
{
    return reached->until > now ? (unsigned)(reached->until - now) : 1;
}

static enum guess_turn begin(struct guesses *guesses, const struct windows_charge *charges,
                             size_t n, struct guess *guess, unsigned *seconds)
{
    struct windows_reached reached = {0};
    int64_t now = guess->when;
    *seconds = 1;
    switch (windows_count(guesses->windows, charges, n, SERIES, now, &reached)) {
    case WINDOWS_COUNTED:
        break;
    case WINDOWS_REACHED:
        *seconds = seconds_until(&reached, now);
        return is_open(guesses, &charges[reached.charge].who) ? GUESS_WAIT : GUESS_LATER;
    case WINDOWS_UNCOUNTED:
        return GUESS_LATER;
    }
    for (; guess->n < n; guess->n++)
        guess->who[guess->n] = charges[guess->n].who;
    open_add(guesses, guess);
    return GUESS_ASK;
}

enum guess_turn guesses_begin(struct guesses *guesses, struct str user,
                              const struct gate_key *network, enum network_class of, int64_t now,
                              struct guess *guess, unsigned *seconds)
{
    char room[TEXT_MAX + 256];
    struct buf text = BUF_OVER(room);
    struct windows_charge charges[CHARGES_MAX];
    struct str name = whole_name(guesses, user, &text);
    *guess = (struct guess){.when = now};
    size_t n = charges_of(guesses, name, network, of, now, guess, charges);
    return begin(guesses, charges, n, guess, seconds);
}

enum guess_turn guesses_begin_token(struct guesses *guesses, struct str user,
                                    const struct gate_key *network, enum network_class of,
                                    int64_t now, struct guess *guess, unsigned *seconds)
{
    char room[TEXT_MAX + 256];
    struct buf text = BUF_OVER(room);
    struct windows_charge charges[CHARGES_MAX];
    /* who says no name is nobody's owner: no address is so called */
    struct str name = user.n ? whole_name(guesses, user, &text) : STR("-");
    *guess = (struct guess){.when = now};
    size_t n = charges_of(guesses, name, network, of, now, guess, charges);
    /* where it is not the owner's, the last one is the name's */
    n -= charges[n - 1].who.kind == GUESS_NAME;
    if (n == 0 || user.n == 0)
        guess->place[0] = '\0';
    return n > 0 ? begin(guesses, charges, n, guess, seconds) : GUESS_ASK;
}

bool guesses_account(struct guesses *guesses, const struct guess *guess, struct str account,
                     enum guess_result result, int64_t now, unsigned *seconds)
{
    char room[TEXT_MAX + 256];
    struct buf text = BUF_OVER(room);
    struct str name = whole_name(guesses, account, &text);
    struct gate_key owner;
    struct windows_charge charge = owner_charge(guesses, guess->place, name, &owner);
    struct windows_reached reached = {0};
    bool known = guess->n && guess->who[0].kind == GUESS_OWNER;
    if (guess->place[0] == '\0' || (!known && !is_owner(guesses, &owner, now)))
        charge = charge_of(guesses, GUESS_NAME, name, guesses->conf->guesses_account);
    for (size_t i = 0; i < guess->n; i++)
        if (is_same(&guess->who[i], &charge.who))
            return true; /* it has that name: it is counted */
    enum windows_result counted =
        (result == GUESS_WRONG ? windows_count : windows_look)(guesses->windows, &charge, 1, SERIES,
                                                               now, &reached);
    *seconds = seconds_until(&reached, now);
    if (counted == WINDOWS_COUNTED && result == GUESS_RIGHT && guess->place[0])
        gate_table_take(guesses->owners, &owner, (uint32_t)now)->good++;
    return counted == WINDOWS_COUNTED;
}

void guesses_end(struct guesses *guesses, struct guess *guess, enum guess_result result,
                 int64_t now)
{
    open_remove(guesses, guess);
    if (result == GUESS_WRONG)
        return;
    for (size_t i = 0; i < guess->n; i++)
        windows_take_back(guesses->windows, &guess->who[i], SERIES, guess->when, now);
    if (result == GUESS_RIGHT && guess->place[0])
        gate_table_take(guesses->owners, &guess->owner, (uint32_t)now)->good++;
}
