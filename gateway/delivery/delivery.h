/*
 * delivery: the process that owes. Everything in queue/ is in its memory as a job, but for what is
 * on hold (resting.h) and what is beyond DELIVERY_JOBS_MAX; a job has a leg for each next hop of
 * its recipients; a leg waits for its time, stands in the line of its hop, or is busy on a lane (a
 * connection, or a thread for a Maildir or for the process `reports`).
 *
 *   notice or sweep ─► job_adopt ─► legs ─► hop's line ─► lane ─► result for each recipient
 *                                    ▲                              │ 2xx  delivered
 *                                    └────── back-off ◄── 4xx ──────┤ 4xx  deferred
 *                                                                   └ 5xx  held, or its sender told
 *   nobody owed any more ─► the journal has committed all of it ─► unlink, or move to quarantine/
 *
 * What is written when, and what a crash at each point costs:
 *
 *   1 the next hop says 250       a crash before 2: delivered again (its word was not recorded)
 *   2 mark "delivered" appended   survives a killed process; not yet fsync'd
 *   3 told to the journal         a crash before 4: told again, nothing is delivered again
 *   4 journal says committed
 *   5 file unlinked               survives a killed process
 *   6 folder fsync'd              within about a second, one for all unlinks of that time
 *
 * So a killed process delivers twice at most what was before 2, one message on each lane. A power
 * cut can undo 2 and 5 where the disk had not yet taken them: what was delivered in the last second
 * or so comes again (in the last half minute, if the journal was away too: then the files wait for
 * it, and the kernel writes their marks when it likes). An fsync for each message at 2 would halve
 * the speed for nothing, since the file is gone a moment later. Only a message that stays, because
 * somebody else is still owed or it goes to quarantine/, is fsync'd for its marks. Nothing is ever
 * lost: a file goes only at 5. Where 2 can't be written (the disk is full) the mark waits in
 * memory, and where 5 fails so does the job: as long as the process lives nobody gets it again.
 *
 * One thread runs the loop and owns all of this; threads (client/workers.h) do Maildirs and
 * fsync.
 */
#ifndef POTERNE_GATEWAY_DELIVERY_H
#define POTERNE_GATEWAY_DELIVERY_H

#include <event2/event.h>

#include "base/recipient.h"
#include "base/role.h"
#include "base/siphash.h"
#include "base/witness.h"
#include "bounce/decide.h"
#include "gateway/client/client.h"
#include "gateway/client/proof.h"
#include "gateway/client/workers.h"
#include "gateway/delivery/line.h"
#include "gateway/delivery/outside.h"
#include "gateway/delivery/pace.h"
#include "gateway/delivery/resting.h"
#include "gateway/delivery/route.h"
#include "gateway/freeze.h"
#include "gateway/gate/bounces.h"
#include "gateway/gate/networks.h"
#include "gateway/outgoing.h"
#include "gateway/tls.h"
#include "quarantine/held.h"
#include "spool/notice.h"
#include "spool/spool.h"

/* In memory; the rest waits on the disk for a sweep. What is on hold is no job: of RESTING_MAX the
 * ids are kept, and more of them are jobs like others, which count. */
