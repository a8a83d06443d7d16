#include "bayes/features/features.h"

#include "bayes/features/campaign.h"
#include "bayes/features/grams.h"
#include "bayes/features/known.h"

/* Shares of FEATURES_MAX. Text comes last and takes what is left. */
#define HEADER_TOKENS    3000
#define STRUCTURE_TOKENS 1000
#define LINK_TOKENS      4000
#define INVISIBLE_TOKENS 3000

struct str features_subject(struct str subject)
{
    static const char *const tags[] = {"[spam]", "***spam***", "*****spam*****", "{spam?}"};
    for (bool again = true; again;) {
        again = false;
        subject = str_trim(subject);
        for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++) {
            if (!str_istarts(subject, str_of(tags[i])))
                continue;
            subject = str_from(subject, strlen(tags[i]));
            again = true;
        }
    }
    return subject;
}

static void features_text(struct tokens *tokens, const struct mail_text *text)
{
    /* the first paragraph is the subject, which has its own place */
    for (size_t i = 1; i < text->n_paragraphs && !tokens_full(tokens); i++)
        tokens_words(tokens, STR_EMPTY, text->paragraphs[i]);
}

static int features_known(struct tokens *tokens, const struct known *known,
                          const struct message *message, struct err *err)
{
    struct known_facts facts;
    if (known_look(known, message, tokens->pool, &facts, err) < 0)
        return -1;
    if (facts.from)
        tokens_add(tokens, STR("known"), STR("from"));
    if (facts.pair)
        tokens_add(tokens, STR("known"), STR("pair"));
    if (facts.reply)
        tokens_add(tokens, STR("known"), STR("reply"));
    return 0;
}

int features_extract(struct pool *pool, const struct message *message, const struct mail_text *text,
                     const struct known *known, struct features *features, struct err *err)
{
    struct tokens tokens;
    tokens_init(&tokens, pool);
    tokens_allow(&tokens, HEADER_TOKENS);
    if (features_known(&tokens, known, message, err) < 0)
        return -1;
    features_header(&tokens, message->root);
    tokens_words(&tokens, STR("subject"), features_subject(text->subject));
    tokens_allow(&tokens, STRUCTURE_TOKENS);
    features_structure(&tokens, message);
    features_html(&tokens, &text->html);
    tokens_allow(&tokens, LINK_TOKENS);
    features_links(&tokens, text);
    tokens_allow(&tokens, INVISIBLE_TOKENS);
    tokens_words(&tokens, STR("invisible"), text->invisible);
    tokens_allow(&tokens, FEATURES_MAX);
    features_text(&tokens, text);
    features->digest = features->campaign = 0;
    if (features_grams(pool, message, features, err) < 0)
        return -1;
    return tokens_finish(&tokens, features, err);
}

int features_identify(struct pool *pool, const struct message *message,
                      const struct mail_text *text, struct features *features, struct err *err)
{
    grams_sort(features->grams, features->n_grams);
    features->campaign = campaign_of(message, text);
    return features_digest(pool, message, &features->digest, err);
}

int features_of_mail(struct pool *pool, struct str raw, const struct known *known,
                     struct features *features, struct err *err)
{
    struct message *message;
    struct mail_text *text;
    if (message_parse(pool, raw, &mail_limits_default, &message, err) < 0 ||
        mail_text_make(pool, message, &text, err) < 0 ||
        features_extract(pool, message, text, known, features, err) < 0)
        return -1;
    return features_identify(pool, message, text, features, err);
}
