#include "gateway/delivery/targets.h"

#include <stdio.h>
#include <stdlib.h>

_Static_assert(TARGETS_MAX <= 64, "a bit each");

struct targets *targets_new(void)
{
    struct targets *targets = calloc(1, sizeof *targets);
    if (targets)
        targets->users = 1;
    return targets;
}

struct targets *targets_of(const struct conf_hops *hops)
{
    struct targets *targets = targets_new();
    for (size_t i = 0; targets && i < hops->n && i < TARGETS_MAX; i++)
        targets->list[targets->n++].place = hops->items[i];
    return targets;
}

struct target_host *targets_host(struct targets *targets, const char *name)
{
    for (size_t i = 0; i < targets->n_hosts; i++)
        if (strcmp(targets->hosts[i]->name, name) == 0)
            return targets->hosts[i];
    size_t n = strlen(name) + 1;
    struct target_host *host =
        targets->n_hosts < TARGET_HOSTS_MAX ? calloc(1, sizeof *host + n) : NULL;
    if (host == NULL)
        return NULL;
    memcpy(host->name, name, n);
    targets->hosts[targets->n_hosts++] = host;
    return host;
}

bool targets_add(struct targets *targets, const char *name, const char *address, uint16_t port)
{
    const struct target_host *who = *name ? targets_host(targets, name) : NULL;
    if (targets->n == TARGETS_MAX || (*name && who == NULL))
        return false;
    struct target *target = &targets->list[targets->n++];
    target->who = who;
    snprintf(target->host, sizeof target->host, "%s", address);
    if (*name)
        snprintf(target->text, sizeof target->text, "%s [%s]:%u", name, address, port);
    else
        snprintf(target->text, sizeof target->text, "[%s]:%u", address, port);
    target->place = (struct conf_hop){.kind = HOP_SMTP,
                                      .host = target->host,
                                      .port = port,
                                      .text = target->text};
    return true;
}

struct targets *targets_hold(struct targets *targets)
{
    targets->users++;
    return targets;
}

void targets_drop(struct targets **targets)
{
    struct targets *t = *targets;
    *targets = NULL;
    if (t == NULL || --t->users > 0)
        return;
    for (size_t i = 0; i < t->n_hosts; i++) {
        free(t->hosts[i]->tlsa);
        free(t->hosts[i]);
    }
    free(t);
}

size_t targets_next(const struct targets *targets, uint64_t tried, int64_t now)
{
    size_t down = TARGET_NONE;
    for (size_t i = 0; i < targets->n; i++) {
        if (tried >> i & 1)
            continue;
        if (targets->list[i].down_until <= now)
            return i;
        if (down == TARGET_NONE)
            down = i;
    }
    return down;
}

void target_begin(struct target *target, int64_t now, unsigned pause)
{
    if (target->failures)
        target->down_until = now + pause;
}

void target_failed(struct target *target, int64_t now, unsigned pause)
{
    target->failures++;
    target->down_until = now + pause;
}

void target_works(struct target *target)
{
    target->failures = 0;
    target->down_until = 0;
}

void targets_hurry(struct targets *targets)
{
    for (size_t i = 0; i < targets->n; i++)
        targets->list[i].down_until = 0;
}
