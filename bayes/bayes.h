/*
 * bayes: pass 2. features → model → score.
 * The model is an immutable file, mapped read-only; it is built from the ledger by the learner.
 * Two members look at a message: Robinson-Fisher over its tokens (combine.h) and a regression over
 * its bytes (regression.h); fusion.h makes one opinion of both.
 */
#ifndef POTERNE_BAYES_BAYES_H
#define POTERNE_BAYES_BAYES_H

#include "bayes/model/fusion.h"
#include "mail/text.h"

#define FEATURES_MAX    20000 /* distinct tokens taken of one message */
#define BAYES_STRONGEST 15    /* tokens named in the evidence, for each side */
#define GRAM_WEIGHTS    (1u << 20)
#define GRAMS_MAX       3500 /* of one message */

struct feature {
    uint64_t hash;   /* of the text with its place (header name, "u" for links …) */
    struct str text; /* "place:word" for people: valid UTF-8, no control characters */
};

struct features {
    struct feature *list; /* each hash once, sorted by hash */
    size_t n;
    uint32_t *grams; /* byte 4-grams, hashed to below GRAM_WEIGHTS: each once */
    size_t n_grams;
    /* What learning knows a message by; 0 before features_identify(). */
    uint64_t digest; /* the same mail gives the same, our own header fields left out */
    /* Messages that differ in a name, a number, an address or a random word have, nearly always,
     * the same; others, nearly never. */
    uint64_t campaign;
};

/* What a message is judged by. known: whom own users write to (known.h), which gives the tokens
 * "known:from", "known:pair", "known:reply"; NULL: nothing is known. */
struct known;
int features_extract(struct pool *pool, const struct message *message, const struct mail_text *text,
                     const struct known *known, struct features *features, struct err *err);
/* What it is learned by, beside that: digest, campaign, and its grams in rising order. To judge is
 * not to learn, and a third cheaper without. */
int features_identify(struct pool *pool, const struct message *message,
                      const struct mail_text *text, struct features *features, struct err *err);
/* All of that, from the bytes of a mail. */
int features_of_mail(struct pool *pool, struct str raw, const struct known *known,
                     struct features *features, struct err *err);

struct model;

/* The fd may be closed afterwards. NULL for a file that is damaged, cut short or not a model. */
struct model *model_open(int fd, const char *path, struct err *err);
/* The same by name; errno is ENOENT when there is no such file, and only then. */
struct model *model_open_path(const char *path, struct err *err);
void model_close(struct model **model);
uint64_t model_generation(const struct model *model);
/* learned messages */
uint64_t model_spam(const struct model *model);
uint64_t model_ham(const struct model *model);
uint64_t model_tokens(const struct model *model);
/* seconds since 1970 */
uint64_t model_built(const struct model *model);

struct bayes_token {
    struct str text;
    double probability; /* of spam */
    uint32_t spam;
    uint32_t ham;
};

/*
 * The score is calibrated: the natural logarithm of the odds that the message is ham, so that -3
 * is wrong once in 21 times. It stays within what the model was taught: 10 messages of each class
 * can't move it beyond 2.4.
 */
struct bayes_result {
    bool used;          /* false: no model, or nothing of the message in it: score is 0 */
    double score;       /* the mission's sign: above 0 ham, below 0 spam; -8 to 8 */
    double probability; /* of spam, 0..1 */
    double evidence;    /* log-odds of spam without bounds: what to rank mail by */
    double members[FUSION_INPUTS]; /* log-odds of spam that the fusion was given */
    struct bayes_token *tokens;    /* of spam, strongest first, then of ham */
    size_t n_tokens;
};

/*
 * What pass 2 adds to the rules' score: the same odds in bits, the logarithm to the base 2. A score
 * of -3 says 8 to 1 for spam, and is wrong once in 9 times. Rules score 5 for a message that no
 * rule hits: from -5 bits on, 32 to 1, pass 2 makes spam of it alone. That a natural log-odd weighs
 * 1.44 points of the rules is no matter of taste: README.md has the fit, t/bench/passes makes it.
 */
#define BAYES_WEIGHT 1.442695 /* 1 / ln 2 */
static inline double bayes_points(const struct bayes_result *result)
{
    return result->used ? BAYES_WEIGHT * result->score : 0;
}

/* model may be NULL: result->used is false. */
int bayes_classify(const struct model *model, const struct features *features, struct pool *pool,
                   struct bayes_result *result, struct err *err);

#endif
