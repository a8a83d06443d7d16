#include "gateway/gate/greylist.h"

#include <openssl/sha.h>

#include "base/buf.h"
#include "base/domain.h"
#include "mail/uri.h"

int greylist_open(struct greylist *list, const char *state_dir, struct err *err)
{
    list->waiting = gate_table_open(state_dir, GREYLIST_TABLE, GREYLIST_ENTRIES, err);
    list->passed = gate_table_open(state_dir, GREYLIST_PASSED_TABLE, GREYLIST_PASSED_ENTRIES, err);
    list->known = gate_table_open(state_dir, GREYLIST_KNOWN_TABLE, GREYLIST_KNOWN_ENTRIES, err);
    return list->waiting && list->passed && list->known ? 0 : -1;
}

void greylist_close(struct greylist *list)
{
    gate_table_close(&list->waiting);
    gate_table_close(&list->passed);
    gate_table_close(&list->known);
}

/* --- keys --- */

#define TEXT_MAX 2048 /* two addresses; longer ones are cut */

static void add_folded(struct buf *text, struct str address)
{
    for (size_t i = 0; i < address.n && text->n < TEXT_MAX - 1; i++)
        buf_addc(text, str_lower_char(address.s[i]));
    buf_addc(text, '\0');
}

/* Of who it is, and two texts. */
static struct gate_key key_of(const struct gate_key *who, struct str a, struct str b)
{
    char room[TEXT_MAX + 64];
    unsigned char sum[SHA256_DIGEST_LENGTH] = {0}; /* without memory for it all are one */
    struct gate_key key;
    struct buf text = BUF_OVER(room);
    buf_add(&text, str_n((const char *)who->bytes, sizeof who->bytes));
    add_folded(&text, a);
    add_folded(&text, b);
    SHA256((const unsigned char *)text.p, text.n, sum);
    memcpy(key.bytes, sum, sizeof key.bytes);
    return key;
}

struct gate_key greylist_sender(const struct gate_key *network, struct str domain)
{
    static const struct gate_key anywhere = {{0}};
    char normal[DOMAIN_SIZE];
    struct str known = domain_normal(domain, normal) ? str_of(normal) : domain;
    if (network)
        return key_of(network, STR("sends"), known);
    struct str organization = uri_domain(normal);
    return key_of(&anywhere, STR("vouches"), organization.n ? organization : known);
}

/* --- who is spared --- */

/* Seconds since it was last seen; the clock may have been set back. */
static uint32_t since(const struct gate_entry *e, uint32_t now)
{
    return now > e->last ? now - e->last : 0;
}

bool greylist_passed(struct greylist *list, const struct conf_gate *conf,
                     const struct gate_key *network, uint32_t now)
{
    struct gate_entry *e = gate_table_find(list->passed, network);
    if (e == NULL || since(e, now) > conf->greylist_lifetime)
        return false;
    e->last = now;
    return true;
}

bool greylist_knows(struct greylist *list, const struct conf_gate *conf,
                    const struct gate_key *sender, uint32_t now)
{
    const struct gate_entry *e = gate_table_find(list->known, sender);
    return e && since(e, now) <= conf->greylist_lifetime && e->good > e->bad;
}

void greylist_judged(struct greylist *list, const struct gate_key *sender, bool right, uint32_t now)
{
    /* who only sends spam is not worth a place, nor does spam keep one */
    struct gate_entry *e =
        right ? gate_table_take(list->known, sender, now) : gate_table_find(list->known, sender);
    if (e == NULL)
        return;
    if (right)
        e->good++;
    else
        e->bad++;
    if (e->good > GREYLIST_JUDGEMENTS_MAX || e->bad > GREYLIST_JUDGEMENTS_MAX) {
        e->good /= 2;
        e->bad /= 2;
    }
}

/* --- who has to come again --- */

/* The seconds that it still has to wait. */
static unsigned time_left(struct gate_entry *e, const struct conf_gate *conf, uint32_t now)
{
    uint32_t waited = now - e->since;
    if (waited > conf->greylist_window) {
        e->since = now;
        return conf->greylist_delay;
    }
    return waited < conf->greylist_delay ? conf->greylist_delay - waited : 0;
}

unsigned greylist_ask(struct greylist *list, const struct conf_gate *conf,
                      const struct greylist_client *client, struct str sender, struct str recipient,
                      uint32_t now)
{
    if (greylist_passed(list, conf, client->network, now) ||
        (client->vouched && greylist_knows(list, conf, client->vouched, now)))
        return 0;
    struct gate_key key =
        key_of(client->vouched ? client->vouched : client->network, sender, recipient);
    unsigned left = time_left(gate_table_take(list->waiting, &key, now), conf, now);
    if (left == 0 && client->vouched)
        greylist_judged(list, client->vouched, true, now);
    else if (left == 0)
        gate_table_take(list->passed, client->network, now)->good++;
    return left;
}
