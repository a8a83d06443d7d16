/* The settings of the sections that have a name. */
#include <limits.h>

#include "base/conf_rows.h"

/* clang-format off */
static const struct conf_setting conf_domain_settings[] = {
{"domain", "directory", CONF_SOURCES, IN(struct conf_domain, directory, struct conf_list), "{ }",
 0, 100, {0},
 "Sources of the domain's recipients, in order: file \"/path\" or the path alone, accounts "
 "\"/path\", ldap NAME, sqlite NAME, call_ahead, quota NAME. Default: the files of directory."},
{"domain", "next_hop", CONF_HOPS, IN(struct conf_domain, next_hop, struct conf_hops), NULL, 1,
 CONF_HOPS_MAX, {0},
 "Where the domain's mail goes: lmtp://address:port, lmtp:///socket, smtp://address:port or "
 "maildir:///folder/%d/%u. Of several servers the first that is there is taken."},
{"domain", "dmarc", CONF_CHOICE, IN(struct conf_domain, dmarc, unsigned), "tag", 0, 0,
 {"none", "tag", "quarantine", "reject"},
 "What is done at most with a message that fails DMARC and whose author's domain asks for quarantine "
 "or reject: nothing, a tagged subject, quarantine or refusal, but never more than is asked for."},
{"domain", "language", CONF_CHOICE, IN(struct conf_domain, language, unsigned), "default", 0, 0,
 {"en", "fr", "de", "default"},
 "The language of bounces to the domain's people: English, French, German, or that of bounces.language. "
 "A message that names one in Accept-Language or Content-Language is answered in that."},
{"domain", "redirect_only_to", CONF_DOMAINS, IN(struct conf_domain, redirect_only_to, struct conf_list),
 "{ }", 0, 1000, {0},
 "Domains that mail of this one's people may be redirected to; .example.org is whatever lies below "
 "example.org. Our own domains need not be listed; with nothing listed no mail is redirected beyond them."},
{"domain", "redirect_keep", CONF_BOOL, IN(struct conf_domain, redirect_keep, bool), "no", 0, 0, {0},
 "The mailbox keeps a copy of what is redirected; a source may say otherwise of a person."},
{"domain", "redirect_refused", CONF_CHOICE, IN(struct conf_domain, redirect_refused, unsigned), "mailbox", 0, 0,
 {"mailbox", "reject"},
 "What becomes of mail whose redirection redirect_only_to forbids: it stays in the mailbox, or it is "
 "refused with 550 5.7.1 and the reason."},
{"domain", "redirect_sender", CONF_SENDER, IN(struct conf_domain, redirect_sender, const char *), "srs", 0, 0, {0},
 "The envelope sender of what is redirected beyond our domains: srs is an address of this domain by "
 "which a bounce finds its way back, @example.org the same in a domain of its own, and an address is "
 "the sender of all such mail and gets its bounces."},
{"domain", "dkim", CONF_HOSTS, IN(struct conf_domain, dkim, struct conf_list), "{ }", 0, CONF_DKIM_MAX, {0},
 "Selectors of the keys that sign what people of this domain send: one of RSA, which every receiver can "
 "check, and beside it one of Ed25519 if wanted."},
{"domain", "tls", CONF_CHOICE, IN(struct conf_domain, way.tls, unsigned), "may", 0, 0,
 {"none", "may", "must", "verify"},
 "Encrypt by STARTTLS to next_hop: never, where it is offered and works (but not to LMTP on this "
 "machine), always, or only to a server whose certificate is valid for tls_name."},
{"domain", "tls_name", CONF_HOST, IN(struct conf_domain, way.tls_name, const char *), NULL, 0, 0, {0},
 "The name that the certificate of next_hop is for; with tls verify, or a login, it must be given."},
{"domain", "login", CONF_TEXT, IN(struct conf_domain, way.login, const char *), "\"\"", 0, 200, {0},
 "The user that we are at next_hop; it is said over TLS only, where the certificate is right. Without one "
 "nobody logs in."},
{"domain", "password_file", CONF_PATH, IN(struct conf_domain, way.password_file, const char *), "\"\"", 0, 0, {0},
 "File whose first line is the password of login."},
{"domain", "source", CONF_SERVERS, IN(struct conf_domain, way.source, struct conf_list), "{ }", 0, 2, {0},
 "Addresses of this machine that connections to next_hop come from, one of IPv4 and one of IPv6."},
{"domain", "helo", CONF_HOST, IN(struct conf_domain, way.helo, const char *), NULL, 0, 0, {0},
 "The name that is said in EHLO or LHLO to next_hop. Default: hostname."},
};

