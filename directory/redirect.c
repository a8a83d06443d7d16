#include "directory/redirect.h"

#include <stdio.h>

#include "base/domain.h"
#include "directory/freemail.h"

static struct redirect_hop *last_of(struct redirect *r)
{
    return &r->way.hops[r->way.n - 1];
}

static void add_hop(struct redirect *r, const char *address, const char *person, bool keep)
{
    struct redirect_hop *hop = &r->way.hops[r->way.n];
    str_copy(str_of(address), hop->address, sizeof hop->address);
    str_copy(str_of(person), hop->person, sizeof hop->person);
    hop->keep = keep;
    r->full[r->way.n++] = false;
}

static bool anybody_keeps(const struct redirect *r)
{
    for (size_t i = 0; i < r->way.n; i++)
        if (r->way.hops[i].keep)
            return true;
    return false;
}

/* --- the rule --- */

static bool is_listed(const struct conf_list *list, struct str domain)
{
    char name[DOMAIN_SIZE];
    for (size_t i = 0; i < list->n; i++) {
        struct str item = str_of(list->items[i]);
        bool below = str_starts(item, STR("."));
        if (!domain_normal(str_from(item, below), name))
            continue;
        struct str listed = str_of(name);
        if (below ? domain.n > listed.n && domain_holds(listed, domain) : str_eq(domain, listed))
            return true;
    }
    return false;
}

static void say_forbidden(const struct conf_domain *domain, struct str target,
                          char out[REDIRECT_RULE_SIZE])
{
    if (freemail_is(target))
        snprintf(out, REDIRECT_RULE_SIZE,
                 "%.*s is a free mail service, and redirect_only_to of %.100s does not list it",
                 STR_ARG(str_sub(target, 0, 200)), domain->name);
    else if (domain->redirect_only_to.n == 0)
        snprintf(out, REDIRECT_RULE_SIZE, "redirect_only_to of %.200s lists no domain",
                 domain->name);
    else
        snprintf(out, REDIRECT_RULE_SIZE, "redirect_only_to of %.100s does not list %.*s",
                 domain->name, STR_ARG(str_sub(target, 0, 200)));
}

/* --- the end --- */

static void stop(struct redirect *r, const char *target, const char *why)
{
    str_copy(str_of(target), r->whose, sizeof r->whose);
    if (why != r->why)
        snprintf(r->why, sizeof r->why, "%s", why);
}

static void append(char *how, const char *format, const char *a, const char *b)
{
    size_t n = strlen(how);
    if (n + 1 < DIRECTORY_HOW_SIZE)
        snprintf(how + n, DIRECTORY_HOW_SIZE - n, format, a, b);
}

/* The mailbox where it ends is full: it ends in the one before. */
static void leave_full(struct redirect *r)
{
    while (r->way.n > 1 && !r->leaves && r->full[r->way.n - 1]) {
        char full[ADDRESS_MAX + 1];
        str_copy(str_of(last_of(r)->address), full, sizeof full);
        r->way.n--;
        stop(r, full, "mailbox is full");
    }
}

static void explain(struct redirect *r)
{
    char *how = r->first.how;
    if (r->way.n > 1 && r->first.result != DIRECTORY_NO_REDIRECT)
        append(how, "; redirected to %.150s (%.100s)", last_of(r)->address, r->way.rule);
    for (size_t i = 0; r->way.n && i + 1 < r->way.n; i++)
        if (r->way.hops[i].keep)
            append(how, "; %.100s keeps a copy%s", r->way.hops[i].address, "");
    if (*r->why)
        append(how, "; not redirected to %.150s: %.250s", r->whose, r->why);
}

static bool end(struct redirect *r, struct search *search)
{
    bool forbidden = r->first.result == DIRECTORY_NO_REDIRECT;
    if (!forbidden)
        leave_full(r);
    bool nowhere = r->way.n == 1 && r->full[0];
    if (forbidden)
        str_copy(str_of(r->why), r->way.rule, sizeof r->way.rule);
    else if (!r->leaves)
        str_copy(STR("a domain of ours"), r->way.rule, sizeof r->way.rule);
    if (!forbidden)
        r->first.result = nowhere ? DIRECTORY_FULL : DIRECTORY_KNOWN;
    explain(r);
    if (forbidden || r->way.n == 1)
        r->way.n = 0;
    r->first.way = r->way;
    search->answer = r->first;
    return false;
}

/* --- on the way --- */

