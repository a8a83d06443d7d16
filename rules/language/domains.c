/*
 * domains: where in a host name the part begins that somebody registered, by the util_rb lists and
 * the way in which names under .us are given out.
 */
#include <stdlib.h>

#include "rules/language/settings.h"

#define PARTS_MAX 4 /* no registry gives out names deeper than that */

static const char us_states[][3] = {
    "ak", "al", "ar", "az", "ca", "co", "ct", "dc", "de", "fl", "ga", "gu", "hi", "ia",
    "id", "il", "in", "ks", "ky", "la", "ma", "md", "me", "mi", "mn", "mo", "ms", "mt",
    "nc", "nd", "ne", "nh", "nj", "nm", "nv", "ny", "oh", "ok", "or", "pa", "pr", "ri",
    "sc", "sd", "tn", "tx", "ut", "va", "vi", "vt", "wa", "wi", "wv", "wy",
};

static int compare_states(const void *key, const void *state)
{
    return memcmp(key, state, 2);
}

static bool is_us_state(struct str part)
{
    return part.n == 2 && bsearch(part.s, us_states, sizeof us_states / sizeof *us_states,
                                  sizeof *us_states, compare_states) != NULL;
}

/* The last parts of a name, from the left; parts[0] is the first of `n`. */
struct tail {
    struct str text;
    struct str parts[PARTS_MAX];
    size_t n;
};

/* Is what stands in these parts a registry, so that the part before it is somebody's? */
static bool is_registry(const struct rules_settings *settings, const struct tail *tail)
{
    const struct str *p = tail->parts;
    bool us = str_eq(p[tail->n - 1], STR("us"));
    if (tail->n == 2)
        return settings_in(settings, SETTINGS_TLD_2, tail->text, NULL);
    if (tail->n == 3)
        return us ? is_us_state(p[1]) : settings_in(settings, SETTINGS_TLD_3, tail->text, NULL);
    bool school = str_eq(p[0], STR("pvt")) && str_eq(p[1], STR("k12"));
    bool place =
        p[0].n >= 2 && p[0].s[0] == 'c' && (p[0].s[1] == 'i' || p[0].s[1] == 'o') && p[0].n == 2;
    return us && (school || place) && is_us_state(p[2]);
}

static size_t count_parts(struct str host)
{
    size_t n = 1;
    for (size_t i = 0; i < host.n; i++)
        n += host.s[i] == '.';
    return n;
}

static struct str trim_dots(struct str host)
{
    while (host.n && host.s[0] == '.')
        host = str_from(host, 1);
    while (host.n && host.s[host.n - 1] == '.')
        host.n--;
    return host;
}

void settings_split_domain(const struct rules_settings *settings, struct str host,
                           struct str *hostname, struct str *domain)
{
    struct str rest = trim_dots(host);
    struct str before = str_sub(rest, 0, 0); /* the part left of `rest` */
    struct str whole = rest;
    *hostname = before;
    *domain = rest;
    for (size_t n = count_parts(rest); n > 1; n--) {
        struct tail tail = {.text = rest};
        struct str left = rest;
        while (n <= PARTS_MAX && str_next(&left, '.', &tail.parts[tail.n]))
            tail.n++;
        if (n <= PARTS_MAX && is_registry(settings, &tail))
            break;
        size_t dot = str_chr(rest, '.');
        before = str_sub(rest, 0, dot);
        rest = str_from(rest, dot + 1);
    }
    if (before.s == NULL || rest.s == whole.s)
        return;
    *domain = str_n(before.s, (size_t)(whole.s + whole.n - before.s));
    *hostname = str_n(whole.s, (size_t)(before.s - whole.s));
    if (hostname->n)
        hostname->n--; /* the dot between them */
}

bool settings_is_domain_valid(const struct rules_settings *settings, struct str host)
{
    size_t dot = str_rchr(host, '.');
    if (dot == STR_NONE || dot + 1 == host.n)
        return false;
    for (size_t i = 0; i < host.n; i++) {
        if (strchr(" \t\r\n\v\f", host.s[i]) && host.s[i])
            return false;
    }
    return settings_in(settings, SETTINGS_TLD, str_from(host, dot + 1), NULL);
}
