/* dns: what the running resolver answers, and what it says of itself. */
#include <arpa/inet.h>
#include <stdio.h>
#include <unistd.h>

#include "gateway/resolver/client.h"
#include "tools/dns_ask.h"
#include "tools/json.h"
#include "tools/tool.h"

#define STATUS_MS  5000
#define POOL_MAX   ((size_t)1024 * 1024)
#define RECORD_MAX (4 * DNS_RECORD_MAX)

static void put_hex(struct str data, struct buf *out)
{
    for (size_t i = 0; i < data.n; i++)
        buf_addf(out, "%02x", (unsigned char)data.s[i]);
}

/* As a person writes it. */
static void put_record(enum dns_type type, const struct dns_record *record, struct buf *out)
{
    char address[INET6_ADDRSTRLEN];
    struct str data = record->data;
    switch (type) {
    case DNS_A:
    case DNS_AAAA:
        if (data.n == (type == DNS_A ? 4 : 16))
            buf_add(out, str_of(inet_ntop(type == DNS_A ? AF_INET : AF_INET6, data.s, address,
                                          sizeof address)));
        break;
    case DNS_MX:
        buf_addf(out, "%u %.*s", record->preference, STR_ARG(data));
        break;
    case DNS_TLSA:
        put_hex(data, out);
        break;
    default:
        buf_add(out, data);
        break;
    }
}

static int print_json(struct str name, enum dns_type type, const struct resolver_answer *answer)
{
    json_t *records = json_array();
    for (size_t i = 0; i < answer->n; i++) {
        struct buf text = BUF_INIT(RECORD_MAX);
        put_record(type, &answer->records[i], &text);
        json_array_append_new(records, json_text(buf_str(&text)));
        buf_release(&text);
    }
    return json_line(json_pack("{s:o, s:s, s:s, s:b, s:b, s:I, s:o}", "name", json_text(name),
                               "type", dns_type_name(type), "status",
                               dns_status_name(answer->status), "secure",
                               (answer->flags & RESOLVER_SECURE) != 0, "cached",
                               (answer->flags & RESOLVER_CACHED) != 0, "ttl",
                               (json_int_t)answer->ttl, "records", records));
}

static void print_text(struct str name, enum dns_type type, const struct resolver_answer *answer)
{
    for (size_t i = 0; i < answer->n; i++) {
        struct buf text = BUF_INIT(RECORD_MAX);
        put_record(type, &answer->records[i], &text);
        tool_put_text(stdout, buf_str(&text));
        putchar('\n');
        buf_release(&text);
    }
    fputs("; ", stdout);
    tool_put_text(stdout, name);
    printf(" %s: %s", dns_type_name(type), dns_status_name(answer->status));
    if (answer->status == DNS_FOUND || answer->status == DNS_NO_NAME ||
        answer->status == DNS_NO_DATA)
        printf(", %s, ttl %u s, %s", answer->flags & RESOLVER_SECURE ? "secure" : "not signed",
               answer->ttl, answer->flags & RESOLVER_CACHED ? "from the cache" : "asked now");
    putchar('\n');
}

static int look_up(const struct conf *conf, struct str name, enum dns_type type, bool json,
                   struct err *err)
{
    struct resolver_answer answer;
    struct pool *pool = pool_new(POOL_MAX);
    int fd = dns_ask_connect(conf, err);
    int result = fd < 0 ? -1 : pool ? 0 : err_set(err, "out of memory");
    if (result == 0)
        result = dns_ask_resolver(fd, type, name, pool, &answer, err);
    if (result == 0 && json)
        result = print_json(name, type, &answer);
    else if (result == 0)
        print_text(name, type, &answer);
    if (fd >= 0)
        close(fd);
    bool unknown = result == 0 && answer.status != DNS_FOUND && answer.status != DNS_NO_NAME &&
                   answer.status != DNS_NO_DATA;
    bool found = result == 0 && answer.status == DNS_FOUND;
    pool_free(&pool);
    return result < 0 ? -1 : found ? TOOL_YES : unknown ? TOOL_FAILED : TOOL_NO;
}

