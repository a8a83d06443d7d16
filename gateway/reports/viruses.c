#include "gateway/reports/viruses.h"

#include "base/log.h"
#include "base/network.h"
#include "journal/query.h"

#define FOUND_TOLD   5
#define CLIENTS_TOLD 8

/* The networks whose clients are our own machines. */
static bool is_own(void *data, struct str client_ip)
{
    const struct conf *conf = data;
    struct network network;
    for (size_t i = 0; i < conf->reports.trusted.n; i++)
        if (network_parse(str_of(conf->reports.trusted.items[i]), &network) &&
            network_holds(&network, client_ip))
            return true;
    return false;
}

static void add(struct str *lines, size_t *n, struct str line)
{
    if (line.s && *n < VIRUS_LINES_MAX)
        lines[(*n)++] = line;
}

/* "held now: 312 infected, 12 unscannable" */
static struct str held_line(const struct journal_viruses *v, struct pool *pool)
{
    struct str line = STR("held now:");
    for (size_t i = 0; i < v->n_held && line.s; i++)
        line = pool_strf(pool, "%.*s%s %llu %.*s", STR_ARG(line), i ? "," : "",
                         (unsigned long long)v->held[i].n, STR_ARG(v->held[i].what));
    return v->n_held ? line : STR("held now: nothing");
}

static size_t tell(const struct journal_viruses *v, struct pool *pool, struct str *lines)
{
    size_t n = 0;
    if (v->n_found == 0 && v->n_clients == 0)
        return 0;
    for (size_t i = 0; i < v->n_clients && i < CLIENTS_TOLD; i++)
        add(lines, &n,
            pool_strf(pool, "our own %.*s sent %llu: a machine to look at (from <%.*s>)",
                      STR_ARG(v->clients[i].what), (unsigned long long)v->clients[i].n,
                      STR_ARG(v->clients[i].who)));
    for (size_t i = 0; i < v->n_found && i < FOUND_TOLD; i++)
        add(lines, &n,
            pool_strf(pool, "%llu times %.*s", (unsigned long long)v->found[i].n,
                      STR_ARG(v->found[i].what)));
    add(lines, &n, held_line(v, pool));
    return n;
}

size_t virus_lines(const struct conf *conf, int64_t since_us, struct pool *pool,
                   struct str lines[VIRUS_LINES_MAX])
{
    struct journal_viruses viruses;
    struct err err;
    struct journal *journal = journal_open_state(conf->state_dir, &err);
    size_t n = 0;
    if (journal &&
        journal_viruses(journal, since_us, is_own, (void *)conf, pool, &viruses, &err) == 0)
        n = tell(&viruses, pool, lines);
    else
        log_warning("%s; the digest says nothing of infected mail", err.text);
    journal_close(&journal);
    return n;
}
