/*
 * import: what other filters learned, made into our portable text (portable.h).
 *
 * bogofilter (`bogoutil -d wordlist.db`) has its tokens as text with a place before them: each is
 * read by our own tokenizer at the like place. Lost: header words other than those of Subject,
 * From, To, Return-Path and Received, of which it does not say which field they stood in; MIME
 * tokens; that a word with capitals and without stood in the same message.
 *
 * SpamAssassin (`sa-learn --backup`) has only the last 40 bits of a SHA-1 of each token, so a
 * token is found again only by making it anew: from words that mail on this machine has. All that
 * is not in that mail is lost, and so is what the two tokenizers don't cut alike.
 *
 * What neither has and our own learning gives: structure, links' paths, byte 4-grams.
 */
#ifndef POTERNE_BAYES_TRANSFER_IMPORT_H
#define POTERNE_BAYES_TRANSFER_IMPORT_H

#include "bayes/bayes.h"
#include "bayes/transfer/import_summary.h"

#define IMPORT_TOKENS_MAX (8u * 1024 * 1024)

/* Words that SpamAssassin's tokens are looked for among. */
struct import_words;
struct import_words *import_words_new(void);
void import_words_free(struct import_words **words);
/* Of one message; those beyond IMPORT_TOKENS_MAX are left out. -1 when out of memory. */
int import_words_add(struct import_words *words, const struct features *features, struct err *err);

const char *import_format_text(enum import_format format);

/*
 * Reads `in`, which is a file, from where it stands and writes portable text to `out`. words may be
 * NULL, but not for SpamAssassin's. -1 when it is none of these, malformed or cut short; what was
 * written is then of no use (and says so: its end is missing). A portable text is not converted but
 * only recognised: nothing is written, and `in` stands where it stood.
 */
int import_convert(int in, const char *path, struct import_words *words, int out,
                   const char *out_path, struct import_summary *summary, struct err *err);

#endif