#define DELIVERY_JOBS_MAX      200000
#define DELIVERY_JOBS_ORDERED  1000 /* above that, of those that an order was given about */
#define DELIVERY_JOBS_SAY      60   /* seconds between two words about that */
#define DELIVERY_LOAD_MAX      (96 * 1024 * 1024) /* memory for one message's envelope */
#define DELIVERY_SERVICE_MAX   64                 /* connections to the service socket */
#define DELIVERY_ROUND         64   /* notices or files taken before others have their turn */
#define DELIVERY_ROUND_MS      20   /* … likewise, milliseconds of a sweep */
#define DELIVERY_SWEEP_SECONDS 5    /* between two looks into queue/ */
#define DELIVERY_HELD_SECONDS  300  /* … into quarantine/ */
#define DELIVERY_SWEEP_PART    100  /* looking takes about that part of the time … */
#define DELIVERY_SWEEP_LONGEST 60   /* … but seconds without a look are no more than that */
#define DELIVERY_IDLE_SECONDS  15   /* an idle connection is kept that long */
#define DELIVERY_MESSAGE_MAX   3600 /* seconds for one transaction */
#define DELIVERY_HOP_RETRY_MAX 300  /* a hop of ours that is down is tried that often at least */
#define DELIVERY_PLAIN_SECONDS 3600 /* so long TLS is not tried where it failed */
#define DELIVERY_WALK_SECONDS  300  /* so long one lane goes from server to server of its hop */
/* Connections that close under one leg before it waits; each of them carried a message before. */
#define DELIVERY_RETURNS_MAX     100
#define DELIVERY_TELL_MAX        500   /* legs of a hop told at once why they wait */
#define DELIVERY_LOOK_STEPS      10000 /* legs of a hop that are looked at in one look */
#define DELIVERY_LOOK_MAX        100   /* … of all hops together in a second, when nobody asked */
#define DELIVERY_LOOK_SECONDS    60    /* between two looks at who stands in a hop's line … */
#define DELIVERY_LOOK_AGAIN      5     /* … where there were more to be told */
#define DELIVERY_BOUNCES         64    /* notices to senders that are being made at once */
#define DELIVERY_FREEZES         8     /* accounts that are being frozen at once */
#define DELIVERY_DRAIN_SECONDS   25    /* for what is under way when asked to end */
#define DELIVERY_STUCK_SECONDS   60    /* to the next try to move or remove a file, at most */
#define DELIVERY_JOURNAL_BYTES   ((size_t)64 * 1024 * 1024)
#define DELIVERY_JOURNAL_SECONDS 5 /* for the journal's last word when asked to end */

struct delivery;
struct bounce_work;
struct freezing;
struct held_index;
struct journal_client;
struct job;
struct hop;
struct lane;
struct unwritten;

enum leg_state {
    LEG_DONE,    /* nobody owed */
    LEG_WAITING, /* for its time */
    LEG_LINED,   /* in the hop's line */
    LEG_BUSY     /* on a lane */
};

/* What happens to a notice of success where it is delivered. */
enum leg_way {
    WAY_FINAL,  /* it is there: ours to send */
    WAY_RELAY,  /* a server takes it that sends none: likewise */
    WAY_NOTICES /* a server takes it that sends them */
};

/* What its recipients were told while it stands in the line, or may not. */
enum leg_told {
    TOLD_NOTHING,
    TOLD_DOWN,
    TOLD_TURN,
    TOLD_FROZEN /* it is in no line: the account that sent it is frozen (frozen.h) */
};

struct leg {
    enum leg_state state;
    enum leg_told told;
    struct job *job;
    struct hop *hop;         /* NULL: the settings name none */
    struct str relay;        /* while busy: the server that it is with, or empty */
    struct line_place place; /* in the hop's line */
    struct event *timer;
    int64_t lined_at; /* monotonic seconds: since then it stands in the line */
    unsigned outage;  /* the hop's, when it was told that it is down */
    unsigned tries;
    unsigned returns;
    bool delivered;   /* somebody was, while it was busy */
    bool released;    /* all of them were, out of quarantine: by somebody who may */
    enum leg_way way; /* while busy */
    uint32_t *owed;   /* indexes in the envelope, at most CLIENT_RECIPIENTS_MAX */
    struct str *why;  /* while busy: what each of them was deferred with */
    size_t n;
};

/* A message read from the disk, for as long as somebody needs it. */
struct loaded {
    struct pool *pool;
    struct spool_file *file;
    unsigned users;
    bool sealed; /* it has the signatures that it is to have */
};

struct job_list {
    struct job *first, *last;
};

enum job_need {
    JOB_LOADED,
    JOB_GONE, /* no such file, or a damaged one that was set aside: the job is freed */
    JOB_LATER /* it can't be read now */
};

