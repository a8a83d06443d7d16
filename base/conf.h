/*
 * conf: the settings, read once, never changed: a reload reads a new struct and starts new
 * processes with it. Every field has a default (conf_table.c holds the one table of names, types,
 * defaults, bounds and one-line explanations, which also feeds `poterne config show` and
 * poterne.conf(5); conf_syntax.h says what the file looks like). Sizes are bytes, times are
 * seconds, unless the name says otherwise. All texts live as long as the conf and are
 * NUL-terminated.
 */
#ifndef POTERNE_BASE_CONF_H
#define POTERNE_BASE_CONF_H

#include "base/err.h"
#include "base/str.h"

struct conf_list {
    const char **items;
    size_t n;
};

/* lmtp://host:port  smtp://host:port  lmtp:///socket/path  maildir:///folder/%d/%u
 * mx: the servers that the DNS names. HOP_REPORTS can't be written: it is where the report
 * addresses' mail goes. */
enum conf_hop_kind { HOP_SMTP, HOP_LMTP, HOP_MAILDIR, HOP_MX, HOP_REPORTS };

struct conf_hop {
    enum conf_hop_kind kind;
    const char *host; /* numeric address; NULL for a socket path or a Maildir */
    bool named;       /* it is a name instead, that the DNS is asked for */
    uint16_t port;
    const char *path; /* socket, or Maildir template: %d domain, %u local part */
    const char *text; /* as written */
};

/* In the order in which they are preferred. */
struct conf_hops {
    const struct conf_hop *items;
    size_t n;
};

/* When a server is gone to over TLS (gateway/delivery/policy.h). */
enum conf_outside_tls {
    OUTSIDE_TLS_NONE,
    OUTSIDE_TLS_MAY,
    OUTSIDE_TLS_MUST,
    OUTSIDE_TLS_VERIFY,
    OUTSIDE_TLS_AS_OUTSIDE /* of a section route: as section outside says */
};

/* How the servers of a next hop are spoken to. */
struct conf_way {
    unsigned tls;              /* enum conf_outside_tls: may */
    const char *tls_name;      /* of next_hop's certificate; NULL: none is known */
    const char *login;         /* at next_hop; "": nobody logs in */
    const char *password_file; /* of it */
    struct conf_list source;   /* addresses that connections come from, one of a family; {}: any */
    const char *helo;          /* said in our hello; NULL: hostname */
};

struct conf_domain {
    const char *name;           /* lower case; an internationalised name in its A-label form */
    struct conf_list directory; /* sources in order (conf_source_of()); empty: directory.files */
    struct conf_hops next_hop;
    struct conf_way way; /* to next_hop */
    unsigned dmarc;      /* enum conf_dmarc */
    unsigned language;   /* enum conf_language */
    /* automatic redirection (directory/redirect.h) */
    struct conf_list redirect_only_to; /* domains, or .domain for what lies below; {}: nowhere */
    bool redirect_keep;                /* the mailbox keeps a copy */
    unsigned redirect_refused;         /* enum conf_redirect_refused */
    const char *redirect_sender; /* "srs", "@domain" to do so in, or an address; domain normal */
    struct conf_list dkim;       /* selectors whose keys sign its mail: CONF_DKIM_MAX */
};
#define CONF_DKIM_MAX 2

/* Of what we write to people. */
enum conf_language { LANGUAGE_EN, LANGUAGE_FR, LANGUAGE_DE, LANGUAGE_DEFAULT };
#define CONF_LANGUAGES 3 /* that there are words in */

/* What becomes of mail whose redirection the rule forbids. */
enum conf_redirect_refused { REDIRECT_REFUSED_MAILBOX, REDIRECT_REFUSED_REJECT };

/* Where recipients are known from (directory/source.h). */
enum conf_source_kind {
    SOURCE_FILE,
    SOURCE_LDAP,
    SOURCE_SQLITE,
    SOURCE_CALL_AHEAD,
    SOURCE_QUOTA,
    SOURCE_ACCOUNTS /* who logs in, too (directory/accounts.h) */
};
#define CONF_SOURCE_KINDS 6

/* One of a domain's sources: `file /path` or the path alone, `accounts /path`, `ldap NAME`,
 * `sqlite NAME`, `call_ahead`, `quota NAME`. `name` is the path or the section's, "" of a
 * call-ahead. */