static bool is_circle(const struct redirect *r, struct str person)
{
    for (size_t i = 0; i < r->way.n; i++)
        if (str_eq(str_of(r->way.hops[i].person), person))
            return true;
    return false;
}

static bool leave_domains(struct redirect *r, struct search *search,
                          const struct conf_domain *domain, const struct address *target)
{
    if (is_listed(&domain->redirect_only_to, address_domain(target))) {
        add_hop(r, target->text, target->text, false); /* the last: nobody compares its person */
        r->leaves = true;
        snprintf(r->way.rule, sizeof r->way.rule, "redirect_only_to of %.200s", domain->name);
        return end(r, search);
    }
    stop(r, target->text, r->why);
    say_forbidden(domain, address_domain(target), r->why);
    if (domain->redirect_refused == REDIRECT_REFUSED_REJECT && !r->postmaster && !anybody_keeps(r))
        r->first.result = DIRECTORY_NO_REDIRECT;
    return end(r, search);
}

/* The last hop redirects to there. */
static bool follow(struct redirect *r, struct search *search, const char *wish)
{
    const struct conf *conf = search->directory->conf;
    struct address target, written;
    if (!address_normal(str_of(wish), false, &target) || !address_written(str_of(wish), &written)) {
        stop(r, wish, "it is no mail address");
        return end(r, search);
    }
    if (is_circle(r, str_of(target.text))) {
        stop(r, target.text, "a circle, it redirects to where it came from");
        return end(r, search);
    }
    if (r->way.n == REDIRECT_HOPS_MAX) {
        stop(r, target.text, "too many redirections behind one another");
        return end(r, search);
    }
    const struct conf_domain *domain = conf_domain_of(conf, str_of(last_of(r)->person));
    if (conf_domain_find(conf, address_domain(&target)) == NULL)
        return leave_domains(r, search, domain ? domain : search->domain, &written);
    str_copy(str_of(written.text), r->target, sizeof r->target);
    search_begin(search, search->directory, str_of(r->target), str_of(r->sender));
    return true;
}

static bool begin(struct redirect *r, struct search *search)
{
    const struct directory_answer *a = &search->answer;
    bool full = a->result == DIRECTORY_FULL;
    if (*a->redirect == '\0' || (a->result != DIRECTORY_KNOWN && !(full && !a->keep)))
        return false;
    r->first = *a;
    r->postmaster = search->postmaster;
    str_copy(str_of(search->sender), r->sender, sizeof r->sender);
    add_hop(r, a->rewrite ? a->address : search->address.text, a->address, a->keep);
    r->full[0] = full;
    return follow(r, search, r->first.redirect);
}

static const char *refusal_of(enum directory_result result)
{
    switch (result) {
    case DIRECTORY_DISABLED:
        return "mailbox is disabled";
    case DIRECTORY_FULL:
        return "mailbox is full";
    case DIRECTORY_CLOSED:
        return "the sender may not write to this group";
    default:
        return "no such address here";
    }
}

/* The target of ours was searched for. */
static bool take_target(struct redirect *r, struct search *search)
{
    const struct directory_answer *a = &search->answer;
    bool redirects = *a->redirect != '\0';
    bool passes = a->result == DIRECTORY_FULL && redirects && !a->keep;
    if (a->result == DIRECTORY_UNAVAILABLE && r->postmaster) {
        stop(r, r->target, "nothing is known of it now");
        return end(r, search);
    }
    if (a->result == DIRECTORY_UNAVAILABLE) {
        r->first.result = DIRECTORY_UNAVAILABLE;
        append(r->first.how, "; redirected to %.150s, %.200s", r->target, a->how);
        search->answer = r->first;
        return false;
    }
    if (a->result != DIRECTORY_KNOWN && !passes) {
        stop(r, r->target, refusal_of(a->result));
        return end(r, search);
    }
    if (is_circle(r, str_of(a->address))) {
        stop(r, r->target, "a circle, it redirects to where it came from");
        return end(r, search);
    }
    add_hop(r, a->rewrite ? a->address : r->target, a->address, redirects && a->keep);
    r->full[r->way.n - 1] = a->result == DIRECTORY_FULL;
    if (!redirects)
        return end(r, search);
    char wish[ADDRESS_MAX + 1];
    str_copy(str_of(a->redirect), wish, sizeof wish);
    return follow(r, search, wish);
}

bool redirect_step(struct redirect *redirect, struct search *search)
{
    return redirect->way.n == 0 ? begin(redirect, search) : take_target(redirect, search);
}