struct job {
    char id[SPOOL_ID_LEN + 1];
    struct delivery *delivery;
    struct job *same_hash;
    enum spool_state folder;
    struct loaded *loaded; /* NULL: on the disk only */
    struct leg *legs;
    size_t n_legs;
    size_t n_open;              /* legs that are not done */
    size_t n_held;              /* recipients that stay in quarantine */
    size_t n_returning;         /* … whose sender is to be told */
    size_t n_arrived;           /* … that it got there */
    bool delay_due;             /* … that it waits: he is to be told now */
    bool brought;               /* our own people brought it (gateway/gate/ours.h) */
    struct bounce_work *bounce; /* on its way into the queue; NULL: none */
    unsigned bounce_failures;   /* notices that could not be made */
    struct event *bounce_timer; /* NULL: never needed yet */
    uint64_t sender;            /* whose turn it takes (line.h) */
    int64_t since_us;           /* from here on its lifetime counts */
    char *account;              /* that sent it; NULL: none did */
    int64_t frozen_us;          /* since then it waits since that is frozen; 0: it does not */
    int64_t hold_us;    /* since then it waits since somebody holds it (orders.h); 0: it does not */
    bool dropped;       /* whoever is still owed gets nothing, by somebody's order */
    bool untold;        /* the journal may not have everything: tell it all again in the end */
    bool later_version; /* a later poterne wrote the file: it is only remembered, and left alone */
    bool delivered;     /* to somebody, who is no report address */
    bool deleted;       /* somebody's copy was, out of quarantine */
    uint64_t number;    /* of the last event */
    struct unwritten *unwritten; /* marks that its file lacks (unwritten.c) */
    struct job_list *list;       /* settled: the one that it is in */
    struct job *before, *behind; /* settled: in its list */
    struct work work;            /* settled: moving it */
    bool damaged;                /* settled: its file was found to be, when it was to move */
    int64_t again_at;            /* stuck: monotonic seconds, when that is tried again */
};

struct job_table {
    struct job **slots;
    size_t n_slots; /* power of two */
    size_t n;
};

struct hop {
    struct delivery *delivery;
    struct hop *next;
    enum conf_hop_kind kind;   /* of the first: others are servers too, if there are others */
    const char *text;          /* for people */
    const struct route *route; /* how its servers are gone to; NULL: the process `reports` */
    enum policy_asked asked;   /* by the senders of its messages */
    struct targets *targets;   /* the servers; NULL: a thread's work, or not yet looked up */
    struct lookup *lookup;     /* for other domains than ours */
    size_t users;              /* legs */
    struct line line;          /* of legs */
    struct lane *lanes;
    unsigned n_lanes;
    struct pace pace;  /* lanes it may have now */
    unsigned failures; /* times that it was down since it answered last */
    unsigned outage;   /* the number of the time that it was down */
    int64_t look_at;   /* monotonic seconds: when to see who stands in its line too long */
    bool doubtful;     /* one that tried to connect failed, others still try */
    bool down;
    bool kicking; /* hop_kick() is on the stack */
    bool resting; /* hop_take() has gone through so many in vain; go_on ends it */
    struct event *go_on;
    struct event *timer; /* down: until the next try */
    char error[CLIENT_TEXT_MAX + 1];
};

struct sweep {
    struct delivery *delivery;
    enum spool_state folder;
    struct event *timer;
    char (*ids)[SPOOL_ID_LEN + 1];
    size_t n, cap, at;
    unsigned pause;   /* seconds, at least */
    int64_t spent_us; /* on this one */
    bool again;       /* without a pause */
};

/* What was made before the sandbox closed. */
struct delivery_loaded {
    struct spool *spool;
    struct post post; /* for bounces */
    struct mx_own own[OUTSIDE_OWN_MAX];
    size_t n_own;
    struct routes *routes;
    SSL_CTX *tls;          /* for the servers of next hops; NULL: in clear */
    struct signer *signer; /* of our own mail; NULL: it is not signed */
    struct networks inside;
    struct senders *senders; /* who is frozen */
    struct bounces bounces;
};