struct conf_source {
    enum conf_source_kind kind;
    const char *name;
};
bool conf_source_of(const char *item, struct conf_source *source);
/* Is its name a path? */
static inline bool conf_source_is_file(enum conf_source_kind kind)
{
    return kind == SOURCE_FILE || kind == SOURCE_ACCOUNTS;
}
/* "file", "ldap" … */
const char *conf_source_kind_name(enum conf_source_kind kind);

/* An LDAP directory. What is empty is the preset's (directory/ldap/shape.h). */
struct conf_ldap {
    const char *name;
    struct conf_list servers; /* ldap:// and ldaps://, in order */
    const char *preset;       /* "openldap", "active_directory" */
    bool starttls;
    const char *ca_file; /* NULL: the system's */
    const char *bind_dn; /* "": anonymous */
    const char *password_file;
    const char *base;
    const char *filter;       /* of one address: %a, %u, %d */
    const char *login;        /* likewise, of one user name; "": filter */
    const char *people;       /* of all who have an address, for the snapshot */
    const char *address;      /* attribute: the official address */
    struct conf_list aliases; /* attributes: further ones */
    bool rewrite;             /* what comes to an alias is delivered to the official address */
    struct conf_list disabled, enabled;
    const char *quota_used, *quota_limit; /* attributes */
    size_t quota_unit;
    const char *identities, *redirect; /* attributes */
    const char *app_passwords, *totp;  /* likewise; "": none */
    struct conf_list redirect_keep;    /* tests: does the mailbox keep a copy? */
    struct conf_list groups, closed; /* tests: is an entry a group? … one for its writers alone? */
    const char *members, *writers;   /* attributes */
    unsigned group_size_limit;       /* 0: none */
    unsigned snapshot;               /* refreshed so often; 0: none */
    unsigned shrink_limit;           /* percent that a snapshot may lose; 100: all */
    unsigned shrink_hold;            /* who was lost then serves on for so long; 0: no end */
    bool lookups;
    unsigned page_size, connections, connect_timeout, timeout;
};

struct conf_sqlite {
    const char *name;
    const char *file;
    const char *query; /* one parameter: the address */
};

enum conf_scanner_type { SCANNER_CLAMD, SCANNER_ICAP, SCANNER_COMMAND };
enum conf_icap_method { ICAP_RESPMOD, ICAP_REQMOD };

/* Where an outside scanner listens. */
struct conf_peer {
    const char *host; /* numeric address; NULL for a Unix socket */
    uint16_t port;
    const char *path;     /* the socket */
    struct str authority; /* of icap://address:port/service: "address:port"; empty: another one */
    const char *text;     /* as written; NULL: none */
};

/* Says whether a mailbox is full: Dovecot's quota-status, or another that speaks Postfix's policy
 * protocol. */
struct conf_quota {
    const char *name;
    struct conf_peer address;
    unsigned timeout; /* 2 */
};

/* A scanner that is a program of its own (antivirus/link/link.h). */
struct conf_scanner {
    const char *name; /* as antivirus.engines names it */
    unsigned type;    /* enum conf_scanner_type */
    struct conf_peer address;
    unsigned method; /* enum conf_icap_method */
    /* of a command: what is empty is the preset's (antivirus/outside/preset.h) */
    const char *preset;                            /* "none", "uvscan", ... */
    struct conf_list command;                      /* program and arguments, one of them "%f" */
    struct conf_list clean, infected, unscannable; /* exit codes, as numbers in text */
    const char *found;       /* pattern of output that names a finding; "": none */
    const char *not_scanned; /* ... that says something was not looked at; "": none */
    struct conf_list reads;  /* paths that the program may read */
    size_t memory_limit;     /* 1G */
};

/* what happens to a message that the antivirus step says this of */
enum conf_action { ACT_DELIVER_MARKED, ACT_QUARANTINE, ACT_DEFER, ACT_REJECT, ACT_PASS };

/* What sources that are asked have said; section directory. */
struct conf_cache {
    unsigned fresh;    /* so long nobody is asked again: 1 hour */
    unsigned positive; /* so long who was known still is, while his source is away: 7 days */
    unsigned negative; /* so long who was not known still is not: 5 minutes */
    unsigned entries;  /* 200000 */
};

