/*
 * table: what is remembered about clients from one session to the next: a table of a fixed size in
 * a file of STATE_DIR/gate, mapped by all who read or write it, so that it outlives restarts and is
 * shared by two generations of edge. Who is new takes the place of who was met longest ago among
 * the few that its key may stand beside; a key's place can't be foreseen. It is a memory, not a
 * record: a crash may lose or damage entries, whose keys are then nobody's.
 *
 * Times are seconds since 1970 in 32 bits, which end in 2106.
 */
#ifndef POTERNE_GATEWAY_GATE_TABLE_H
#define POTERNE_GATEWAY_GATE_TABLE_H

#include "base/err.h"
#include "base/str.h"

#define GATE_KEY_BYTES 16

/* Networks that did not speak before the greeting. The other tables stand with who fills them. */
#define WAITED_TABLE   "waited"
#define WAITED_ENTRIES 65536

struct gate_key {
    unsigned char bytes[GATE_KEY_BYTES];
};

struct gate_entry {
    struct gate_key key;
    uint32_t since, last, until;
    uint32_t good, bad;
    uint32_t used; /* 0: nobody's */
};

struct gate_table;

/* Opens NAME, and makes it of so many entries where it is not there or is another one's. One that
 * can't be had as a file is held in memory alone, which is logged. NULL: out of memory. */
struct gate_table *gate_table_open(const char *state_dir, const char *name, size_t entries,
                                   struct err *err);
/* As it stands, for who looks at it or clears it; NULL with err set where there is none. */
struct gate_table *gate_table_existing(const char *state_dir, const char *name, struct err *err);
void gate_table_close(struct gate_table **table);

/* NULL: it is not known. What they return stands until the next gate_table_take(). */
struct gate_entry *gate_table_find(struct gate_table *table, const struct gate_key *key);
/* Makes room for it where it is not known: all zeros but key, last and used. */
struct gate_entry *gate_table_take(struct gate_table *table, const struct gate_key *key,
                                   uint32_t now);
/* All that are used, one after the other; *at begins with 0. NULL: no more. */
struct gate_entry *gate_table_next(struct gate_table *table, size_t *at);

/* The network of a client: /24 of IPv4, /64 of IPv6, which is what one customer gets. False: it is
 * no address. */
bool gate_network(struct str ip, struct gate_key *key);
/* "192.0.2.0/24", "2001:db8::/64" */
#define GATE_NETWORK_SIZE 64
void gate_network_text(const struct gate_key *key, char text[GATE_NETWORK_SIZE]);

#endif
