#include "rules/facts/html_facts.h"

static const char *const number_names[HTML_NUMBERS] = {
    [HTML_IS_HTML] = "html",
    [HTML_IMAGE_AREA] = "image_area",
    [HTML_LENGTH] = "length",
    [HTML_MIN_SIZE] = "min_size",
    [HTML_MAX_SIZE] = "max_size",
    [HTML_CLOSED_EXTRA_RATIO] = "closed_extra_ratio",
    [HTML_BACKHAIR_COUNT] = "backhair_count",
    [HTML_BAD_TAG_RATIO] = "bad_tag_ratio",
    [HTML_NON_ELEMENT_RATIO] = "non_element_ratio",
    [HTML_OBFUSCATION_RATIO] = "obfuscation_ratio",
    [HTML_FONT_LOW_CONTRAST] = "font_low_contrast",
    [HTML_FONT_INVALID_COLOR] = "font_invalid_color",
    [HTML_FONT_FACE_BAD] = "font_face_bad",
    [HTML_FORM_ACTION_MAILTO] = "form_action_mailto",
    [HTML_EMBEDS] = "embeds",
    [HTML_URI_TRUNCATED] = "uri_truncated",
    [HTML_HTML_LENGTH] = "html_length",
    [HTML_NON_SPACE_LEN] = "non_space_len",
    [HTML_RATIO] = "ratio",
};

static const char *const text_names[HTML_TEXTS] = {
    [HTML_COMMENTS] = "comment",
    [HTML_SCRIPTS] = "script",
    [HTML_TITLES] = "title",
    [HTML_ANCHORS] = "anchor",
};

bool html_doc_number(const struct html_doc *doc, struct str name, double *value)
{
    for (size_t i = 0; i < HTML_NUMBERS; i++) {
        if (!str_eq(name, str_of(number_names[i])))
            continue;
        *value = doc->numbers[i];
        return doc->defined[i];
    }
    return false;
}

const struct str *html_doc_texts(const struct html_doc *doc, struct str name, size_t *n)
{
    *n = 0;
    for (size_t i = 0; i < HTML_TEXTS; i++) {
        if (!str_eq(name, str_of(text_names[i])))
            continue;
        *n = doc->n_texts[i];
        return doc->texts[i];
    }
    return NULL;
}

const struct html_inside *html_doc_inside(const struct html_doc *doc, struct str tag)
{
    for (size_t i = 0; i < doc->n_inside; i++) {
        if (str_eq(doc->inside[i].name, tag))
            return &doc->inside[i];
    }
    return NULL;
}
