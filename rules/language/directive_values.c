/* directive_values: numbers, texts, patterns of the settings, and the tags of replace_…. */
#include "rules/language/directive.h"
#include "rules/language/settings_make.h"

#define NUMBER_ABS 1e12

static enum directive_result on_number(struct parser *parser, const struct directive *self,
                                       struct str rest, struct err *err)
{
    double number;
    if (!str_to_double(rest, &number) || number > NUMBER_ABS || number < -NUMBER_ABS)
        return BAD(err, "expected a number");
    parser->book->settings->numbers[self->what] = number;
    return DIRECTIVE_DONE;
}

static enum directive_result on_bool(struct parser *parser, const struct directive *self,
                                     struct str rest, struct err *err)
{
    bool yes = str_ieq(rest, STR("yes")) || str_eq(rest, STR("1"));
    if (!yes && !str_ieq(rest, STR("no")) && !str_eq(rest, STR("0")))
        return BAD(err, "expected 1 or 0, yes or no");
    parser->book->settings->numbers[self->what] = yes;
    return DIRECTIVE_DONE;
}

static enum directive_result on_text(struct parser *parser, const struct directive *self,
                                     struct str rest, struct err *err)
{
    if (rest.n == 0)
        return BAD(err, "nothing stands behind it");
    return directive_memory(parser,
                            settings_put_text(parser->book->settings,
                                              (enum settings_text)self->what, rest),
                            err);
}

static enum directive_result on_redirector(struct parser *parser, const struct directive *self,
                                           struct str rest, struct err *err)
{
    struct regex_literal literal;
    if (regex_literal_parse(rest, &literal, err) < 0)
        return DIRECTIVE_BAD;
    struct regex *regex = regex_new(&literal, err);
    if (regex == NULL)
        return DIRECTIVE_BAD;
    return directive_memory(parser, settings_add_redirector(parser->book->settings, regex), err);
}

/* replace_tag NAME TEXT and its like; .what is the map. */
static enum directive_result on_replace(struct parser *parser, const struct directive *self,
                                        struct str rest, struct err *err)
{
    struct str name = parse_word(&rest);
    if (rest.n == 0)
        return BAD(err, "expected a name and what to put in its place");
    return directive_memory(parser,
                            replace_put(&parser->book->replace, parser->book->pool,
                                        (enum replace_kind)self->what, name, rest),
                            err);
}

static enum directive_result on_replace_rules(struct parser *parser, const struct directive *self,
                                              struct str rest, struct err *err)
{
    bool ok = true;
    if (rest.n == 0)
        return BAD(err, "expected names of rules");
    for (struct str word = parse_word(&rest); ok && word.n; word = parse_word(&rest))
        ok = replace_add_rule(&parser->book->replace, parser->book->pool, word);
    return directive_memory(parser, ok, err);
}

/* replace_start, replace_end: tags are written with the brackets that nearly all files use. */
static enum directive_result on_replace_bracket(struct parser *parser, const struct directive *self,
                                                struct str rest, struct err *err)
{
    if (str_eq(rest, str_of(self->why)))
        return DIRECTIVE_DONE;
    return BAD(err, "tags begin with < and end with > here, and with nothing else");
}

/* Read for those who compare; what decides is a setting of poterne's own. */
static enum directive_result on_required(struct parser *parser, const struct directive *self,
                                         struct str rest, struct err *err)
{
    enum directive_result result = on_number(parser, self, rest, err);
    if (result != DIRECTIVE_DONE)
        return result;
    err_set(err, "not taken from rule files; spam { required = … } in poterne.conf decides");
    return DIRECTIVE_QUIET;
}

#define NUMBER(n, which)                                                                           \
    {                                                                                              \
        .name = (n), .handle = on_number, .what = (which)                                          \
    }
#define YES_NO(n, which)                                                                           \
    {                                                                                              \
        .name = (n), .handle = on_bool, .what = (which)                                            \
    }
#define TEXT(n, which)                                                                             \
    {                                                                                              \
        .name = (n), .handle = on_text, .what = (which)                                            \
    }
#define REPLACE(n, kind)                                                                           \
    {                                                                                              \
        .name = (n), .handle = on_replace, .what = (kind)                                          \
    }
#define IMPORT_AUTH     SETTINGS_FREEMAIL_IMPORT_WELCOMELIST_AUTH
#define IMPORT_DEF_AUTH SETTINGS_FREEMAIL_IMPORT_DEF_WELCOMELIST_AUTH