struct delivery {
    const struct conf *conf;
    const struct delivery_loaded *loaded;
    const struct role_env *env;
    struct spool *spool;
    struct event_base *base;
    struct workers *workers;
    struct journal_client *journal;
    int journal_fd;
    struct event *journal_readable, *journal_writable;
    struct job_table jobs;
    struct resting resting;   /* on hold, and no jobs */
    int64_t jobs_quiet_until; /* monotonic seconds: that there are too many is not said before */
    struct job_list settled;  /* wait for the journal's word, in the order of their numbers */
    struct job_list untold;   /* wait for room in the journal's line */
    struct job_list stuck;    /* settled, but their files can't be moved or removed now */
    uint64_t acked;           /* the journal has committed everything up to there */
    struct event *settle_soon;
    struct hop *hops;
    unsigned maildir_lanes; /* of all of them */
    bool maildirs_wait;     /* one for a thread (threads.h) */
    struct flows flows;     /* of all their lines */
    unsigned char sender_key[SIPHASH_KEY_SIZE];
    struct hop **domain_hops; /* of each domain of the settings */
    struct outside *outside;  /* for all who are not in our domains */
    struct hop *reports_hop;  /* where report addresses' mail goes */
    struct sweep queue_sweep, held_sweep;
    unsigned bounces;                            /* being made */
    bool frozen_unknown;                         /* who is frozen; it was logged */
    struct freeze_notes notes;                   /* about who was frozen by us */
    struct freezing *freezing[DELIVERY_FREEZES]; /* NULL: a place is free */
    struct held_index *vault;                    /* NULL: it can't be written */
    int64_t vault_quiet_until;                   /* monotonic seconds */
    int64_t vault_hurry_from; /* likewise: not before then is a sweep hurried for it */
    struct event *expire;
    unsigned expire_stuck[HELD_CLASSES]; /* rows passed over in this pass */
    bool expire_begun;                   /* a pass is under way */
    bool expire_asked;                   /* by hand */
    bool expire_waited;                  /* a day, since the clock seemed to have jumped */
    struct event *kept_timer;
    struct work kept_work; /* removing from kept/ */
    bool kept_busy;
    _Atomic bool kept_stop; /* told to that thread */
    int64_t kept_before;    /* told to that thread: what is older goes */
    uint64_t kept_bytes;    /* in kept/, as far as it is known */
    uint64_t kept_found;    /* by the thread */
    uint64_t kept_came;     /* since the thread began */
    struct event *tick;
    bool was_busy; /* at the last tick */
    struct event *ctl;
    struct service *service;
    bool unlinked[SPOOL_STATES]; /* since the last fsync of that folder */
    bool sync_wanted[SPOOL_STATES];
    bool syncing;
    struct work sync;
    bool draining;
    int64_t drain_until; /* monotonic seconds */
    struct witness witness;
};

int64_t delivery_now_us(void);
/* The same as far as it is believed (base/witness.h), for what is old by it. Also once a second. */
int64_t delivery_believed_us(struct delivery *delivery);
/* seconds until try number `tries` + 1: doubled each time, a fifth more or less by chance */
unsigned delivery_pause(unsigned first, unsigned max, unsigned tries);

/* --- the process, but for its sandbox (loop.c) --- */
/* env and what was loaded must outlive it. */
struct delivery *delivery_start(const struct role_env *env, const struct delivery_loaded *loaded,
                                struct err *err);
/* Serves until drained. */
int delivery_run(struct delivery *delivery, struct err *err);
void delivery_stop(struct delivery **delivery);

/* --- jobs (job.c) --- */
struct job *job_find(struct delivery *delivery, struct str id);
/* A file of queue/ becomes a job, unless it is one, is resting, or there are DELIVERY_JOBS_MAX.
 * What is on hold rests then. Whoever has that job in hand may not call it. */
void job_adopt(struct delivery *delivery, const char *id);
/* What rests is a job again, with its legs, until job_rest(); NULL: it does not, or can't be now.
 */
struct job *job_wake(struct delivery *delivery, const char *id);
/* If it is on hold, and nobody is busy with it, it is no job any more (resting.h); likewise if
 * there are more than may be: a sweep finds it again. It may be gone then. */
void job_rest(struct job *job);
/* What rests of an account: how many there are in `ids`, `max` at most; others may be among them.
 */
size_t jobs_resting_of(const struct delivery *delivery, struct str account,
                       char (*ids)[SPOOL_ID_LEN + 1], size_t max);
/* That one is no job, and why; -1. */
int job_absent(struct delivery *delivery, struct str id, struct err *err);
/* A file of quarantine/ of which the journal may not know. */
void job_adopt_held(struct delivery *delivery, const char *id);
/* The file in quarantine/ says that somebody's copy was released. */
bool job_is_released(struct delivery *delivery, const char *id);
/* Reads the file unless it is read; job_unneed() lets it go. */
enum job_need job_need(struct job *job);
void job_unneed(struct job *job);
/* A leg is done: when it was the last, the job is settled, unless somebody is to be told. */
void job_leg_done(struct job *job);
void job_free(struct job *job);
void jobs_free(struct delivery *delivery);

