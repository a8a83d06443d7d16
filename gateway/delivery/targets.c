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

bool targets_add(struct targets *targets, const char *name, const char *address, uint16_t port)
{
    if (targets->n == TARGETS_MAX)
        return false;
    struct target *target = &targets->list[targets->n++];
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
    if (*targets && --(*targets)->users == 0)
        free(*targets);
    *targets = NULL;
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