static const struct directive list[] = {
    YES_NO("always_trust_envelope_sender", SETTINGS_ALWAYS_TRUST_ENVELOPE_SENDER),
    NUMBER("body_part_scan_size", SETTINGS_BODY_PART_SCAN_SIZE),
    NUMBER("dkim_minimum_key_bits", SETTINGS_DKIM_MINIMUM_KEY_BITS),
    TEXT("envelope_sender_header", SETTINGS_ENVELOPE_SENDER_HEADER),
    NUMBER("fns_check", SETTINGS_FNS_CHECK),
    NUMBER("fns_extrachars", SETTINGS_FNS_EXTRACHARS),
    NUMBER("freemail_import_def_welcomelist_auth", IMPORT_DEF_AUTH),
    NUMBER("freemail_import_def_whitelist_auth", IMPORT_DEF_AUTH),
    NUMBER("freemail_import_welcomelist_auth", IMPORT_AUTH),
    NUMBER("freemail_import_whitelist_auth", IMPORT_AUTH),
    NUMBER("freemail_max_body_emails", SETTINGS_FREEMAIL_MAX_BODY_EMAILS),
    NUMBER("freemail_max_body_freemails", SETTINGS_FREEMAIL_MAX_BODY_FREEMAILS),
    NUMBER("freemail_skip_bulk_envfrom", SETTINGS_FREEMAIL_SKIP_BULK_ENVFROM),
    NUMBER("freemail_skip_when_over_max", SETTINGS_FREEMAIL_SKIP_WHEN_OVER_MAX),
    TEXT("hashbl_email_regex", SETTINGS_HASHBL_EMAIL_REGEX),
    TEXT("hashbl_email_welcomelist", SETTINGS_HASHBL_EMAIL_WELCOMELIST),
    TEXT("hashbl_email_whitelist", SETTINGS_HASHBL_EMAIL_WELCOMELIST),
    TEXT("inactive_languages", SETTINGS_INACTIVE_LANGUAGES),
    NUMBER("max_short_urls", SETTINGS_MAX_SHORT_URLS),
    TEXT("ok_languages", SETTINGS_OK_LANGUAGES),
    TEXT("ok_locales", SETTINGS_OK_LOCALES),
    YES_NO("parse_dkim_uris", SETTINGS_PARSE_DKIM_URIS),
    YES_NO("poterne_bayes_scores", SETTINGS_POTERNE_BAYES_SCORES),
    NUMBER("rawbody_part_scan_size", SETTINGS_RAWBODY_PART_SCAN_SIZE),
    TEXT("rbl_headers", SETTINGS_RBL_HEADERS),
    {.name = "redirector_pattern", .handle = on_redirector},
    {.name = "replace_end", .handle = on_replace_bracket, .why = ">"},
    REPLACE("replace_inter", REPLACE_INTER),
    REPLACE("replace_post", REPLACE_POST),
    REPLACE("replace_pre", REPLACE_PRE),
    {.name = "replace_rules", .handle = on_replace_rules},
    {.name = "replace_start", .handle = on_replace_bracket, .why = "<"},
    REPLACE("replace_tag", REPLACE_TAG),
    {.name = "required_hits", .handle = on_required, .what = SETTINGS_REQUIRED_SCORE},
    {.name = "required_score", .handle = on_required, .what = SETTINGS_REQUIRED_SCORE},
    YES_NO("skip_rbl_checks", SETTINGS_SKIP_RBL_CHECKS),
    YES_NO("skip_uribl_checks", SETTINGS_SKIP_URIBL_CHECKS),
    NUMBER("textcat_acceptable_score", SETTINGS_TEXTCAT_ACCEPTABLE_SCORE),
    NUMBER("textcat_max_languages", SETTINGS_TEXTCAT_MAX_LANGUAGES),
    NUMBER("textcat_max_ngrams", SETTINGS_TEXTCAT_MAX_NGRAMS),
    NUMBER("textcat_optimal_ngrams", SETTINGS_TEXTCAT_OPTIMAL_NGRAMS),
    NUMBER("uridnsbl_max_domains", SETTINGS_URIDNSBL_MAX_DOMAINS),
    YES_NO("uridnsbl_skip_mailto", SETTINGS_URIDNSBL_SKIP_MAILTO),
};

const struct directive_family directive_values = DIRECTIVE_FAMILY(list);