struct conf_smtp {
    struct conf_list listen; /* "address:port" or "[v6]:port" */
    const char *banner;
    size_t size_limit;              /* 20M; 552 5.3.4 above */
    unsigned line_limit;            /* command line, bytes with CR LF: 2048 */
    unsigned recipients_limit;      /* in one message: 1000; 452 4.5.3 above */
    unsigned errors_limit;          /* 5xx answers in a session before 421: 20 */
    unsigned commands_limit;        /* commands without a message accepted before 421: 1000 */
    unsigned messages_limit;        /* messages in one session: 1000 */
    unsigned sessions_limit;        /* open sessions: 12000; 421 above */
    unsigned client_sessions_limit; /* open sessions from one address: 100 */
    unsigned command_timeout;       /* 300 */
    unsigned data_timeout;          /* between two blocks of data: 180 */
    unsigned session_timeout;       /* whole session: 3600 */
    bool mend_newlines;             /* bare CR and LF become CR LF, NUL goes; no: refused */
    unsigned headers_hops_limit;    /* Received fields before 554 5.4.6: 50 */
    const char *tls_certificate;    /* PEM file; NULL: STARTTLS is not offered */
    const char *tls_key;
    unsigned commit_threads;  /* files being fsync'd at once: 16 */
    unsigned scans_limit;     /* messages in scanning at once: 2 for each worker if 0 */
    unsigned scan_wait_limit; /* messages waiting for a scanner: 200; then 451 4.3.2 */
    unsigned scan_timeout;    /* 60; then 451 4.3.2 */
    double lists_refuse; /* sum of the weights of lists that a client is refused from; 0: none */
};

/* What becomes of who has no second factor. */
enum conf_factor_missing { FACTOR_MISSING_REFUSE, FACTOR_MISSING_PASS };

/* Whose addresses may stand in From of who has logged in. */
enum conf_from { FROM_ANY, FROM_DOMAIN, FROM_OWN };

/* Mail of our own people, who log in (RFC 6409). */
struct conf_submission {
    struct conf_list listen;     /* TLS by STARTTLS, which is required: { } */
    struct conf_list listen_tls; /* TLS from the first byte on (RFC 8314): { } */
    const char *domain;          /* of a user name without one; NULL: the first of ours */
    unsigned failures_limit;     /* failed logins in a session before 421: 3 */
    unsigned failure_delay;      /* seconds for each of them: 2 */
    unsigned guesses_network;    /* failed logins in guesses_window from a network: 60; 0: any */
    unsigned guesses_account;    /* … of a user name: 30; 0: any */
    unsigned guesses_window;     /* 15 minutes */
    const char *renew_url;       /* where a password is renewed; "": nobody is told */
    unsigned from;               /* enum conf_from: own */
    bool foreign_senders;        /* addresses of an account outside our domains are its own: no */
    bool inside;                 /* clients of gate.inside may log in on smtp.listen, too: yes */
    bool locked_told;            /* who tries a locked account hears that it is: yes */
    struct conf_list second_factor; /* "app_password", "totp": what counts; empty: none is asked */
    struct conf_list second_factor_from; /* "webmail", "relay" …: who is asked: { outside } */
    const char *second_factor_file;      /* NULL: none */
    unsigned second_factor_missing;      /* enum conf_factor_missing: refuse */
};

/* Logins by token (RFC 7628): whose it is says its issuer's server (RFC 7662). */
struct conf_oauth {
    const char *introspection;      /* https URL; "": nobody logs in by token */
    const char *client_id;          /* who we are there; "": nobody */
    const char *client_secret_file; /* NULL: no secret */
    const char *trusted;            /* PEM file of authorities; NULL: fetch.trusted */
    const char *account;            /* member of the answer that names the user: "username" */
    const char *scope;              /* words that its scope must hold; "": any */
    const char *audience;           /* that it must be meant for; "": any */
    const char *issuer;             /* that it must be of; "": any */
    const char *configuration;      /* URL that is told to clients; "": none */
    unsigned remember;              /* a good token is not asked for again: 1 minute */
    unsigned timeout;               /* 5 */
};

/* The process poterne-fetch: all HTTPS of the gateway. */
struct conf_fetch {
    const char *trusted; /* PEM file of authorities; NULL: nobody is trusted */
    unsigned port;       /* of strangers' servers: 443 */
};