/* --- the end of a job (settle.c) --- */
int settle_start(struct delivery *delivery, struct err *err);
/* The job is loaded. */
void settle_begin(struct job *job);
/* The journal has committed everything up to there. */
void settle_acked(struct delivery *delivery, uint64_t number);
/* Tells again what the journal did not take; tries again to move or remove what could not be. */
void settle_tick(struct delivery *delivery);
/* Out of its list. */
void settle_forget(struct job *job);

/* --- telling the sender (bounce.c) --- */
/* Is there one to be told of that recipient? `why` is the reason of a failure. The job is loaded.
 */
enum bounce_answer bounce_wanted(const struct job *job, enum bounce_event event, uint32_t index,
                                 struct str why);
/* Counts who is to be told of what; the job has just been read. */
void bounce_adopt(struct job *job);
/* It is about to be marked delivered: whether its sender is to be told is in the file before. */
void bounce_note_way(struct job *job, uint32_t index, enum leg_way way);
/* It is marked so. */
void bounce_note_arrival(struct job *job, uint32_t index);
/* Somebody of it waits: its sender hears of it, once it has waited for so long. */
void bounce_note_delay(struct job *job);
/* Something is to be told, or is being told: it is not settled before. */
bool bounce_owes(const struct job *job);
/* Senders are told: at once where nothing else is under way, soon where there is. The job is
 * loaded; it is settled by this where that was the last. */
void bounce_soon(struct job *job);
void bounce_forget(struct job *job);

/* --- the journal (journal.c) --- */
int journal_start(struct delivery *delivery, struct err *err);
void journal_stop(struct delivery *delivery);
/* Both set job->untold when the journal takes no more. The job is loaded. */
void journal_tell_message(struct job *job);
void journal_tell_recipient(struct job *job, uint32_t index);
/* Beside what became of it: something that was ordered when it had that state. */
void journal_tell_order(struct job *job, uint32_t index, unsigned recipient_state, int64_t time_us,
                        struct str what);
/* Beside what became of it: its sender is told so by that notice. In the journal alone, so that it
 * is missing there if we are killed before it is committed. */
void journal_tell_notice(struct job *job, uint32_t index, const char *notice_id, const char *what);

/* --- TLS with servers of other domains, for reports (RFC 8460; tell_tls.c) --- */
struct policy;
/* How a session ended, under the policy that was in force. */
struct tls_end {
    const struct hop *hop; /* one that was looked up */
    const struct target *target;
    const struct policy *policy;
    const char *local; /* our address */
    enum proof_fault fault;
    const char *why; /* of a fault */
};
void tls_tell_session(const struct tls_end *end);
/* Of servers that are not gone to: once for each time that they were looked up for mail that is
 * owed. */
void tls_tell_left_out(const struct hop *hop, const struct mx *mx);

/* --- legs (leg.c, result.c) --- */
/* Recipients that are owed, grouped by hop. The job is loaded. -1: no memory. */
int legs_make(struct job *job, struct err *err);
/* Each leg into its hop's line, or to wait for its time. The job is loaded. */
void legs_start(struct job *job);
/* Waiting legs are lined up now. */
void legs_hurry(struct job *job);
/* … in that time, whatever they wait for. */
void legs_hurry_in(struct job *job, unsigned milliseconds);
/* Loads the job: the leg is busy from JOB_LOADED until leg_done() or leg_return(). */
enum job_need leg_begin(struct leg *leg);
/* The message has its signatures (sign.h); false: not now, everybody is deferred and the leg done.
 */
bool leg_seal(struct leg *leg);
/* It is with that server now, over TLS of that version (NULL: in clear). */
void leg_is_with(struct leg *leg, const char *relay, const char *security);
void leg_result(struct leg *leg, size_t i, enum client_outcome outcome, struct str text);
/* Every result is there: deferred ones wait, others are done with. */
void leg_done(struct leg *leg);
/* Everybody is refused, and the leg done. */
void leg_refuse(struct leg *leg, const char *why);
/* Everybody is deferred, and the leg done. */
void leg_fail(struct leg *leg, const char *why);
/* A leg that stands in no line, of a job that is loaded: its recipients are held, and it is done.
 * False: it could not be, and waits. */