static const struct conf_setting conf_route_settings[] = {
{"route", "next_hop", CONF_RELAYS, IN(struct conf_route, next_hop, struct conf_hops), "{ }", 0,
 CONF_HOPS_MAX, {"mx"},
 "The server that takes this mail: smtp://address:port or smtp://name:port; of several the first that is "
 "there. Or mx: the servers that the DNS names. Without one as in section outside."},
{"route", "tls", CONF_CHOICE, IN(struct conf_route, way.tls, unsigned), "outside", 0, 0,
 {"none", "may", "must", "verify", "outside"},
 "Encrypt by STARTTLS: as outside.tls, or as it says here."},
{"route", "tls_name", CONF_HOST, IN(struct conf_route, way.tls_name, const char *), NULL, 0, 0, {0},
 "The name that the certificate of next_hop is for; with tls verify, or a login, it must be given where "
 "next_hop is an address."},
{"route", "login", CONF_TEXT, IN(struct conf_route, way.login, const char *), "\"\"", 0, 200, {0},
 "The user that we are at next_hop; it is said over TLS only, where the certificate is right. Without one "
 "nobody logs in."},
{"route", "password_file", CONF_PATH, IN(struct conf_route, way.password_file, const char *), "\"\"", 0, 0, {0},
 "File whose first line is the password of login."},
{"route", "source", CONF_SERVERS, IN(struct conf_route, way.source, struct conf_list), "{ }", 0, 2, {0},
 "Addresses of this machine that connections come from, one of IPv4 and one of IPv6. Without one as in "
 "section outside."},
{"route", "helo", CONF_HOST, IN(struct conf_route, way.helo, const char *), NULL, 0, 0, {0},
 "The name that is said in EHLO. Without one as in section outside."},
};

#define LDAP_TEXT(field) CONF_TEXT, IN(struct conf_ldap, field, const char *)
#define LDAP_TEXTS(field) CONF_TEXTS, IN(struct conf_ldap, field, struct conf_list)
#define LDAP_TIME(field) CONF_TIME, IN(struct conf_ldap, field, unsigned)
#define LDAP_COUNT(field) CONF_COUNT, IN(struct conf_ldap, field, unsigned)