/* Who may come in, and how a client has to behave before it brings a message. */
struct conf_gate {
    struct conf_list proxy_from;   /* networks whose connections begin with a PROXY header */
    struct conf_list xclient_from; /* networks whose clients may use XCLIENT */
    struct conf_list inside;       /* networks whose mail is our own (gateway/ours.h) */
    struct conf_list webmail;      /* … of webmail servers, … */
    struct conf_list relays;       /* … and of private relays (gateway/gate/classes.h) */
    unsigned early_talker;         /* seconds that an unknown client waits for the banner: 0 */
    struct conf_list helo_refuse;  /* "own", "address", "unqualified": { own } */
    unsigned tarpit;               /* seconds for an error, from half of errors_limit on: 1 */
    unsigned harvest_limit;        /* unknown recipients from one network: 100; 0: not counted */
    unsigned harvest_window;       /* they count so long: 1 hour */
    unsigned harvest_pause;        /* recipients get 451 so long: 1 hour */
    bool greylist;                 /* no */
    unsigned greylist_delay;       /* 5 minutes */
    unsigned greylist_window;      /* a second try comes within: 1 day */
    unsigned greylist_lifetime;    /* what came a second time is remembered: 35 days */
};

/* What may be sent at most by one of a kind (gateway/gate/limits.h); 0: as much as one likes. */
struct conf_allowance {
    unsigned recipients_per_message;
    unsigned messages_per_hour;
    unsigned recipients_per_15min;
    unsigned recipients_per_hour;
};

/* Against stolen passwords. */
struct conf_limits {
    struct conf_allowance webmail, relay, inside, outside; /* by class, account or address */
    struct conf_allowance account;   /* from everywhere; no limit for one message */
    struct conf_list shared;         /* networks whose addresses are many people's */
    unsigned freeze_hits;            /* of an account within an hour: 100; 0: never */
    bool freeze_virus;               /* yes */
    unsigned freeze_bounces;         /* refused elsewhere within an hour: 100; 0: never … */
    unsigned freeze_bounces_percent; /* … and of 100 there: 30 */
};

struct conf_spam {
    const char *subject_tag; /* "[SPAM] " */
    double required;         /* 5.0: heuristics score = required - sum of rule scores */
    struct conf_list rules;  /* files or folders of *.cf, in order */
    const char *reports;     /* address of reports in either direction; NULL: there is none */
};

/* What is told to be misjudged. The three addresses below and spam.reports are ours alone: what
 * comes to them goes to the process `reports` and to no mailbox. */
struct conf_reports {
    const char *spam;          /* address of spam that was missed; NULL: there is none */
    const char *ham;           /* … of ham that was tagged; NULL: there is none */
    const char *dmarc;         /* … of DMARC reports that others send us; NULL: there is none */
    const char *tls;           /* … of TLS reports that others send us; NULL: there is none */
    struct conf_list trusted;  /* networks (base/network.h) whose clients' senders are true */
    unsigned lifetime;         /* a proposal waits: 30 days */
    unsigned keep;             /* what was decided is remembered: 1 year */
    unsigned waiting_limit;    /* proposals that wait: 10000 */
    unsigned reporter_limit;   /* new ones of one reporter a day: 200 */
    size_t size_limit;         /* bytes of the originals that are kept: 2G */
    bool digest;               /* yes: managers get a list of what waits, once a day … */
    unsigned digest_hour;      /* … at this hour of local time: 7 */
    const char *answer;        /* file with the words of the answer; NULL: ours */
    bool dmarc_send, tls_send; /* no: aggregate reports go to the domains that ask for them */
    const char *sender;        /* whom they are from; NULL: none are sent */
    const char *organization;  /* … and of; "": the hostname */
    unsigned workers;          /* 2 */
    unsigned timeout;          /* 60 */
};