bool leg_hold(struct leg *leg, struct str why);
/* Of a job that is dropped: whoever is owed gets nothing, and the leg, which stands in no line, is
 * done, unless it has to wait. The job may be gone then. */
void leg_drop(struct leg *leg);
/* Out of its line, if it stands in one; it waits for no time. Not busy. */
void leg_rest(struct leg *leg);
/* Its connection was no longer there: first in line again. */
void leg_return(struct leg *leg);
void leg_wait(struct leg *leg, unsigned seconds);
/* It can't be begun now. */
void leg_postpone(struct leg *leg);
bool leg_is_expired(const struct leg *leg);
/* Its recipients are told why they wait, or held if it has expired; if it stands in a line it keeps
 * its place. False: it waits no more, or its file has gone and so has the leg. */
bool leg_tell(struct leg *leg, enum leg_told what, const char *why);

/* --- marks and notes that could not be written (unwritten.c) --- */
/* Recipients met that fate, which the file in memory says already. Lost with the process. */
void unwritten_keep(struct job *job, const uint32_t *indexes, size_t n,
                    const struct spool_mark *mark);
/* The same of a note about them. Those are written in their order, so that behind one that waits
 * each further one does. */
void unwritten_keep_note(struct job *job, const uint32_t *indexes, size_t n, enum spool_note note,
                         int64_t time_us);
bool unwritten_has_note(const struct job *job);
/* The job's file was just opened: it gets them, or has them in memory alone. -1: it lacks some
 * still, err says why. Not for two threads at once. */
int unwritten_write(struct job *job, struct spool_file *file, struct pool *pool, struct err *err);
void unwritten_free(struct job *job);

/* --- hops (hop.c) --- */
int hops_make(struct delivery *delivery, struct err *err);
void hops_free(struct delivery *delivery);
/* One more, without servers; text must outlive it. Its servers are ours if `ours`: it begins with
 * all the lanes that it may have. NULL: out of memory. */
struct hop *hop_new(struct delivery *delivery, enum conf_hop_kind kind, const char *text,
                    bool ours);
/* It is in no list any more. */
void hop_free(struct hop *hop);
/* That of an address, for messages whose senders asked for that. 1; 0: the settings name none; -1:
 * there is no room for one more. */
int hop_for(struct delivery *delivery, struct str address, enum policy_asked asked,
            struct hop **hop);
/* Its servers are those that the DNS names for a domain. */
bool hop_is_by_mx(const struct hop *hop);
/* The first leg of the line that can be begun; it is busy then. After DELIVERY_ROUND that can't be,
 * each read from the disk (a key is missing), others have their turn first: NULL. */
struct leg *hop_take(struct hop *hop);
/* Gives legs to idle lanes, and opens lanes. */
void hop_kick(struct hop *hop);
/* That Maildir has given a thread back: others that wait for one come before it. */
void hop_thread_free(struct hop *hop);
/* One that is down: seconds until it is tried again. */
int64_t hop_again_in(const struct hop *hop);
bool hops_busy(const struct delivery *delivery);
void hops_close_lanes(struct delivery *delivery, bool idle_only, const char *why);

/* --- the line before a hop (waiting.c) --- */
void hop_line_up(struct hop *hop, struct leg *leg, bool in_front);
/* In front, as long in the line as before. */
void hop_line_return(struct hop *hop, struct leg *leg);
void hop_line_leave(struct hop *hop, struct leg *leg);
/* Who stands in it is told why, or held if it has expired: `max` of them at most. How many. */
unsigned hop_tell_line(struct hop *hop, unsigned max);
/* Once a second: who stands in a line for long. */
void hops_tick(struct delivery *delivery);

/* --- whether it is there, and how much of it (outage.c) --- */
/* One of its servers greeted. */
void hop_works(struct hop *hop);
/* It could not be connected to. */
void hop_failed(struct hop *hop, const char *why);
/* Nobody knows now who its servers are: no word of theirs. It fails where it has no lane; those
 * that it has go on. */
