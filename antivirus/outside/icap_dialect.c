#include "antivirus/outside/icap_dialect.h"

#include <stdio.h>

#include "antivirus/clamav_common.h"
#include "antivirus/outside/task.h"

/* draft-stecher-icap-subid-00, X-Infection-Found: a container that could not be opened or is too
 * deep; 0 is a virus, 1 a rule of the server's */
#define TYPE_CONTAINER "2"

struct finding {
    bool there;
    bool container;
    bool infected; /* not just something that was not looked at */
    struct str name;
};

/* "Type=0; Resolution=2; Threat=Eicar;" */
static struct str parameter(struct str value, const char *name)
{
    struct str item;
    while (str_next(&value, ';', &item)) {
        size_t equals = str_chr(item, '=');
        if (equals != STR_NONE && str_ieq(str_trim(str_sub(item, 0, equals)), str_of(name)))
            return str_trim(str_from(item, equals + 1));
    }
    return STR_EMPTY;
}

/* Some servers always send the field, and say so where there is nothing to say. */
static bool says_nothing(struct str value)
{
    static const char *const words[] = {"", "0", "-", "no", "none"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (str_ieq(value, str_of(words[i])))
            return true;
    return false;
}

static void read_infection(struct str value, struct finding *finding)
{
    struct str threat = parameter(value, "Threat");
    finding->there = !says_nothing(value);
    finding->name = threat.n ? threat : value;
    finding->container = str_eq(parameter(value, "Type"), STR(TYPE_CONTAINER));
}

/* A number, then for each: file, violation, number of it, what was done. */
static void read_violations(struct str value, struct finding *finding)
{
    struct str line = STR_EMPTY;
    finding->there = !says_nothing(value);
    finding->name = value;
    for (unsigned i = 0; i < 3 && str_next_line(&value, &line); i++)
        if (i == 2)
            finding->name = str_trim(line);
}

static void read_name(struct str value, struct finding *finding)
{
    finding->there = !says_nothing(value);
    finding->name = value;
}

static const struct {
    const char *field;
    void (*read)(struct str value, struct finding *finding);
} dialects[] = {
    {"X-Infection-Found", read_infection},
    {"X-Violations-Found", read_violations},
    {"X-Virus-ID", read_name},
    {"X-Virus-Name", read_name},
    {"X-Block-Reason", read_name},
};

/* A field may be there for each threat: the first infection counts, else the first of them. */
static struct finding find_in(struct str head)
{
    struct finding found = {.there = false};
    for (size_t i = 0; i < sizeof dialects / sizeof dialects[0] && !found.there; i++) {
        struct str rest = head, value;
        while (!found.infected && icap_next_field(&rest, dialects[i].field, &value)) {
            struct finding one = {.there = false};
            dialects[i].read(value, &one);
            one.infected = one.there && !one.container && !clamav_means_unscannable(one.name);
            if (one.infected || !found.there)
                found = one;
        }
    }
    return found;
}

static struct finding find(const struct icap_response *r)
{
    struct finding finding = find_in(buf_str(&r->head));
    return finding.there ? finding : find_in(buf_str(&r->http));
}

static void tell(const struct finding *finding, struct av_answer *answer)
{
    char name[AV_NAME_MAX];
    task_text(finding->name, name, sizeof name);
    av_found(answer, finding->infected ? AV_INFECTED : AV_UNSCANNABLE, "%s",
             name[0] ? name : "without a name");
}

void icap_judge_cut(const struct icap_response *r, struct av_answer *answer)
{
    struct finding finding = find_in(buf_str(&r->head));
    if (r->status != 0 && finding.infected)
        tell(&finding, answer);
}

void icap_judge(const struct icap_response *r, struct av_answer *answer)
{
    struct finding finding = find(r);
    char reason[64];
    task_text(icap_reason(r), reason, sizeof reason);
    if (finding.there)
        tell(&finding, answer);
    else if (r->status == 204)
        return;
    else if (r->status != 200)
        av_found(answer, AV_FAILED, "ICAP status %u %s", r->status, reason);
    else if (r->http_status != 0 && r->http_status != 200)
        av_found(answer, AV_FAILED, "blocked for a reason it does not name (HTTP status %u)",
                 r->http_status);
    else if (!icap_response_echoes(r))
        av_found(answer, AV_FAILED, "changed for a reason it does not name");
}

void icap_version(struct str head, char *out, size_t size)
{
    struct str service = STR_EMPTY, tag = STR_EMPTY;
    struct buf both = BUF_INIT(ICAP_HEAD_MAX);
    icap_field(head, "Service", &service);
    icap_field(head, "ISTag", &tag);
    buf_add(&both, service);
    if (service.n > 0 && tag.n > 0)
        buf_addc(&both, ' ');
    for (size_t i = 0; i < tag.n; i++)
        if (tag.s[i] != '"')
            buf_addc(&both, tag.s[i]);
    task_text(buf_ok(&both) ? buf_str(&both) : STR_EMPTY, out, size);
    buf_release(&both);
}

/* Is the word among those that a comma or blank parts? */
static bool lists(struct str value, const char *word)
{
    struct str item;
    while (str_next(&value, ',', &item))
        for (struct str rest = item, one; str_next(&rest, ' ', &one);)
            if (str_ieq(str_trim(one), str_of(word)))
                return true;
    return false;
}

void icap_read_options(struct str head, const char *method, struct icap_options *options)
{
    struct str value;
    uint64_t n;
    *options = (struct icap_options){.lifetime = ICAP_LIFETIME_DEFAULT};
    if (icap_field(head, "Methods", &value))
        options->method = lists(value, method);
    if (icap_field(head, "Allow", &value))
        options->allow_204 = lists(value, "204");
    if (icap_field(head, "Preview", &value) && str_to_u64(value, UINT32_MAX, &n)) {
        options->preview = true;
        options->preview_size = n < ICAP_PREVIEW_MAX ? (size_t)n : ICAP_PREVIEW_MAX;
    }
    if (icap_field(head, "Options-TTL", &value) && str_to_u64(value, UINT32_MAX, &n))
        options->lifetime = n < ICAP_LIFETIME_MAX ? (unsigned)n : ICAP_LIFETIME_MAX;
}
