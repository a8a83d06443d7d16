#include "gateway/gate/classes.h"

int classes_load(const struct conf_gate *conf, struct classes *classes, struct err *err)
{
    *classes = (struct classes){0};
    if (networks_load(&conf->webmail, &classes->of[CLASS_WEBMAIL], err) == 0 &&
        networks_load(&conf->relays, &classes->of[CLASS_RELAY], err) == 0 &&
        networks_load(&conf->inside, &classes->of[CLASS_INSIDE], err) == 0)
        return 0;
    classes_free(classes);
    return -1;
}

void classes_free(struct classes *classes)
{
    for (size_t i = 0; i < CLASS_OUTSIDE; i++)
        networks_free(&classes->of[i]);
}

enum network_class classes_find(const struct classes *classes, struct str ip)
{
    enum network_class found = CLASS_WEBMAIL;
    while (found < CLASS_OUTSIDE && !networks_hold(&classes->of[found], ip))
        found++;
    return found;
}

const char *network_class_name(enum network_class network_class)
{
    static const char *const names[NETWORK_CLASSES] = {
        [CLASS_WEBMAIL] = "webmail",
        [CLASS_RELAY] = "relay",
        [CLASS_INSIDE] = "inside",
        [CLASS_OUTSIDE] = "outside",
    };
    return names[network_class];
}
