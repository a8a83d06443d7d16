#include "bounce/language.h"

#define LIST_MAX 20 /* items that are looked at */

static const char *const tags[CONF_LANGUAGES] = {
    [LANGUAGE_EN] = "en", [LANGUAGE_FR] = "fr", [LANGUAGE_DE] = "de"};

const char *language_tag(enum conf_language language)
{
    return tags[language];
}

/* "fr", and "fr-CH", which is French too */
static enum conf_language of_tag(struct str tag)
{
    struct str first = str_sub(tag, 0, str_chr(tag, '-'));
    for (int i = 0; i < CONF_LANGUAGES; i++)
        if (str_ieq(first, str_of(tags[i])))
            return (enum conf_language)i;
    return LANGUAGE_DEFAULT;
}

/* "q=0.8" among the parameters; without it 1 */
static double weight_of(struct str params)
{
    struct str param;
    double weight = 1;
    while (str_next(&params, ';', &param)) {
        param = str_trim(param);
        if (str_istarts(param, STR("q=")) && !str_to_double(str_from(param, 2), &weight))
            weight = 0;
    }
    return weight;
}

enum conf_language language_of_list(struct str list)
{
    enum conf_language best = LANGUAGE_DEFAULT;
    double best_weight = 0;
    struct str item, tag;
    for (int i = 0; i < LIST_MAX && str_next(&list, ',', &item); i++) {
        struct str params = item;
        if (!str_next(&params, ';', &tag))
            continue;
        enum conf_language language = of_tag(str_trim(tag));
        double weight = weight_of(params);
        if (language != LANGUAGE_DEFAULT && weight > best_weight) {
            best = language;
            best_weight = weight;
        }
    }
    return best;
}

enum conf_language language_for(const struct conf *conf, const struct message *message,
                                struct pool *pool, struct str address)
{
    static const struct str names[] = {STR("Accept-Language"), STR("Content-Language")};
    enum conf_language language = LANGUAGE_DEFAULT;
    for (size_t i = 0; message && i < 2 && language == LANGUAGE_DEFAULT; i++) {
        const struct header *header = message_header(message, names[i]);
        if (header)
            language = language_of_list(header_unfold(pool, header));
    }
    const struct conf_domain *domain = conf_domain_of(conf, address);
    if (language == LANGUAGE_DEFAULT && domain)
        language = (enum conf_language)domain->language;
    return language == LANGUAGE_DEFAULT ? (enum conf_language)conf->bounces.language : language;
}
