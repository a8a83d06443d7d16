/* textcat: SpamAssassin's TextCat.pm */
#include "rules/eval/eval.h"
#include "rules/facts/body.h"
#include "rules/facts/language.h"

#define RUN_MIN 8 /* bytes */

/* Do words of an expected language have such runs? "all" has. */
static bool expects_8bit(const struct rules_settings *settings)
{
    static const char *const languages[] = {"all", "am", "ar", "be", "bg", "cs", "el",
                                            "et",  "fa", "fi", "he", "hi", "hy", "is",
                                            "ja",  "ka", "ko", "mr", "pt", "ru", "ta",
                                            "th",  "tr", "uk", "vi", "yi", "zh", NULL};
    for (size_t i = 0; languages[i]; i++) {
        if (settings_text_has(settings, SETTINGS_OK_LANGUAGES, str_of(languages[i])))
            return true;
    }
    return false;
}

static bool has_run(struct str line)
{
    size_t run = 0;
    for (size_t i = 0; i < line.n && run < RUN_MIN; i++)
        run = (unsigned char)line.s[i] >= 0x80 ? run + 1 : 0;
    return run == RUN_MIN;
}

/* eight bytes above ASCII stand together though ok_languages names none that would need them */
static double check_body_8bits(struct eval_context *c)
{
    if (expects_8bit(c->settings))
        return 0;
    const struct fact_texts *texts =
        c->raw ? facts_rawbody(c->facts) : facts_body(c->facts, BODY_RENDERED);
    if (texts == NULL)
        return EVAL_NO_MEMORY;
    for (size_t i = 0; i < texts->n; i++) {
        if (has_run(texts->list[i]))
            return 1;
    }
    return 0;
}

/* Below so many bytes for each language found, Scots is taken for English: they are too near. */
#define SCOTS_BYTES 1024

static bool is_expected(const struct rules_settings *settings, struct str language, bool short_text)
{
    struct str code = str_sub(language, 0, str_chr(language, '.'));
    if (short_text && (str_eq(code, STR("sco")) || str_eq(code, STR("en"))))
        return settings_text_has(settings, SETTINGS_OK_LANGUAGES, STR("sco")) ||
               settings_text_has(settings, SETTINGS_OK_LANGUAGES, STR("en"));
    return settings_text_has(settings, SETTINGS_OK_LANGUAGES, code);
}

/* none of the languages that the text may be in is one of ok_languages */
static double check_language(struct eval_context *c)
{
    if (settings_text_has(c->settings, SETTINGS_OK_LANGUAGES, STR("all")))
        return 0;
    const struct fact_language *found = facts_language(c->facts);
    if (found == NULL)
        return EVAL_NO_MEMORY;
    for (size_t i = 0; i < found->n; i++) {
        if (is_expected(c->settings, found->list[i], found->bytes < SCOTS_BYTES * found->n))
            return 0;
    }
    c->text = found->joined;
    return found->n > 0;
}

const struct eval_entry eval_textcat[] = {
    {"check_body_8bits", check_body_8bits, 0, 0},
    {"check_language", check_language, 0, 0},
    {0},
};
