#include "gateway/directory/logins.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/fsio.h"
#include "base/log.h"
#include "directory/ldap/login.h"
#include "gateway/directory/tokens.h"

#define STACK        ((size_t)512 * 1024)
#define STOP_SECONDS 3
#define REPLY_MAX    (LOGIN_ADDRESSES_MAX + 4096)

/* One login. It is in the loop's list until it is answered, and meanwhile in a line, with a thread,
 * or among what is checked: whoever has it there may touch it. */
struct job {
    struct job *next;
    struct job *next_open;
    struct client *client;
    uint64_t mark;
    uint32_t number;
    int64_t until_ms;
    bool outside; /* a second factor is asked */
    bool told;    /* that it takes too long: what comes is thrown away */
    bool checked; /* `answer` is it */
    const struct conf_domain *domain;
    size_t source; /* of the domain's: the one that is asked */
    bool found;
    bool user_alone; /* there is no password */
    struct address user;
    struct login_answer answer;
    char password[LOGIN_PASSWORD_MAX + 1];
};

struct checker {
    struct line *line;
    struct ldap_login *login;
    pthread_t thread;
    bool running;
};

/* Before one LDAP directory. */
struct line {
    struct logins *logins;
    struct checker *checkers; /* NULL: nobody logs in there */
    unsigned n;
    pthread_cond_t work;
    struct job *first, *last; /* under the lock */
};

struct logins {
    const struct conf *conf;
    struct line *lines; /* one for each of conf->ldap */
    struct factor_policy policy;
    struct factor_file *factors;
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

static void *work(void *data)
{
    struct checker *checker = data;
    struct logins *l = checker->line->logins;
    struct job *job;
    while ((job = next_job(checker->line)) != NULL) {
        job->found = true;
        if (clock_ms() < job->until_ms)
            job->found =
                ldap_login_check(checker->login, &job->user, job->user_alone ? NULL : job->password,
                                 job->outside, &job->answer);
        else
            set_away(&job->answer, "no time is left to ask it");
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
    for (size_t i = 0; l->lines && i < l->conf->n_ldap; i++) {
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
    factor_file_free(&l->factors);
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
    struct stat st;
    if (conf->second_factor_file && stat(conf->second_factor_file, &st) == 0 &&
        (st.st_mode & S_IROTH))
        log_warning("%s: everybody on this machine can read these secrets",
                    conf->second_factor_file);
    if (factor_load(err) < 0 || (conf->second_factor_file &&
                                 factor_file_read(conf->second_factor_file, &l->factors, err) < 0))
        return -1;
    l->tokens = tokens_open(l->conf->state_dir, err);
    l->policy.file = l->factors;
    l->policy.data = l->tokens;
    return l->tokens ? 0 : -1;
}

static int open_line(struct line *line, const struct conf_ldap *conf, struct err *err)
{
    line->checkers = calloc(conf->connections, sizeof *line->checkers);
    if (line->checkers == NULL)
        return err_set(err, "ldap %s: out of memory", conf->name);
    for (; line->n < conf->connections; line->n++) {
        struct ldap_login *login = ldap_login_open(conf, &line->logins->policy, err);
        if (login == NULL)
            return -1;
        line->checkers[line->n] = (struct checker){.line = line, .login = login};
    }
    return 0;
}

/* The n'th of the domain's sources or the next behind it that is an LDAP directory: its place, or
 * the number of sources. */
static size_t next_ldap(const struct conf_domain *domain, size_t n, struct conf_source *source)
{
    while (n < domain->directory.n &&
           !(conf_source_of(domain->directory.items[n], source) && source->kind == SOURCE_LDAP))
        n++;
    return n;
}

static struct line *line_of(const struct logins *l, const struct conf_source *source)
{
    const struct conf_ldap *conf = conf_ldap_find(l->conf, source->name);
    return conf ? &l->lines[conf - l->conf->ldap] : NULL;
}

static int open_lines(struct logins *l, struct err *err)
{
    const struct conf *conf = l->conf;
    for (size_t i = 0; i < conf->n_domains; i++) {
        const struct conf_domain *domain = &conf->domains[i];
        struct conf_source source;
        for (size_t k = 0; (k = next_ldap(domain, k, &source)) < domain->directory.n; k++) {
            struct line *line = line_of(l, &source);
            if (line && line->checkers == NULL &&
                open_line(line, conf_ldap_find(conf, source.name), err) < 0)
                return -1;
        }
    }
    return 0;
}

struct logins *logins_new(const struct conf *conf, struct err *err)
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
    *l = (struct logins){.conf = conf, .lines = lines, .wake_fd = -1};
    pthread_mutex_init(&l->lock, NULL);
    for (size_t i = 0; i < conf->n_ldap; i++) {
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
    for (size_t i = 0; i < l->conf->n_ldap; i++) {
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
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += STOP_SECONDS;
    pthread_mutex_lock(&l->lock);
    l->stopping = true;
    for (size_t i = 0; i < l->conf->n_ldap; i++)
        pthread_cond_broadcast(&l->lines[i].work);
    pthread_mutex_unlock(&l->lock);
    for (size_t i = 0; i < l->conf->n_ldap; i++) {
        for (unsigned k = 0; k < l->lines[i].n; k++) {
            struct checker *checker = &l->lines[i].checkers[k];
            if (checker->running && pthread_timedjoin_np(checker->thread, NULL, &until) != 0)
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

/* To the next of the domain's directories; false: none of them has such a user. */
static bool ask_next(struct logins *l, struct job *job)
{
    struct conf_source source;
    job->source = next_ldap(job->domain, job->source, &source);
    struct line *line = job->source < job->domain->directory.n ? line_of(l, &source) : NULL;
    if (line == NULL || line->n == 0)
        return false;
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
        job->outside = request->outside;
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
