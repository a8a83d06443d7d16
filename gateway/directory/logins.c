#include "gateway/directory/logins.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fsio.h"
#include "base/log.h"
#include "directory/account_login.h"
#include "directory/ldap/login.h"
#include "gateway/directory/secrets.h"
#include "gateway/directory/tokens.h"

#define STACK        ((size_t)512 * 1024)
#define STOP_SECONDS 3
#define REPLY_MAX    (LOGIN_ADDRESSES_MAX + 4096)
/* Threads that hash passwords: half of the processors, but not one alone, or a slow one holds up
 * all. */
#define HASHERS_LEAST 2
#define HASHERS_MOST  8

/* One login. It is in the loop's list until it is answered, and meanwhile in a line, with a thread,
 * or among what is checked: whoever has it there may touch it. */
struct job {
    struct job *next;
    struct job *next_open;
    struct client *client;
    uint64_t mark;
    uint32_t number;
    int64_t until_ms;
    bool factor;  /* a second one is asked */
    bool told;    /* that it takes too long: what comes is thrown away */
    bool checked; /* `answer` is it */
    const struct conf_domain *domain;
    size_t source; /* of the domain's: the one that is asked */
    bool found;
    bool decoyed;    /* nobody has it, but it is to take as long */
    bool user_alone; /* there is no password */
    struct address user;
    struct account_try account; /* of a source of accounts */
    struct login_answer answer;
    char password[LOGIN_PASSWORD_MAX + 1];
};

struct checker {
    struct line *line;
    struct ldap_login *login; /* NULL: it compares hashes */
    pthread_t thread;
    bool running;
};

/* Before one LDAP directory, or before those who hash. */
struct line {
    struct logins *logins;
    struct checker *checkers; /* NULL: nobody logs in there */
    unsigned n;
    pthread_cond_t work;
    struct job *first, *last; /* under the lock */
};

struct logins {
    const struct conf *conf;
    const struct directory *directory;
    struct line *lines; /* one for each of conf->ldap, and one of who hashes */
    size_t n_lines;
    struct factor_policy policy; /* but for the file, which is another now and then */
    struct secrets *secrets;     /* NULL: no second factor is asked */
    struct tokens *tokens;
    int wake_fd;
    struct job *open; /* the loop's own */
    size_t n_open;
    pthread_mutex_t lock;
    struct job *checked; /* under the lock */
    bool stopping;
};

/* --- threads --- */

static struct job *next_job(struct line *line)
{
    struct logins *l = line->logins;
    pthread_mutex_lock(&l->lock);
    while (line->first == NULL && !l->stopping)
        pthread_cond_wait(&line->work, &l->lock);
    struct job *job = l->stopping ? NULL : line->first;
    if (job) {
        line->first = job->next;
        if (line->first == NULL)
            line->last = NULL;
    }
    pthread_mutex_unlock(&l->lock);
    return job;
}

static void set_away(struct login_answer *answer, const char *why)
{
    *answer = (struct login_answer){.result = LOGIN_AWAY};
    snprintf(answer->note, sizeof answer->note, "%s", why);
}

static void check(struct checker *checker, struct job *job)
{
    struct logins *l = checker->line->logins;
    struct factor_file *file = l->secrets ? secrets_now(l->secrets) : NULL;
    struct factor_policy policy = l->policy;
    policy.file = file;
    const struct attempt attempt = {job->user_alone ? NULL : job->password, job->factor, &policy};
    job->found = true;
    if (clock_ms() >= job->until_ms)
        set_away(&job->answer, "no time is left to ask it");
    else if (checker->login)
        job->found = ldap_login_check(checker->login, &job->user, &attempt, &job->answer);
    else
        account_login_check(&job->account, &attempt, &job->answer);
    factor_file_free(&file);
}

static void *work(void *data)
{
    struct checker *checker = data;
    struct logins *l = checker->line->logins;
    struct job *job;
    while ((job = next_job(checker->line)) != NULL) {
        check(checker, job);
        pthread_mutex_lock(&l->lock);
        job->next = l->checked;
        l->checked = job;
        pthread_mutex_unlock(&l->lock);
        fsio_wake(l->wake_fd);
    }
    return NULL;
}

/* --- their life --- */

static void job_free(struct job *job)
{
    explicit_bzero(job, sizeof *job);
    free(job);
}