static const struct conf_setting conf_ldap_settings[] = {
{"ldap", "servers", CONF_URIS, IN(struct conf_ldap, servers, struct conf_list), "{ }", 0, 16, {0},
 "Servers, the first that answers is taken: ldaps://host, ldap://host:port."},
{"ldap", "preset", CONF_WORD, IN(struct conf_ldap, preset, const char *), "openldap", 0, 0,
 {"openldap", "active_directory"},
 "Filters and attributes of a usual directory; what is set beside it takes the place of what it says."},
{"ldap", "starttls", CONF_BOOL, IN(struct conf_ldap, starttls, bool), "no", 0, 0, {0},
 "Encrypt connections to ldap:// servers, or do not use them."},
{"ldap", "ca_file", CONF_PATH, IN(struct conf_ldap, ca_file, const char *), "\"\"", 0, 0, {0},
 "PEM file of the authorities that servers' certificates must come from; without one the system's."},
{"ldap", "bind_dn", LDAP_TEXT(bind_dn), "\"\"", 0, 1000, {0},
 "Who we are to the server; without one anonymous."},
{"ldap", "password_file", CONF_PATH, IN(struct conf_ldap, password_file, const char *), "\"\"", 0, 0, {0},
 "File whose first line is the password of bind_dn."},
{"ldap", "base", LDAP_TEXT(base), "\"\"", 0, 1000, {0},
 "The entry below which people are."},
{"ldap", "filter", LDAP_TEXT(filter), "\"\"", 0, 2000, {0},
 "Filter that finds one address: %a is the address, %u what stands before its @, %d its domain. "
 "Empty is the preset's."},
{"ldap", "login", LDAP_TEXT(login), "\"\"", 0, 2000, {0},
 "Filter that finds who logs in, likewise; a user name without a domain gets submission.domain. Empty "
 "is filter, so that one logs in with an address."},
{"ldap", "people", LDAP_TEXT(people), "\"\"", 0, 2000, {0},
 "Filter that finds all who have an address, for the snapshot. Empty is the preset's."},
{"ldap", "address", LDAP_TEXT(address), "\"\"", 0, 100, {0},
 "Attribute of the official address. Empty is the preset's."},
{"ldap", "aliases", LDAP_TEXTS(aliases), "{ }", 0, 16, {0},
 "Attributes of further addresses, with or without smtp: before them. Empty are the preset's."},
{"ldap", "rewrite", CONF_BOOL, IN(struct conf_ldap, rewrite, bool), "no", 0, 0, {0},
 "Deliver what comes to an alias to the official address; otherwise under its own name."},
{"ldap", "disabled", LDAP_TEXTS(disabled), "{ }", 0, 16, {0},
 "What makes an account a disabled one (550 5.2.1): attribute=value, attribute&bits, or an attribute "
 "that is there. Empty is the preset's."},
{"ldap", "enabled", LDAP_TEXTS(enabled), "{ }", 0, 16, {0},
 "What makes it a recipient all the same. Empty is the preset's."},
{"ldap", "quota_used", LDAP_TEXT(quota_used), "\"\"", 0, 100, {0},
 "Attribute of how full the mailbox is; with quota_limit: full is 552 5.2.2. Empty is the preset's."},
{"ldap", "quota_limit", LDAP_TEXT(quota_limit), "\"\"", 0, 100, {0},
 "Attribute of how much may be in it. Empty is the preset's."},
{"ldap", "quota_unit", CONF_SIZE, IN(struct conf_ldap, quota_unit, size_t), "1", 1, GIB, {0},
 "What these two count: bytes, or so many of them."},
{"ldap", "identities", LDAP_TEXT(identities), "\"\"", 0, 100, {0},
 "Attribute of the addresses that one may send from. Empty is the preset's."},
{"ldap", "app_passwords", LDAP_TEXT(app_passwords), "\"\"", 0, 100, {0},
 "Attribute of application passwords, hashed as crypt(5) says (submission.second_factor)."},
{"ldap", "totp", LDAP_TEXT(totp), "\"\"", 0, 100, {0},
 "Attribute of the secrets of tokens, in base32 (submission.second_factor)."},
{"ldap", "redirect", LDAP_TEXT(redirect), "\"\"", 0, 100, {0},
 "Attribute of the address that one's mail is redirected to. Empty is the preset's."},
{"ldap", "redirect_keep", LDAP_TEXTS(redirect_keep), "{ }", 0, 16, {0},
 "What makes one's mailbox keep a copy of what is redirected, as in disabled. Empty is the preset's."},
{"ldap", "groups", LDAP_TEXTS(groups), "{ }", 0, 16, {0},
 "What makes an entry a group, as in disabled. Empty is the preset's."},
{"ldap", "members", LDAP_TEXT(members), "\"\"", 0, 100, {0},
 "Attribute of a group's members. Empty is the preset's."},
{"ldap", "writers", LDAP_TEXT(writers), "\"\"", 0, 100, {0},
 "Attribute of who may write to a group, by address or by the name of the entry (DN), whose addresses "
 "are looked up then; where it is there, others get 550 5.7.2. Empty is the preset's."},
{"ldap", "closed", LDAP_TEXTS(closed), "{ }", 0, 16, {0},
 "What makes a group take mail from its writers alone, as in disabled. Empty is the preset's."},
{"ldap", "group_size_limit", LDAP_COUNT(group_size_limit), "0", 0, 10000000, {0},
 "A group with more members takes mail from its writers alone; 0 is no limit."},
{"ldap", "snapshot", LDAP_TIME(snapshot), "15min", 0, 7 * DAY, {0},
 "How often all addresses are read into memory; 0 is never: each is looked up."},
{"ldap", "shrink_limit", LDAP_COUNT(shrink_limit), "20", 1, 100, {0},
 "How many percent of its addresses a directory may lose within shrink_hold before that is held for a "
 "mistake; 100 believes everything."},
{"ldap", "shrink_hold", LDAP_TIME(shrink_hold), "3d", 0, 60 * DAY, {0},
 "How long addresses that were lost beyond shrink_limit serve on, unless `poterne directory accept` says "
 "that they are gone; 0 is until that is said."},
{"ldap", "lookups", CONF_BOOL, IN(struct conf_ldap, lookups, bool), "yes", 0, 0, {0},
 "Look up who is not in the snapshot; with no, the snapshot alone decides."},
{"ldap", "page_size", LDAP_COUNT(page_size), "1000", 1, 10000, {0},
 "Entries that are asked for at once for the snapshot (RFC 2696)."},
{"ldap", "connections", LDAP_COUNT(connections), "4", 1, 32, {0},
 "Addresses that are looked up at once."},
{"ldap", "connect_timeout", LDAP_TIME(connect_timeout), "3s", 1, MINUTE, {0},
 "How long a server may take to accept a connection."},
{"ldap", "timeout", LDAP_TIME(timeout), "5s", 1, MINUTE, {0},
 "How long a server may take for an answer, or for a page of the snapshot."},
};

