#include "audit/judge.h"

#include <stdio.h>

#define TEXT_MAX      600
#define DETAIL_MAX    120 /* shown of an answer */
#define RELAY_MAX     60
#define ADDRESS_SHOWN 150

struct judging {
    const struct audit_case *c;
    const struct audit_sink *sink;
    struct audit_sums *sums;
    unsigned findings;
    /* where the lists of the journal have been read to; indexes only rise */
    size_t at_recipient, at_outcome;
    struct str addresses; /* of the acceptance, those not yet read */
};

/* What is known of one recipient. */
struct fate {
    const struct walk_recipient *journal; /* NULL: it does not know it */
    const struct walk_outcome *outcomes;
    size_t n_outcomes;
    const struct spool_recipient *file; /* NULL: there is none, or it was not read */
    struct str accepted;                /* as it was accepted; empty: not known */
    struct str address;
};

const char *audit_class_name(enum audit_class class)
{
    static const char *const names[AUDIT_CLASSES] = {
        [AUDIT_OWED] = "owed",           [AUDIT_HELD] = "held",
        [AUDIT_DELIVERED] = "delivered", [AUDIT_BOUNCED] = "bounced",
        [AUDIT_FAILED] = "failed",       [AUDIT_EXPIRED] = "expired",
        [AUDIT_DELETED] = "deleted",     [AUDIT_REDIRECTED] = "redirected",
        [AUDIT_ASIDE] = "aside",         [AUDIT_LOST] = "lost"};
    return names[class];
}

static void found(struct judging *j, enum finding_kind kind, const struct fate *fate,
                  const char *text)
{
    const struct finding finding = {.kind = kind,
                                    .id = j->c->id,
                                    .recipient = fate ? fate->address : STR_EMPTY,
                                    .found = str_of(text)};
    j->findings++;
    j->sums->findings++;
    j->sums->kinds[kind]++;
    if (j->sink->found)
        j->sink->found(j->sink->data, &finding);
}

static bool is_final(unsigned state)
{
    return state == RCPT_DELIVERED || state == RCPT_DELETED || state == RCPT_FAILED ||
           state == RCPT_REDIRECTED;
}

static enum audit_class class_of(unsigned state, struct str detail)
{
    switch (state) {
    case RCPT_DELIVERED:
        return AUDIT_DELIVERED;
    case RCPT_DELETED:
        return str_starts(detail, STR("expired")) ? AUDIT_EXPIRED : AUDIT_DELETED;
    case RCPT_FAILED:
        return recipient_told_by(detail).n ? AUDIT_BOUNCED : AUDIT_FAILED;
    case RCPT_REDIRECTED:
        return AUDIT_REDIRECTED;
    case RCPT_HELD:
        return AUDIT_HELD;
    default:
        return AUDIT_OWED;
    }
}

/* --- outcomes --- */

/* Not an outcome, but that its sender was told of one: of success. */
static bool is_notice(const struct walk_outcome *o)
{
    return o->state == RCPT_DELIVERED && recipient_told_by(o->detail).n;
}

static void put_outcome(char *text, size_t size, const struct walk_outcome *o)
{
    snprintf(text, size, "%s%s%.*s%s%.*s", recipient_state_name(o->state), o->relay.n ? " by " : "",
             STR_ARG(str_sub(o->relay, 0, RELAY_MAX)), o->detail.n ? ", " : "",
             STR_ARG(str_sub(o->detail, 0, DETAIL_MAX)));
}

/* Two of them, and nobody has released it between. */
static void check_pair(struct judging *j, const struct fate *fate, const struct walk_outcome *a,
                       const struct walk_outcome *b)
{
    char first[TEXT_MAX / 3], second[TEXT_MAX / 3], text[TEXT_MAX];
    struct str told_a = recipient_told_by(a->detail), told_b = recipient_told_by(b->detail);
    put_outcome(first, sizeof first, a);
    put_outcome(second, sizeof second, b);
    snprintf(text, sizeof text, "%s; then %s", first, second);
    if (a->state != b->state)
        found(j, FINDING_CONTRADICTION, fate, text);
    else if (a->state == RCPT_DELIVERED)
        found(j, FINDING_TWICE, fate, text);
    else if (a->state == RCPT_FAILED && told_a.n && told_b.n && !str_eq(told_a, told_b))
        found(j, FINDING_TOLD_TWICE, fate, text);
}

/* In the order of time. Returns the last outcome of that state; NULL: there is none. */
static const struct walk_outcome *check_outcomes(struct judging *j, const struct fate *fate,
                                                 enum recipient_state state)
{
    const struct walk_outcome *before = NULL, *last = NULL;
    for (size_t i = 0; i < fate->n_outcomes; i++) {
        const struct walk_outcome *o = &fate->outcomes[i];
        if (o->state == RCPT_RELEASED)
            before = NULL; /* somebody's word: it goes once more */
        if (!is_final(o->state) || is_notice(o))
            continue;
        if (before)
            check_pair(j, fate, before, o);
        before = o;
        if (o->state == state)
            last = o;
    }
    return last;
}

