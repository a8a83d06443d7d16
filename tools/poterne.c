/* poterne: one command for whoever runs the gateway; each subcommand has a file of its own. */
#include "config.h"

#include <locale.h>
#include <signal.h>
#include <string.h>

#include "base/log.h"
#include "tools/tool.h"

static const struct tool_command *const commands[] = {
    &tool_check,    &tool_learn,     &tool_trace,     &tool_quarantine, &tool_rescan,
    &tool_queue,    &tool_rules,     &tool_masscheck, &tool_model,      &tool_reports,
    &tool_evaluate, &tool_antivirus, &tool_directory, &tool_dns,        &tool_config,
    &tool_gate,     &tool_senders,   &tool_dkim,      &tool_account,    &tool_audit,
    &tool_metrics,  &tool_backup,    &tool_restore,
};
#define N_COMMANDS (sizeof commands / sizeof commands[0])

static void overview(FILE *out)
{
    fputs("usage: poterne COMMAND [OPTION…] [ARGUMENT…]\n\n", out);
    for (size_t i = 0; i < N_COMMANDS; i++)
        fprintf(out, "  %-11s %s\n", commands[i]->name, commands[i]->summary);
    fputs("  help        what a command does and takes\n\n"
          "`poterne COMMAND --help` says more; the manual is poterne(1).\n",
          out);
}

static const struct tool_command *find(const char *name)
{
    for (size_t i = 0; i < N_COMMANDS; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

static int help(int argc, char **argv)
{
    const struct tool_command *command = argc > 1 ? find(argv[1]) : NULL;
    if (argc > 1 && command == NULL)
        return tool_misused("help", "there is no command \"%s\"", argv[1]);
    if (command)
        tool_usage(command, stdout);
    else
        overview(stdout);
    return TOOL_YES;
}

static bool wants_help(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

static int run(const struct tool_command *command, int argc, char **argv)
{
    struct tool_args args;
    struct err err;
    if (wants_help(argc, argv)) {
        tool_usage(command, stdout);
        return TOOL_YES;
    }
    if (tool_args_read(command, argc, argv, &args, &err) < 0)
        return tool_misused(command->name, "%s", err.text);
    int status = command->run(&args);
    tool_args_free(&args);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        err_set(&err, "standard output can't be written: is the disk full?");
        return tool_fail(command->name, &err);
    }
    return status;
}

int main(int argc, char **argv)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    log_open("poterne", LOG_WARNING_LEVEL);
    signal(SIGCHLD, SIG_DFL); /* ignored, as it may be inherited, scanners end without a status */
    if (argc < 2) {
        overview(stderr);
        return TOOL_FAILED;
    }
    if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 ||
        strcmp(argv[1], "-h") == 0)
        return help(argc - 1, argv + 1);
    if (strcmp(argv[1], "--version") == 0) {
        puts("poterne " PACKAGE_VERSION);
        return TOOL_YES;
    }
    const struct tool_command *command = find(argv[1]);
    if (command == NULL) {
        fprintf(stderr, "poterne: there is no command \"%s\"; these there are:\n\n", argv[1]);
        overview(stderr);
        return TOOL_FAILED;
    }
    return run(command, argc - 1, argv + 1);
}
