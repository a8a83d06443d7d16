/* args: the command line of a subcommand, and what is said when it is wrong. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "tools/tool.h"

static const struct {
    const char *name;
    const char *letter; /* "-r", or "" */
    enum tool_option option;
    const char *value; /* what it takes; NULL: nothing */
    const char *help;
} options[] = {
    {"--config", "", OPT_CONFIG, "FILE", "settings to use instead of the installed ones"},
    {"--json", "", OPT_JSON, NULL, "one JSON object a line, for programs"},
    {"--spam", "", OPT_SPAM, NULL, "these are spam"},
    {"--ham", "", OPT_HAM, NULL, "these are not spam"},
    {"--forget", "", OPT_FORGET, NULL, "take back what was learned of these"},
    {"--sent", "", OPT_SENT, NULL, "these were sent by own users: learn whom they write to"},
    {"--known", "", OPT_KNOWN, NULL,
     "of these, answers to what own users sent and mail from whom they wrote to"},
    {"--message", "", OPT_MESSAGE, NULL, "the message itself, as it was received"},
    {"--limit", "", OPT_LIMIT, "N", "at most N (default 20; of the queue: all)"},
    {"--recipient", "", OPT_RECIPIENT, "ADDRESS", "only this recipient of the message"},
    {"--no-antivirus", "", OPT_NO_ANTIVIRUS, NULL, "both passes only"},
    {"--quiet", "", OPT_QUIET, NULL, "only complaints"},
    {"--rules", "-r", OPT_RULES, "PATH",
     "rule file or folder instead of the settings'; also -r, again"},
    {"--score-set", "", OPT_SCORE_SET, "N",
     "0 to 3: 1 with network, 2 with Bayes, 3 both (default: the gateway's, else 3)"},
    {"--processes", "", OPT_PROCESSES, "N", "that many at work (default: one a processor)"},
    {"--all", "", OPT_ALL, NULL, "also those that are left out otherwise"},
    {"--no-filters", "", OPT_NO_FILTERS, NULL, "try each pattern everywhere; for comparing"},
    {"--force", "", OPT_FORCE, NULL, "even if it is refused"},
    {"--index", "", OPT_INDEX, "FILE", "list of messages: lines `ham PATH` or `spam PATH`"},
    {"--feedback", "", OPT_FEEDBACK, "WHICH", "when the class is told: see above"},
    {"--with-rules", "", OPT_WITH_RULES, NULL, "both passes together"},
    {"--no-jit", "", OPT_NO_JIT, NULL, "as where PCRE2 has no JIT; for comparing"},
    {"--state", "", OPT_STATE, "STATE", "waiting, accepted, capped, learned, rejected or expired"},
    {"--by", "", OPT_REPORTER, "ADDRESS", "only what this address reported"},
    {"--since", "", OPT_SINCE, "WHEN", "only what is not older: 12h, 7d, or a day: 2026-11-20"},
    {"--each", "", OPT_EACH, NULL, "one by one instead of in groups"},
    {"--group", "", OPT_GROUP, NULL, "and what waits in the same group of near-identical messages"},
    {"--why", "", OPT_WHY, "TEXT", "why; it is kept with the decision"},
    {"--until", "", OPT_UNTIL, "WHEN", "only what is older: 12h, 7d, or a day: 2026-11-20"},
    {"--sender", "", OPT_SENDER, "ADDRESS", "only from this sender; * is anything"},
    {"--reason", "", OPT_REASON, "REASON", "only what is held for this; see above"},
    {"--virus", "", OPT_VIRUS, "NAME", "only where an engine named this, or a name with it"},
    {"--engine", "", OPT_ENGINE, "NAME", "only where this engine found something"},
    {"--to", "", OPT_TO, "ADDRESS", "a copy to this address instead"},
    {"--no-scan", "", OPT_NO_SCAN, NULL, "without asking the engines again"},
    {"--dry-run", "", OPT_DRY_RUN, NULL, "only say what would be done"},
    {"--selector", "", OPT_SELECTOR, "NAME",
     "of the key (default: today's date, r or e behind it)"},
    {"--day", "", OPT_DAY, "DAY", "2026-11-22 (UTC); default: yesterday"},
    {"--domain", "", OPT_DOMAIN, "DOMAIN", "the report about this domain itself"},
    {"--quick", "", OPT_QUICK, NULL, "without what costs most: see above"},
    {"--send", "", OPT_SEND, NULL, "now, not at each domain's own hour"},
    {"--to", "", OPT_FOLDER, "FOLDER", "another folder than the settings'; see above"},
    {"--from", "", OPT_FROM, "FOLDER",
     "where the generations are, instead of the settings' folder"},
    {"--only", "", OPT_ONLY, "PARTS", "these parts, with commas between them; see above"},
    {"--elsewhere", "", OPT_ELSEWHERE, NULL,
     "what the settings name outside of their own folder, too"},
    {"--daily", "", OPT_DAILY, NULL, "as poterned does it: a failure is told to the managers"},
    {"--missed", "", OPT_MISSED, NULL,
     "as --daily, if there are generations and none of the last 24 hours"},
    {"--serving", "", OPT_SERVING, "FILE",
     "settings whose managers hear that those of --config can't be read"},
    {"--older", "", OPT_OLDER, "WHEN", "only what came before: 90min, 12h, or a day: 2026-11-20"},
    {"--newer", "", OPT_NEWER, "WHEN", "only what came since then"},
    {"--domain", "", OPT_RCPT_DOMAIN, "DOMAIN", "only to somebody in this domain"},
    {"--next-hop", "", OPT_NEXT_HOP, "HOP",
     "only what goes to this next hop, or host; * is anything"},
    {"--larger", "", OPT_LARGER, "SIZE", "only what has at least so much: 500k, 20M"},
    {"--account", "", OPT_ACCOUNT, "ACCOUNT", "only what this account sent; * is anything"},
    {"--reason", "", OPT_LAST_WORD, "TEXT", "only where the last try said something with this"},
    {"--state", "", OPT_QUEUE_STATE, "STATE", "active, deferred, held, frozen or ending"},
    {"--all", "", OPT_EVERY_ONE, NULL, "all that is in the queue"},
    {"--by", "", OPT_COUNT_BY, "WHAT", "hop (default), domain, sender, reason or account"},
    {"--notify", "", OPT_NOTIFY, NULL, "tell the sender what is deleted"},
    {"--yes", "", OPT_YES, NULL, "however many there are"},
    {"--algorithm", "", OPT_ALGORITHM, "NAME", "rsa (default) or ed25519"},
};
#define N_OPTIONS (sizeof options / sizeof options[0])

