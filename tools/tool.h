/*
 * tool: what the subcommands of `poterne` share: a table of commands, options, settings, and ways
 * to write what may come from mail. A command gets its arguments, writes its answer to standard
 * output and its complaints to standard error, and returns an exit status.
 */
#ifndef POTERNE_TOOLS_TOOL_H
#define POTERNE_TOOLS_TOOL_H

#include <stdio.h>

#include "base/conf.h"
#include "base/err.h"
#include "base/str.h"

/* Exit status, the same for all commands. */
enum tool_exit {
    TOOL_YES = 0,   /* done; for check: all ham; for trace: found */
    TOOL_NO = 1,    /* done, and the answer is no: something is not ham, nothing was found */
    TOOL_FAILED = 2 /* could not be done: the words on standard error say what to do */
};

enum tool_option {
    OPT_CONFIG = 1ull << 0, /* --config FILE */
    OPT_JSON = 1ull << 1,
    OPT_SPAM = 1ull << 2,
    OPT_HAM = 1ull << 3,
    OPT_FORGET = 1ull << 4,
    OPT_MESSAGE = 1ull << 5,
    OPT_LIMIT = 1ull << 6, /* --limit N */
    OPT_QUIET = 1ull << 7,
    OPT_NO_ANTIVIRUS = 1ull << 8,
    OPT_RECIPIENT = 1ull << 9,  /* --recipient ADDRESS */
    OPT_RULES = 1ull << 10,     /* --rules PATH, -r PATH; may be given again */
    OPT_SCORE_SET = 1ull << 11, /* --score-set N */
    OPT_PROCESSES = 1ull << 12, /* --processes N */
    OPT_ALL = 1ull << 13,
    OPT_NO_FILTERS = 1ull << 14,
    OPT_NO_JIT = 1ull << 15,
    OPT_FORCE = 1ull << 16,
    OPT_INDEX = 1ull << 17, /* --index FILE */
    OPT_SENT = 1ull << 18,
    OPT_KNOWN = 1ull << 19,
    OPT_FEEDBACK = 1ull << 20, /* --feedback WHICH */
    OPT_WITH_RULES = 1ull << 21,
    OPT_STATE = 1ull << 22,    /* --state STATE */
    OPT_REPORTER = 1ull << 23, /* --by ADDRESS */
    OPT_SINCE = 1ull << 24,    /* --since WHEN */
    OPT_WHY = 1ull << 25,      /* --why TEXT */
    OPT_EACH = 1ull << 26,
    OPT_GROUP = 1ull << 27,
    OPT_UNTIL = 1ull << 28,  /* --until WHEN */
    OPT_SENDER = 1ull << 29, /* --sender ADDRESS */
    OPT_REASON = 1ull << 30, /* --reason WORD */
    OPT_VIRUS = 1ull << 31,  /* --virus NAME */
    OPT_ENGINE = 1ull << 32,
    OPT_TO = 1ull << 33, /* --to ADDRESS */
    OPT_NO_SCAN = 1ull << 34,
    OPT_DRY_RUN = 1ull << 35,
    OPT_SELECTOR = 1ull << 36,  /* --selector NAME */
    OPT_ALGORITHM = 1ull << 37, /* --algorithm NAME */
    OPT_FOLDER = 1ull << 38,    /* --to FOLDER */
    OPT_FROM = 1ull << 39,      /* --from FOLDER */
    OPT_ONLY = 1ull << 40,      /* --only PARTS */
    OPT_ELSEWHERE = 1ull << 41, /* --elsewhere */
    OPT_DAILY = 1ull << 42,     /* --daily */
    OPT_DAY = 1ull << 43,       /* --day DAY */
    OPT_DOMAIN = 1ull << 44,    /* --domain DOMAIN */
    OPT_SEND = 1ull << 45,
    OPT_QUICK = 1ull << 46,
    OPT_MISSED = 1ull << 59,  /* --missed */
    OPT_SERVING = 1ull << 60, /* --serving FILE */
    /* of `poterne queue`; some are spelled as others above, and mean something else */
    OPT_OLDER = 1ull << 47,    /* --older WHEN */
    OPT_NEWER = 1ull << 48,    /* --newer WHEN */
    OPT_NEXT_HOP = 1ull << 49, /* --next-hop TEXT */
    OPT_LARGER = 1ull << 50,   /* --larger SIZE */
    OPT_ACCOUNT = 1ull << 51,  /* --account NAME */
    OPT_YES = 1ull << 52,
    OPT_NOTIFY = 1ull << 53,
    OPT_COUNT_BY = 1ull << 54,    /* --by WHAT */
    OPT_QUEUE_STATE = 1ull << 55, /* --state STATE */
    OPT_EVERY_ONE = 1ull << 56,   /* --all */
    OPT_LAST_WORD = 1ull << 57,   /* --reason TEXT */
    OPT_RCPT_DOMAIN = 1ull << 58, /* --domain DOMAIN */
};

