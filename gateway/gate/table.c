#include "gateway/gate/table.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/network.h"
#include "gateway/gate/mapped.h"

#define WAYS 8 /* entries that a key may stand in */

_Static_assert(MAPPED_GROUP % WAYS == 0, "a table is whole sets");

struct gate_table {
    struct mapped map;
    struct gate_entry *list;
};

static struct gate_table *wrap(const struct mapped *map, struct err *err)
{
    struct gate_table *t = malloc(sizeof *t);
    if (t == NULL) {
        err_set(err, "out of memory for what is remembered about clients");
        return NULL;
    }
    *t = (struct gate_table){.map = *map, .list = map->list};
    return t;
}

struct gate_table *gate_table_existing(const char *state_dir, const char *name, struct err *err)
{
    struct mapped map;
    if (mapped_existing(&map, state_dir, name, sizeof(struct gate_entry), err) < 0)
        return NULL;
    struct gate_table *t = wrap(&map, err);
    if (t == NULL)
        mapped_close(&map);
    return t;
}

struct gate_table *gate_table_open(const char *state_dir, const char *name, size_t entries,
                                   struct err *err)
{
    struct mapped map;
    if (mapped_open(&map, state_dir, name, sizeof(struct gate_entry), entries, err) < 0)
        return NULL;
    struct gate_table *t = wrap(&map, err);
    if (t == NULL)
        mapped_close(&map);
    return t;
}

void gate_table_close(struct gate_table **table)
{
    if (*table == NULL)
        return;
    mapped_close(&(*table)->map);
    free(*table);
    *table = NULL;
}

static struct gate_entry *set_of(struct gate_table *t, const struct gate_key *key)
{
    return t->list + mapped_place(&t->map, key->bytes, 0, t->map.entries / WAYS) * WAYS;
}

static bool is_of(const struct gate_entry *e, const struct gate_key *key)
{
    return e->used && memcmp(e->key.bytes, key->bytes, sizeof key->bytes) == 0;
}

struct gate_entry *gate_table_find(struct gate_table *t, const struct gate_key *key)
{
    struct gate_entry *set = set_of(t, key);
    for (size_t i = 0; i < WAYS; i++)
        if (is_of(&set[i], key))
            return &set[i];
    return NULL;
}

struct gate_entry *gate_table_take(struct gate_table *t, const struct gate_key *key, uint32_t now)
{
    struct gate_entry *set = set_of(t, key);
    struct gate_entry *room = &set[0];
    for (size_t i = 0; i < WAYS; i++) {
        if (is_of(&set[i], key)) {
            set[i].last = now;
            return &set[i];
        }
        if (room->used && (!set[i].used || set[i].last < room->last))
            room = &set[i];
    }
    *room = (struct gate_entry){.key = *key, .since = now, .last = now, .used = 1};
    return room;
}

struct gate_entry *gate_table_next(struct gate_table *t, size_t *at)
{
    while (*at < t->map.entries) {
        struct gate_entry *e = &t->list[(*at)++];
        if (e->used)
            return e;
    }
    return NULL;
}

#define FOUR_BITS 24
#define SIX_BITS  64

static bool is_four(const unsigned char *address)
{
    struct in6_addr six;
    memcpy(&six, address, sizeof six);
    return IN6_IS_ADDR_V4MAPPED(&six);
}

bool gate_network(struct str ip, struct gate_key *key)
{
    struct network network;
    if (!network_parse(ip, &network) || str_chr(ip, '/') != STR_NONE)
        return false;
    size_t bytes = is_four(network.address) ? (96 + FOUR_BITS) / 8 : SIX_BITS / 8;
    memset(key, 0, sizeof *key);
    memcpy(key->bytes, network.address, bytes);
    return true;
}

void gate_network_text(const struct gate_key *key, char text[GATE_NETWORK_SIZE])
{
    char ip[INET6_ADDRSTRLEN] = "?";
    bool four = is_four(key->bytes);
    if (four)
        inet_ntop(AF_INET, key->bytes + 12, ip, sizeof ip);
    else
        inet_ntop(AF_INET6, key->bytes, ip, sizeof ip);
    snprintf(text, GATE_NETWORK_SIZE, "%s/%d", ip, four ? FOUR_BITS : SIX_BITS);
}
