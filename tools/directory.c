/* directory: what the running gateway's directory says of an address, and of itself. */
#include <stdio.h>
#include <string.h>

#include "base/ipc.h"
#include "directory/directory.h"
#include "tools/json.h"
#include "tools/tool.h"

#define ASK_MS 20000 /* every source of a domain may take its time */

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
    } else if (ipc_call(path, buf_str(&message), NULL, &reply, ASK_MS, err) < 0) {
        err_prefix(err, "is the gateway running? (run this as root or as a member of its group)");
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
    if (*text_of(answer, "redirect")) {
        fputs("; redirected to ", stdout);
        put(text_of(answer, "redirect"));
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

static void put_source(const json_t *source)
{
    printf("%-22s ", text_of(source, "source"));
    if (json_object_get(source, "addresses")) {
        printf("%lld addresses, %lld kB, ", number_of(source, "addresses"),
               number_of(source, "bytes") / 1024);
        put_age(number_of(source, "seconds"));
        fputs(" old", stdout);
        fputs(json_is_true(json_object_get(source, "current")) ? "; " : ", OUT OF DATE; ", stdout);
    }
    if (json_object_get(source, "threads"))
        printf("asked %lld times, %lld failed, %lld open", number_of(source, "asked"),
               number_of(source, "failed"), number_of(source, "open"));
    fputs("\n", stdout);
    for (unsigned i = 0; i < 2; i++) {
        const char *trouble = text_of(source, i ? "trouble" : "snapshot_trouble");
        if (*trouble) {
            printf("%-22s %s: ", "", i ? "AWAY" : "NO NEW SNAPSHOT");
            put(trouble);
            fputs("\n", stdout);
        }
    }
}

static int put_status(const json_t *status)
{
    const json_t *cache = json_object_get(status, "cache");
    int result = TOOL_YES;
    size_t i;
    json_t *source;
    json_array_foreach(json_object_get(status, "sources"), i, source)
    {
        put_source(source);
        if (*text_of(source, "trouble") || *text_of(source, "snapshot_trouble"))
            result = TOOL_NO;
    }
    printf("cache: %lld known, %lld not known, %lld kB on disk; %lld answers from it, %lld asked\n",
           number_of(cache, "known"), number_of(cache, "unknown"),
           number_of(cache, "file_bytes") / 1024, number_of(cache, "hits"),
           number_of(cache, "misses"));
    printf("%lld answers since the start, %lld open\n", number_of(status, "answered"),
           number_of(status, "open"));
    return result;
}

/* --- the command --- */

static int answer(const struct tool_args *args, enum directory_wish wish, json_t *object)
{
    int result = TOOL_YES;
    bool quiet = args->given & OPT_JSON;
    if (wish == WISH_TEST)
        result = strcmp(text_of(object, "result"), "known") == 0 ? TOOL_YES : TOOL_NO;
    if (quiet)
        return json_line(object) < 0 ? TOOL_FAILED : result;
    if (wish == WISH_TEST)
        result = put_test(object);
    else if (wish == WISH_STATUS)
        result = put_status(object);
    else
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
    if (strcmp(what, "test") != 0 && strcmp(what, "forget") != 0)
        return tool_misused("directory", "there is no `directory %s`", what);
    request->wish = *what == 't' ? WISH_TEST : WISH_FORGET;
    if (whom == NULL || *whom == '\0')
        return tool_misused("directory", "name an address%s", *what == 't' ? "" : ", or all");
    if (request->wish == WISH_TEST || strcmp(whom, "all") != 0)
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
    .arguments = "[status] | test ADDRESS | forget ADDRESS|all",
    .help =
        "test asks every source of the address's domain, now and one after the other: its answer\n"
        "and why, how long it took, and what the cache has of it; `together` is what a sender\n"
        "would be told. forget takes an address, or all, out of the cache: it is asked for again.\n"
        "status has the sources: addresses in memory and their age, and what is wrong with one.\n"
        "Exit status: 0 known, done, all sources well; 1 not known or refused, a source is away;\n"
        "2 could not be done.\n",
    .options = OPT_CONFIG | OPT_JSON,
    .run = run,
};
