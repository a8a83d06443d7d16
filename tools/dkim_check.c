/* dkim_check: does the DNS say the keys that we sign with? */
#include <unistd.h>

#include "tools/dkim_tool.h"
#include "tools/dns_ask.h"
#include "tools/json.h"

#define POOL_MAX ((size_t)1024 * 1024)

enum state { PUBLISHED, MISSING, WRONG, TESTING, NO_KEY, UNKNOWN };

/* What is known of one selector; texts live in the pool or for ever. */
struct finding {
    enum state state;
    struct str why;
    const struct sign_private *key; /* NULL: NO_KEY */
};

static const char *name_of(enum state state)
{
    static const char *const names[] = {"published", "missing", "wrong",
                                        "testing",   "no key",  "unknown"};
    return names[state];
}

static struct finding judge(const struct sign_private *key, const struct resolver_answer *answer)
{
    bool testing;
    const char *why;
    switch (answer->status) {
    case DNS_FOUND:
        break;
    case DNS_NO_NAME:
    case DNS_NO_DATA:
        return (struct finding){MISSING, STR("there is no such record"), key};
    default:
        return (struct finding){UNKNOWN, str_of(dns_status_name(answer->status)), key};
    }
    if (answer->n > 1)
        return (struct finding){WRONG, STR("there is more than one record"), key};
    why = sign_private_differs(key, answer->records[0].data, &testing);
    if (why)
        return (struct finding){WRONG, str_of(why), key};
    if (testing)
        return (struct finding){TESTING, STR("it says t=y: nobody relies on the signatures"), key};
    return (struct finding){PUBLISHED, STR(""), key};
}

static int ask(int fd, const char *domain, const struct sign_private *key, const char *selector,
               struct pool *pool, struct finding *finding, struct err *err)
{
    const struct str pieces[] = {str_of(selector), STR("._domainkey."), str_of(domain)};
    struct str name = pool_join(pool, pieces, 3);
    struct resolver_answer answer;
    if (name.s == NULL)
        return err_set(err, "out of memory");
    if (dns_ask_resolver(fd, DNS_TXT, name, pool, &answer, err) < 0)
        return -1;
    *finding = judge(key, &answer);
    return 0;
}

static int tell(const struct tool_args *args, const char *domain,
                const struct dkim_selector *selector, const struct finding *finding)
{
    const struct sign_private *key = finding->key;
    const char *kind = key ? sign_kind_name(key->kind) : "";
    if (args->given & OPT_JSON)
        return json_line(json_pack("{s:s, s:s, s:s, s:I, s:b, s:s, s:o}", "domain", domain,
                                   "selector", selector->name, "algorithm", kind, "bits",
                                   (json_int_t)(key ? key->bits : 0), "signs", selector->signs,
                                   "state", name_of(finding->state), "why",
                                   json_text(finding->why)));
    printf("%s._domainkey.%s: %s%s%s%s", selector->name, domain, kind, key ? ", " : "",
           selector->signs ? "signs, " : "signs nothing, ", name_of(finding->state));
    if (finding->why.n) {
        fputs(": ", stdout);
        tool_put_text(stdout, finding->why);
    }
    putchar('\n');
    return 0;
}

/* -1: could not be asked. */
static int check_selector(const struct tool_args *args, const struct conf *conf, int fd,
                          const struct conf_domain *domain, const struct dkim_selector *selector,
                          enum state *state, struct err *err)
{
    struct finding finding = {NO_KEY, STR(""), NULL};
    struct err why = {""};
    struct pool *pool = pool_new(POOL_MAX);
    struct sign_private *key = dkim_key_of(conf, domain, selector->name, &why);
    int result = pool ? 0 : err_set(err, "out of memory");
    if (key == NULL)
        finding.why = str_of(why.text);
    else if (result == 0)
        result = ask(fd, domain->name, key, selector->name, pool, &finding, err);
    if (result == 0)
        result = tell(args, domain->name, selector, &finding);
    *state = finding.state;
    sign_private_free(&key);
    pool_free(&pool);
    return result;
}

static int worse(int status, enum state state)
{
    if (state == UNKNOWN || status == TOOL_FAILED)
        return TOOL_FAILED;
    return state == PUBLISHED ? status : TOOL_NO;
}

static int check_domain(const struct tool_args *args, const struct conf *conf, int fd,
                        const struct conf_domain *domain, int *status, struct err *err)
{
    struct dkim_selectors found;
    enum state state = UNKNOWN;
    if (dkim_selectors_find(conf, domain, &found, err) < 0)
        return -1;
    for (size_t i = 0; i < found.n; i++) {
        if (check_selector(args, conf, fd, domain, &found.list[i], &state, err) < 0)
            return -1;
        *status = worse(*status, state);
    }
    return (int)found.n;
}

int dkim_check_domains(const struct tool_args *args, const struct conf *conf,
                       const struct conf_domain *domain)
{
    struct err err = {""};
    int status = TOOL_YES, n = 0, got = 0;
    int fd = dns_ask_connect(conf, &err);
    if (fd < 0) {
        dns_ask_failed(conf, &err);
        return tool_fail("dkim", &err);
    }
    for (size_t i = 0; got >= 0 && i < conf->n_domains; i++) {
        if (domain && domain != &conf->domains[i])
            continue;
        got = check_domain(args, conf, fd, &conf->domains[i], &status, &err);
        n += got;
    }
    close(fd);
    if (got < 0)
        return tool_fail("dkim", &err);
    if (n == 0) {
        fputs("poterne dkim: there is no key; `poterne dkim keygen DOMAIN` makes one\n", stderr);
        return TOOL_NO;
    }
    return status;
}
