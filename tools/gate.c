/* gate: what edge remembers about networks of clients (gateway/gate/table.h), to look at and to
 * forget. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "gateway/gate/greylist.h"
#include "gateway/gate/harvest.h"
#include "tools/json.h"
#include "tools/tool.h"

#define SECOND_US ((int64_t)1000000)

static const struct {
    const char *name;
    const char *means;
    bool networks; /* its keys are networks */
} tables[] = {
    {HARVEST_TABLE, "asked for unknown recipients", true},
    {WAITED_TABLE, "waited for the greeting", true},
    {GREYLIST_PASSED_TABLE, "came again when greylisted", true},
    {GREYLIST_KNOWN_TABLE, "are known by their mail, or came again as who they are", false},
    {GREYLIST_TABLE, "have to come again", false},
};
#define N_TABLES (sizeof tables / sizeof tables[0])

/* *table is NULL where nothing was remembered yet. -1: told. */
static int open_table(const struct conf *conf, const char *name, struct gate_table **table)
{
    struct err err = {""};
    errno = 0;
    *table = gate_table_existing(conf->state_dir, name, &err);
    return *table || errno == ENOENT ? 0 : (tool_fail("gate", &err), -1);
}

static void put_json(const char *table, const struct gate_entry *e, const char *network)
{
    json_line(
        json_pack("{s:s, s:s, s:I, s:I, s:o, s:o, s:o}", "table", table, "network", network,
                  "unknown", (json_int_t)e->bad, "known", (json_int_t)e->good, "since",
                  json_time(e->since * SECOND_US), "last", json_time(e->last * SECOND_US),
                  "refused_until",
                  e->until > (uint32_t)time(NULL) ? json_time(e->until * SECOND_US) : json_null()));
}

static void put_entry(const struct tool_args *args, const char *table, const struct gate_entry *e)
{
    char network[GATE_NETWORK_SIZE], last[TOOL_TIME_SIZE], until[TOOL_TIME_SIZE];
    gate_network_text(&e->key, network);
    if (args->given & OPT_JSON) {
        put_json(table, e, network);
        return;
    }
    tool_time(e->last * SECOND_US, last);
    printf("  %-28s last seen %s", network, last);
    if (strcmp(table, HARVEST_TABLE) == 0)
        printf(", %u unknown, %u known", e->bad, e->good);
    if (e->until > (uint32_t)time(NULL)) {
        tool_time(e->until * SECOND_US, until);
        printf(", refused until %s", until);
    }
    putchar('\n');
}

static int list(const struct tool_args *args, const struct conf *conf)
{
    for (size_t i = 0; i < N_TABLES; i++) {
        struct gate_table *table;
        const struct gate_entry *e;
        size_t at = 0, n = 0;
        if (open_table(conf, tables[i].name, &table) < 0)
            return TOOL_FAILED;
        while (table && gate_table_next(table, &at))
            n++;
        if (!(args->given & OPT_JSON))
            printf("%zu %s %s\n", n, tables[i].networks ? "networks" : "senders", tables[i].means);
        at = 0;
        while (table && tables[i].networks && (e = gate_table_next(table, &at)))
            put_entry(args, tables[i].name, e);
        gate_table_close(&table);
    }
    return TOOL_YES;
}

/* `network` NULL: everything. Edge sees it at once. */
static size_t forget(struct gate_table *table, const struct gate_key *network)
{
    struct gate_entry *e = network ? gate_table_find(table, network) : NULL;
    size_t at = 0, n = 0;
    if (network) {
        n = e != NULL;
        if (e)
            e->used = 0;
        return n;
    }
    for (; (e = gate_table_next(table, &at)); n++)
        e->used = 0;
    return n;
}

static int clear(const struct tool_args *args, const struct conf *conf, const char *what)
{
    bool all = strcmp(what, "all") == 0;
    struct str address = str_of(what);
    struct gate_key network;
    size_t n = 0;
    address = str_sub(address, 0, str_chr(address, '/'));
    if (!all && !gate_network(address, &network))
        return tool_misused("gate", "\"%s\" is neither an address nor `all`", what);
    for (size_t i = 0; i < N_TABLES; i++) {
        struct gate_table *table;
        if (open_table(conf, tables[i].name, &table) < 0)
            return TOOL_FAILED;
        if (table && (all || tables[i].networks))
            n += forget(table, all ? NULL : &network);
        gate_table_close(&table);
    }
    if (args->given & OPT_JSON)
        json_line(json_pack("{s:I}", "forgotten", (json_int_t)n));
    else
        printf("%zu forgotten\n", n);
    return n ? TOOL_YES : TOOL_NO;
}

static int act(const struct tool_args *args, const struct conf *conf)
{
    const char *what = args->n_rest ? args->rest[0] : "list";
    if (strcmp(what, "list") == 0 && args->n_rest < 2)
        return list(args, conf);
    if (strcmp(what, "clear") != 0)
        return tool_misused("gate", "there is no `gate %s`", what);
    if (args->n_rest != 2)
        return tool_misused("gate", "name one address, or `all`");
    return clear(args, conf, args->rest[1]);
}

static int run(const struct tool_args *args)
{
    struct err err = {""};
    struct conf *conf = tool_conf(args, &err);
    if (conf == NULL)
        return tool_fail("gate", &err);
    int status = act(args, conf);
    conf_free(&conf);
    return status;
}

const struct tool_command tool_gate = {
    .name = "gate",
    .summary = "show or forget what is remembered about clients' networks",
    .arguments = "[list] | clear ADDRESS|all",
    .help =
        "list has the networks (IPv4 /24, IPv6 /64) that asked for unknown recipients, with how\n"
        "long they are refused; those that waited for the greeting and those that came again\n"
        "when they were greylisted. clear forgets the network of an address, or all; it counts\n"
        "at once.\n"
        "Exit status: 0 done, 1 nothing was known of it, 2 could not be done.\n",
    .options = OPT_CONFIG | OPT_JSON,
    .run = run,
};