static void free_all(struct logins *l)
{
    for (size_t i = 0; i < l->n_lines; i++) {
        struct line *line = &l->lines[i];
        for (unsigned k = 0; k < line->n; k++)
            ldap_login_close(&line->checkers[k].login);
        pthread_cond_destroy(&line->work);
        free(line->checkers);
    }
    while (l->open) {
        struct job *job = l->open;
        l->open = job->next_open;
        job_free(job);
    }
    pthread_mutex_destroy(&l->lock);
    secrets_close(&l->secrets);
    tokens_close(&l->tokens);
    free(l->lines);
    free(l);
}

static bool asks_for(const struct conf *conf, const char *kind)
{
    for (size_t i = 0; i < conf->submission.second_factor.n; i++)
        if (strcmp(conf->submission.second_factor.items[i], kind) == 0)
            return true;
    return false;
}

static int open_factors(struct logins *l, struct err *err)
{
    const struct conf_submission *conf = &l->conf->submission;
    l->policy = (struct factor_policy){
        .app_password = asks_for(l->conf, "app_password"),
        .totp = asks_for(l->conf, "totp"),
        .pass_missing = conf->second_factor_missing == FACTOR_MISSING_PASS,
        .take = tokens_take,
    };
    if (conf->second_factor.n == 0)
        return 0;
    if (factor_load(err) < 0)
        return -1;
    l->secrets = secrets_open(conf->second_factor_file, err);
    if (l->secrets == NULL)
        return -1;
    l->tokens = tokens_open(l->conf->state_dir, err);
    l->policy.data = l->tokens;
    return l->tokens ? 0 : -1;
}

static int open_line(struct line *line, const struct conf_ldap *conf, struct err *err)
{
    line->checkers = calloc(conf->connections, sizeof *line->checkers);
    if (line->checkers == NULL)
        return err_set(err, "ldap %s: out of memory", conf->name);
    for (; line->n < conf->connections; line->n++) {
        struct ldap_login *login = ldap_login_open(conf, err);
        if (login == NULL)
            return -1;
        line->checkers[line->n] = (struct checker){.line = line, .login = login};
    }
    return 0;
}

static struct line *hash_line(const struct logins *l)
{
    return &l->lines[l->n_lines - 1];
}

static int open_hash_line(struct line *line, struct err *err)
{
    long half = sysconf(_SC_NPROCESSORS_ONLN) / 2;
    unsigned n = half < HASHERS_LEAST  ? HASHERS_LEAST
                 : half > HASHERS_MOST ? HASHERS_MOST
                                       : (unsigned)half;
    line->checkers = calloc(n, sizeof *line->checkers);
    if (line->checkers == NULL)
        return err_set(err, "directory: out of memory");
    for (; line->n < n; line->n++)
        line->checkers[line->n] = (struct checker){.line = line};
    return 0;
}

static struct line *line_of(const struct logins *l, const struct source *source)
{
    if (source->kind == SOURCE_ACCOUNTS)
        return hash_line(l);
    const struct conf_ldap *conf = conf_ldap_find(l->conf, source->place.source.name);
    return conf ? &l->lines[conf - l->conf->ldap] : NULL;
}

static int open_lines(struct logins *l, struct err *err)
{
    for (size_t i = 0; i < l->directory->n_sources; i++) {
        const struct source *source = &l->directory->sources[i];
        struct line *line = source->kind == SOURCE_LDAP || source->kind == SOURCE_ACCOUNTS
                                ? line_of(l, source)
                                : NULL;
        if (line == NULL || line->checkers)
            continue;
        if ((source->kind == SOURCE_LDAP ? open_line(line, &l->conf->ldap[line - l->lines], err)
                                         : open_hash_line(line, err)) < 0)
            return -1;
    }
    return 0;
}

struct logins *logins_new(const struct conf *conf, const struct directory *directory,
                          struct err *err)
{
    bool wanted = conf_takes_logins(conf);
    struct logins *l = calloc(1, sizeof *l);
    struct line *lines = calloc(conf->n_ldap + 1, sizeof *lines);
    if (l == NULL || lines == NULL) {
        free(l);
        free(lines);
        err_set(err, "directory: out of memory");
        return NULL;
    }
    *l = (struct logins){.conf = conf,
                         .directory = directory,
                         .lines = lines,
                         .n_lines = conf->n_ldap + 1,
                         .wake_fd = -1};
    pthread_mutex_init(&l->lock, NULL);
    for (size_t i = 0; i < l->n_lines; i++) {
        lines[i].logins = l;
        pthread_cond_init(&lines[i].work, NULL);
    }
    if (wanted && (open_factors(l, err) < 0 || open_lines(l, err) < 0)) {
        free_all(l);
        return NULL;
    }
    return l;
}

