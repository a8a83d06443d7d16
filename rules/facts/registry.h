/*
 * registry: which names are host names, and where a registry's part of them ends, by the rule
 * files' util_rb_* lists; by the public suffix list where no file gave any (RegistryBoundaries.pm
 * and Util.pm of SpamAssassin 4.0.1, as it is without an IDN library).
 */
#ifndef POTERNE_RULES_REGISTRY_H
#define POTERNE_RULES_REGISTRY_H

#include "rules/language/settings.h"

#define REGISTRY_HOST_MAX 253 /* bytes of a host name */

/* Two labels or more, each as DNS has them, '_' only from the third on; host in lower case. */
bool registry_is_name(struct str host);
/* Four decimal numbers. */
bool registry_is_ipv4(struct str host);
/* Is there a dot, no blank, and a known top-level domain behind the last dot? Any case. */
bool registry_is_valid(const struct rules_settings *settings, struct str host);
/* What somebody registered, a part of `host`, which is in lower case. */
struct str registry_domain(const struct rules_settings *settings, struct str host);

#endif
