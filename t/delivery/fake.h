/*
 * fake: what stands around poterne-delivery in its tests: a next hop that follows a script, a
 * journal that can be away, and the program itself, started as poterned starts it, killed and
 * started again.
 */
#ifndef POTERNE_T_DELIVERY_FAKE_H
#define POTERNE_T_DELIVERY_FAKE_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "journal/event.h"
#include "spool/spool.h"

/* --- a next hop --- */

enum fake_hop_kind { FAKE_LMTP, FAKE_SMTP, FAKE_HELO /* SMTP without EHLO */ };

/* What it does wrong, and at which command it does; everything else it does right. */
enum fake_fault {
    FAULT_NONE,
    FAULT_CLOSE,  /* closes instead of an answer */
    FAULT_STALL,  /* never answers */
    FAULT_BABBLE, /* answers with nonsense */
    FAULT_FLOOD,  /* answers with a line without end */
    FAULT_TEMP,   /* 451 */
    FAULT_PERM,   /* 550 */
    FAULT_421,    /* says 421 and closes */
    /* … closes with its answer, so that both are read at once: */
    FAULT_TEMP_CLOSE, /* 451 */
    FAULT_RIGHT_CLOSE /* the right one */
};
enum fake_step { STEP_GREETING, STEP_HELLO, STEP_MAIL, STEP_RCPT, STEP_DATA, STEP_FINAL, STEPS };

#define FAKE_MESSAGES_MAX 20000

struct fake_message {
    char recipient[128];
    char subject[64];
    size_t size;
    uint32_t crc; /* of the whole text as received, dots undone */
};

struct fake_hop {
    enum fake_hop_kind kind;
    int listen_fd;
    unsigned port;
    pthread_t thread;
    atomic_bool stopping;
    atomic_int fault;     /* enum fake_fault */
    atomic_int at;        /* enum fake_step */
    atomic_int after;     /* messages taken over one connection before the fault sets in */
    atomic_uint delay_us; /* before each answer to a message */
    atomic_uint connections;
    atomic_uint open;
    atomic_uint open_most;
    pthread_mutex_t lock;
    struct fake_message *messages;
    atomic_size_t n;
};

/* port 0: any */
void fake_hop_start(struct fake_hop *hop, enum fake_hop_kind kind, unsigned port);
/* On a Unix socket instead. */
void fake_hop_start_at(struct fake_hop *hop, enum fake_hop_kind kind, const char *path);
void fake_hop_stop(struct fake_hop *hop);
/* How many copies of that subject came for that recipient (NULL: anybody). */
unsigned fake_hop_count(struct fake_hop *hop, const char *subject, const char *recipient);
void fake_hop_fault(struct fake_hop *hop, enum fake_fault fault, enum fake_step at);

/* --- a journal --- */

struct fake_journal {
    char path[128];
    pthread_t thread;
    atomic_bool stopping;
    bool running;
    pthread_mutex_t lock;
    struct {
        char id[SPOOL_ID_LEN + 1];
        uint32_t index;
        enum recipient_state state;
        char detail[256];
        bool message; /* this is an EVENT_MESSAGE, detail is `held` */
    } * events;
    atomic_size_t n;
};

void fake_journal_start(struct fake_journal *journal, const char *run_dir);
void fake_journal_stop(struct fake_journal *journal);
/* The last state of that recipient, and why; -1: it knows of none. */
int fake_journal_state(struct fake_journal *journal, const char *id, uint32_t index, char *detail,
                       size_t size);
bool fake_journal_knows(struct fake_journal *journal, const char *id);

/* --- the program --- */

struct gateway {
    char root[64];
    char run_dir[96];
    char state_dir[96];
    struct spool *spool;
    int service_fd; /* kept over restarts, as poterned does */
    int ctl_fd;
    pid_t pid;
    const char *account;  /* that puts messages; NULL: nobody has logged in */
    const char *protocol; /* by which they came; NULL: it is not said */
    size_t padding;       /* bytes more that each message has */
};

void gateway_make(struct gateway *gateway);
void gateway_remove(struct gateway *gateway);
/* settings: what the configuration has beside its folders */
void gateway_start(struct gateway *gateway, const char *settings);
/* No file that it writes may grow beyond that: answered as a full disk is. */
void gateway_limit_files(struct gateway *gateway, uint64_t bytes);
void gateway_kill(struct gateway *gateway);
/* Asked to drain; returns its exit status. */
int gateway_drain(struct gateway *gateway);

/* A message for these recipients (NULL ends them) into the folder; its id in `id`. */
void gateway_put(struct gateway *gateway, const char *subject, const char *const *recipients,
                 enum spool_state state, const char *held, char id[SPOOL_ID_LEN + 1]);
/* As edge does after the commit: 1 queued, 2 held. */
void gateway_notify(struct gateway *gateway, int kind, const char *id);
bool gateway_has(const struct gateway *gateway, const char *folder, const char *id);
/* How many files are in the folder. */
unsigned gateway_files(const struct gateway *gateway, const char *folder);

/* Asks every 5 ms until it is true; false after that many seconds. */
#define WAIT_FOR(condition, seconds)                                                               \
    ({                                                                                             \
        int left_ = (seconds)*200;                                                                 \
        while (!(condition) && left_-- > 0)                                                        \
            usleep(5000);                                                                          \
        (condition);                                                                               \
    })

#endif
