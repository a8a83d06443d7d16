#include "directory/freemail.h"

/* "name." stands for that name under every top-level domain. */
static const char *const services[] = {
    "126.com",        "163.com",        "aim.com",        "aol.",         "bbox.fr",
    "bluewin.ch",     "caramail.com",   "comcast.net",    "duck.com",     "email.cz",
    "fastmail.",      "free.fr",        "freenet.de",     "gmail.com",    "gmx.",
    "googlemail.com", "hey.com",        "hotmail.",       "hushmail.com", "icloud.com",
    "inbox.lv",       "laposte.net",    "libero.it",      "live.",        "mac.com",
    "mail.com",       "mail.ru",        "mailo.com",      "me.com",       "msn.com",
    "naver.com",      "neuf.fr",        "numericable.fr", "orange.fr",    "outlook.",
    "posteo.de",      "proton.me",      "protonmail.",    "pm.me",        "qq.com",
    "rediffmail.com", "rocketmail.com", "sapo.pt",        "seznam.cz",    "sfr.fr",
    "sina.com",       "skynet.be",      "t-online.de",    "tuta.com",     "tutanota.com",
    "virgilio.it",    "voila.fr",       "wanadoo.fr",     "web.de",       "wp.pl",
    "yahoo.",         "yandex.",        "ymail.com",      "zoho.com",
};

bool freemail_is(struct str domain)
{
    for (size_t i = 0; i < sizeof services / sizeof services[0]; i++) {
        struct str name = str_of(services[i]);
        bool every = str_ends(name, STR("."));
        if (every ? str_starts(domain, name) : str_eq(domain, name))
            return true;
    }
    return false;
}
