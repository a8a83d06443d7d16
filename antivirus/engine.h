/*
 * engine: one antivirus engine. The only place in poterne with a vtable for scanners.
 *
 * What an answer means:
 *   AV_CLEAN        the engine looked at all of it and knows nothing against it
 *   AV_INFECTED     a signature matched (it wins over everything below)
 *   AV_FAILED       the engine could not do its work; asking again later may help
 *   AV_BANNED       a rule of the admin's file policy forbids a file; no malware need be in it
 *   AV_UNSCANNABLE  a limit, a password, an archive that can't be opened, a timeout: part of the
 *                   message was not looked at, and asking again will not help
 * An engine never says AV_CLEAN when one of the others is true.
 *
 * Each engine looks at the message as it came and at every part that the caller decoded. Where the
 * message is in any way odd an engine's own mail parser reads it, too, so that a MIME trick has to
 * fool both.
 */
#ifndef POTERNE_ANTIVIRUS_ENGINE_H
#define POTERNE_ANTIVIRUS_ENGINE_H

#include "base/clock.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/str.h"

enum av_result { AV_CLEAN, AV_INFECTED, AV_UNSCANNABLE, AV_FAILED, AV_BANNED };

#define AV_ENGINES_MAX 8
#define AV_NAME_MAX    256

struct av_answer {
    char engine[32];
    enum av_result result;
    char name[AV_NAME_MAX]; /* signature, or the reason; empty when clean */
    char version[64];       /* engine and signatures */
    unsigned microseconds;
    enum conf_action ban;  /* AV_BANNED: ACT_DELIVER_MARKED, ACT_QUARANTINE or ACT_REJECT */
    bool left_unlooked_at; /* AV_UNSCANNABLE, whatever else it is */
};

/*
 * The content of one part, its transfer encoding undone. Where its header can be read in more than
 * one way, mail programs show different names: a policy on names must look at each of `names`.
 */
struct av_part {
    struct str bytes;
    struct str filename;     /* UTF-8, the name that most programs show; may be empty */
    const struct str *names; /* all that some program may show, `filename` among them */
    size_t n_names;
    bool as_it_stands; /* it had no encoding: the bytes are a piece of the message itself */
    bool unpacked;     /* it was in an archive that was opened with a password */
    bool unlocked;     /* what is encrypted in it was opened: it follows as parts of its own. Of
                          the raw message ClamAV then says no more that something is encrypted: what
                          is so in it must be a part, or be named in left_out */
};

#define AV_PARTS_MAX 2000 /* of one message */

/* What is scanned; whoever made it keeps the bytes alive. */
struct av_message {
    struct str raw;
    const struct av_part *parts;
    size_t n_parts;      /* at most AV_PARTS_MAX */
    struct str left_out; /* not empty: why `parts` are not all there; then nothing is clean */
    /* All mail programs read it in one way, and these are its parts: nothing in it is broken, named
     * twice, hidden or beside the standards. */
    bool read_one_way;
};

struct engine {
    const char *name;
    const struct engine_ops *ops;
    const struct conf_antivirus *conf; /* must outlive the engine */
    void *data;
    char version[64];
    uint64_t signatures; /* how many; rules, for YARA */
    int64_t made;        /* when they were made, seconds since 1970; 0: they don't say */
    bool official;       /* among them is what ClamAV publishes daily */
};

struct engine_ops {
    /* Loads signatures and fills in what the engine says of itself; done once, before the
     * sandbox. Temporary files go below tmp_dir (NULL: the system's). */
    int (*open)(struct engine *engine, const char *tmp_dir, struct err *err);
    /* Fills in result and name, always, and is back soon after `deadline` (clock_ms). */
    void (*scan)(struct engine *engine, const struct av_message *message, uint64_t deadline,
                 struct av_answer *answer);
    /* Other temporary folder from now on; NULL: the engine makes no files. */
    int (*use_tmp)(struct engine *engine, const char *tmp_dir, struct err *err);
    void (*close)(struct engine *engine);
};

extern const struct engine_ops engine_clamav_ops;
extern const struct engine_ops engine_yara_ops;
extern const struct engine_ops engine_files_ops;

struct engines {
    struct engine list[AV_ENGINES_MAX];
    size_t n;
    unsigned timeout; /* seconds for one message, all engines together */
};

/*
 * Opens the configured ones that are ours in order (outside scanners are antivirus/outside's) and
 * tries each (antivirus/self_test.h). -1 if one can't be opened or does not stand the test (all are
 * closed again). conf must outlive the engines.
 */
int engines_open(struct engines *engines, const struct conf_antivirus *conf, const char *tmp_dir,
                 struct err *err);
void engines_close(struct engines *engines);
/* For a forked worker: a temporary folder of its own. */
int engines_use_tmp(struct engines *engines, const char *tmp_dir, struct err *err);
/* One engine's answer, which is wholly filled in. */
void engine_scan(struct engine *engine, const struct av_message *message, uint64_t deadline,
                 struct av_answer *answer);
/* answers has room for engines->n; takes at most a little more than engines->timeout. */
void engines_scan(struct engines *engines, const struct av_message *message,
                  struct av_answer *answers);

/* Here and not in engines.c, so that who only names results need not link the engines. */
static inline const char *av_result_name(enum av_result result)
{
    static const char *const names[] = {"clean", "infected", "unscannable", "failed", "banned"};
    return (unsigned)result < sizeof names / sizeof *names ? names[result] : "?";
}

/* Milliseconds until `deadline`. */
static inline uint64_t av_left(uint64_t deadline)
{
    uint64_t now = (uint64_t)clock_ms();
    return now < deadline ? deadline - now : 0;
}

/*
 * Puts a finding into the answer if it weighs more than what is there
 * (infected > failed > banned > unscannable > clean); what is banned and unscannable is both. The
 * name is cut to fit.
 */
void av_found(struct av_answer *answer, enum av_result result, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