int logins_start(struct logins *l, int wake_fd, struct err *err)
{
    pthread_attr_t attributes;
    int result = 0;
    l->wake_fd = wake_fd;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK);
    for (size_t i = 0; i < l->n_lines; i++) {
        for (unsigned k = 0; k < l->lines[i].n && result == 0; k++) {
            struct checker *checker = &l->lines[i].checkers[k];
            result = pthread_create(&checker->thread, &attributes, work, checker);
            checker->running = result == 0;
        }
    }
    pthread_attr_destroy(&attributes);
    errno = result;
    return result == 0 ? 0 : err_sys(err, "cannot start a thread that checks passwords");
}

bool logins_stop(struct logins **logins)
{
    struct logins *l = *logins;
    struct timespec until;
    bool ended = true;
    if (l == NULL)
        return true;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += STOP_SECONDS;
    pthread_mutex_lock(&l->lock);
    l->stopping = true;
    for (size_t i = 0; i < l->n_lines; i++)
        pthread_cond_broadcast(&l->lines[i].work);
    pthread_mutex_unlock(&l->lock);
    for (size_t i = 0; i < l->n_lines; i++) {
        for (unsigned k = 0; k < l->lines[i].n; k++) {
            struct checker *checker = &l->lines[i].checkers[k];
            if (checker->running &&
                pthread_clockjoin_np(checker->thread, NULL, CLOCK_MONOTONIC, &until) != 0)
                ended = false;
            else
                checker->running = false;
        }
    }
    if (!ended)
        return false;
    *logins = NULL;
    free_all(l);
    return true;
}

/* --- the loop's side --- */

static void send_answer(const struct job *job)
{
    struct buf reply = BUF_INIT(REPLY_MAX);
    if (job->client->fd < 0 || job->client->mark != job->mark)
        return;
    login_reply_put(&reply, job->number, &job->answer);
    if (buf_ok(&reply))
        clients_send(job->client, buf_str(&reply));
    else
        clients_cut_off(job->client, "no memory for its reply");
    buf_release(&reply);
}

static bool stand_in(struct line *line, struct job *job)
{
    struct logins *l = line->logins;
    job->next = NULL;
    pthread_mutex_lock(&l->lock);
    if (line->last)
        line->last->next = job;
    else
        line->first = job;
    line->last = job;
    pthread_cond_signal(&line->work);
    pthread_mutex_unlock(&l->lock);
    return true;
}

static const struct source_list *sources_of(const struct logins *l, const struct job *job)
{
    return &l->directory->by_domain[job->domain - l->conf->domains];
}

/* Does that source of accounts know the user, or can't it tell? Then the job says what is to be
 * compared. */
static bool take_account(const struct source *source, struct job *job)
{
    struct account account;
    bool known =
        source->accounts && accounts_find(source->accounts, str_of(job->user.text), &account);
    if (known)
        account_try_make(source->accounts, &account, &job->account);
    else if (source->stale)
        job->account = (struct account_try){.away = "the file of accounts can't be read"};
    return known || source->stale;
}

/* Nobody has it: that takes as long as a wrong password where accounts have theirs in a file. */
static bool ask_for_nobody(struct logins *l, struct job *job)
{
    const struct source_list *list = sources_of(l, job);
    for (size_t i = 0; i < list->n && !job->decoyed && !job->user_alone; i++) {
        const struct source *source = list->items[i];
        if (source->kind != SOURCE_ACCOUNTS || source->accounts == NULL)
            continue;
        job->decoyed = true;
        account_try_nobody(source->accounts, str_of(job->user.text), &job->account);
        return stand_in(hash_line(l), job);
    }
    return false;
}

