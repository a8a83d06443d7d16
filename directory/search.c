#include "directory/search.h"

#include <stdio.h>
#include <time.h>

#include "base/domain.h"

/* --- in words --- */

/* "ldap staff, alias of jean.toto@…, as of 2026-11-21T22:04:31Z" */
static void explain(struct search *search, const char *note, time_t as_of)
{
    struct buf how = BUF_OVER(search->answer.how);
    char title[SOURCE_TITLE_SIZE], when[40];
    struct tm tm;
    source_title(search->sources.items[search->at], title);
    buf_add(&how, str_of(title));
    if (*note)
        buf_addf(&how, ", %.*s", DIRECTORY_HOW_SIZE / 2, note);
    if (search->stage == STAGE_SHORTER)
        buf_add(&how, STR(", with an extension"));
    if (as_of && gmtime_r(&as_of, &tm) &&
        strftime(when, sizeof when, ", as of %Y-%m-%dT%H:%M:%SZ", &tm))
        buf_add(&how, str_of(when));
    buf_cstr(&how);
}

/* --- who was found --- */

static enum directory_result judge(const struct search *search, const struct person *person)
{
    if (search->postmaster)
        return DIRECTORY_KNOWN;
    if (person->flags & PERSON_DISABLED)
        return DIRECTORY_DISABLED;
    if ((person->flags & PERSON_CLOSED) && !person_lists(person->writers, str_of(search->sender)))
        return DIRECTORY_CLOSED;
    return person_is_full(person) ? DIRECTORY_FULL : DIRECTORY_KNOWN;
}

/* A group whose list was cut can't be shown to be closed to anybody. */
static bool writers_unknown(const struct search *search, const struct person *person)
{
    return (person->flags & PERSON_CLOSED) && (person->flags & PERSON_CUT) &&
           !person_lists(person->writers, str_of(search->sender));
}

static bool keeps_copy(const struct search *search, const struct person *person)
{
    if (person->flags & (PERSON_KEEP | PERSON_NO_KEEP))
        return person->flags & PERSON_KEEP;
    return search->domain->redirect_keep;
}

static void found(struct search *search, const struct person *person, struct str key,
                  const char *note, time_t as_of)
{
    struct directory_answer *a = &search->answer;
    struct str address = person->address.n ? person->address : key;
    /* a catch-all has no name of its own */
    if (search->stage == STAGE_CATCH_ALL)
        address = str_of(search->address.text);
    str_copy(address, a->address, sizeof a->address);
    str_copy(person->redirect, a->redirect, sizeof a->redirect);
    str_copy(person->identities, a->identities, sizeof a->identities);
    a->keep = keeps_copy(search, person);
    a->rewrite = person->flags & PERSON_REWRITE && person->flags & PERSON_ALIAS;
    a->quota_used = person->quota_used;
    a->quota_limit = person->quota_limit;
    a->result = judge(search, person);
    /* old knowledge refuses nobody for good */
    if (as_of && a->result == DIRECTORY_FULL)
        a->result = DIRECTORY_KNOWN;
    if (as_of && a->result == DIRECTORY_DISABLED)
        a->result = DIRECTORY_UNAVAILABLE;
    if (a->result == DIRECTORY_CLOSED && writers_unknown(search, person))
        a->result = DIRECTORY_UNAVAILABLE;
    explain(search, note, as_of);
    search->stage = a->result == DIRECTORY_KNOWN && !search->postmaster ? STAGE_QUOTA : STAGE_END;
    search->at = 0;
}

/* --- in memory --- */

static bool find_in_table(struct search *search, const struct source *source)
{
    struct table_entry entry, owner;
    struct person person = {0};
    char note[FINDING_NOTE_SIZE] = "";
    if (source->table == NULL || !table_find(source->table, search->key, &entry))
        return false;
    struct str more = entry.more;
    if (entry.target.n) {
        snprintf(note, sizeof note, "alias of %.*s", STR_ARG(str_sub(entry.target, 0, 200)));
        if (more.n == 0 && table_find(source->table, entry.target, &owner))
            more = owner.more;
    }
    if (more.n && !person_get(more, &person))
        return false;
    person.address = entry.target.n ? entry.target : entry.address;
    person.flags |= entry.target.n ? PERSON_ALIAS : 0U;
    if (search->stage == STAGE_CATCH_ALL)
        str_copy(STR("catch-all"), note, sizeof note);
    found(search, &person, search->key, note, source->stale ? source->loaded_at : 0);
    return true;
}

/* --- stages --- */

/* `at` stands on a source that says something at this stage. */
static bool takes_part(const struct search *search, const struct source *source)
{
    bool quota = source->ops && source->ops->quota;
    if (search->stage == STAGE_QUOTA || quota)
        return search->stage == STAGE_QUOTA && quota;
    return search->stage != STAGE_CATCH_ALL || source->table ||
           (source->ops && source->ops->catch_all);
}

/* What is looked for at this stage; empty: nothing. */
static struct str key_of(struct search *search)
{
    switch (search->stage) {
    case STAGE_ADDRESS:
        return str_of(search->address.text);
    case STAGE_SHORTER:
        return str_of(search->shorter.text);
    case STAGE_CATCH_ALL:
        return search->postmaster ? STR_EMPTY
                                  : str_of(search->address.text + search->address.local_n);
    case STAGE_QUOTA:
        return str_of(search->answer.address);
    default:
        return STR_EMPTY;
    }
}

static void note_away(struct search *search, const struct source *source, const char *why)
{
    char title[SOURCE_TITLE_SIZE];
    if (search->away)
        return;
    search->away = source;
    source_title(source, title);
    snprintf(search->answer.how, sizeof search->answer.how, "%s can't be asked%s%.300s", title,
             *why ? ": " : "", why);
}

