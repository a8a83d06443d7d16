#include "gateway/gate/helo.h"

#include "base/network.h"

static bool refuses(const struct conf *conf, const char *what)
{
    const struct conf_list *list = &conf->gate.helo_refuse;
    for (size_t i = 0; i < list->n; i++)
        if (strcmp(list->items[i], what) == 0)
            return true;
    return false;
}

/* "[192.0.2.1]", "[IPv6:2001:db8::1]" and the same without brackets. */
static bool read_address(struct str name, struct network *address)
{
    if (name.n > 1 && name.s[0] == '[' && name.s[name.n - 1] == ']')
        name = str_sub(name, 1, name.n - 1);
    if (str_istarts(name, STR("IPv6:")))
        name = str_from(name, 5);
    return str_chr(name, '/') == STR_NONE && network_parse(name, address);
}

/* This machine's own programs say its name, and so may they. */
static bool is_this_machine(struct str client, struct str server)
{
    static const struct network loops[] = {
        {.address = {[10] = 0xff, [11] = 0xff, [12] = 127}, .prefix = 104},
        {.address = {[15] = 1}, .prefix = 128},
    };
    return str_eq(client, server) || network_holds(&loops[0], client) ||
           network_holds(&loops[1], client);
}

static bool is_ours(const struct conf *conf, struct str name, struct str server)
{
    struct network address;
    if (str_ieq(name, str_of(conf->hostname)))
        return true;
    return server.n && read_address(name, &address) && network_holds(&address, server);
}

enum helo helo_check(const struct conf *conf, struct str name, struct str client, struct str server)
{
    struct network address;
    if (name.n && name.s[name.n - 1] == '.')
        name.n--;
    if (refuses(conf, "own") && !is_this_machine(client, server) && is_ours(conf, name, server))
        return HELO_OURS;
    bool bare = name.n && name.s[0] != '[';
    if (refuses(conf, "address") && bare && read_address(name, &address))
        return HELO_ADDRESS;
    if (refuses(conf, "unqualified") && bare && str_chr(name, '.') == STR_NONE &&
        !read_address(name, &address))
        return HELO_UNQUALIFIED;
    return HELO_FINE;
}
