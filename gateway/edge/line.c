#include "gateway/edge/line.h"

static void ring_add(struct line *line, struct line_queue *queue)
{
    struct line_queue *turn = line->turn;
    if (turn == NULL) {
        queue->prev = queue->next = queue;
        line->turn = queue;
        return;
    }
    /* before the one whose turn it is: last in this round */
    queue->prev = turn->prev;
    queue->next = turn;
    turn->prev->next = queue;
    turn->prev = queue;
}

static void ring_remove(struct line *line, struct line_queue *queue)
{
    if (line->turn == queue)
        line->turn = queue->next == queue ? NULL : queue->next;
    queue->prev->next = queue->next;
    queue->next->prev = queue->prev;
    queue->prev = queue->next = NULL;
}

static void append(struct line *line, struct line_queue *queue, struct line_place *place)
{
    place->next = NULL;
    place->queue = queue;
    if (queue->last)
        queue->last->next = place;
    else
        queue->first = place;
    queue->last = place;
    if (queue->n++ == 0)
        ring_add(line, queue);
    line->n++;
}

void line_leave(struct line *line, struct line_place *place)
{
    struct line_queue *queue = place->queue;
    struct line_place *before = NULL;
    if (queue == NULL)
        return;
    for (struct line_place *p = queue->first; p != place; p = p->next)
        before = p;
    if (before)
        before->next = place->next;
    else
        queue->first = place->next;
    if (queue->last == place)
        queue->last = before;
    place->next = NULL;
    place->queue = NULL;
    if (--queue->n == 0)
        ring_remove(line, queue);
    line->n--;
}

static struct line_queue *longest(const struct line *line)
{
    struct line_queue *best = line->turn;
    struct line_queue *q = best;
    do {
        if (q->n > best->n)
            best = q;
        q = q->next;
    } while (q != line->turn);
    return best;
}

struct line_place *line_enter(struct line *line, struct line_queue *queue, struct line_place *place)
{
    append(line, queue, place);
    if (line->n <= line->limit)
        return NULL;
    struct line_queue *most = longest(line);
    /* among equals the newcomer goes: the others have waited */
    struct line_place *out = most->n > queue->n ? most->last : place;
    line_leave(line, out);
    return out;
}

struct line_place *line_take(struct line *line)
{
    struct line_queue *queue = line->turn;
    if (queue == NULL)
        return NULL;
    struct line_place *place = queue->first;
    line->turn = queue->next;
    line_leave(line, place);
    return place;
}
