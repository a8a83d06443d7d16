/* dkim_tool: what the parts of `poterne dkim` share: the keys of a domain, in their files and in
 * the settings. */
#ifndef POTERNE_TOOLS_DKIM_TOOL_H
#define POTERNE_TOOLS_DKIM_TOOL_H

#include "base/domain.h"
#include "sender/sign_private.h"
#include "tools/tool.h"

#define DKIM_SELECTORS_MAX 100 /* of one domain */

struct dkim_selector {
    char name[DOMAIN_SIZE];
    bool signs; /* by the settings */
};

struct dkim_selectors {
    struct dkim_selector list[DKIM_SELECTORS_MAX];
    size_t n;
};

/* Those with a key file, and those that the settings name, in order. -1: the folder can't be read,
 * or there are too many. */
int dkim_selectors_find(const struct conf *conf, const struct conf_domain *domain,
                        struct dkim_selectors *found, struct err *err);
/* NULL with err set: it can't be read. */
struct sign_private *dkim_key_of(const struct conf *conf, const struct conf_domain *domain,
                                 const char *selector, struct err *err);
/* Writes a new key's file, for the user who delivers; one that is there stays as it is (-1). */
int dkim_key_store(const struct conf *conf, const struct conf_domain *domain, const char *selector,
                   const struct sign_private *key, struct err *err);

/* `poterne dkim check`; domain NULL: all. */
int dkim_check_domains(const struct tool_args *args, const struct conf *conf,
                       const struct conf_domain *domain);

#endif
