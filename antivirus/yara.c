/*
 * The YARA engine: any rule that matches the message as it came, or one of its parts, is a
 * finding. Archives are not opened: that is the other engine's work.
 */
#include "antivirus/engine.h"

#include <stdio.h>
#include <stdlib.h>

#include "antivirus/yara_rules.h"
#include "base/buf.h"

#define FILENAME_MAX_BYTES 1024

/* libyara's own fault handlers (SIGBUS, SIGSEGV) would make a crash look like a clean scan. */
#define SCAN_FLAGS                                                                                 \
    (SCAN_FLAGS_NO_TRYCATCH | SCAN_FLAGS_FAST_MODE | SCAN_FLAGS_REPORT_RULES_MATCHING)

struct yara {
    bool started;
    YR_RULES *rules;
    YR_SCANNER *scanner;
};

static int on_event(YR_SCAN_CONTEXT *context, int message, void *message_data, void *data)
{
    struct av_answer *answer = data;
    if (message == CALLBACK_MSG_RULE_MATCHING) {
        const YR_RULE *rule = message_data;
        av_found(answer, AV_INFECTED, "%s", rule->identifier);
        return CALLBACK_ABORT;
    }
    if (message == CALLBACK_MSG_TOO_MANY_MATCHES) {
        const YR_STRING *string = message_data;
        av_found(answer, AV_UNSCANNABLE, "more than %d matches of %s", YR_MAX_STRING_MATCHES,
                 string->identifier);
    }
    return CALLBACK_CONTINUE;
}

static void take_error(int code, struct av_answer *answer)
{
    switch (code) {
    case ERROR_SUCCESS:
        return;
    case ERROR_SCAN_TIMEOUT:
        av_found(answer, AV_UNSCANNABLE, "time limit");
        return;
    case ERROR_TOO_MANY_MATCHES:
    case ERROR_TOO_MANY_RE_FIBERS:
    case ERROR_EXEC_STACK_OVERFLOW:
        av_found(answer, AV_UNSCANNABLE, "a limit of libyara (error %d)", code);
        return;
    case ERROR_INSUFFICIENT_MEMORY:
        av_found(answer, AV_FAILED, "out of memory");
        return;
    default:
        av_found(answer, AV_FAILED, "libyara error %d", code);
    }
}

/* Rules may ask for `filename` and `extension` (".exe"). */
static void name_part(YR_SCANNER *scanner, struct str filename)
{
    char name[FILENAME_MAX_BYTES];
    if (!str_copy(str_sub(filename, 0, sizeof name - 1), name, sizeof name))
        name[0] = 0;
    const char *dot = strrchr(name, '.');
    yr_scanner_define_string_variable(scanner, "filename", name);
    yr_scanner_define_string_variable(scanner, "extension", dot ? dot : "");
}

static void scan_bytes(struct yara *y, struct str bytes, struct str filename, uint64_t deadline,
                       struct av_answer *answer)
{
    uint64_t left = av_left(deadline);
    if (left == 0) {
        av_found(answer, AV_UNSCANNABLE, "time limit");
        return;
    }
    name_part(y->scanner, filename);
    yr_scanner_set_timeout(y->scanner, (int)((left + 999) / 1000));
    yr_scanner_set_callback(y->scanner, on_event, answer);
    take_error(yr_scanner_scan_mem(y->scanner, (const uint8_t *)bytes.s, bytes.n), answer);
}

static void yara_scan(struct engine *engine, const struct av_message *message, uint64_t deadline,
                      struct av_answer *answer)
{
    struct yara *y = engine->data;
    scan_bytes(y, message->raw, STR_EMPTY, deadline, answer);
    for (size_t i = 0; i < message->n_parts && answer->result != AV_INFECTED; i++)
        if (message->parts[i].bytes.n > 0)
            scan_bytes(y, message->parts[i].bytes, message->parts[i].filename, deadline, answer);
}

static void yara_close(struct engine *engine)
{
    struct yara *y = engine->data;
    if (!y)
        return;
    if (y->scanner)
        yr_scanner_destroy(y->scanner);
    if (y->rules)
        yr_rules_destroy(y->rules);
    if (y->started)
        yr_finalize();
    free(y);
    engine->data = NULL;
}

static int open_steps(struct engine *engine, struct err *err)
{
    struct yara *y = engine->data;
    if (yr_initialize() != ERROR_SUCCESS)
        return err_set(err, "yara: cannot start libyara");
    y->started = true;
    /* what matched is never shown; room for it would cost each scan */
    if (yr_set_configuration_uint32(YR_CONFIG_MAX_MATCH_DATA, 0) != ERROR_SUCCESS)
        return err_set(err, "yara: cannot set the size of kept matches");
    int n = yara_rules_load(engine->conf->yara_rules, &y->rules, err);
    if (n < 0)
        return -1;
    if (yr_scanner_create(y->rules, &y->scanner) != ERROR_SUCCESS)
        return err_set(err, "yara: out of memory");
    yr_scanner_set_flags(y->scanner, SCAN_FLAGS);
    engine->signatures = (uint64_t)n;
    snprintf(engine->version, sizeof engine->version, "YARA %s %d rules", YR_VERSION, n);
    return 0;
}

static int yara_open(struct engine *engine, const char *tmp_dir, struct err *err)
{
    engine->data = calloc(1, sizeof(struct yara));
    if (!engine->data)
        return err_set(err, "yara: out of memory");
    if (open_steps(engine, err) == 0)
        return 0;
    yara_close(engine);
    return -1;
}

const struct engine_ops engine_yara_ops = {
    .open = yara_open,
    .scan = yara_scan,
    .close = yara_close,
};
