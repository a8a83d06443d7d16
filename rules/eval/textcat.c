/* textcat: SpamAssassin's TextCat.pm, without its guess at the language (absent.h). */
#include "rules/eval/eval.h"
#include "rules/facts/body.h"

#define RUN_MIN 8 /* bytes */

/* Do the languages' own words have such runs? "all" has. */
static bool is_written_in_8bit(struct str language)
{
    static const char *const languages[] = {"all", "am", "ar", "be", "bg", "cs", "el",
                                            "et",  "fa", "fi", "he", "hi", "hy", "is",
                                            "ja",  "ka", "ko", "mr", "pt", "ru", "ta",
                                            "th",  "tr", "uk", "vi", "yi", "zh", NULL};
    for (size_t i = 0; languages[i]; i++) {
        if (str_eq(language, str_of(languages[i])))
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
    struct str languages = settings_text(c->settings, SETTINGS_OK_LANGUAGES), language;
    while (str_next(&languages, ' ', &language)) {
        if (is_written_in_8bit(str_trim(language)))
            return 0;
    }
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

const struct eval_entry eval_textcat[] = {
    {"check_body_8bits", check_body_8bits, 0, 0},
    {0},
};
