/*
 * rules: pass 1. A ruleset is read from SpamAssassin-style files once, is never changed, and may
 * be shared by processes after fork. A rule file can never run code.
 */
#ifndef POTERNE_RULES_RULES_H
#define POTERNE_RULES_RULES_H

#include "mail/text.h"
#include "sender/dns.h"

/*
 * One message's rules must be through in this time (the wall clock, between two searches); rules
 * that did not get their turn are named in `limited`.
 */
#define RULES_TIME_MAX_MS 5000

struct ruleset;
struct rules_scratch; /* one a thread: PCRE2 match data, hit tables */

/* Told of a line in a rule file, or of a rule that begins there; loading goes on. */
typedef void rules_report(void *data, const char *file, unsigned line, const char *what);

#define RULES_SCORE_SETS 4 /* no net no Bayes, net, Bayes, both: SpamAssassin's order */
/* Bits of a score set's number. */
#define RULES_SCORE_NET   1
#define RULES_SCORE_LEARN 2

struct ruleset_options {
    /* Of a rule's four scores the one that counts. Without RULES_SCORE_NET no eval rule with
     * "tflags net" is run, without RULES_SCORE_LEARN none with "tflags learn". */
    unsigned score_set;
    /* Also the "__" rules that no score needs; else only what can change a verdict is run. */
    bool all;
    /* Whose "lang xx" lines are taken; NULL: "en". */
    const char *language;
    /* For those who prove that they change nothing: each pattern is tried everywhere, with no
     * filter before it; by PCRE2's interpreter, as where its JIT may not make code. */
    bool no_filters, no_jit;
    /* Told, beside the mistakes, of what is known and has no effect here; may be NULL. */
    rules_report *notice;
};

/* Both passes and the network: pass 2 always stands behind these rules. */
#define RULESET_OPTIONS_DEFAULT ((struct ruleset_options){.score_set = 3})

/*
 * Paths are files, or folders of which *.pre, before all else, and *.cf are read in name order; a
 * folder of sa-update's (/var/lib/spamassassin) stands for the newest version in it. NULL only when
 * nothing could be read or memory ran out. A mistake is reported, the line skipped.
 */
struct ruleset *ruleset_load(const char *const *paths, size_t n_paths, rules_report *report,
                             void *data, struct err *err);
struct ruleset *ruleset_load_with(const struct ruleset_options *options, const char *const *paths,
                                  size_t n_paths, rules_report *report, void *data,
                                  struct err *err);
void ruleset_free(struct ruleset **set);
/* Rules that are run: those with a score, and what their metas ask for. */
size_t ruleset_count(const struct ruleset *set);
/* Short digest of all that was read: names the generation in a verdict. */
const char *ruleset_generation(const struct ruleset *set);
/* What a rule is for; NULL when not described. */
const char *ruleset_describe(const struct ruleset *set, const char *name);

struct rules_scratch *rules_scratch_new(const struct ruleset *set, struct err *err);
void rules_scratch_free(struct rules_scratch **scratch);

/*
 * What was asked over the network about a message, for the rules that look at it, and whom rules
 * may ask themselves. Who has resolvers fills it; what is not there was not asked, and its rules
 * don't hit.
 */
struct rules_signature { /* of DKIM (RFC 6376) or ARC (RFC 8617), in the header's order */
    struct str domain;   /* d=, lower case */
    bool pass, testing, arc;
    bool unknown; /* its key could not be asked for now */
};

struct rules_network {
    struct str spf, spf_helo; /* results of RFC 7208 2.6: "pass" … */
    struct str dmarc;         /* "pass"; the policy that is failed, "none", "quarantine", "reject";
                                 "missing"; "temperror" */
    const struct rules_signature *signatures;
    size_t n_signatures;
    bool spf_asked, dkim_asked; /* else what stands there says nothing */
    /* Asked by rules about lists, name servers and the like, within ruleset_run(), in a few rounds;
     * NULL: these rules are not run. A memo (sender/dns_memo.h) that was asked for what
     * rules_questions() says answers the first round at once. */
    const struct dns_source *dns;
    /* Lists out of service, as their names without a last dot: they list everybody, or nobody (RFC
     * 5782 5). They are not asked, and count as lists that did not answer. */
    const struct str *zones_off;
    size_t n_zones_off;
};