static void check_told(struct judging *j, const struct fate *fate, const struct walk_outcome *o)
{
    struct str id = recipient_told_by(o->detail);
    char text[TEXT_MAX];
    put_outcome(text, sizeof text, o);
    if (id.n == 0 && !str_starts(o->detail, STR(RECIPIENT_NOT_TOLD)))
        found(j, FINDING_UNTOLD, fate, text);
    if (id.n == 0 || j->sink->exists == NULL || str_cmp(id, j->c->swept) <= 0)
        return;
    int there = j->sink->exists(j->sink->data, id);
    if (there == 0)
        found(j, FINDING_BOUNCE_GONE, fate, text);
    j->sums->failed |= there < 0;
}

/* What the journal calls final: is it said how? */
static void check_final(struct judging *j, const struct fate *fate)
{
    const struct walk_recipient *r = fate->journal;
    char text[TEXT_MAX];
    if (j->c->quick)
        return;
    const struct walk_outcome *o = check_outcomes(j, fate, r->state);
    if (o == NULL) {
        snprintf(text, sizeof text, "%s, and no record of it", recipient_state_name(r->state));
        found(j, FINDING_NO_RECORD, fate, text);
        return;
    }
    put_outcome(text, sizeof text, o);
    if (o->state == RCPT_DELIVERED && (o->relay.n == 0 || o->detail.n == 0))
        found(j, FINDING_NO_ANSWER, fate, text);
    else if (o->state == RCPT_DELETED && o->detail.n == 0)
        found(j, FINDING_BY_NOBODY, fate, text);
    else if (o->state == RCPT_FAILED)
        check_told(j, fate, o);
}

/* The text that stands with what the journal calls final. */
static struct str last_detail(const struct fate *fate)
{
    struct str detail = STR_EMPTY;
    for (size_t i = 0; i < fate->n_outcomes; i++)
        if (fate->outcomes[i].state == fate->journal->state && !is_notice(&fate->outcomes[i]))
            detail = fate->outcomes[i].detail;
    return detail;
}

/* --- one recipient --- */

static bool is_other(struct str a, struct str b)
{
    return a.n && b.n && !str_ieq(a, b);
}

/* Acceptance, journal and file are of one message. */
static void check_same(struct judging *j, const struct fate *fate)
{
    char text[TEXT_MAX];
    struct str journal = fate->journal ? fate->journal->address : STR_EMPTY;
    struct str file = fate->file ? fate->file->address : STR_EMPTY;
    if (!is_other(journal, file) && !is_other(fate->accepted, journal) &&
        !is_other(fate->accepted, file))
        return;
    snprintf(text, sizeof text, "accepted for <%.*s>, in the journal <%.*s>, in the file <%.*s>",
             STR_ARG(str_sub(fate->accepted, 0, ADDRESS_SHOWN)),
             STR_ARG(str_sub(journal, 0, ADDRESS_SHOWN)), STR_ARG(str_sub(file, 0, ADDRESS_SHOWN)));
    found(j, FINDING_DIFFERS, fate, text);
}

/* Somebody has released it since: what the journal calls final it was before. */
static bool is_released_since(const struct fate *fate)
{
    for (size_t i = fate->n_outcomes; i-- > 0;)
        if (fate->outcomes[i].state == RCPT_RELEASED)
            return fate->outcomes[i].time_us >= fate->journal->time_us;
    return false;
}

static enum audit_class judge_with_file(struct judging *j, const struct fate *fate)
{
    char text[TEXT_MAX];
    bool settled = fate->journal && is_final(fate->journal->state);
    enum audit_class open = j->c->in_queue ? AUDIT_OWED : AUDIT_HELD;
    if (j->c->file == NULL)
        return settled ? class_of(fate->journal->state, last_detail(fate)) : open;
    if (fate->file == NULL) {
        found(j, FINDING_DIFFERS, fate, "it is not in the file");
        return settled ? class_of(fate->journal->state, last_detail(fate)) : AUDIT_LOST;
    }
    if (is_final(fate->file->state)) {
        if (settled)
            check_final(j, fate);
        return class_of(fate->file->state, fate->file->detail);
    }
    if (settled && !is_released_since(fate)) {
        snprintf(text, sizeof text, "%s says the journal, %s the file",
                 recipient_state_name(fate->journal->state),
                 recipient_state_name((enum recipient_state)fate->file->state));
        found(j, FINDING_OWES_AGAIN, fate, text);
    }
    return fate->file->state == RCPT_HELD ? AUDIT_HELD : open;
}

