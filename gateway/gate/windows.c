#include "gateway/gate/windows.h"

#include <errno.h>
#include <openssl/sha.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "gateway/gate/mapped.h"

#define HITS_SECONDS 3600
#define TEXT_MAX     1024 /* of a name, for its key; what is longer is cut */

_Static_assert(MAPPED_GROUP % WINDOWS_GROUP == 0, "a table is whole groups");

struct windows {
    struct mapped map;
    struct windows_entry *list;
    enum windows_full full;
};

/* --- open --- */

static struct windows *wrap(const struct mapped *map, enum windows_full full)
{
    struct windows *w = malloc(sizeof *w);
    if (w)
        *w = (struct windows){.map = *map, .list = map->list, .full = full};
    return w;
}

struct windows *windows_open(const char *state_dir, const char *name, size_t entries,
                             enum windows_full full, struct err *err)
{
    struct mapped map;
    if (mapped_open(&map, state_dir, name, sizeof(struct windows_entry), entries, err) < 0)
        return NULL;
    struct windows *w = wrap(&map, full);
    if (w)
        return w;
    mapped_close(&map);
    err_set(err, "out of memory for what is counted");
    return NULL;
}

struct windows *windows_existing(const char *state_dir, const char *name, struct err *err)
{
    struct mapped map;
    if (mapped_existing(&map, state_dir, name, sizeof(struct windows_entry), err) < 0)
        return NULL;
    struct windows *w = wrap(&map, WINDOWS_REFUSE);
    if (w)
        return w;
    mapped_close(&map);
    errno = ENOMEM;
    err_set(err, "out of memory for what is counted");
    return NULL;
}

void windows_close(struct windows **windows)
{
    if (*windows == NULL)
        return;
    mapped_close(&(*windows)->map);
    free(*windows);
    *windows = NULL;
}

/* --- who --- */

struct windows_who windows_who(unsigned kind, unsigned of, struct str name)
{
    struct windows_who who = {.kind = (uint8_t)kind, .of = (uint8_t)of};
    char room[TEXT_MAX];
    unsigned char sum[SHA256_DIGEST_LENGTH] = {0}; /* without memory for it all are one */
    struct buf text = BUF_OVER(room);
    buf_addc(&text, (char)kind);
    buf_addc(&text, (char)of);
    for (size_t i = 0; i < name.n && text.n < TEXT_MAX - 1; i++)
        buf_addc(&text, str_lower_char(name.s[i]));
    SHA256((const unsigned char *)text.p, text.n, sum);
    memcpy(who.key, sum, sizeof who.key);
    struct str shown = str_from(buf_str(&text), 2);
    str_copy(str_sub(shown, 0, sizeof who.name - 1), who.name, sizeof who.name);
    return who;
}

static bool is_of(const struct windows_entry *e, const struct windows_who *who)
{
    return e->who.kind && memcmp(e->who.key, who->key, sizeof who->key) == 0;
}

/* --- time --- */

static uint32_t minute_of(int64_t now)
{
    return (uint32_t)(now / WINDOWS_STEP);
}

/* How many minutes ago the newest was; the clock may have been set back. */
static uint32_t age_of(const struct windows_entry *e, int64_t now)
{
    uint32_t minute = minute_of(now);
    return minute > e->minute ? minute - e->minute : 0;
}

static bool is_living(const struct windows_entry *e, int64_t now)
{
    return e->who.kind && age_of(e, now) < WINDOWS_BUCKETS;
}

/* What stands in the minute that was so long before the newest. */
static uint16_t *back(struct windows_entry *e, unsigned series, uint32_t minutes)
{
    /* with WINDOWS_BUCKETS more, so that it is never below 0 */
    uint32_t at = (e->minute % WINDOWS_BUCKETS) + WINDOWS_BUCKETS - minutes;
    return &e->counts[series][at % WINDOWS_BUCKETS];
}

unsigned windows_sum(const struct windows_entry *entry, unsigned series, unsigned seconds,
                     int64_t now)
{
    struct windows_entry *e = (struct windows_entry *)entry; /* only looked at */
    unsigned sum = 0;
    for (uint32_t ago = age_of(e, now), i = 0; ago + i <= seconds / WINDOWS_STEP; i++)
        sum += *back(e, series, i);
    return sum;
}

/* The minutes that are counted end with this one. Those that are emptied count for nobody any more,
 * whenever it is killed. */