#define LIMIT_DEFAULT     20
#define LIMIT_MAX         100000
#define SCORE_SET_DEFAULT 3
#define PROCESSES_MAX     256
#define NULL_SENDER       "; <> is the null sender"

static int take_number(size_t i, const char *value, uint64_t least, uint64_t most, uint64_t *number,
                       struct err *err)
{
    if (!str_to_u64(str_of(value), most, number) || *number < least)
        return err_set(err, "%s needs a number from %" PRIu64 " to %" PRIu64 ", not \"%s\"",
                       options[i].name, least, most, value);
    return 0;
}

/* Where the text of an option goes; NULL: it is none of those. */
static const char **text_place(enum tool_option option, struct tool_args *args)
{
    switch (option) {
    case OPT_CONFIG:
        return &args->config;
    case OPT_RECIPIENT:
        return &args->recipient;
    case OPT_INDEX:
        return &args->index;
    case OPT_FEEDBACK:
        return &args->feedback;
    case OPT_STATE:
    case OPT_QUEUE_STATE:
        return &args->state;
    case OPT_REPORTER:
        return &args->reporter;
    case OPT_COUNT_BY:
        return &args->count_by;
    case OPT_SINCE:
        return &args->since;
    case OPT_WHY:
        return &args->why;
    case OPT_UNTIL:
        return &args->until;
    case OPT_SENDER:
        return &args->sender;
    case OPT_REASON:
    case OPT_LAST_WORD:
        return &args->reason;
    case OPT_VIRUS:
        return &args->virus;
    case OPT_ENGINE:
        return &args->engine;
    case OPT_TO:
        return &args->to;
    case OPT_SELECTOR:
        return &args->selector;
    case OPT_ALGORITHM:
        return &args->algorithm;
    case OPT_DAY:
        return &args->day;
    case OPT_DOMAIN:
    case OPT_RCPT_DOMAIN:
        return &args->domain;
    case OPT_FOLDER:
        return &args->folder;
    case OPT_FROM:
        return &args->from;
    case OPT_SERVING:
        return &args->serving;
    case OPT_ONLY:
        return &args->only;
    case OPT_OLDER:
        return &args->older;
    case OPT_NEWER:
        return &args->newer;
    case OPT_NEXT_HOP:
        return &args->next_hop;
    case OPT_LARGER:
        return &args->larger;
    case OPT_ACCOUNT:
        return &args->account;
    default:
        return NULL;
    }
}

