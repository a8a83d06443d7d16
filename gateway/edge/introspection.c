#include "gateway/edge/introspection.h"

#include <jansson.h>

static enum token_result because(struct introspection *out, enum token_result result,
                                 const char *why)
{
    out->why = why;
    return result;
}

static struct str text_of(const json_t *value)
{
    return str_n(json_string_value(value), json_string_length(value));
}

/* Seconds since 1970 as a number; false: there is something else. */
static bool read_time(const json_t *object, const char *name, int64_t absent, int64_t *time)
{
    const json_t *value = json_object_get(object, name);
    *time = absent;
    if (value == NULL || json_is_null(value))
        return true;
    if (!json_is_number(value))
        return false;
    double seconds = json_number_value(value);
    if (!(seconds >= 0 && seconds < 1e12))
        return false;
    *time = (int64_t)seconds;
    return true;
}

static enum token_result check_times(const json_t *object, int64_t now, struct introspection *out)
{
    int64_t not_before;
    if (!read_time(object, "exp", 0, &out->expires) || !read_time(object, "nbf", 0, &not_before))
        return because(out, TOKEN_AWAY, "exp or nbf is no time");
    if (json_is_number(json_object_get(object, "exp")) && out->expires <= now)
        return because(out, TOKEN_WRONG, "it has expired");
    if (not_before > now + INTROSPECTION_SKEW)
        return because(out, TOKEN_WRONG, "it does not hold yet");
    return TOKEN_GOOD;
}

/* "aud" is a text or a list of them. */
static bool is_meant_for(const json_t *audience, struct str wanted)
{
    size_t i;
    const json_t *one;
    if (json_is_string(audience))
        return str_eq(text_of(audience), wanted);
    json_array_foreach(audience, i, one)
    {
        if (json_is_string(one) && str_eq(text_of(one), wanted))
            return true;
    }
    return false;
}

static bool has_word(struct str words, struct str wanted)
{
    struct str word;
    while (str_next(&words, ' ', &word))
        if (str_eq(word, wanted))
            return true;
    return false;
}

static bool has_scope(struct str scope, struct str wanted)
{
    struct str word;
    while (str_next(&wanted, ' ', &word))
        if (word.n && !has_word(scope, word))
            return false;
    return true;
}

static enum token_result check_purpose(const json_t *object, const struct conf_oauth *conf,
                                       struct introspection *out)
{
    const json_t *type = json_object_get(object, "token_type");
    struct str issuer = str_of(conf->issuer), audience = str_of(conf->audience);
    if (json_is_string(type) && !str_ieq(text_of(type), STR("bearer")))
        return because(out, TOKEN_WRONG, "it is no bearer token");
    if (issuer.n && !str_eq(text_of(json_object_get(object, "iss")), issuer))
        return because(out, TOKEN_WRONG, "another one has issued it");
    if (audience.n && !is_meant_for(json_object_get(object, "aud"), audience))
        return because(out, TOKEN_SCOPE, "it is meant for others (aud)");
    if (!has_scope(text_of(json_object_get(object, "scope")), str_of(conf->scope)))
        return because(out, TOKEN_SCOPE, "its scope is another one");
    return TOKEN_GOOD;
}

static enum token_result read_user(const json_t *object, const struct conf_oauth *conf,
                                   struct introspection *out)
{
    struct str user = text_of(json_object_get(object, conf->account));
    if (user.n == 0 || !str_copy(user, out->user, sizeof out->user))
        return because(out, TOKEN_WRONG, "it names no user (oauth.account)");
    return TOKEN_GOOD;
}

static enum token_result read_object(const json_t *object, const struct conf_oauth *conf,
                                     int64_t now, struct introspection *out)
{
    const json_t *active = json_object_get(object, "active");
    if (!json_is_boolean(active))
        return because(out, TOKEN_AWAY, "the answer does not say whether it is active");
    if (!json_is_true(active))
        return because(out, TOKEN_WRONG, "it is not active");
    enum token_result result = check_times(object, now, out);
    if (result == TOKEN_GOOD)
        result = check_purpose(object, conf, out);
    return result == TOKEN_GOOD ? read_user(object, conf, out) : result;
}

enum token_result introspection_read(struct str json, const struct conf_oauth *conf, int64_t now,
                                     struct introspection *out)
{
    *out = (struct introspection){.why = ""};
    if (json.n > INTROSPECTION_MAX)
        return because(out, TOKEN_AWAY, "the answer is too large");
    json_t *object = json_loadb(json.n ? json.s : "", json.n, JSON_REJECT_DUPLICATES, NULL);
    enum token_result result = json_is_object(object)
                                   ? read_object(object, conf, now, out)
                                   : because(out, TOKEN_AWAY, "the answer is no JSON object");
    json_decref(object);
    return result;
}