/* A list that rules ask, for who finds out whether it can be believed (zones_off). */
struct rules_zone {
    struct str name;       /* lives as long as the set */
    bool addresses, names; /* what it is asked for: RFC 5782 2.1 and 2.2 */
};
/* Each once, at most `max`. What askdns asks may be no list, and is not among them. */
size_t ruleset_zones(const struct ruleset *set, struct rules_zone *list, size_t max);

struct rules_prepared;

struct rules_input {
    const struct message *message;
    const struct mail_text *text; /* what a reader sees; NULL: made if a rule asks for it */
    struct str envelope_from;     /* "" is the null sender; .s NULL: not known, take Return-Path */
    struct str client_ip;
    struct str client_name;
    struct str helo;
    struct str received; /* the Received field that this server will add, without its name, LF line
                            ends, the last included; .s NULL: none, the message has been received */
    const struct rules_network *network; /* NULL: nothing was asked */
    const struct rules_prepared
        *prepared;    /* what rules_questions() has found out; NULL: not asked */
    int64_t now;      /* seconds since 1970; 0: not known */
    bool sub_rules;   /* "__" rules stand among the hits too, with score 0 */
    bool bayes_known; /* a trained pass 2 ran first: `bayes` is the probability of spam that it gave
                       */
    double bayes;
};

struct rule_hit {
    const char *name;
    double score;    /* what it adds to the total: "tflags multiple" rules add for each hit */
    struct str text; /* what matched (first time), cut to 200 bytes; may be empty */
    unsigned times;
};

struct rules_result {
    double total; /* sum of scores, in thousandths (base/score.h); SpamAssassin's sign: spam is
                     what reaches the score that is required */
    struct rule_hit *hits; /* rules that count, strongest first; "__" rules only when asked for */
    size_t n_hits;
    const char **limited; /* rules that ran into a match, depth, heap or time limit: their
                             answer is not known, which is not "no match" */
    size_t n_limited;
    /* Of rules that ask the DNS, and metas that hang on them, those that would hit or not by an
     * answer that did not come: neither "hit" nor "no match". */
    const char **unknown;
    size_t n_unknown;
    size_t questions;             /* to the DNS */
    struct dns_query *unanswered; /* those that got no answer, at most RULES_UNANSWERED_MAX */
    size_t n_unanswered;          /* all of them */
    bool truncated;               /* some text was longer than what rules look at */
};

#define RULES_UNANSWERED_MAX 20 /* named */

/* What rules will ask the DNS for at once, for who asks for more at the same time. */
struct rules_questions {
    struct dns_query *list; /* at most DNS_QUESTIONS_MAX, the most telling first */
    size_t n;
    const struct rules_prepared *prepared; /* for rules_input.prepared */
};

/*
 * To be asked before ruleset_run(), which then finds the facts made that this needed. The network
 * of `input` need not be there yet. Set, scratch, message and pool must be those of ruleset_run().
 * -1 only when the pool is used up.
 */
int rules_questions(const struct ruleset *set, struct rules_scratch *scratch,
                    const struct rules_input *input, struct pool *pool,
                    struct rules_questions *questions, struct err *err);

/* Names of the result live as long as the set, all else as long as the pool. -1 only when the
 * pool is used up. */
int ruleset_run(const struct ruleset *set, struct rules_scratch *scratch,
                const struct rules_input *input, struct pool *pool, struct rules_result *result,
                struct err *err);
/*
 * The same for a whole message as it came, parsed here; the message and text of `input` are not
 * looked at. raw must stay as long as the result. -1 also when the message is larger than
 * mail_limits_default allows.
 */
int ruleset_run_raw(const struct ruleset *set, struct rules_scratch *scratch, struct str raw,
                    const struct rules_input *input, struct pool *pool, struct rules_result *result,
                    struct err *err);

#endif