static enum audit_class judge_without_file(struct judging *j, const struct fate *fate)
{
    const struct walk_recipient *r = fate->journal;
    char text[TEXT_MAX];
    if (r && is_final(r->state)) {
        check_final(j, fate);
        return class_of(r->state, last_detail(fate));
    }
    if (j->c->in_corrupt)
        return AUDIT_ASIDE;
    snprintf(text, sizeof text, "accepted%s%.*s, %s, and no file",
             j->c->journal->sender.n ? " from " : "",
             STR_ARG(str_sub(j->c->journal->sender, 0, ADDRESS_SHOWN)),
             r ? recipient_state_name(r->state) : "never heard of again");
    bool held = r ? r->state == RCPT_HELD : j->c->journal->accepted_held;
    found(j, held ? FINDING_HELD_GONE : FINDING_LOST, fate, text);
    return AUDIT_LOST;
}

/* --- the message --- */

static uint32_t count_recipients(const struct audit_case *c)
{
    const struct walk_message *m = c->journal;
    uint64_t n = c->file ? c->file->n_recipients : 0;
    if (m && m->n_accepted > n)
        n = m->n_accepted;
    if (m && m->n_recipients && (uint64_t)m->recipients[m->n_recipients - 1].index + 1 > n)
        n = (uint64_t)m->recipients[m->n_recipients - 1].index + 1;
    return n < AUDIT_RECIPIENTS_MAX ? (uint32_t)n : AUDIT_RECIPIENTS_MAX;
}

static void fate_of(struct judging *j, uint32_t index, struct fate *fate)
{
    const struct walk_message *m = j->c->journal;
    *fate = (struct fate){0};
    if (m && j->at_recipient < m->n_recipients && m->recipients[j->at_recipient].index == index)
        fate->journal = &m->recipients[j->at_recipient++];
    if (m) {
        fate->outcomes = m->outcomes + j->at_outcome;
        while (j->at_outcome < m->n_outcomes && m->outcomes[j->at_outcome].index <= index) {
            fate->n_outcomes++;
            j->at_outcome++;
        }
    }
    if (j->c->file && index < j->c->file->n_recipients)
        fate->file = &j->c->file->recipients[index];
    if (!str_next(&j->addresses, '\n', &fate->accepted))
        fate->accepted = STR_EMPTY;
    fate->address = fate->file      ? fate->file->address
                    : fate->journal ? fate->journal->address
                                    : fate->accepted;
}

static void judge_recipients(struct judging *j, uint32_t n)
{
    bool any_file = j->c->in_queue || j->c->in_quarantine;
    bool open = false, other = false;
    for (uint32_t i = 0; i < n; i++) {
        struct fate fate;
        fate_of(j, i, &fate);
        if (!j->c->quick)
            check_same(j, &fate);
        enum audit_class class =
            any_file ? judge_with_file(j, &fate) : judge_without_file(j, &fate);
        j->sums->classes[class]++;
        j->sums->recipients++;
        open |= class == AUDIT_OWED || class == AUDIT_HELD;
        other |= class != AUDIT_REDIRECTED;
    }
    /* a file that was not read may owe the copy, of which nothing was heard yet */
    if (n && !other && !(any_file && j->c->file == NULL))
        found(j, FINDING_NO_COPY, NULL, "all its recipients are redirected");
    if (any_file && n && !open && j->c->file && j->c->file_s &&
        j->c->now_s > j->c->file_s + AUDIT_SETTLED_SECONDS)
        found(j, FINDING_LEFT_OVER, NULL,
              j->c->in_queue ? "settled, in queue/" : "settled, in quarantine/");
}

unsigned audit_judge(const struct audit_case *c, const struct audit_sink *sink,
                     struct audit_sums *sums)
{
    struct judging j = {.c = c, .sink = sink, .sums = sums};
    uint32_t n = count_recipients(c);
    if (c->journal)
        j.addresses = c->journal->addresses;
    if (c->in_queue && c->in_quarantine)
        found(&j, FINDING_TWO_FILES, NULL, "a file in queue/ and one in quarantine/");
    if (c->unreadable)
        found(&j, FINDING_UNREADABLE, NULL, c->why);
    if (c->in_corrupt)
        found(&j, FINDING_SET_ASIDE, NULL, "it lies in corrupt/");
    /* delivery has told of it, and of nobody whom it is to go to */
    if (n == 0 && c->journal && !c->in_queue && !c->in_quarantine && !c->in_corrupt)
        found(&j, FINDING_LOST, NULL, "it came, its recipients were never heard of, and no file");
    judge_recipients(&j, n);
    return j.findings;
}
