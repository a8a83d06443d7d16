/*
 * guard: may a new model go live, and was it right that it did? Pure functions of scores; scores
 * are in the mission's sign (below 0 looks like spam, 0 is no opinion).
 *
 * Before: the new model and the one in service judge the same held-out mail, which neither was
 * trained on. The new one is refused when
 *   - more ham is below 0 than before, be it by one message, however little mail is held out.
 *     Borderline ham moves to and fro, and of many models the luckiest would serve for ever: so
 *     where it is one more (or one in 400), and a small caution, added to all of the new one's
 *     scores, keeps ham errors where they were, the new one is judged, and serves, with that;
 *   - it ranks worse beyond chance: DeLong's test for two ROC curves over the same messages, one
 *     side, 1 % (E. DeLong, D. DeLong, D. Clarke-Pearson, "Comparing the Areas under Two or More
 *     Correlated Receiver Operating Characteristic Curves", Biometrics 44, 1988; in one sort, as
 *     in X. Sun, W. Xu, IEEE Signal Processing Letters 21, 2014). A single message moves it by at
 *     most one standard deviation, so it takes six that agree;
 *   - it misses more spam beyond chance (exact sign test, 1 %), more than GUARD_HAM_WORTH for each
 *     ham that is saved. What moves all scores alike ranks as before, and would let all spam
 *     through.
 * The last two ask for GUARD_FEW held-out messages of each class. A held-out message that neither
 * model knows anything of tells nothing and counts for nothing.
 *
 * One message in ten of a wave of lies is held out, too, and many small steps, each within chance,
 * lead far. So the new one is also compared with the last model that has proved itself, on the
 * mail that was held out when that one was built: guard_drift(). Lies may also wear a model down
 * until its scores are right but next to nothing, and the rules alone decide; so there it is
 * refused, too, when the right class surprises it more (logarithmic loss, the mean over all mail:
 * I. Good, "Rational Decisions", Journal of the Royal Statistical Society B 14, 1952).
 *
 * After: every newly confirmed message is judged by the model in service and by the last one that
 * has proved itself, and only where they differ it counts: worse or better. This is looked at
 * after each message, where a test made for one look would cry wolf sooner or later; so the
 * evidence is the ratio of likelihoods, "worse is likelier than better" (uniform over 1/2 to 1)
 * against "both alike", which under the latter exceeds x ever with a chance of at most 1/x
 * (J. Ville 1939; H. Robbins, Annals of Mathematical Statistics 41, 1970).
 */
#ifndef POTERNE_BAYES_PUBLISH_GUARD_H
#define POTERNE_BAYES_PUBLISH_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define GUARD_SAMPLES_MAX 1000000
#define GUARD_FEW         20   /* held-out messages of a class: below, chance can't be told */
#define GUARD_WORSE_Z     2.33 /* standard deviations: 1 % */
#define GUARD_WORSE_P     0.01
#define GUARD_HAM_WORTH   10   /* spams let through to save one ham */
#define GUARD_RISE_EACH   400  /* held-out ham for each error, beyond one, that caution may cure */
#define GUARD_CAUTION_MAX 1.5  /* natural log-odds */
#define GUARD_SURPRISE    0.05 /* natural log, mean of all; honest models of real mail: 0.009 */
#define GUARD_REASON_MAX  256

struct guard_sample {
    bool spam;
    double before; /* score by the model in service */
    double after;  /* by the new one */
};

struct guard_figures {
    uint32_t ham_errors;  /* ham below 0 */
    uint32_t spam_missed; /* spam not below 0 */
    double roca;          /* 1 - area under the ROC curve, 0 to 1; 0 when a class is missing */
};

struct guard_report {
    uint32_t ham; /* held-out messages that were judged */
    uint32_t spam;
    struct guard_figures before, after; /* after: with the caution */
    double caution;
    uint32_t ham_worse; /* only the new one has it below 0 */
    uint32_t ham_better;
    uint32_t spam_worse; /* only the new one misses it */
    uint32_t spam_better;
    double z; /* how much worse the new one ranks, in standard deviations; within ±GUARD_Z_MAX */
    bool accepted;
    char reason[GUARD_REASON_MAX]; /* for people, one line */
};
#define GUARD_Z_MAX 1000.0

/* -1 for too many samples, a score that is no number, or no memory; nothing is accepted then. */
int guard_compare(const struct guard_sample *samples, size_t n, struct guard_report *report,
                  struct err *err);

/*
 * samples: before by the last model that has proved itself, after by the new one without caution;
 * of mail older than the first. When ham errors, missed spam or the ranking are worse beyond
 * chance, or the surprise by more than GUARD_SURPRISE, an accepted report becomes a refused one.
 */
int guard_drift(const struct guard_sample *samples, size_t n, struct guard_report *report,
                struct err *err);

/* How likely under "worse and better are alike" it is that at least so many of both are worse. */
double guard_sign_test(uint32_t worse, uint32_t better);

/* --- after going live --- */

#define GUARD_DROP_HAM 20.0  /* evidence that is enough when ham suffers: 7 worse, none better */
#define GUARD_DROP_ANY 100.0 /* when only all mail together does: 9 */
#define GUARD_PROVED   200   /* messages judged without a drop: it has proved itself */

struct guard_watch {
    uint32_t judged;
    uint32_t ham_worse; /* ham below 0 for the one in service only */
    uint32_t ham_better;
    uint32_t spam_worse; /* spam that only the one in service missed */
    uint32_t spam_better;
};

/* before: the score by the one that has proved itself; after: by the one in service. Says whether
 * the two differed. */
bool guard_watch_add(struct guard_watch *watch, const struct guard_sample *sample);
/* The ratio of likelihoods, natural logarithm. */
double guard_watch_evidence(uint32_t worse, uint32_t better);
bool guard_watch_dropped(const struct guard_watch *watch);

#endif