static void print_status_json(const struct resolver_status *s)
{
    json_line(json_pack(
        "{s:b, s:I, s:I, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "away",
        s->away != 0, "away_seconds", (json_int_t)s->away_for, "servers", (json_int_t)s->servers,
        "dnssec", s->dnssec != 0, "questions", (json_int_t)s->questions, "cached",
        (json_int_t)s->cached, "found", (json_int_t)s->found, "nothing", (json_int_t)s->nothing,
        "failed", (json_int_t)s->failed, "bogus", (json_int_t)s->bogus, "refused",
        (json_int_t)s->refused, "secure", (json_int_t)s->secure, "open", (json_int_t)s->open,
        "outages", (json_int_t)s->outages, "mean_microseconds", (json_int_t)s->mean_us,
        "up_seconds", (json_int_t)s->up));
}

static void print_status(const struct resolver_status *s)
{
    if (s->away)
        printf("the DNS does not answer since %llu s; nobody waits for it\n",
               (unsigned long long)s->away_for);
    if (s->servers)
        printf("%u servers are asked, ", s->servers);
    else
        fputs("names are resolved from the root on, ", stdout);
    printf("DNSSEC %s; up %llu s, %llu outages\n", s->dnssec ? "is checked" : "is not checked",
           (unsigned long long)s->up, (unsigned long long)s->outages);
    printf("%llu questions: %llu out of the cache; %llu found (%llu of all secure), %llu nothing, "
           "%llu failed, %llu forged; %llu above a limit\n",
           (unsigned long long)s->questions, (unsigned long long)s->cached,
           (unsigned long long)s->found, (unsigned long long)s->secure,
           (unsigned long long)s->nothing, (unsigned long long)s->failed,
           (unsigned long long)s->bogus, (unsigned long long)s->refused);
    printf("%llu open now; %.1f ms each that was asked\n", (unsigned long long)s->open,
           (double)s->mean_us / 1000);
}

static int show_status(const struct conf *conf, bool json, struct err *err)
{
    struct resolver_status status;
    if (resolver_status_ask(conf->run_dir, STATUS_MS, &status, err) < 0)
        return -1;
    (json ? print_status_json : print_status)(&status);
    return status.away ? TOOL_NO : TOOL_YES;
}

static int run(const struct tool_args *args)
{
    struct err err = {""};
    enum dns_type type = DNS_A;
    bool json = (args->given & OPT_JSON) != 0;
    if (args->n_rest > 2)
        return tool_misused("dns", "it takes a name and a type, and no \"%s\"", args->rest[2]);
    if (args->n_rest > 1 && !dns_type_of(str_of(args->rest[1]), &type))
        return tool_misused("dns",
                            "there is no type \"%s\" here; there are A, AAAA, MX, NS, PTR, "
                            "TLSA and TXT",
                            args->rest[1]);
    struct conf *conf = tool_conf(args, &err);
    if (!conf)
        return tool_fail("dns", &err);
    int result = args->n_rest > 0 ? look_up(conf, str_of(args->rest[0]), type, json, &err)
                                  : show_status(conf, json, &err);
    if (result < 0) {
        dns_ask_failed(conf, &err);
        result = tool_fail("dns", &err);
    }
    conf_free(&conf);
    return result;
}

const struct tool_command tool_dns = {
    .name = "dns",
    .summary = "ask the running resolver, or how it is",
    .arguments = "[NAME [TYPE]]",
    .help =
        "Asks the gateway's own resolver for a name (type A, or AAAA, MX, NS, PTR, TLSA, TXT) and\n"
        "tells whether DNSSEC proved the answer and whether it was in the cache. Without a name:\n"
        "whether the DNS answers, and what was asked since the resolver started.\n"
        "Exit status: 0 found (all is well), 1 there is no such name or record (the DNS does not\n"
        "answer), 2 nobody knows.\n",
    .options = OPT_CONFIG | OPT_JSON,
    .run = run,
};