static void turn_to(struct windows_entry *e, int64_t now)
{
    uint32_t minute = minute_of(now);
    uint32_t steps = age_of(e, now);
    if (steps > WINDOWS_BUCKETS)
        steps = WINDOWS_BUCKETS;
    if (minute < e->minute) { /* set back: the same ages, counted from now */
        struct windows_entry old = *e;
        e->minute = minute;
        for (unsigned s = 0; s < WINDOWS_SERIES; s++)
            for (uint32_t i = 0; i < WINDOWS_BUCKETS; i++)
                *back(e, s, i) = *back(&old, s, i);
        return;
    }
    for (uint32_t i = 0; i < steps; i++)
        for (unsigned s = 0; s < WINDOWS_SERIES; s++)
            e->counts[s][(minute - i) % WINDOWS_BUCKETS] = 0;
    e->minute = minute;
}

/* --- places --- */

/* Nobody has ever stood there. */
static bool is_virgin(const struct windows_entry *e)
{
    return e->who.kind == 0 && e->minute == 0;
}

/* What a group holds that is not his. */
struct others {
    size_t living;
    struct windows_entry *dead;   /* the first place that is nobody's; NULL: there is none */
    struct windows_entry *oldest; /* of those that are somebody's, or were; NULL likewise */
};

/* His entry in the group of that choice, or NULL and what is there instead. */
static struct windows_entry *search(struct windows *w, const struct windows_who *who,
                                    unsigned choice, int64_t now, struct others *others)
{
    size_t group = mapped_place(&w->map, who->key, choice, w->map.entries / WINDOWS_GROUP);
    struct windows_entry *e = &w->list[group * WINDOWS_GROUP];
    *others = (struct others){.living = 0};
    for (const struct windows_entry *end = e + WINDOWS_GROUP; e < end; e++) {
        if (is_of(e, who))
            return e;
        if (is_living(e, now))
            others->living++;
        else if (others->dead == NULL)
            others->dead = e;
        if (is_virgin(e)) /* so are all behind it: the first that is free is taken */
            break;
        if (others->oldest == NULL || e->minute < others->oldest->minute)
            others->oldest = e;
    }
    return NULL;
}

/* His entry, or NULL; *room, where it is asked for: one that he may have. */
static struct windows_entry *find(struct windows *w, const struct windows_who *who, int64_t now,
                                  struct windows_entry **room)
{
    struct others in[2];
    for (unsigned choice = 0; choice < 2; choice++) {
        struct windows_entry *e = search(w, who, choice, now, &in[choice]);
        if (e)
            return e;
    }
    if (room == NULL)
        return NULL;
    *room = in[in[1].living < in[0].living].dead;
    if (*room == NULL && w->full == WINDOWS_FORGET)
        *room = in[in[1].oldest->minute < in[0].oldest->minute].oldest;
    return NULL;
}

/* NULL: there is no room for him. */
static struct windows_entry *take(struct windows *w, const struct windows_who *who, int64_t now)
{
    struct windows_entry *room;
    struct windows_entry *e = find(w, who, now, &room);
    if (e || room == NULL)
        return e;
    /* killed in between it is nobody's, and not a place where nobody ever stood (is_virgin()) */
    room->minute = minute_of(now);
    atomic_signal_fence(memory_order_seq_cst);
    memset(&room->who, 0, sizeof room->who);
    room->hits = 0;
    room->hits_since = 0;
    memset(room->counts, 0, sizeof room->counts);
    atomic_signal_fence(memory_order_seq_cst);
    room->who = *who;
    return room;
}

/* --- limits --- */

/* When the window has room for one more, if nothing else comes. */
static int64_t free_again(struct windows_entry *e, const struct windows_limit *limit, int64_t now)
{
    unsigned sum = windows_sum(e, limit->series, limit->seconds, now);
    uint32_t minutes = limit->seconds / WINDOWS_STEP;
    uint32_t newest = minute_of(now) - age_of(e, now);
    for (uint32_t ago = minutes + 1; ago-- > 0;) {
        if (minute_of(now) - ago > newest) /* newer than all that is counted */
            break;
        sum -= *back(e, limit->series, newest - (minute_of(now) - ago));
        if (sum < limit->most)
            return ((int64_t)minute_of(now) - ago + minutes + 1) * WINDOWS_STEP;
    }
    return now + limit->seconds + WINDOWS_STEP;
}

static bool is_reached(struct windows_entry *e, const struct windows_charge *charge,
                       unsigned series, int64_t now, struct windows_reached *reached)
{
    for (size_t i = 0; i < charge->n_limits; i++) {
        const struct windows_limit *limit = &charge->limits[i];
        if (limit->most == 0 || limit->series != series)
            continue;
        reached->counted = windows_sum(e, series, limit->seconds, now);
        if (reached->counted < limit->most)
            continue;
        reached->limit = i;
        reached->until = free_again(e, limit, now);
        return true;
    }
    return false;
}

