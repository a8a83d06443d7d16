#include "gateway/gate/ours.h"

/* ESMTPA, ESMTPSA, UTF8SMTPA, UTF8SMTPSA: no other name of RFC 3848 and 6531 ends so. */
static bool is_authenticated(struct str protocol)
{
    return str_ends(protocol, STR("SMTPA")) || str_ends(protocol, STR("SMTPSA"));
}

bool ours_is(const struct networks *inside, struct str protocol, struct str client_ip)
{
    return str_eq(protocol, STR(OURS_LOCAL)) || is_authenticated(protocol) ||
           networks_hold(inside, client_ip);
}
