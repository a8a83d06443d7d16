/* account: who logs in by a file of accounts, and second factors of all. */
#include <string.h>

#include "tools/account_tool.h"

static int list(const struct account_job *job)
{
    size_t n = 0;
    int people = account_list_people(job, &n);
    int factors = people == TOOL_YES ? account_list_factors(job, &n) : people;
    if (factors != TOOL_YES)
        return factors;
    if (n == 0 && !account_as_json(job))
        puts("there is none");
    return n ? TOOL_YES : TOOL_NO;
}

/* Of whom, and where `named` what it is called. */
static const struct verb {
    const char *name;
    bool named;
    int (*act)(const struct account_job *job, const char *name);
} verbs[] = {
    {"add", false, account_add},       {"password", false, account_password},
    {"lock", false, account_lock},     {"unlock", false, account_unlock},
    {"remove", false, account_remove}, {"app-password", true, account_make_app_password},
    {"totp", true, account_make_totp}, {"revoke", true, account_revoke},
};

static const struct verb *find_verb(const char *name)
{
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    return NULL;
}

/* A word, as it stands in the file and on a terminal. */
static bool is_name(const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; i < n; i++)
        if (name[i] <= ' ' || name[i] == '\x7f' || name[i] == '#')
            return false;
    return n > 0 && n <= ACCOUNT_NAME_MAX;
}

static int act(struct account_job *job, const struct verb *verb)
{
    const struct tool_args *args = job->args;
    if (args->n_rest > 1 && !address_normal(str_of(args->rest[1]), false, &job->address))
        return tool_misused(ACCOUNT_COMMAND, "\"%s\" is no mail address", args->rest[1]);
    if (args->n_rest > 1 && conf_domain_find(job->conf, address_domain(&job->address)) == NULL)
        return tool_misused(ACCOUNT_COMMAND, "%s lies in no domain of the settings",
                            job->address.text);
    return verb ? verb->act(job, verb->named ? args->rest[2] : NULL) : list(job);
}

static int run(const struct tool_args *args)
{
    struct err err = {""};
    const char *what = args->n_rest ? args->rest[0] : "list";
    const struct verb *verb = find_verb(what);
    if (verb == NULL && strcmp(what, "list") != 0)
        return tool_misused(ACCOUNT_COMMAND, "there is no `account %s`", what);
    if (verb ? args->n_rest != 2U + verb->named : args->n_rest > 2)
        return tool_misused(ACCOUNT_COMMAND, "%s takes %s", what,
                            verb == NULL  ? "one address or none"
                            : verb->named ? "an address and a name"
                                          : "an address");
    if (verb && verb->named && !is_name(args->rest[2]))
        return tool_misused(ACCOUNT_COMMAND,
                            "a name is one word without blanks, of at most %d bytes",
                            ACCOUNT_NAME_MAX);
    struct conf *conf = tool_conf(args, &err);
    if (conf == NULL)
        return tool_fail(ACCOUNT_COMMAND, &err);
    struct account_job job = {.args = args, .conf = conf};
    int status = act(&job, verb);
    conf_free(&conf);
    return status;
}

const struct tool_command tool_account = {
    .name = ACCOUNT_COMMAND,
    .summary = "passwords of accounts in files, application passwords and tokens",
    .arguments = "[list [ADDRESS]] | add ADDRESS | password ADDRESS |\n"
                 "       lock ADDRESS | unlock ADDRESS | remove ADDRESS |\n"
                 "       app-password ADDRESS NAME | totp ADDRESS NAME | revoke ADDRESS NAME",
    .help =
        "add puts an account into the file of accounts of its domain, password gives one that is\n"
        "there another password: the first line of standard input, or asked for on a terminal.\n"
        "Who is locked can't log in until he is unlocked, and gets mail all the same; remove "
        "takes\n"
        "the account and its second factors away.\n"
        "app-password makes a password for one mail program (NAME says which), totp the secret of\n"
        "a token, with the URI that its program reads. Both are shown this once; the file of\n"
        "second factors (submission.second_factor_file) keeps the hash, or the secret. revoke\n"
        "takes the one of that name away. The running gateway takes all of it up within seconds.\n"
        "list shows who is there, without secrets; of ADDRESS alone.\n"
        "Exit status: 0 done, 1 there is none, 2 could not be done.\n",
    .options = OPT_CONFIG | OPT_JSON,
    .run = run,
};