static void note_hit(struct windows_entry *e, int64_t now)
{
    int64_t since = e->hits_since;
    if (now < since || now - since > HITS_SECONDS) {
        e->hits = 0;
        e->hits_since = (uint32_t)now;
    }
    if (e->hits < UINT16_MAX)
        e->hits++;
}

/* With the lock. */
static enum windows_result look(struct windows *w, const struct windows_charge *charges, size_t n,
                                unsigned series, int64_t now, struct windows_reached *reached)
{
    for (size_t i = 0; i < n; i++) {
        struct windows_entry *e = find(w, &charges[i].who, now, NULL);
        reached->charge = i;
        if (e && is_reached(e, &charges[i], series, now, reached)) {
            reached->hits = e->hits;
            return WINDOWS_REACHED;
        }
    }
    return WINDOWS_COUNTED;
}

enum windows_result windows_look(struct windows *w, const struct windows_charge *charges, size_t n,
                                 unsigned series, int64_t now, struct windows_reached *reached)
{
    if (!mapped_lock(&w->map))
        return WINDOWS_UNCOUNTED;
    enum windows_result result = look(w, charges, n, series, now, reached);
    mapped_unlock(&w->map);
    return result;
}

/* With the lock; there is room below all limits. Nobody is counted before all have a place. A
 * process killed in the middle has counted more than it let pass, not less. */
static enum windows_result add(struct windows *w, const struct windows_charge *charges, size_t n,
                               unsigned series, int64_t now)
{
    struct windows_entry *entries[WINDOWS_CHARGES_MAX];
    for (size_t i = 0; i < n; i++) {
        entries[i] = take(w, &charges[i].who, now);
        if (entries[i] == NULL)
            return WINDOWS_UNCOUNTED;
    }
    for (size_t i = 0; i < n; i++) {
        turn_to(entries[i], now);
        uint16_t *count = back(entries[i], series, 0);
        if (*count < WINDOWS_COUNT_MAX)
            ++*count;
    }
    return WINDOWS_COUNTED;
}

enum windows_result windows_count(struct windows *w, const struct windows_charge *charges, size_t n,
                                  unsigned series, int64_t now, struct windows_reached *reached)
{
    if (n > WINDOWS_CHARGES_MAX || !mapped_lock(&w->map))
        return WINDOWS_UNCOUNTED;
    enum windows_result result = look(w, charges, n, series, now, reached);
    if (result == WINDOWS_COUNTED) {
        result = add(w, charges, n, series, now);
    } else {
        struct windows_entry *e = find(w, &charges[reached->charge].who, now, NULL);
        note_hit(e, now);
        reached->hits = e->hits;
    }
    mapped_unlock(&w->map);
    return result;
}

void windows_take_back(struct windows *w, const struct windows_who *who, unsigned series,
                       int64_t then, int64_t now)
{
    if (!mapped_lock(&w->map))
        return;
    struct windows_entry *e = find(w, who, now, NULL);
    uint32_t minute = minute_of(then);
    if (e && e->minute >= minute && e->minute - minute < WINDOWS_BUCKETS) {
        uint16_t *count = back(e, series, e->minute - minute);
        if (*count > 0)
            --*count;
    }
    mapped_unlock(&w->map);
}

bool windows_clear(struct windows *w, const struct windows_who *who)
{
    if (!mapped_lock(&w->map))
        return false;
    struct windows_entry *e = find(w, who, 0, NULL);
    if (e)
        e->who.kind = 0;
    mapped_unlock(&w->map);
    return e != NULL;
}

void windows_pardon(struct windows *w, const struct windows_who *who)
{
    if (!mapped_lock(&w->map))
        return;
    struct windows_entry *e = find(w, who, 0, NULL);
    if (e)
        e->hits = 0;
    mapped_unlock(&w->map);
}

/* --- to look at --- */

bool windows_find(struct windows *w, const struct windows_who *who, struct windows_entry *entry)
{
    const struct windows_entry *e = find(w, who, 0, NULL);
    if (e)
        *entry = *e;
    return e != NULL;
}

bool windows_next(struct windows *w, size_t *at, int64_t now, struct windows_entry *entry)
{
    while (*at < w->map.entries) {
        const struct windows_entry *e = &w->list[(*at)++];
        if (!is_living(e, now))
            continue;
        *entry = *e;
        entry->who.name[WINDOWS_NAME_SIZE - 1] = '\0';
        return true;
    }
    return false;
}
