/*
 * regex: Perl's regular expressions as rule files write them, on PCRE2 with its JIT.
 *
 * Patterns and texts are bytes, as in SpamAssassin: mail is full of text in no or a wrong charset,
 * a byte always matches itself, and published rules are written for bytes ("\xC3\xA9" or the
 * UTF-8 letter itself outside of a class). Case is ignored for ASCII only. A pattern cannot turn
 * Unicode mode on and cannot run code.
 *
 * A match that takes too much is never "no match": it is REGEX_LIMIT. PCRE2's own limits count for
 * one start position only, so a text is searched in windows of start positions, with a look at the
 * clock between two windows, and between two positions of a window that takes many steps.
 */
#ifndef POTERNE_RULES_REGEX_H
#define POTERNE_RULES_REGEX_H

#include "base/err.h"
#include "base/pool.h"

#define REGEX_PATTERN_MAX     (512 * 1024) /* bytes of one pattern */
#define REGEX_TIME_MAX_MS     100          /* of processor time for one search */
#define REGEX_MATCH_LIMIT     500000       /* steps from one start position */
#define REGEX_DEPTH_LIMIT     20000        /* nested steps (without JIT) */
#define REGEX_HEAP_LIMIT_KIB  (16 * 1024)  /* (without JIT) */
#define REGEX_JIT_STACK_FIRST (32 * 1024)
#define REGEX_JIT_STACK_MAX   (1024 * 1024)
/* Between two looks at the clock, in a text of at most REGEX_SHORT bytes. The longer it is, the
 * fewer, as is REGEX_MATCH_LIMIT; while it goes fast, more. */
#define REGEX_SHORT       2048
#define REGEX_WINDOW      512  /* start positions */
#define REGEX_WINDOW_MAX  8192 /* of them while it goes fast */
#define REGEX_STEPS       1000 /* steps from each */
#define REGEX_STEPS_LEAST 32
#define REGEX_MATCH_LEAST 65536 /* what REGEX_MATCH_LIMIT goes down to */

/* A pattern as it stands in a rule file: /…/flags, m{…}flags, qr!…!flags. */
struct regex_literal {
    struct str pattern;
    uint32_t options; /* PCRE2's */
    bool extended;    /* flag x: blanks and comments in it */
};

/* The whole of text must be one literal. */
int regex_literal_parse(struct str text, struct regex_literal *literal, struct err *err);

/* End of the character class that begins at `at` of a pattern, or the pattern's. */
size_t regex_skip_class(struct str pattern, size_t at);

struct regex;

struct regex *regex_new(const struct regex_literal *literal, struct err *err);
/* For one message, with text out of it in the pattern: compiled in little time, not made fast. */
struct regex *regex_new_once(const struct regex_literal *literal, struct err *err);
void regex_free(struct regex **regex);

/* From now on by PCRE2's interpreter, as where the JIT is missing or may not make code. */
void regex_interpret(struct regex *regex);
/* From now on regex_is_local() says no. */
void regex_keep_to_pieces(struct regex *regex);

/*
 * True when a match in a piece of text is sure to be a match in any longer text that has the piece
 * between line ends: no anchor, no negative look-around, nothing that gives up a way of matching.
 */
bool regex_is_local(const struct regex *regex);

/* What a thread needs to match: stacks, limits, and when it must have come to an end. */
struct regex_runner;

struct regex_runner *regex_runner_new(struct err *err);
void regex_runner_free(struct regex_runner **runner);
/* All matches from here on must be over in so many milliseconds; REGEX_LIMIT afterwards. */
void regex_runner_start(struct regex_runner *runner, unsigned milliseconds);
bool regex_runner_late(const struct regex_runner *runner);

enum regex_result { REGEX_NO, REGEX_YES, REGEX_LIMIT };

struct regex_match {
    size_t from, to; /* in the whole text */
};

/* The first match that starts at or behind `from` (at most text.n) and not behind `last`; STR_NONE:
 * anywhere. */
enum regex_result regex_search(const struct regex *regex, struct regex_runner *runner,
                               struct str text, size_t from, size_t last,
                               struct regex_match *match);

/* Where a pattern matches anywhere in text, what its first group matched; .s NULL: nothing. */
enum regex_result regex_first_group(const struct regex *regex, struct regex_runner *runner,
                                    struct str text, struct str *group);

/* Tells what the groups with a name matched, where a match begins at `from`; those that took no
 * part in it are told as empty. A name can be told more than once. */
typedef void regex_group_found(void *data, struct str name, struct str text);
enum regex_result regex_named_groups(const struct regex *regex, struct regex_runner *runner,
                                     struct str text, size_t from, regex_group_found *found,
                                     void *data);

#endif