static int take_value(size_t i, const char *value, struct tool_args *args, struct err *err)
{
    if (value == NULL)
        return err_set(err, "%s needs %s behind it", options[i].name, options[i].value);
    if (value[0] == '\0') /* an unset variable of a script must not mean everything */
        return err_set(err, "%s needs %s behind it, not an empty text%s", options[i].name,
                       options[i].value, options[i].option == OPT_SENDER ? NULL_SENDER : "");
    if (options[i].option == OPT_LIMIT)
        return take_number(i, value, 1, LIMIT_MAX, &args->limit, err);
    if (options[i].option == OPT_SCORE_SET)
        return take_number(i, value, 0, SCORE_SET_DEFAULT, &args->score_set, err);
    if (options[i].option == OPT_PROCESSES)
        return take_number(i, value, 1, PROCESSES_MAX, &args->processes, err);
    const char **place = text_place(options[i].option, args);
    if (place)
        *place = value;
    else
        args->rules[args->n_rules++] = value;
    return 0;
}

/* One option at *at, which is moved onto its last word. */
static int take_option(const struct tool_command *command, char **argv, int argc, int *at,
                       struct tool_args *args, struct err *err)
{
    const char *word = argv[*at];
    const char *equals = strchr(word, '=');
    struct str name = str_n(word, equals ? (size_t)(equals - word) : strlen(word));
    for (size_t i = 0; i < N_OPTIONS; i++) {
        bool named =
            str_eq(name, str_of(options[i].name)) || str_eq(name, str_of(options[i].letter));
        if (!named || !(command->options & options[i].option))
            continue;
        args->given |= options[i].option;
        if (options[i].value == NULL && equals)
            return err_set(err, "%s takes no value", options[i].name);
        if (options[i].value == NULL)
            return 0;
        if (equals)
            return take_value(i, equals + 1, args, err);
        const char *value = *at + 1 < argc ? argv[++*at] : NULL;
        return take_value(i, value, args, err);
    }
    return err_set(err, "there is no option \"%.*s\"", STR_ARG(name));
}

void tool_args_free(struct tool_args *args)
{
    free(args->rest);
    free(args->rules);
    free(args->rest_class);
    args->rest_class = NULL;
    args->rest = NULL;
    args->rules = NULL;
}

static int read_words(const struct tool_command *command, int argc, char **argv,
                      struct tool_args *args, struct err *err)
{
    bool only_names = false;
    uint64_t class = 0;
    for (int i = 1; i < argc; i++) {
        if (only_names || argv[i][0] != '-' || argv[i][1] == '\0') {
            args->rest_class[args->n_rest] = class;
            args->rest[args->n_rest++] = argv[i];
        } else if (strcmp(argv[i], "--") == 0) {
            only_names = true;
        } else if (take_option(command, argv, argc, &i, args, err) < 0) {
            return -1;
        } else if (strcmp(argv[i], "--ham") == 0) {
            class = OPT_HAM;
        } else if (strcmp(argv[i], "--spam") == 0) {
            class = OPT_SPAM;
        }
    }
    return 0;
}

int tool_args_read(const struct tool_command *command, int argc, char **argv,
                   struct tool_args *args, struct err *err)
{
    int result;
    *args = (struct tool_args){.limit = LIMIT_DEFAULT, .score_set = SCORE_SET_DEFAULT};
    args->rest = calloc((size_t)argc + 1, sizeof *args->rest);
    args->rules = calloc((size_t)argc + 1, sizeof *args->rules);
    args->rest_class = calloc((size_t)argc + 1, sizeof *args->rest_class);
    if (args->rest && args->rules && args->rest_class)
        result = read_words(command, argc, argv, args, err);
    else
        result = err_set(err, "out of memory");
    if (result < 0)
        tool_args_free(args);
    return result;
}

void tool_usage(const struct tool_command *command, FILE *out)
{
    fprintf(out, "usage: poterne %s %s\n%s\n\n%s", command->name, command->arguments,
            command->summary, command->help);
    fputs("\noptions:\n", out);
    for (size_t i = 0; i < N_OPTIONS; i++) {
        if (!(command->options & options[i].option))
            continue;
        const char *value = options[i].value ? options[i].value : "";
        int width = 17 - (int)strlen(options[i].name) - 1;
        fprintf(out, "  %s %-*s %s\n", options[i].name, width, value, options[i].help);
    }
}

int tool_fail(const char *command, const struct err *err)
{
    fflush(stdout);
    fprintf(stderr, "poterne %s: ", command);
    tool_put_text(stderr, str_of(err->text));
    fputc('\n', stderr);
    return TOOL_FAILED;
}

void tool_ask_failed(struct err *err)
{
    err_prefix(err, "is the gateway running? (run this as root or as a member of its group)");
}

int tool_misused(const char *command, const char *format, ...)
{
    char text[ERR_TEXT_MAX];
    struct err err;
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    err_set(&err, "%s; `poterne %s --help` shows how it is used", text, command);
    return tool_fail(command, &err);
}
