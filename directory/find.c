/* Who is it? */
#include <stdio.h>
#include <time.h>

#include "directory/address.h"
#include "directory/sources.h"

struct question {
    const struct conf *conf;
    const struct source_list *sources;
    const struct address *address;
    struct directory_answer *answer;
};

/* "file functional", and of when it is if the file can't be asked now */
static void explain(const struct question *q, const struct source *source, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void explain(const struct question *q, const struct source *source, const char *format, ...)
{
    struct buf how = BUF_INIT(DIRECTORY_HOW_SIZE - 1);
    char when[40];
    struct tm tm;
    va_list ap;
    buf_addf(&how, "file %.100s", source->name);
    va_start(ap, format);
    buf_vaddf(&how, format, ap);
    va_end(ap);
    if (source->stale && gmtime_r(&source->loaded_at, &tm)) {
        strftime(when, sizeof when, ", as of %Y-%m-%dT%H:%M:%SZ", &tm);
        buf_add(&how, str_of(when));
    }
    str_copy(str_of(buf_cstr(&how)), q->answer->how, sizeof q->answer->how);
    buf_release(&how);
}

static bool find_entry(const struct question *q, struct str key, struct table_entry *entry,
                       const struct source **source)
{
    for (size_t i = 0; i < q->sources->n; i++) {
        *source = q->sources->items[i];
        if ((*source)->table && table_find((*source)->table, key, entry))
            return true;
    }
    return false;
}

static bool find_address(const struct question *q, struct str address, const char *note)
{
    struct table_entry entry;
    const struct source *source;
    if (!find_entry(q, address, &entry, &source))
        return false;
    if (entry.target.n)
        explain(q, source, ", alias of %.*s%s", STR_ARG(entry.target), note);
    else
        explain(q, source, "%s", note);
    str_copy(entry.target.n ? entry.target : entry.address, q->answer->address,
             sizeof q->answer->address);
    return true;
}

/* jean+list@example.org as jean@example.org (RFC 5233) */
static bool find_subaddress(const struct question *q)
{
    char shorter[ADDRESS_MAX + 1];
    const struct address *address = q->address;
    char separator = q->conf->directory_subaddress[0];
    if (separator == '\0' || address->text[0] == '"')
        return false;
    size_t n = str_chr(str_sub(str_of(address->text), 0, address->local_n), separator);
    if (n == STR_NONE || n == 0)
        return false;
    int total = snprintf(shorter, sizeof shorter, "%.*s%s", (int)n, address->text,
                         address->text + address->local_n);
    return total > 0 && find_address(q, str_n(shorter, (size_t)total), ", with an extension");
}

static bool find_catch_all(const struct question *q)
{
    struct table_entry entry;
    const struct source *source;
    if (!find_entry(q, str_of(q->address->text + q->address->local_n), &entry, &source))
        return false;
    explain(q, source, ", catch-all");
    str_copy(str_of(q->address->text), q->answer->address, sizeof q->answer->address);
    return true;
}

static bool is_postmaster(const struct question *q)
{
    if (!str_eq(str_sub(str_of(q->address->text), 0, q->address->local_n), STR("postmaster")))
        return false;
    str_copy(str_of(q->address->text), q->answer->address, sizeof q->answer->address);
    str_copy(STR("postmaster is always known"), q->answer->how, sizeof q->answer->how);
    return true;
}

static enum directory_result not_found(const struct question *q)
{
    for (size_t i = 0; i < q->sources->n; i++) {
        const struct source *source = q->sources->items[i];
        if (!source->stale)
            continue;
        snprintf(q->answer->how, sizeof q->answer->how, "file %.100s can't be asked", source->name);
        return DIRECTORY_UNAVAILABLE;
    }
    return DIRECTORY_UNKNOWN;
}

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

void directory_find(const struct directory *directory, struct str address,
                    struct directory_answer *answer)
{
    struct address normal;
    *answer = (struct directory_answer){.result = DIRECTORY_NOT_OURS};
    bool good = str_ieq(address, STR("postmaster")) ? complete_postmaster(directory->conf, &normal)
                                                    : address_normal(address, false, &normal);
    size_t at = str_rchr(address, '@');
    struct str name = good             ? address_domain(&normal)
                      : at == STR_NONE ? STR_EMPTY
                                       : str_from(address, at + 1);
    const struct conf_domain *domain = conf_domain_find(directory->conf, name);
    if (domain == NULL)
        return;
    if (!good) {
        answer->result = DIRECTORY_UNKNOWN;
        return;
    }
    struct question q = {directory->conf, &directory->by_domain[domain - directory->conf->domains],
                         &normal, answer};
    if (find_address(&q, str_of(normal.text), "") || find_subaddress(&q) || is_postmaster(&q) ||
        find_catch_all(&q))
        answer->result = DIRECTORY_KNOWN;
    else
        answer->result = not_found(&q);
}