struct conf_antivirus {
    struct conf_list engines;      /* "clamav", "yara", "files" and names of scanners, in order */
    struct conf_scanner *scanners; /* ordered by name; named in engines or not */
    size_t n_scanners;
    const char *clamav_databases; /* folder, e.g. /var/lib/clamav */
    const char *yara_rules;       /* file or folder of *.yar */
    const char *file_policy;      /* rules of the engine "files" */
    enum conf_action found;       /* quarantine | reject */
    enum conf_action unavailable; /* defer | pass */
    enum conf_action unscannable; /* deliver-marked | quarantine | defer */
    size_t scan_size_limit;       /* bytes looked at in one message, unpacked: 100M */
    unsigned recursion_limit;     /* 17 */
    unsigned files_limit;         /* 10000 */
    unsigned timeout;             /* 30 */
    unsigned workers;             /* 0: one a processor */
    size_t memory_limit;          /* of all generations' signatures; 0: 3/4 of the machine's */
    struct conf_list eicar_known_by;
    unsigned signature_age_warning; /* seconds, 0: never: 3 days */
    const char *notify_socket;      /* NULL: none */
};

struct conf_content {
    unsigned workers; /* 0: two a processor */
    unsigned timeout; /* 20 */
};

struct conf_bayes {
    bool enabled;
    unsigned publish_delay;  /* after a learned message, until a new model is built: 2 */
    unsigned token_lifetime; /* days without being met until a token is forgotten; 0: never */
    unsigned reporter_share; /* percent of what is learned of a class: 25; 0: no cap */
    unsigned day_share;      /* 10 */
    unsigned campaign_share; /* 5 */
    unsigned hold_out;       /* one in so many learned messages is held out: 10; 0: none */
};

struct conf_sender {
    const char *keys;                 /* file of records that stands in for the DNS; NULL: none */
    bool spf, dkim, dmarc, arc;       /* what is checked where there is a DNS, or that file */
    struct conf_list trusted_sealers; /* domains whose word of a DMARC pass is taken (ARC) */
};

/* What becomes of a message that can't be signed now. */
enum conf_unsigned { DKIM_UNSIGNED_DEFER, DKIM_UNSIGNED_SEND };

/* How our own mail is signed. */
struct conf_dkim {
    const char *keys; /* folder; NULL: dkim/ in state_dir */
    unsigned expire;  /* signatures hold so long; 0: they say no end */
    unsigned unable;  /* enum conf_unsigned */
    bool subdomains;  /* a domain's keys sign for what lies below it, too: no */
};

/* What is done at most with a message that fails DMARC: never more than its author's domain asks
 * for, and a tag for whatever it asks for. */
enum conf_dmarc { CONF_DMARC_NONE, CONF_DMARC_TAG, CONF_DMARC_QUARANTINE, CONF_DMARC_REJECT };

/* The process poterne-resolver: all DNS of the gateway. */
struct conf_resolver {
    bool enabled;
    struct conf_list servers;     /* "192.0.2.53", "[2001:db8::53]:5353"; empty: from the root on */
    const char *root_hints;       /* NULL: those that the library knows */
    const char *trust_anchor;     /* file with the root's keys; NULL: DNSSEC is not checked */
    unsigned queries_per_message; /* 300; then DNS_TEMP_FAILED */
    unsigned time_per_message;    /* 5 */
    unsigned time_per_client;     /* 3: RCPT waits so long for what the DNS says of a client */
    size_t cache_size;            /* 64M */
};

/* What a listed client gets: its weight is added to the score, it is refused, or it is spared. */
enum conf_dns_list_action { DNS_LIST_SCORE, DNS_LIST_REJECT, DNS_LIST_ALLOW };

/* A list of addresses in the DNS (RFC 5782). */
struct conf_dns_list {
    const char *name;
    const char *zone;
    struct conf_list answers; /* networks: addresses that say "listed" */
    double weight;            /* 1 */
    unsigned action;          /* enum conf_dns_list_action */
};

struct conf_queue {
    unsigned retry_first;       /* 60 */
    unsigned retry_max;         /* 4 hours */
    unsigned lifetime;          /* 5 days; then the message is held as undeliverable */
    unsigned connections_limit; /* to one destination: 20 */
    unsigned connect_timeout;   /* 30 */
    unsigned reply_timeout;     /* 300 */
    size_t free_space_min;      /* 452 4.3.1 at MAIL below it: 100M */
    unsigned free_files_min;    /* likewise inodes: 1000 */
};

