/* What was learned, while the learner waits. */
#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include "backup/take_work.h"
#include "base/clock.h"
#include "base/fsio.h"
#include "base/log.h"

#define TRIES 3 /* a learner may give way to a next one meanwhile */
#define PLACE "state/bayes"

static bool is_wanted(const char *name)
{
    struct str x = str_of(name);
    return !str_eq(x, STR("lock")) && !str_starts(x, STR("ledger.damaged-")) &&
           !str_starts(x, STR("__db."));
}

/* Which model serves is said by a link, which no generation has. */
static int take_model(struct take *take, const char *folder, struct err *err)
{
    char link[PATH_MAX], model[64];
    struct manifest *made = take->t.made;
    if (fsio_join(link, sizeof link, folder, "current", err) < 0)
        return -1;
    ssize_t n = readlink(link, model, sizeof model);
    if (n < 0 && errno != ENOENT)
        return err_sys(err, "cannot read %s", link);
    made->model = pool_str(made->pool, str_n(model, n > 0 ? (size_t)n : 0));
    return 0;
}

static int take_once(struct take *take, struct err *err)
{
    char folder[PATH_MAX];
    struct learn_hold hold;
    if (fsio_join(folder, sizeof folder, take->conf->state_dir, "bayes", err) < 0 ||
        learn_hold_begin(take->conf, &hold, err) < 0)
        return -1;
    take->hold = &hold;
    take->held_at = clock_ms();
    int result = taking_folder(&take->t, folder, STR(PLACE), is_wanted, 1, err);
    if (result == 0)
        result = take_model(take, folder, err);
    if (result == 0)
        result = learn_hold_keep(&hold, err);
    take->hold = NULL;
    learn_hold_end(&hold);
    return result;
}

int take_ledger(struct take *take, struct err *err)
{
    size_t from = take->t.made->n;
    int result = take_once(take, err);
    for (unsigned i = 1; result < 0 && i < TRIES; i++) {
        log_info("what was learned is copied again: %s", err->text);
        for (size_t k = from; k < take->t.made->n; k++)
            taking_drop(&take->t, k);
        from = take->t.made->n;
        result = take_once(take, err);
    }
    return result < 0 ? err_prefix(err, "what was learned can't be copied") : 0;
}