void hop_unknown(struct hop *hop, const char *why);
/* A message broke off there; silent: since nothing came of it until its time was over. */
void hop_broke(struct hop *hop, bool silent, const char *why);
/* It answered about a message; something of it was delivered, or MAIL was put off. */
void hop_answered(struct hop *hop, bool delivered, bool put_off);
/* Nothing can be delivered there, as hop->error says: its line is refused. */
void hop_refuse(struct hop *hop);
/* Lanes that it may have now. */
unsigned hop_lanes_allowed(const struct hop *hop);
/* Its timer is over: it is tried again. */
void hop_try_again(struct hop *hop);
/* Forgets which hops are down. */
void hops_hurry(struct delivery *delivery);
/* … whether that one is. */
void hop_hurry(struct hop *hop);
/* Seconds until what failed so often is tried again. */
unsigned hop_pause(const struct hop *hop, unsigned failures);

/* --- lanes (lane.c) --- */
int lane_open(struct hop *hop, struct err *err);
bool lane_wanted(const struct hop *hop);
/* One that is idle takes a leg; false: none did. */
bool lane_offer(struct hop *hop);
bool lanes_busy(const struct hop *hop);
/* One of them was answered. */
bool lanes_greeted(const struct hop *hop);
/* All of them, or those that carry nothing. Nobody opens others in their place. */
void lanes_close(struct hop *hop, bool idle_only, const char *why);
/* Those that are only kept for what may come. */
void lanes_close_kept(struct hop *hop, const char *why);
/* Those whose server was connected to before then (monotonic seconds), and has not greeted: it has
 * failed, and they go to the next one, if there is one. */
void lanes_close_silent(struct hop *hop, int64_t before);

/* --- reports (report.c) --- */
/* In a thread. text: what became of it, or why nothing did. */
enum client_outcome report_hand_over(const struct delivery *delivery, const struct spool_file *file,
                                     uint32_t index, char text[CLIENT_TEXT_MAX + 1]);

/* --- sweeps (sweep.c) --- */
int sweep_start(struct delivery *delivery, struct sweep *sweep, enum spool_state folder,
                unsigned pause, struct err *err);
void sweep_stop(struct sweep *sweep);

/* Begins anew soon, whether or not it is under way. */
void sweep_hurry(struct sweep *sweep);

/* --- the index of quarantine/ (vault.c) --- */
void vault_start(struct delivery *delivery);
void vault_stop(struct delivery *delivery);
/* Who searches sees it from here on. */
void vault_commit(struct delivery *delivery);
/* There is nothing to do: what the index keeps in memory is given back. */
void vault_rest(struct delivery *delivery);
/* Once a second. */
void vault_tick(struct delivery *delivery);
/* The index has it as it stands on the disk, and so does the journal. */
bool vault_knows(struct delivery *delivery, const char *id);
/* A file of quarantine/ with somebody held. -1: the index could not be written. */
int vault_put(struct delivery *delivery, const struct spool_file *file);
/* The same, read from the disk. */
void vault_renew(struct delivery *delivery, const char *id);
/* -1 likewise. */
int vault_drop(struct delivery *delivery, const char *id);
/* These are all that lie in quarantine/, but for what came meanwhile. */
void vault_swept(struct delivery *delivery, const char (*ids)[SPOOL_ID_LEN + 1], size_t n);

/* --- decisions about held messages (decide.c) --- */
/* Released or deleted, for one or for all; how many recipients, or -1. */
int decide_held(struct delivery *delivery, const struct notice *notice, enum recipient_state to,
                struct err *err);
/* A copy to notice->address. 1 or -1. */
int decide_copy(struct delivery *delivery, const struct notice *notice, struct err *err);
/* Once a day what was held long enough is deleted. */
int expire_start(struct delivery *delivery, struct err *err);
void expire_now(struct delivery *delivery);

/* --- what was delivered and is kept (kept.c) --- */
int kept_start(struct delivery *delivery, struct err *err);
/* Instead of unlinking the file: false when it is not wanted or can't be done. */
bool kept_take(struct job *job);

/* --- a released message (released.c) --- */
/* Adds the header field that says so, if somebody's copy was released. -1: out of memory. */
int released_mark(struct spool_file *file, struct pool *pool, struct err *err);

/* --- service socket (service.c) --- */
int service_start(struct delivery *delivery, struct err *err);
void service_stop(struct delivery *delivery);

#endif