/* Where mail goes whose recipient is in none of our domains. */
struct conf_outside {
    struct conf_hops next_hop;  /* all of it goes there (smarthost); empty: by MX */
    struct conf_list never_to;  /* networks in which no mail server is looked for */
    unsigned connections_limit; /* to all of them: 500 */
    unsigned port;              /* of the servers that the DNS names: 25 */
    bool dane;                  /* TLSA records are asked for, and hold (RFC 7672): yes */
    bool mta_sts;               /* policies are fetched, and hold (RFC 8461): yes */
    const char *trusted;        /* PEM file of the authorities that are believed; NULL: none */
    struct conf_way way;
};

/* Where some of it goes instead: to the domain of that name, or to those below it where the name
 * begins with a dot. */
struct conf_route {
    const char *name;
    struct conf_hops next_hop; /* empty: as outside; one of kind HOP_MX: by MX */
    struct conf_way way;       /* what is not set is as in outside */
};

/* Where mail that leaves goes, and how: of section route, and of outside where that says nothing.
 */
struct conf_leaving {
    struct conf_hops next_hop; /* empty: by MX */
    struct conf_way way;
};

/* Who is told of what can't be delivered, and how (bounce/decide.h). */
enum conf_offer { OFFER_NOBODY, OFFER_OURS, OFFER_EVERYBODY };

struct conf_bounces {
    unsigned language;      /* enum conf_language; en */
    size_t original_limit;  /* bytes of a message that goes back whole: 64K */
    unsigned offer;         /* enum conf_offer: to whom DSN is offered; ours */
    unsigned delay_warning; /* seconds until who sent it hears that it waits: 4h; 0: never */
};

/* How long what is held is kept, by why it is held; 0: until somebody decides. 30 days */
struct conf_quarantine {
    unsigned keep_virus, keep_banned, keep_unscannable, keep_policy, keep_undeliverable;
    const char *export_password; /* "infected" */
    unsigned keep_originals;     /* what was delivered is kept so long; 0 (default): not at all */
    size_t originals_size_limit; /* 10G: the oldest goes earlier above it */
};

struct conf_journal {
    unsigned keep;     /* evidence of settled messages: 90 days */
    size_t size_limit; /* the oldest evidence goes earlier above it: 10G */
    bool audit;        /* once a day: does every 250 have its outcome? yes */
};

/* Generations of all that must survive (backup/take.h). */
struct conf_backup {
    const char *folder; /* NULL: backups/ in state_dir */
    unsigned keep;      /* days of which one is kept: 30 */
    const char *at;     /* "02:30", local time; "": not by itself */
};

struct conf {
    const char *path;     /* where it was read from, for messages */
    const char *hostname; /* default: the machine's */
    struct conf_list managers;
    const char
        *state_dir;      /* incoming/ queue/ quarantine/ kept/ corrupt/ bayes/ journal/ reports/ */
    const char *run_dir; /* Unix sockets, pid file */
    const char *log_level;   /* debug info warning error */
    const char *user_prefix; /* "poterne-": started by root, role x runs as user poterne-x */
    unsigned uid_first;    /* not 0: role number n runs as uid_first + n instead (no named users) */
    const char *group;     /* "poterne" ; with uid_first: gid is uid_first */
    bool sandbox_required; /* section sandbox: refuse to serve without Landlock and seccomp */
    struct conf_list directory_files;
    const char *directory_subaddress; /* "+": jean+list@ is jean@ too; "": no such thing */
    struct conf_cache cache;
    unsigned call_ahead_timeout; /* 8 */
    struct conf_ldap *ldap;      /* these three ordered by name */
    size_t n_ldap;
    struct conf_sqlite *sqlite;
    size_t n_sqlite;
    struct conf_quota *quota;
    size_t n_quota;
    struct conf_domain *domains; /* ordered by name */
    size_t n_domains;
    struct conf_smtp smtp;
    struct conf_submission submission;
    struct conf_oauth oauth;
    struct conf_gate gate;
    struct conf_limits limits;
    struct conf_spam spam;
    struct conf_reports reports;
    struct conf_antivirus antivirus;
    struct conf_content content;
    struct conf_bayes bayes;
    struct conf_sender sender;
    struct conf_dkim dkim;
    struct conf_resolver resolver;
    struct conf_fetch fetch;
    struct conf_dns_list *lists; /* ordered by name */
    size_t n_lists;
    struct conf_queue queue;
    struct conf_outside outside;
    struct conf_route *routes; /* ordered by name */
    size_t n_routes;
    struct conf_bounces bounces;
    struct conf_quarantine quarantine;
    struct conf_journal journal;
    struct conf_backup backup;
};

