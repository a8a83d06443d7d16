#include "gateway/gate/greylist.h"

#include <openssl/sha.h>

#include "base/buf.h"

int greylist_open(struct greylist *list, const char *state_dir, struct err *err)
{
    list->waiting = gate_table_open(state_dir, GREYLIST_TABLE, GREYLIST_ENTRIES, err);
    list->passed = gate_table_open(state_dir, GREYLIST_PASSED_TABLE, GREYLIST_PASSED_ENTRIES, err);
    return list->waiting && list->passed ? 0 : -1;
}

void greylist_close(struct greylist *list)
{
    gate_table_close(&list->waiting);
    gate_table_close(&list->passed);
}

#define TEXT_MAX 2048 /* two addresses; longer ones are cut */

static void add_folded(struct buf *text, struct str address)
{
    for (size_t i = 0; i < address.n && text->n < TEXT_MAX - 1; i++)
        buf_addc(text, str_lower_char(address.s[i]));
    buf_addc(text, '\0');
}

static struct gate_key key_of(const struct gate_key *network, struct str sender,
                              struct str recipient)
{
    char room[TEXT_MAX + 64];
    unsigned char sum[SHA256_DIGEST_LENGTH];
    struct gate_key key;
    struct buf text = BUF_OVER(room);
    buf_add(&text, str_n((const char *)network->bytes, sizeof network->bytes));
    add_folded(&text, sender);
    add_folded(&text, recipient);
    SHA256((const unsigned char *)text.p, text.n, sum);
    memcpy(key.bytes, sum, sizeof key.bytes);
    return key;
}

unsigned greylist_ask(struct greylist *list, const struct conf_gate *conf,
                      const struct gate_key *network, struct str sender, struct str recipient,
                      uint32_t now)
{
    struct gate_entry *passed = gate_table_find(list->passed, network);
    if (passed && now - passed->last <= conf->greylist_lifetime) {
        passed->last = now;
        return 0;
    }
    struct gate_key key = key_of(network, sender, recipient);
    struct gate_entry *e = gate_table_take(list->waiting, &key, now);
    uint32_t waited = now - e->since;
    if (waited > conf->greylist_window) {
        e->since = now;
        return conf->greylist_delay;
    }
    if (waited < conf->greylist_delay)
        return conf->greylist_delay - waited;
    gate_table_take(list->passed, network, now)->good++;
    return 0;
}
