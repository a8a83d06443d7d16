/*
 * policy: the admin's rules about files, a text of one rule a line (poterne-files(5)):
 *
 *     ACTION CONDITION… [# remark]
 *
 *     quarantine extension exe scr pif
 *     mark       type office-macro
 *     allow      name "setup-*.exe" type pe outside
 *
 * All conditions of a rule must hold, one of the words of each is enough. The first rule that
 * matches a file decides about it. What forbids takes any plausible reading of a file's name and
 * bytes; what allows must hold for all of them.
 *
 * Limits: POLICY_FILE_MAX bytes, POLICY_RULES_MAX rules, POLICY_WORDS_MAX words a rule.
 */
#ifndef POTERNE_ANTIVIRUS_FILES_POLICY_H
#define POTERNE_ANTIVIRUS_FILES_POLICY_H

#include "antivirus/files/kind.h"
#include "antivirus/files/names.h"
#include "base/err.h"

#define POLICY_FILE_MAX  ((size_t)1024 * 1024)
#define POLICY_RULES_MAX 1000
#define POLICY_WORDS_MAX 500

/* In the order of their weight. */
enum policy_action { POLICY_ALLOW, POLICY_MARK, POLICY_QUARANTINE, POLICY_REJECT };

struct policy;

/* NULL with err "FILE:LINE: what is wrong; what was expected". */
struct policy *policy_read(const char *path, struct err *err);
struct policy *policy_parse(struct str text, const char *path, struct err *err);
void policy_free(struct policy **policy);
size_t policy_rules(const struct policy *policy);

struct policy_file {
    const struct file_names *names;
    /* as given, for `name`: each may be what a program shows, and may hold a path */
    const struct str *all;
    size_t n_all;
    kind_set kinds;
    bool inside; /* an archive */
};

struct policy_match {
    enum policy_action action;
    unsigned line;
    char why[192]; /* "extension exe, inside" */
};

/* False: no rule is about it. */
bool policy_match(const struct policy *policy, const struct policy_file *file,
                  struct policy_match *match);

#endif
