/*
 * eval: "eval:name(arguments)" rules. The functions are ours, small and safe: they look at the
 * facts of one message and never at the network, a file or a clock. Each family has a file and a
 * table of its own; eval.c puts the tables together.
 */
#ifndef POTERNE_RULES_EVAL_EVAL_H
#define POTERNE_RULES_EVAL_EVAL_H

#include "rules/facts/facts.h"
#include "rules/match/regex.h"

#define EVAL_ARGUMENTS_MAX 16

struct eval_argument {
    struct str text;
    double number;       /* 0 when the text is none */
    struct regex *regex; /* of an argument that is a pattern (eval.c) */
};

#define EVAL_NO_MEMORY (-1.0)

struct eval_context {
    struct facts *facts; /* the message: what functions that speak SpamAssassin's language ask */
    const struct rules_input *input;       /* facts->input */
    const struct rules_settings *settings; /* facts->settings */
    struct pool *pool;                     /* facts->pool */
    const struct eval_argument *a;
    size_t n; /* arguments */
    bool raw; /* of a rawbody rule: a function that looks at "the text" takes that one */
    struct regex_runner *runner;
    struct str text; /* out: what was found; may stay empty */
    bool limited;    /* out: a limit was hit, the answer is not known */
    bool unknown;    /* out: who was asked gave no answer; counts only where nothing is found */
};

/* How often it holds (0: not), or EVAL_NO_MEMORY when the pool is used up. */
typedef double eval_function(struct eval_context *c);

struct eval_entry {
    const char *name;
    eval_function *function;
    size_t least, most; /* arguments */
};

/* One table a family, ended by a NULL name; listed in eval.c. */
extern const struct eval_entry eval_bayes[];      /* bayes.c: Bayes.pm */
extern const struct eval_entry eval_body[];       /* body.c: BodyEval.pm */
extern const struct eval_entry eval_freemail[];   /* freemail.h: FreeMail.pm */
extern const struct eval_entry eval_fromname[];   /* fromname.c: FromNameSpoof.pm */
extern const struct eval_entry eval_header[];     /* header.h: HeaderEval.pm */
extern const struct eval_entry eval_html_parts[]; /* html.h: HTMLEval.pm */
extern const struct eval_entry eval_image[];      /* image.h: ImageInfo.pm */
extern const struct eval_entry eval_lists[];      /* lists.c: WLBLEval.pm, WelcomeListSubject.pm */
extern const struct eval_entry eval_mime[];       /* mime.c: MIMEEval.pm */
extern const struct eval_entry eval_network[];    /* network.c: SPF.pm, DKIM.pm, DMARC.pm */
extern const struct eval_entry eval_own[];        /* own.h: poterne's */
extern const struct eval_entry eval_pdf[];        /* pdf.h: PDFInfo.pm */
extern const struct eval_entry eval_relay[];      /* relay.c: RelayEval.pm */
extern const struct eval_entry eval_textcat[];    /* textcat.c: TextCat.pm */
extern const struct eval_entry eval_uris[];       /* uri.c: URIEval.pm and others */
extern const struct eval_entry eval_vbounce[];    /* vbounce.c: VBounce.pm */

struct eval_call {
    eval_function *function;
    struct eval_argument *arguments;
    size_t n_arguments;
    bool raw;
    bool pass_2; /* it looks at what pass 2 says, which is in the verdict by itself */
};

/* "name(1, 'two')"; the texts are copied into the pool. eval_call_release() gives patterns back. */
int eval_compile(struct pool *pool, struct str text, struct eval_call *call, struct err *err);
void eval_call_release(struct eval_call *call);

/* "name(1, 'two')" as a name and arguments, whose texts are copied into the pool. */
int eval_split(struct pool *pool, struct str text, struct str *name,
               struct eval_argument arguments[EVAL_ARGUMENTS_MAX], size_t *n, struct err *err);
/* -1 with err: there are too few or too many of them. */
int eval_count(const char *name, size_t n, size_t least, size_t most, struct err *err);

/* Does the pattern of a[argument] match? A limit that it runs into sets c->limited. */
bool eval_matches(struct eval_context *c, size_t argument, struct str text);

/* Bytes of the text that the rule looks at: body, or rawbody. False: no memory. */
bool eval_text_length(const struct eval_context *c, size_t *length);

/* Is the value within the (MIN, MAX) that begin at a[first]? Both are included; a missing MAX is no
 * bound. */
static inline bool eval_in_bounds(double value, const struct eval_argument *a, size_t n,
                                  size_t first)
{
    return value >= a[first].number && (n <= first + 1 || value <= a[first + 1].number);
}

#endif
