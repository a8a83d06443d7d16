/*
 * html_notes: small things that SpamAssassin's renderer notes: words that tags cut in two, the
 * size of images, names of fonts.
 */
#ifndef POTERNE_RULES_HTML_NOTES_H
#define POTERNE_RULES_HTML_NOTES_H

#include "rules/facts/html_facts.h"

#define HTML_NOTES_PART_MAX 7 /* characters at an end of a cut word that count */

struct html_notes {
    size_t cuts;                                                  /* in the middle of a word */
    bool parts[HTML_NOTES_PART_MAX + 1][HTML_NOTES_PART_MAX + 1]; /* lengths at both sides */
};

/* A piece of text with markup between it and the piece before it. */
void html_notes_join(struct html_notes *notes, struct str before, bool before_wide,
                     struct str after, bool after_wide);
void html_notes_finish(const struct html_notes *notes, size_t tags, struct html_doc *doc);

/* Square pixels of an image: .s NULL where one of them is not given. */
double html_notes_area(struct str width, struct str height);
/* Does it look like names of fonts? */
bool html_notes_is_face(struct str face);

#endif
