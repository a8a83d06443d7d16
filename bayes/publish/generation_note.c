#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fsio.h"
#include "bayes/publish/generations.h"
#include "bayes/publish/note.h"

#define STATE_MAX 16

/* As in the file: a state's word instead of its number. */
struct noted {
    struct generation generation;
    char state[STATE_MAX];
};

#define OF(key, type, member) NOTE_FIELD(key, type, struct noted, member)

static const struct note_field generation_fields[] = {
    OF("number", NOTE_U64, generation.number),
    OF("state", NOTE_TEXT, state),
    OF("why", NOTE_TEXT, generation.why),
    OF("built", NOTE_U64, generation.built),
    OF("spam", NOTE_U64, generation.spam),
    OF("ham", NOTE_U64, generation.ham),
    OF("tokens", NOTE_U64, generation.tokens),
    OF("compared-with", NOTE_U64, generation.compared_with),
    OF("held-ham", NOTE_U32, generation.held.ham),
    OF("held-spam", NOTE_U32, generation.held.spam),
    OF("ham-errors-before", NOTE_U32, generation.held.before.ham_errors),
    OF("ham-errors", NOTE_U32, generation.held.after.ham_errors),
    OF("spam-missed-before", NOTE_U32, generation.held.before.spam_missed),
    OF("spam-missed", NOTE_U32, generation.held.after.spam_missed),
    OF("1-roca-before", NOTE_DOUBLE, generation.held.before.roca),
    OF("1-roca", NOTE_DOUBLE, generation.held.after.roca),
    OF("z", NOTE_DOUBLE, generation.held.z),
    OF("caution", NOTE_DOUBLE, generation.held.caution),
};

static const struct note_form generation_form = {"poterne model 1", generation_fields,
                                                 sizeof generation_fields /
                                                     sizeof generation_fields[0]};

static const char *const state_words[] = {"unknown", "accepted", "forced", "refused",
                                          "rolled-back"};

const char *generation_word(const struct generation *generation)
{
    if (generation->in_service)
        return "in service";
    switch (generation->state) {
    case GENERATION_REFUSED:
        return "refused";
    case GENERATION_ROLLED_BACK:
        return "rolled back";
    case GENERATION_UNKNOWN:
        return "unknown";
    case GENERATION_ACCEPTED:
    case GENERATION_FORCED:
        break;
    }
    return "former";
}

static int note_path(const char *folder, uint64_t number, char *out, size_t size, struct err *err)
{
    char name[GENERATION_NAME_SIZE];
    snprintf(name, sizeof name, GENERATION_PREFIX "%" PRIu64 GENERATION_NOTE, number);
    return fsio_join(out, size, folder, name, err);
}

int generation_note(const char *folder, const struct generation *generation, struct err *err)
{
    char path[PATH_MAX];
    struct noted noted = {.generation = *generation};
    snprintf(noted.state, sizeof noted.state, "%s", state_words[generation->state]);
    if (note_path(folder, generation->number, path, sizeof path, err) < 0)
        return -1;
    return note_write(path, &generation_form, &noted, err);
}

/* GENERATION_UNKNOWN also for what is not there, or from a newer program. */
static enum generation_state state_of(const char *word)
{
    for (size_t i = 0; i < sizeof state_words / sizeof state_words[0]; i++)
        if (strcmp(word, state_words[i]) == 0)
            return (enum generation_state)i;
    return GENERATION_UNKNOWN;
}

int generation_read(const char *folder, uint64_t number, struct generation *generation,
                    struct err *err)
{
    char path[PATH_MAX], note[PATH_MAX];
    struct noted noted = {.state = ""};
    *generation = (struct generation){.number = number};
    if (generation_path(folder, number, path, sizeof path, err) < 0 ||
        note_path(folder, number, note, sizeof note, err) < 0)
        return -1;
    int found = note_read(note, &generation_form, &noted, err);
    if (found > 0 && noted.generation.number != number)
        found = err_set(err, "%s is the note of another model", note);
    if (found > 0) {
        *generation = noted.generation;
        generation->state = state_of(noted.state);
    } else if (found < 0) {
        snprintf(generation->why, sizeof generation->why, "its note can't be read");
    }
    generation->kept = access(path, F_OK) == 0;
    generation->in_service = generation_current(folder) == number;
    return found < 0 ? -1 : found > 0 || generation->kept;
}

/* --- the trial --- */

#define TRIAL "trial"

#define IN(key, type, member) NOTE_FIELD(key, type, struct trial, member)

static const struct note_field trial_fields[] = {
    IN("proved", NOTE_U64, proved),
    IN("judged", NOTE_U32, watch.judged),
    IN("ham-worse", NOTE_U32, watch.ham_worse),
    IN("ham-better", NOTE_U32, watch.ham_better),
    IN("spam-worse", NOTE_U32, watch.spam_worse),
    IN("spam-better", NOTE_U32, watch.spam_better),
    IN("held", NOTE_BOOL, held),
    IN("held-at", NOTE_U64, held_at),
};

static const struct note_form trial_form = {"poterne trial 1", trial_fields,
                                            sizeof trial_fields / sizeof trial_fields[0]};

int trial_read(const char *folder, struct trial *trial, struct err *err)
{
    char path[PATH_MAX];
    *trial = (struct trial){.proved = 0};
    if (fsio_join(path, sizeof path, folder, TRIAL, err) < 0)
        return -1;
    return note_read(path, &trial_form, trial, err) < 0 ? -1 : 0;
}

int trial_write(const char *folder, const struct trial *trial, struct err *err)
{
    char path[PATH_MAX];
    if (fsio_join(path, sizeof path, folder, TRIAL, err) < 0)
        return -1;
    return note_write(path, &trial_form, trial, err);
}
