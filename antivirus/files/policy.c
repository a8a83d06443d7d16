#include "antivirus/files/policy.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>

#include "antivirus/files/claims.h"
#include "antivirus/files/policy_syntax.h"
#include "base/buf.h"
#include "base/fsio.h"

#define POOL_MAX       ((size_t)16 * 1024 * 1024)
#define GLOB_NAME_SIZE (NAME_BYTES_MAX + 1)

struct policy {
    struct pool *pool;
    struct rule *rules;
    size_t n;
};

/* --- reading --- */

static int parse_lines(struct policy *policy, struct str text, const char *path, struct err *err)
{
    struct str line;
    size_t cap = 0;
    for (unsigned number = 1; str_next_line(&text, &line); number++) {
        struct rule rule;
        int got = policy_syntax_line(policy->pool, line, &rule, err);
        if (got < 0)
            return err_prefix(err, "%s:%u", path, number);
        if (got == 0)
            continue;
        if (policy->n == POLICY_RULES_MAX)
            return err_set(err, "%s:%u: more than %d rules", path, number, POLICY_RULES_MAX);
        struct rule *rules =
            pool_grow(policy->pool, policy->rules, policy->n, &cap, sizeof *policy->rules);
        if (!rules)
            return err_set(err, "%s: out of memory", path);
        rule.line = number;
        policy->rules = rules;
        rules[policy->n++] = rule;
    }
    return 0;
}

struct policy *policy_parse(struct str text, const char *path, struct err *err)
{
    struct policy *policy = calloc(1, sizeof *policy);
    if (policy)
        policy->pool = pool_new(POOL_MAX);
    if (!policy || !policy->pool)
        err_set(err, "%s: out of memory", path);
    else if (parse_lines(policy, text, path, err) == 0)
        return policy;
    policy_free(&policy);
    return NULL;
}

struct policy *policy_read(const char *path, struct err *err)
{
    struct buf text = BUF_INIT(POLICY_FILE_MAX);
    struct policy *policy = NULL;
    if (fsio_read_file(path, &text, err) == 0)
        policy = policy_parse(buf_str(&text), path, err);
    buf_release(&text);
    return policy;
}

void policy_free(struct policy **policy)
{
    if (!*policy)
        return;
    pool_free(&(*policy)->pool);
    free(*policy);
    *policy = NULL;
}

size_t policy_rules(const struct policy *policy)
{
    return policy->n;
}

/* --- matching --- */

static bool in_words(struct words words, const char *word)
{
    for (size_t i = 0; i < words.n; i++)
        if (strcmp(words.items[i], word) == 0)
            return true;
    return false;
}

/* The reading that is among the words, or NULL; of a rule that allows all must be. */
static const char *matching_extension(const struct rule *rule, const struct file_names *names)
{
    const char *found = NULL;
    for (size_t i = 0; i < names->n; i++)
        if (in_words(rule->extensions, names->extensions[i]))
            found = found ? found : names->extensions[i];
        else if (rule->action == POLICY_ALLOW)
            return NULL;
    return found;
}

static kind_set matching_kinds(const struct rule *rule, kind_set kinds)
{
    bool doubtful = rule->action == POLICY_ALLOW && (kinds & ~rule->kinds);
    return doubtful ? 0 : kinds & rule->kinds;
}

/* What a program that ends a name at a NUL, or one that does not, takes for the name. */
static const char *matching_piece(const struct rule *rule, struct str piece)
{
    char name[GLOB_NAME_SIZE];
    size_t slash = str_rchr(piece, '/');
    struct str base = slash == STR_NONE ? piece : str_from(piece, slash + 1);
    base = str_from(base, base.n > NAME_BYTES_MAX ? base.n - NAME_BYTES_MAX : 0);
    if (!str_copy(base, name, sizeof name))
        return NULL;
    for (size_t i = 0; i < rule->names.n; i++)
        if (fnmatch(rule->names.items[i], name, FNM_CASEFOLD) == 0)
            return rule->names.items[i];
    return NULL;
}

/* As with extensions: one of the names, or of a rule that allows all. */
static const char *matching_name(const struct rule *rule, const struct policy_file *file)
{
    const char *found = NULL;
    if (rule->action == POLICY_ALLOW && file->names->disguised)
        return NULL;
    for (size_t i = 0; i < file->n_all; i++) {
        struct str rest = file->all[i];
        for (bool more = true; more;) {
            size_t nul = str_chr(rest, 0);
            const char *match = matching_piece(rule, str_sub(rest, 0, nul));
            more = nul != STR_NONE;
            rest = more ? str_from(rest, nul + 1) : STR_EMPTY;
            if (!match && rule->action == POLICY_ALLOW)
                return NULL;
            found = found ? found : match;
        }
    }
    return found;
}

static void explain(struct buf *why, const char *what, const char *word)
{
    if (why->n)
        buf_add(why, STR(", "));
    buf_add(why, str_of(what));
    if (*word)
        buf_addf(why, " %.40s", word);
}

static const char *first_kind(kind_set kinds)
{
    for (unsigned kind = 0; kind < KINDS; kind++)
        if (kinds & KIND(kind))
            return kind_name((enum file_kind)kind);
    return "";
}

static bool rule_matches(const struct rule *rule, const struct policy_file *file, struct buf *why)
{
    const char *extension = NULL, *name = NULL;
    kind_set kinds = 0;
    if ((rule->place == PLACE_INSIDE && !file->inside) ||
        (rule->place == PLACE_OUTSIDE && file->inside))
        return false;
    if (rule->extensions.n && !(extension = matching_extension(rule, file->names)))
        return false;
    if (rule->kinds && !(kinds = matching_kinds(rule, file->kinds)))
        return false;
    if (rule->names.n && !(name = matching_name(rule, file)))
        return false;
    if ((rule->disguised && !file->names->disguised) ||
        (rule->mismatch && !claims_differ(file->names, file->kinds)))
        return false;
    if (extension)
        explain(why, "extension", extension);
    if (kinds)
        explain(why, "type", first_kind(kinds));
    if (name)
        explain(why, "name", name);
    if (rule->disguised)
        explain(why, "disguised", "");
    if (rule->mismatch)
        explain(why, "mismatch: it is", first_kind(file->kinds));
    return true;
}

bool policy_match(const struct policy *policy, const struct policy_file *file,
                  struct policy_match *match)
{
    char array[sizeof match->why] = "";
    for (size_t i = 0; i < policy->n; i++) {
        struct buf why = BUF_OVER(array);
        if (!rule_matches(&policy->rules[i], file, &why))
            continue;
        match->action = policy->rules[i].action;
        match->line = policy->rules[i].line;
        snprintf(match->why, sizeof match->why, "%s", buf_cstr(&why));
        return true;
    }
    return false;
}