static const struct conf_setting conf_sqlite_settings[] = {
{"sqlite", "file", CONF_PATH, IN(struct conf_sqlite, file, const char *), "\"\"", 0, 0, {0},
 "The database; another file that is renamed over it is taken up."},
{"sqlite", "query", CONF_TEXT, IN(struct conf_sqlite, query, const char *), "\"\"", 0, 4000, {0},
 "One SELECT with one parameter, the address; any row means that it is known. Columns that are called "
 "address, disabled, quota_used, quota_limit, redirect, redirect_keep say more."},
};

static const struct conf_setting conf_quota_settings[] = {
{"quota", "address", CONF_PEER, IN(struct conf_quota, address, struct conf_peer), NULL, 0, 0, {0},
 "Where it listens: address:port, or the path of a Unix socket."},
{"quota", "timeout", CONF_TIME, IN(struct conf_quota, timeout, unsigned), "2s", 1, MINUTE, {0},
 "How long it may take; a mailbox of which nothing is heard counts as not full."},
};

static const struct conf_setting conf_scanner_settings[] = {
{"scanner", "type", CONF_CHOICE, IN(struct conf_scanner, type, unsigned), NULL, 0, 0,
 {"clamd", "icap", "command"},
 "What it speaks: clamd is ClamAV's daemon; icap is RFC 3507; command is a program that is run."},
{"scanner", "address", CONF_PEER, IN(struct conf_scanner, address, struct conf_peer), NULL, 0, 0, {0},
 "Where it listens: for clamd the path of a Unix socket, or address:port; for icap "
 "icap://address:port/service."},
{"scanner", "method", CONF_CHOICE, IN(struct conf_scanner, method, unsigned), "respmod", 0, 0,
 {"respmod", "reqmod"}, "How an ICAP service is asked: as if a web client got the mail, or sent it."},
{"scanner", "preset", CONF_WORD, IN(struct conf_scanner, preset, const char *), "none", 0, 0,
 {"none", "uvscan", "savscan", "eset", "kaspersky", "avast"},
 "The command of a known product; what is set beside it takes the place of what it says."},
{"scanner", "command", CONF_TEXTS, IN(struct conf_scanner, command, struct conf_list), "{ }", 0, 100, {0},
 "The program and its arguments, as they are given to it, without a shell; %f stands for the folder "
 "with the files to look at."},
{"scanner", "clean", CONF_CODES, IN(struct conf_scanner, clean, struct conf_list), "{ }", 0, 256, {0},
 "Exit codes that say: nothing found, everything looked at."},
{"scanner", "infected", CONF_CODES, IN(struct conf_scanner, infected, struct conf_list), "{ }", 0, 256, {0},
 "Exit codes that say: infected."},
{"scanner", "unscannable", CONF_CODES, IN(struct conf_scanner, unscannable, struct conf_list), "{ }", 0, 256, {0},
 "Exit codes that say: something was not looked at. Any other code is a failure."},
{"scanner", "found", CONF_TEXT, IN(struct conf_scanner, found, const char *), "\"\"", 0, 500, {0},
 "Pattern (PCRE) of output that says: infected, whatever the exit code; its first group is the name."},
{"scanner", "not_scanned", CONF_TEXT, IN(struct conf_scanner, not_scanned, const char *), "\"\"", 0, 500, {0},
 "Pattern of output that says: something was not looked at."},
{"scanner", "reads", CONF_PATHS, IN(struct conf_scanner, reads, struct conf_list), "{ }", 0, 16, {0},
 "What the program may read beside its own folder and the system's libraries: its signatures."},
{"scanner", "memory_limit", CONF_SIZE, IN(struct conf_scanner, memory_limit, size_t), "1G", MIB, 64 * GIB, {0},
 "Address space of the program and of each that it starts."},
};