/* To the next of the domain's sources that knows passwords; false: none has such a user. */
static bool ask_next(struct logins *l, struct job *job)
{
    const struct source_list *list = sources_of(l, job);
    for (; job->source < list->n; job->source++) {
        const struct source *source = list->items[job->source];
        bool ldap = source->kind == SOURCE_LDAP;
        if (!ldap && source->kind != SOURCE_ACCOUNTS)
            continue;
        struct line *line = line_of(l, source);
        if (line && line->n && (ldap || take_account(source, job)))
            return stand_in(line, job);
    }
    return ask_for_nobody(l, job);
}

static void set_unknown(struct login_answer *answer)
{
    *answer = (struct login_answer){.result = LOGIN_WRONG, .note = "no such user"};
}

/* "jean" is jean@ the domain of the settings. */
static bool read_user(const struct conf *conf, struct str text, struct job *job)
{
    const char *domain = conf->submission.domain ? conf->submission.domain : conf->domains[0].name;
    char room[2 * ADDRESS_MAX];
    struct buf whole = BUF_OVER(room);
    buf_add(&whole, text);
    if (str_chr(text, '@') == STR_NONE)
        buf_addf(&whole, "@%s", domain);
    bool valid = buf_ok(&whole) && address_normal(buf_str(&whole), false, &job->user);
    job->domain = valid ? conf_domain_find(conf, address_domain(&job->user)) : NULL;
    return job->domain != NULL;
}

void logins_take(struct logins *l, struct client *client, const struct directory_request *request)
{
    struct job *job = calloc(1, sizeof *job);
    struct job refused = {.client = client, .mark = client->mark, .number = request->number};
    set_unknown(&refused.answer);
    if (job == NULL || l->n_open >= LOGINS_OPEN_MAX) {
        set_away(&refused.answer, "too many logins wait");
    } else if ((request->password.n > 0) == (request->wish == WISH_LOGIN) &&
               str_copy(request->password, job->password, sizeof job->password) &&
               read_user(l->conf, request->address, job)) {
        job->user_alone = request->wish == WISH_USER;
        job->client = client;
        job->mark = client->mark;
        job->number = request->number;
        job->factor = request->factor;
        job->until_ms = clock_ms() + LOGIN_PATIENCE_MS;
        if (ask_next(l, job)) {
            job->next_open = l->open;
            l->open = job;
            l->n_open++;
            return;
        }
    }
    send_answer(&refused);
    if (job)
        job_free(job);
}

static void collect(struct logins *l)
{
    pthread_mutex_lock(&l->lock);
    struct job *job = l->checked;
    l->checked = NULL;
    pthread_mutex_unlock(&l->lock);
    while (job) {
        struct job *next = job->next;
        job->source++;
        if (!job->found && !job->told && ask_next(l, job)) {
            job = next;
            continue;
        }
        explicit_bzero(job->password, sizeof job->password);
        explicit_bzero(job->account.hash, sizeof job->account.hash);
        if (!job->found)
            set_unknown(&job->answer);
        job->checked = true;
        job = next;
    }
}

/* A thread has it still: its own answer comes too late. */
static void give_up(const struct job *job)
{
    struct job late = {.client = job->client, .mark = job->mark, .number = job->number};
    set_away(&late.answer, "no answer in time");
    send_answer(&late);
}

void logins_tend(struct logins *l)
{
    int64_t now = clock_ms();
    collect(l);
    for (struct job **link = &l->open; *link;) {
        struct job *job = *link;
        bool room = job->client->fd < 0 || job->client->unsent.n == 0;
        if (!job->told && room && (job->checked || now >= job->until_ms)) {
            if (job->checked)
                send_answer(job);
            else
                give_up(job);
            job->told = true;
        }
        if (job->told && job->checked) {
            *link = job->next_open;
            l->n_open--;
            job_free(job);
        } else {
            link = &job->next_open;
        }
    }
}

int logins_pause(const struct logins *l)
{
    int64_t now = clock_ms();
    int64_t first = -1;
    for (const struct job *job = l->open; job; job = job->next_open) {
        bool room = job->client->fd < 0 || job->client->unsent.n == 0; /* else that is waited for */
        if (!job->told && room && (first < 0 || job->until_ms < first))
            first = job->until_ms;
    }
    if (first < 0)
        return -1;
    return first <= now ? 0 : (int)(first - now);
}

void logins_refresh(struct logins *l)
{
    if (l->secrets)
        secrets_refresh(l->secrets);
}