/* True: the source must be asked. */
static bool must_ask(struct search *search, const struct source *source)
{
    bool askable = source->ops && (search->stage != STAGE_CATCH_ALL || source->ops->catch_all);
    if (askable && !source->decides)
        return true;
    if (source->stale)
        note_away(search, source, "");
    return false;
}

static void nobody(struct search *search)
{
    struct directory_answer *a = &search->answer;
    if (search->postmaster) {
        a->result = DIRECTORY_KNOWN;
        str_copy(str_of(search->address.text), a->address, sizeof a->address);
        str_copy(STR("postmaster is always known"), a->how, sizeof a->how);
    } else {
        a->result = search->away ? DIRECTORY_UNAVAILABLE : DIRECTORY_UNKNOWN;
    }
}

enum search_next search_step(struct search *search)
{
    while (search->stage < STAGE_END) {
        search->key = key_of(search);
        if (search->key.n == 0 || search->at >= search->sources.n) {
            bool over = search->stage >= STAGE_CATCH_ALL;
            if (search->stage == STAGE_CATCH_ALL)
                nobody(search);
            search->stage = over ? STAGE_END : search->stage + 1;
            search->at = 0;
            continue;
        }
        const struct source *source = search->sources.items[search->at];
        if (takes_part(search, source)) {
            if (search->stage != STAGE_QUOTA && find_in_table(search, source))
                continue;
            if (must_ask(search, source)) {
                search->source = source;
                return SEARCH_ASK;
            }
        }
        search->at++;
    }
    return SEARCH_DONE;
}

static void told_quota(struct search *search, const struct finding *finding)
{
    struct person person;
    if (!finding_person(finding, &person)) {
        search->at++;
        return;
    }
    search->answer.quota_used = person.quota_used;
    search->answer.quota_limit = person.quota_limit;
    if (!person_is_full(&person)) {
        search->at++;
        return;
    }
    search->answer.result = DIRECTORY_FULL;
    explain(search, finding->note, 0);
    search->stage = STAGE_END;
}

void search_told(struct search *search, const struct finding *finding, time_t as_of)
{
    struct person person;
    if (search->stage == STAGE_QUOTA) {
        told_quota(search, finding);
        return;
    }
    if (finding_person(finding, &person)) {
        found(search, &person, search->key, finding->note, as_of);
        return;
    }
    if (finding->said != SAID_NO)
        note_away(search, search->source, finding->note);
    search->at++;
}

/* --- the question --- */

/* `postmaster` alone: of the domain that the gateway's own name lies in, else of the first. */
static bool complete_postmaster(const struct conf *conf, struct address *address)
{
    const struct conf_domain *domain = NULL;
    struct str rest = str_of(conf->hostname);
    struct str label;
    while (domain == NULL && rest.n) {
        domain = conf_domain_find(conf, rest);
        str_next(&rest, '.', &label);
    }
    if (domain == NULL)
        domain = &conf->domains[0];
    char text[sizeof "postmaster@" + 256];
    int n = snprintf(text, sizeof text, "postmaster@%s", domain->name);
    return n > 0 && (size_t)n < sizeof text && address_normal(str_of(text), false, address);
}

/* jean+list@example.org as jean@example.org; "": it has no extension */
static void take_extension(struct search *search)
{
    const struct address *address = &search->address;
    char separator = search->directory->conf->directory_subaddress[0];
    search->shorter.text[0] = '\0';
    if (separator == '\0' || address->text[0] == '"')
        return;
    size_t n = str_chr(str_n(address->text, address->local_n), separator);
    if (n == STR_NONE || n == 0)
        return;
    snprintf(search->shorter.text, sizeof search->shorter.text, "%.*s%s", (int)n, address->text,
             address->text + address->local_n);
    search->shorter.local_n = n;
}

void search_begin(struct search *search, const struct directory *directory, struct str address,
                  struct str sender)
{
    const struct conf *conf = directory->conf;
    struct address from;
    *search = (struct search){.directory = directory,
                              .stage = STAGE_END,
                              .answer = {.result = DIRECTORY_NOT_OURS}};
    bool good = str_ieq(address, STR("postmaster"))
                    ? complete_postmaster(conf, &search->address)
                    : address_normal(address, false, &search->address);
    struct str name = good ? address_domain(&search->address) : domain_of_address(address);
    const struct conf_domain *domain = conf_domain_find(conf, name);
    if (domain == NULL)
        return;
    search->domain = domain;
    search->answer.result = DIRECTORY_UNKNOWN;
    if (!good)
        return;
    if (address_normal(sender, false, &from))
        str_copy(str_of(from.text), search->sender, sizeof search->sender);
    search->postmaster =
        str_eq(str_n(search->address.text, search->address.local_n), STR("postmaster"));
    search->sources = directory->by_domain[domain - conf->domains];
    search->stage = STAGE_ADDRESS;
    take_extension(search);
}

bool search_begin_one(struct search *search, const struct directory *directory, struct str address,
                      struct str sender, size_t source)
{
    search_begin(search, directory, address, sender);
    if (source >= search->sources.n)
        return false;
    search->sources.items += source;
    search->sources.n = 1;
    const struct source_ops *ops = search->sources.items[0]->ops;
    if (ops && ops->quota) {
        str_copy(str_of(search->address.text), search->answer.address,
                 sizeof search->answer.address);
        search->answer.result = DIRECTORY_KNOWN;
        search->stage = STAGE_QUOTA;
    }
    return true;
}
