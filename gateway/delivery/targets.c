#include "gateway/delivery/targets.h"

#include <stdio.h>
#include <stdlib.h>

#define FIRST_ROOM 2 /* servers: most domains have no more */

_Static_assert(TARGETS_MAX <= 64, "a bit each");

struct targets *targets_new(void)
{
    struct targets *targets = calloc(1, sizeof *targets);
    if (targets)
        targets->users = 1;
    return targets;
}

/* One more, empty; NULL: no room. */
static struct target *add(struct targets *targets)
{
    if (targets->n == TARGETS_MAX)
        return NULL;
    if (targets->n == targets->room) {
        size_t room = targets->room ? 2 * targets->room : FIRST_ROOM;
        struct target *list = realloc(targets->list, room * sizeof *list);
        if (list == NULL)
            return NULL;
        targets->list = list;
        targets->room = room;
    }
    struct target *target = &targets->list[targets->n++];
    *target = (struct target){0};
    return target;
}

struct targets *targets_of(const struct conf_hops *hops)
{
    struct targets *targets = targets_new();
    for (size_t i = 0; targets && i < hops->n && i < TARGETS_MAX; i++)
        if (!targets_add_place(targets, &hops->items[i]))
            targets_drop(&targets);
    return targets;
}

bool targets_add_place(struct targets *targets, const struct conf_hop *place)
{
    struct target *target = add(targets);
    if (target == NULL)
        return false;
    target->place = *place;
    return true;
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
    host->tlsa_name = host->name;
    targets->hosts[targets->n_hosts++] = host;
    return host;
}

bool targets_add(struct targets *targets, const char *name, const char *address, uint16_t port)
{
    char text[TARGET_TEXT_SIZE];
    const struct target_host *who = *name ? targets_host(targets, name) : NULL;
    if (targets->n == TARGETS_MAX || (*name && who == NULL))
        return false;
    snprintf(text, sizeof text, "%s%s[%s]:%u", name, *name ? " " : "", address, port);
    size_t n = strlen(address) + 1, text_n = strlen(text) + 1;
    char *texts = malloc(n + text_n);
    struct target *target = texts ? add(targets) : NULL;
    if (target == NULL) {
        free(texts);
        return false;
    }
    memcpy(texts, address, n);
    memcpy(texts + n, text, text_n);
    *target =
        (struct target){.place = {.kind = HOP_SMTP, .host = texts, .port = port, .text = texts + n},
                        .who = who,
                        .texts = texts};
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
        free(t->hosts[i]->canonical);
        free(t->hosts[i]);
    }
    for (size_t i = 0; i < t->n; i++)
        free(t->list[i].texts);
    free(t->list);
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