static const struct conf_setting conf_list_settings[] = {
{"list", "zone", CONF_HOST, IN(struct conf_dns_list, zone, const char *), NULL, 0, 0, {0},
 "The zone under which the client's address, turned round, is looked up."},
{"list", "answers", CONF_NETWORKS, IN(struct conf_dns_list, answers, struct conf_list), "127.0.0.0/8", 1, 100, {0},
 "Addresses, or networks of them, whose being answered means that the client is listed."},
{"list", "weight", CONF_SCORE, IN(struct conf_dns_list, weight, double), "1", 0, 1000, {0},
 "Points of a listed client, as those of a rule; for an allow list they are taken off."},
{"list", "action", CONF_CHOICE, IN(struct conf_dns_list, action, unsigned), "score", 0, 0,
 {"score", "reject", "allow"},
 "score adds the weight; reject refuses the client; allow keeps other lists from refusing it."},
};
/* clang-format on */

#define ROWS(rows) (rows), sizeof(rows) / sizeof((rows)[0])
/* `array` and `count` are fields of struct conf. */
#define HELD(type, array, count)                                                                   \
    sizeof(type),                                                                                  \
        AT(array, __typeof__(type) *) + 0 * sizeof(char[offsetof(type, name) == 0 ? 1 : -1]),      \
        AT(count, size_t)

const struct conf_titled conf_titled[TITLED_KINDS] = {
    [TITLED_DOMAIN] = {"domain", ROWS(conf_domain_settings),
                       HELD(struct conf_domain, domains, n_domains), CONF_DOMAINS_MAX},
    [TITLED_SCANNER] = {"scanner", ROWS(conf_scanner_settings),
                        HELD(struct conf_scanner, antivirus.scanners, antivirus.n_scanners),
                        CONF_SCANNERS_MAX},
    [TITLED_LIST] = {"list", ROWS(conf_list_settings), HELD(struct conf_dns_list, lists, n_lists),
                     CONF_LISTS_MAX},
    [TITLED_LDAP] = {"ldap", ROWS(conf_ldap_settings), HELD(struct conf_ldap, ldap, n_ldap),
                     CONF_REMOTES_MAX},
    [TITLED_SQLITE] = {"sqlite", ROWS(conf_sqlite_settings),
                       HELD(struct conf_sqlite, sqlite, n_sqlite), CONF_REMOTES_MAX},
    [TITLED_QUOTA] = {"quota", ROWS(conf_quota_settings), HELD(struct conf_quota, quota, n_quota),
                      CONF_REMOTES_MAX},
    [TITLED_ROUTE] = {"route", ROWS(conf_route_settings), HELD(struct conf_route, routes, n_routes),
                      CONF_ROUTES_MAX},
};

const struct conf_titled *conf_titled_find(const char *section)
{
    for (size_t i = 0; i < TITLED_KINDS; i++)
        if (strcmp(conf_titled[i].section, section) == 0)
            return &conf_titled[i];
    return NULL;
}