#define CONF_FILE_MAX (1024 * 1024)     /* one file */
#define CONF_TEXT_MAX (8 * 1024 * 1024) /* what conf_parse takes and conf_show prints */

/* Told of each mistake: "FILE:LINE: what is wrong; what was expected". */
typedef void conf_mistake(void *data, const char *text);

/*
 * Reads settings from text; `path` is only named in errors. NULL with err set to the first mistake,
 * and how many more there are. A mistake in the syntax hides those behind it.
 */
struct conf *conf_parse(struct str text, const char *path, struct err *err);
/* Reads the file, then the drop-ins conf.d/NAME.conf beside it in the order of their names: a
 * setting in a later file takes the place of an earlier one. `mistake` may be NULL. */
struct conf *conf_read(const char *path, conf_mistake *mistake, void *data, struct err *err);
void conf_free(struct conf **conf);

/* The whole of it in the file's own syntax, with where each value came from as comments:
 * conf_parse() makes the same settings of it. */
struct buf;
void conf_show(const struct conf *conf, struct buf *out);

/* One setting as it stands: `section` is "" outside of all, `title` NULL but in a section that has
 * a name; `file` NULL: the default holds. All texts live as long as the settings. */
struct conf_value;
struct conf_shown {
    const char *section;
    const char *title;
    const char *name;
    const struct conf_value *value; /* conf_syntax.h */
    const char *file;
    unsigned line;
};
typedef void conf_visit(void *data, const struct conf_shown *shown);
/* Every setting, a section after the other. */
void conf_each(const struct conf *conf, conf_visit *visit, void *data);

/* The outside scanner of that name; NULL: none, it may be an engine of ours. */
const struct conf_scanner *conf_scanner_find(const struct conf_antivirus *conf, const char *name);
/* Do engines name an outside scanner, an engine of ours? */
bool conf_has_outside(const struct conf_antivirus *conf);
bool conf_has_inside(const struct conf_antivirus *conf);

/* Is mail for other domains brought to the servers that the DNS names, but for those that a section
 * route names? */
bool conf_mails_by_mx(const struct conf *conf);
/* Is there any next hop whose servers the DNS is asked for? */
bool conf_asks_for_servers(const struct conf *conf);
/* Has one of them a name that the DNS is asked for? */
bool conf_hops_named(const struct conf_hops *hops);

/* The section route of a domain that is not ours: the one of that name, else of the longest
 * `.name` that it lies below; NULL: none. */
const struct conf_route *conf_route_find(const struct conf *conf, struct str domain);
/* What holds there; route NULL: for all other domains. */
struct conf_leaving conf_route_leaving(const struct conf *conf, const struct conf_route *route);

/* Has a domain a source of that kind? */
bool conf_has_source(const struct conf *conf, enum conf_source_kind kind);
/* Does a domain ask its next hop for recipients? */
bool conf_calls_ahead(const struct conf *conf);
/* Can somebody log in: is there a port for it, or are there clients who may on smtp.listen? */
bool conf_takes_logins(const struct conf *conf);
/* … who may on smtp.listen (submission.inside)? */
bool conf_takes_logins_inside(const struct conf *conf);

/* "02:30" as minutes since midnight (may be NULL); false: it is none. */
bool conf_time_of_day(const char *text, unsigned *minute);

/* The section of that name; NULL: none. */
const struct conf_ldap *conf_ldap_find(const struct conf *conf, const char *name);
const struct conf_sqlite *conf_sqlite_find(const struct conf *conf, const char *name);
const struct conf_quota *conf_quota_find(const struct conf *conf, const char *name);

/* The domain of that name, in any case and with or without A-labels; NULL: not one of ours. */
const struct conf_domain *conf_domain_find(const struct conf *conf, struct str name);
/* The domain of an address; NULL: none of ours. */
const struct conf_domain *conf_domain_of(const struct conf *conf, struct str address);
/* Seconds that mail may be held at most; 0: until somebody decides. */
unsigned conf_quarantine_longest(const struct conf *conf);

#endif
