#include "gateway/delivery/line.h"

#include <stdlib.h>

#define SLOTS_FIRST 256

/* --- which flow --- */

static struct flow **slot_of(const struct flows *flows, const struct line *line, uint64_t sender,
                             enum line_class class)
{
    uint64_t mixed = (sender ^ (uintptr_t)line) * UINT64_C(0x9e3779b97f4a7c15) + class;
    return &flows->slots[mixed >> 32 & (flows->n_slots - 1)];
}

static bool grow(struct flows *flows)
{
    if (flows->n < flows->n_slots)
        return true;
    struct flows bigger = {.n = flows->n,
                           .n_slots = flows->n_slots ? 2 * flows->n_slots : SLOTS_FIRST};
    bigger.slots = calloc(bigger.n_slots, sizeof(struct flow *));
    if (bigger.slots == NULL)
        return false;
    for (size_t i = 0; i < flows->n_slots; i++)
        for (struct flow *flow = flows->slots[i], *next; flow; flow = next) {
            struct flow **slot = slot_of(&bigger, flow->line, flow->sender, flow->class);
            next = flow->same_hash;
            flow->same_hash = *slot;
            *slot = flow;
        }
    free(flows->slots);
    *flows = bigger;
    return true;
}

static struct flow *find(const struct flows *flows, const struct line *line, uint64_t sender,
                         enum line_class class)
{
    struct flow *flow = flows->n_slots ? *slot_of(flows, line, sender, class) : NULL;
    while (flow && (flow->line != line || flow->sender != sender || flow->class != class))
        flow = flow->same_hash;
    return flow;
}

static bool is_common(const struct flow *flow)
{
    return flow == &flow->line->others[flow->class];
}

/* One of his own, or that of all who have none. */
static struct flow *flow_for(struct line *line, uint64_t sender, enum line_class class)
{
    struct flows *flows = line->flows;
    struct flow *flow = find(flows, line, sender, class);
    if (flow)
        return flow;
    bool room = line->n_flows < LINE_FLOWS_MAX && grow(flows);
    flow = room ? malloc(sizeof *flow) : NULL;
    if (flow == NULL)
        return &line->others[class];
    struct flow **slot = slot_of(flows, line, sender, class);
    *flow = (struct flow){.line = line, .sender = sender, .class = class, .same_hash = *slot};
    *slot = flow;
    flows->n++;
    line->n_flows++;
    return flow;
}

static void flow_free(struct flow *flow)
{
    struct line *line = flow->line;
    struct flow **slot = slot_of(line->flows, line, flow->sender, flow->class);
    while (*slot != flow)
        slot = &(*slot)->same_hash;
    *slot = flow->same_hash;
    line->flows->n--;
    line->n_flows--;
    free(flow);
}

/* --- the ring --- */

/* Last: behind all others, which is before the one whose turn it is. */
static void enter_ring(struct flow *flow)
{
    struct flow **turn = &flow->line->turn[flow->class];
    if (*turn == NULL) {
        *turn = flow->before = flow->behind = flow;
        return;
    }
    flow->behind = *turn;
    flow->before = (*turn)->before;
    flow->before->behind = flow;
    flow->behind->before = flow;
}

/* Nobody waits in it any more. */
static void leave_ring(struct flow *flow)
{
    struct flow **turn = &flow->line->turn[flow->class];
    flow->before->behind = flow->behind;
    flow->behind->before = flow->before;
    if (*turn == flow)
        *turn = flow->behind == flow ? NULL : flow->behind;
    if (!is_common(flow))
        flow_free(flow);
}

/* --- the order of looks --- */

static void enter_looks(struct line *line, struct line_place *place)
{
    place->above = line->bottom;
    place->below = NULL;
    if (line->bottom)
        line->bottom->below = place;
    else
        line->top = place;
    line->bottom = place;
}

static void leave_looks(struct line *line, const struct line_place *place)
{
    if (place->above)
        place->above->below = place->below;
    else
        line->top = place->below;
    if (place->below)
        place->below->above = place->above;
    else
        line->bottom = place->above;
}

/* --- the line --- */

void line_init(struct line *line, struct flows *flows)
{
    *line = (struct line){.flows = flows};
    for (enum line_class class = 0; class < LINE_CLASSES; class ++)
        line->others[class] = (struct flow){.line = line, .class = class};
}

static void put_first(struct flow *flow, struct line_place *place)
{
    place->before = NULL;
    place->behind = flow->first;
    if (flow->first)
        flow->first->before = place;
    else
        flow->last = place;
    flow->first = place;
}

static void put_last(struct flow *flow, struct line_place *place)
{
    place->before = flow->last;
    place->behind = NULL;
    if (flow->last)
        flow->last->behind = place;
    else
        flow->first = place;
    flow->last = place;
}

void line_put(struct line *line, struct line_place *place, uint64_t sender, enum line_class class,
              bool in_front)
{
    struct flow *flow = flow_for(line, sender, class);
    if (flow->first == NULL)
        enter_ring(flow);
    place->flow = flow;
    if (in_front) {
        put_first(flow, place);
        line->turn[class] = flow;
        line->in_a_row = class == LINE_NEW ? 0 : LINE_NEW_IN_A_ROW;
    } else {
        put_last(flow, place);
    }
    enter_looks(line, place);
    line->n++;
}

void line_leave(struct line *line, struct line_place *place)
{
    struct flow *flow = place->flow;
    if (place->before)
        place->before->behind = place->behind;
    else
        flow->first = place->behind;
    if (place->behind)
        place->behind->before = place->before;
    else
        flow->last = place->before;
    leave_looks(line, place);
    line->n--;
    if (flow->first == NULL)
        leave_ring(flow);
    *place = (struct line_place){0};
}

static enum line_class class_of_turn(struct line *line)
{
    bool both = line->turn[LINE_NEW] && line->turn[LINE_RETRY];
    if (!both) {
        line->in_a_row = 0;
        return line->turn[LINE_NEW] ? LINE_NEW : LINE_RETRY;
    }
    if (line->in_a_row >= LINE_NEW_IN_A_ROW) {
        line->in_a_row = 0;
        return LINE_RETRY;
    }
    line->in_a_row++;
    return LINE_NEW;
}

struct line_place *line_take(struct line *line)
{
    if (line->n == 0)
        return NULL;
    enum line_class class = class_of_turn(line);
    struct flow *flow = line->turn[class];
    struct line_place *place = flow->first;
    line->turn[class] = flow->behind;
    line_leave(line, place);
    return place;
}

struct line_place *line_look(struct line *line)
{
    struct line_place *place = line->top;
    if (place) {
        leave_looks(line, place);
        enter_looks(line, place);
    }
    return place;
}

void flows_free(struct flows *flows)
{
    free(flows->slots);
    *flows = (struct flows){0};
}
