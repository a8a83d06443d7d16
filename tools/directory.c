/* directory: what the running gateway's directory says of an address, and of itself. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/ipc.h"
#include "directory/directory.h"
#include "tools/json.h"
#include "tools/tool.h"

#define SPARE_MS 5000

/* Every source of a domain may take its time. */
static int patience(const struct conf *conf)
{
    size_t most = conf->directory_files.n;
    for (size_t i = 0; i < conf->n_domains; i++)
        if (conf->domains[i].directory.n > most)
            most = conf->domains[i].directory.n;
    return (int)most * DIRECTORY_TEST_MS + DIRECTORY_PATIENCE_MS + SPARE_MS;
}

/* NULL with err; *reply keeps the text. */
static json_t *ask(const struct conf *conf, const struct directory_request *request,
                   struct err *err)
{
    struct buf message = BUF_INIT(4096), reply = BUF_INIT(IPC_MSG_MAX);
    char path[128];
    json_t *object = NULL;
    directory_request_put(&message, request);
    if (!ipc_path(conf->run_dir, "directory", path, sizeof path) || !buf_ok(&message)) {
        err_set(err, "the address, or run_dir, is too long");
    } else if (ipc_call(path, buf_str(&message), NULL, &reply, patience(conf), err) < 0) {
        tool_ask_failed(err);
    } else {
        struct wire w = wire_of(buf_str(&reply));
        wire_get_u32(&w);
        struct str text = wire_get_str(&w);
        object = wire_done(&w) ? json_loadb(text.s, text.n, 0, NULL) : NULL;
        if (object == NULL)
            err_set(err, "the directory's answer is not understood");
    }
    buf_release(&message);
    buf_release(&reply);
    return object;
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

static long long number_of(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

static void put(const char *text)
{
    tool_put_text(stdout, str_of(text));
}

/* "3d", "5h", "7min", "12s" */
static void put_age(long long seconds)
{
    if (seconds >= 172800)
        printf("%lldd", seconds / 86400);
    else if (seconds >= 7200)
        printf("%lldh", seconds / 3600);
    else if (seconds >= 120)
        printf("%lldmin", seconds / 60);
    else
        printf("%llds", seconds);
}

/* --- test --- */

static void put_extras(const json_t *answer)
{
    if (number_of(answer, "quota_limit"))
        printf("; quota %lld of %lld", number_of(answer, "quota_used"),
               number_of(answer, "quota_limit"));
    /* of all sources together the directory's own words say what comes of it */
    if (*text_of(answer, "redirect") && strstr(text_of(answer, "how"), "redirected to") == NULL) {
        fputs("; redirects to ", stdout);
        put(text_of(answer, "redirect"));
        if (json_is_true(json_object_get(answer, "keep")))
            fputs(" and keeps a copy", stdout);
    }
    if (json_is_true(json_object_get(answer, "rewrite")))
        fputs("; delivered to the official address", stdout);
}

static void put_answer(const char *who, const json_t *answer)
{
    printf("%-22s %-11s %8.2f ms  ", who, text_of(answer, "result"),
           (double)number_of(answer, "microseconds") / 1000);
    put(*text_of(answer, "how") ? text_of(answer, "how") : "no such address");
    put_extras(answer);
    const json_t *cached = json_object_get(answer, "cached");
    if (cached) {
        printf("; in the cache: %s, ",
               json_is_true(json_object_get(cached, "known")) ? "known" : "not known");
        put_age(number_of(cached, "seconds"));
        fputs(json_is_true(json_object_get(cached, "fresh")) ? " old" : " old, asked again",
              stdout);
    }
    fputs("\n", stdout);
}

static int put_test(const json_t *test)
{
    size_t i;
    json_t *source;
    json_array_foreach(json_object_get(test, "sources"), i, source)
        put_answer(text_of(source, "source"), source);
    put_answer("together", test);
    return strcmp(text_of(test, "result"), "known") == 0 ? TOOL_YES : TOOL_NO;
}

/* --- status --- */

static bool is_set(const json_t *object, const char *name)
{
    return json_is_true(json_object_get(object, name));
}

/* "Sat 21 Nov 17:40" in local time; "?" where none is told */
static void put_when(const json_t *object, const char *name)
{
    char text[40];
    struct tm tm;
    time_t when = (time_t)number_of(object, name);
    bool good =
        when && localtime_r(&when, &tm) && strftime(text, sizeof text, "%a %e %b %H:%M", &tm);
    fputs(good ? text : "?", stdout);
}

static void put_line(const char *head)
{
    printf("%-22s %s", "", head);
}

static void put_trouble(const char *head, const json_t *source, const char *name, const char *since)
{
    put_line(head);
    if (json_object_get(source, since)) {
        fputs(" since ", stdout);
        put_when(source, since);
    }
    fputs(": ", stdout);
    put(text_of(source, name));
    putchar('\n');
}

/* What serves now, and until when; who is refused, and how. */
static void put_serving(const json_t *source, const json_t *cache)
{
    bool table = json_object_get(source, "addresses");
    bool away = *text_of(source, "trouble");
    if (strcmp(text_of(source, "kind"), "quota") == 0) {
        put_line("mail is taken as if there were room\n");
        return;
    }
    bool asks = json_object_get(source, "threads") && number_of(source, "threads") > 0;
    if (table) {
        put_line("who was in it at ");
        put_when(source, "loaded");
        fputs(" is served", stdout);
        if (json_object_get(source, "restart_until")) {
            fputs(", after a restart until ", stdout);
            put_when(source, "restart_until");
        }
        putchar('\n');
    }
    if (asks && away) {
        put_line("who is in the cache is served for ");
        put_age(number_of(cache, "known_seconds"));
        puts(" after he was last asked for");
    }
    put_line(asks && !away ? "all others are asked for\n"
                           : "all others get 451, and senders try again; none gets 550\n");
}

static void put_held(const json_t *source)
{
    put_line("SHRUNK");
    fputs(" since ", stdout);
    put_when(source, "held_since");
    printf(": it lost %lld addresses, which serve on until ", number_of(source, "held"));
    if (json_object_get(source, "held_until"))
        put_when(source, "held_until");
    else
        fputs("that is said", stdout);
    putchar('\n');
    put_line("mend it, or if they are gone: ");
    printf("poterne directory accept %s\n", strchr(text_of(source, "source"), ' ') + 1);
}

static bool is_well(const json_t *source)
{
    bool stale = json_object_get(source, "addresses") && !is_set(source, "current");
    bool none = is_set(source, "decides") && !json_object_get(source, "addresses");
    return !stale && !none && !*text_of(source, "trouble") && !*text_of(source, "snapshot_trouble");
}

static void put_source(const json_t *source, const json_t *cache)
{
    printf("%-22s ", text_of(source, "source"));
    if (json_object_get(source, "addresses")) {
        printf("%lld addresses, %lld kB, ", number_of(source, "addresses"),
               number_of(source, "bytes") / 1024);
        put_age(number_of(source, "seconds"));
        fputs(" old", stdout);
        fputs(is_set(source, "current") ? "; " : ", OUT OF DATE; ", stdout);
    } else if (is_set(source, "decides")) {
        fputs("NOTHING READ YET; ", stdout);
    }
    if (json_object_get(source, "threads"))
        printf("asked %lld times, %lld failed, %lld open", number_of(source, "asked"),
               number_of(source, "failed"), number_of(source, "open"));
    putchar('\n');
    if (*text_of(source, "snapshot_trouble"))
        put_trouble("NO NEW SNAPSHOT", source, "snapshot_trouble", "snapshot_trouble_since");
    if (*text_of(source, "trouble"))
        put_trouble("AWAY", source, "trouble", "trouble_since");
    if (number_of(source, "held"))
        put_held(source);
    if (!is_well(source))
        put_serving(source, cache);
}

/* TOOL_NO: something is wrong. */
static int put_status(const json_t *status, bool quiet)
{
    const json_t *cache = json_object_get(status, "cache");
    int result = TOOL_YES;
    size_t i;
    json_t *source;
    json_array_foreach(json_object_get(status, "sources"), i, source)
    {
        if (!quiet)
            put_source(source, cache);
        if (!is_well(source) || number_of(source, "held"))
            result = TOOL_NO;
    }
    if (quiet)
        return result;
    printf("cache: %lld known, %lld not known, %lld kB on disk; %lld answers from it, %lld asked\n",
           number_of(cache, "known"), number_of(cache, "unknown"),
           number_of(cache, "file_bytes") / 1024, number_of(cache, "hits"),
           number_of(cache, "misses"));
    printf("%lld answers since the start, %lld open\n", number_of(status, "answered"),
           number_of(status, "open"));
    return result;
}

static void put_accepted(const json_t *object)
{
    if (is_set(object, "held"))
        printf("%lld addresses are given up; the directory is read anew now\n",
               number_of(object, "given_up"));
    else
        puts("nothing that this directory lost is held (ldap NAME: poterne directory)");
}

/* --- the command --- */

static int answer(const struct tool_args *args, enum directory_wish wish, json_t *object)
{
    int result = TOOL_YES;
    bool quiet = args->given & OPT_JSON;
    if (wish == WISH_TEST)
        result = strcmp(text_of(object, "result"), "known") == 0 ? TOOL_YES : TOOL_NO;
    if (wish == WISH_STATUS)
        result = put_status(object, quiet);
    if (wish == WISH_ACCEPT)
        result = is_set(object, "held") ? TOOL_YES : TOOL_NO;
    if (quiet)
        return json_line(object) < 0 ? TOOL_FAILED : result;
    if (wish == WISH_TEST)
        result = put_test(object);
    else if (wish == WISH_ACCEPT)
        put_accepted(object);
    else if (wish == WISH_FORGET)
        printf("%lld forgotten\n", number_of(object, "forgotten"));
    json_decref(object);
    return result;
}

static int read_wish(const struct tool_args *args, struct directory_request *request)
{
    const char *what = args->n_rest ? args->rest[0] : "status";
    const char *whom = args->n_rest > 1 ? args->rest[1] : NULL;
    *request = (struct directory_request){.number = 1, .wish = WISH_STATUS};
    if (args->n_rest > 2)
        return tool_misused("directory", "one address at a time");
    if (strcmp(what, "status") == 0)
        return whom ? tool_misused("directory", "status takes no \"%s\"", whom) : TOOL_YES;
    if (strcmp(what, "test") != 0 && strcmp(what, "forget") != 0 && strcmp(what, "accept") != 0)
        return tool_misused("directory", "there is no `directory %s`", what);
    request->wish = *what == 't' ? WISH_TEST : *what == 'f' ? WISH_FORGET : WISH_ACCEPT;
    if (whom == NULL || *whom == '\0')
        return tool_misused("directory", *what == 't'   ? "name an address"
                                         : *what == 'f' ? "name an address, or all"
                                                        : "name a section ldap of the settings");
    if (request->wish != WISH_FORGET || strcmp(whom, "all") != 0)
        request->address = str_of(whom);
    return TOOL_YES;
}

static int run(const struct tool_args *args)
{
    struct err err = {""};
    struct directory_request request;
    int result = read_wish(args, &request);
    if (result != TOOL_YES)
        return result;
    struct conf *conf = tool_conf(args, &err);
    if (conf == NULL)
        return tool_fail("directory", &err);
    json_t *object = ask(conf, &request, &err);
    result = object ? answer(args, request.wish, object) : tool_fail("directory", &err);
    conf_free(&conf);
    return result;
}

const struct tool_command tool_directory = {
    .name = "directory",
    .summary = "show what the directory says of an address, and how its sources are",
    .arguments = "[status] | test ADDRESS | forget ADDRESS|all | accept NAME",
    .help =
        "test asks every source of the address's domain, now and one after the other: its answer\n"
        "and why, how long it took, and what the cache has of it; `together` is what a sender\n"
        "would be told. forget takes an address, or all, out of the cache: it is asked for again.\n"
        "status has the sources: addresses in memory and their age, and where one is not well "
        "what\n"
        "is wrong, since when, and who is served until when. accept says that the people whom the\n"
        "directory of section ldap NAME lost, and who serve on (ldap.shrink_limit), are gone.\n"
        "Exit status: 0 known, done, all sources well; 1 not known or refused, a source is away "
        "or\n"
        "has shrunk, nothing to accept; 2 could not be done.\n",
    .options = OPT_CONFIG | OPT_JSON,
    .run = run,
};
