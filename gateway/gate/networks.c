#include "gateway/gate/networks.h"

#include <stdlib.h>

int networks_load(const struct conf_list *from, struct networks *networks, struct err *err)
{
    *networks = (struct networks){NULL, 0};
    if (from->n == 0)
        return 0;
    networks->list = calloc(from->n, sizeof *networks->list);
    if (networks->list == NULL)
        return err_set(err, "out of memory for %zu networks", from->n);
    for (; networks->n < from->n; networks->n++)
        if (!network_parse(str_of(from->items[networks->n]), &networks->list[networks->n])) {
            err_set(err, "\"%s\" is no network", from->items[networks->n]);
            networks_free(networks);
            return -1;
        }
    return 0;
}

void networks_free(struct networks *networks)
{
    free(networks->list);
    *networks = (struct networks){NULL, 0};
}

bool networks_hold(const struct networks *networks, struct str ip)
{
    for (size_t i = 0; i < networks->n; i++)
        if (network_holds(&networks->list[i], ip))
            return true;
    return false;
}
