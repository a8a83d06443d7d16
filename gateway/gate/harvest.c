#include "gateway/gate/harvest.h"

/* Longer than a pause it lasts only where the clock was set back since. */
static bool is_paused(const struct gate_entry *e, const struct conf_gate *conf, uint32_t now)
{
    return now < e->until && e->until - now <= conf->harvest_pause;
}

static bool over(const struct gate_entry *e, const struct conf_gate *conf, uint32_t now)
{
    return now - e->since > conf->harvest_window && !is_paused(e, conf, now);
}

enum harvest harvest_ask(struct gate_table *table, const struct conf_gate *conf,
                         const struct gate_key *network, uint32_t now)
{
    const struct gate_entry *e = conf->harvest_limit ? gate_table_find(table, network) : NULL;
    if (e == NULL || over(e, conf, now))
        return HARVEST_NONE;
    if (is_paused(e, conf, now))
        return HARVEST_REFUSED;
    bool slow = e->bad > conf->harvest_limit / 2 && e->bad > e->good;
    return slow ? HARVEST_SLOW : HARVEST_NONE;
}

bool harvest_note(struct gate_table *table, const struct conf_gate *conf,
                  const struct gate_key *network, bool known, uint32_t now)
{
    if (conf->harvest_limit == 0)
        return false;
    /* who only knows recipients is not worth a place */
    struct gate_entry *e = gate_table_find(table, network);
    if (e == NULL && known)
        return false;
    e = gate_table_take(table, network, now);
    if (over(e, conf, now) || (e->until && !is_paused(e, conf, now))) {
        e->since = now;
        e->good = e->bad = e->until = 0;
    }
    if (is_paused(e, conf, now))
        return false;
    if (known) {
        e->good++;
        return false;
    }
    e->bad++;
    if (e->bad < conf->harvest_limit || e->bad <= e->good)
        return false;
    e->until = now + conf->harvest_pause;
    return true;
}
