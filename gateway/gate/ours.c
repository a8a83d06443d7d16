#include "gateway/gate/ours.h"

/* ESMTPA, ESMTPSA, UTF8SMTPA, UTF8SMTPSA: no other name of RFC 3848 and 6531 ends so. */
bool ours_logged_in(struct str protocol)
{
    return str_ends(protocol, STR("SMTPA")) || str_ends(protocol, STR("SMTPSA"));
}

bool ours_brought(const struct networks *inside, struct str protocol, struct str client_ip)
{
    return ours_logged_in(protocol) || networks_hold(inside, client_ip);
}

bool ours_is(const struct networks *inside, struct str protocol, struct str client_ip)
{
    return str_eq(protocol, STR(OURS_LOCAL)) || ours_brought(inside, protocol, client_ip);
}