struct tool_args {
    uint64_t given; /* enum tool_option */
    const char *config;
    const char *recipient;
    const char *state, *reporter, *since, *why;
    const char *until, *sender, *reason, *virus, *engine, *to;
    const char *selector, *algorithm;
    const char *day, *domain;
    const char *folder, *from, *only, *serving;
    const char *older, *newer, *next_hop, *larger, *account, *count_by;
    const char *index;
    const char *feedback; /* NULL when not given */
    uint64_t limit;
    uint64_t score_set; /* 3 when not given, where no settings tell better */
    uint64_t processes; /* 0 when not given */
    const char **rules; /* what --rules named */
    size_t n_rules;
    const char **rest; /* what is no option */
    size_t n_rest;
    uint64_t *rest_class; /* of each: OPT_HAM or OPT_SPAM, whichever came last before it; or 0 */
};

struct tool_command {
    const char *name;
    const char *summary;   /* one line */
    const char *arguments; /* "[--json] FILE…" */
    const char *help;      /* what --help says further */
    uint64_t options;      /* enum tool_option: those it takes */
    int (*run)(const struct tool_args *args);
};

/* One a file tools/NAME.c. */
extern const struct tool_command tool_check, tool_learn, tool_trace, tool_config, tool_quarantine,
    tool_queue, tool_rules, tool_masscheck, tool_reports, tool_model, tool_evaluate, tool_rescan,
    tool_antivirus, tool_dns, tool_directory, tool_gate, tool_senders, tool_dkim, tool_account,
    tool_audit, tool_metrics, tool_backup, tool_restore;

/* argv[0] is the command's name. 0, or -1 with err and nothing to free. */
int tool_args_read(const struct tool_command *command, int argc, char **argv,
                   struct tool_args *args, struct err *err);
void tool_args_free(struct tool_args *args);
void tool_usage(const struct tool_command *command, FILE *out);

/* "poterne NAME: text" on standard error; always TOOL_FAILED. */
int tool_fail(const char *command, const struct err *err);
/* Adds in front of the error of who asked a process of the gateway what may be the matter. */
void tool_ask_failed(struct err *err);
/* As tool_fail, for a command line that can't be meant: adds where help is. */
int tool_misused(const char *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Those of --config, or the first that is found otherwise: tools/settings.c says where. */
struct conf *tool_conf(const struct tool_args *args, struct err *err);
/* As tool_conf; each mistake is told. */
struct conf *tool_conf_checked(const struct tool_args *args, conf_mistake *mistake, void *data,
                               struct err *err);

/* Text that may come from mail: what is no UTF-8 or would drive a terminal is written
 * as \xNN. */
void tool_put_text(FILE *out, struct str text);
/* "by jean": who typed it, also behind sudo. */
struct buf;
void tool_put_who(struct buf *out);
/* "2026-11-21 22:04:31", local time */
#define TOOL_TIME_SIZE 32
void tool_time(int64_t time_us, char out[TOOL_TIME_SIZE]);
/* What an option says of time: an age before now such as 12h or 7d, or a day or minute of local
 * time such as 2026-11-20 or 2026-11-20T08:30. */
int tool_when(const char *option, const char *word, int64_t now_us, int64_t *time_us,
              struct err *err);
/* "5.3 kB" */
#define TOOL_SIZE_SIZE 32
void tool_size(uint64_t bytes, char out[TOOL_SIZE_SIZE]);

/*
 * A bar on standard error while a long job runs, with how fast it goes and how long it will; when
 * that is no terminal, nothing or, if asked for, a line every ten seconds. Nothing at all when what
 * is NULL.
 */
struct tool_progress {
    const char *what; /* "learned" */
    uint64_t total;   /* items, or bytes when it goes by bytes */
    uint64_t done;    /* items */
    uint64_t bytes;   /* set by tool_progress_move() */
    bool by_bytes;
    int64_t begun_ms;
    int64_t drawn_ms;
    bool terminal;
    bool lines; /* set it after tool_progress_begin(): without a terminal, a line now and then */
};
void tool_progress_begin(struct tool_progress *bar, const char *what, uint64_t total);
void tool_progress_step(struct tool_progress *bar);
void tool_progress_to(struct tool_progress *bar, uint64_t done);
/* Instead of steps, where what is known beforehand is bytes: so many are behind, and so many items
 * were found in them. `total` is bytes. */
void tool_progress_move(struct tool_progress *bar, uint64_t bytes, uint64_t items);
/* "1:05", "2:01:40" */
#define TOOL_DURATION_SIZE 32
void tool_duration(uint64_t seconds, char out[TOOL_DURATION_SIZE]);
void tool_progress_end(struct tool_progress *bar);

#endif
