#include "gateway/outgoing.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/un.h>
#include <time.h>

#include "base/fsio.h"
#include "base/ipc.h"
#include "base/log.h"
#include "gateway/gate/ours.h"
#include "mail/date.h"
#include "mail/transfer.h"
#include "mail/word.h"
#include "spool/notice.h"

#define ENVELOPE_POOL_MAX (1024 * 1024)

/* Over a spool that was opened; NULL: it was not, and err is set. */
static int open_over(struct post *post, struct spool *spool, const struct conf *conf,
                     struct err *err)
{
    char path[PATH_MAX];
    *post = (struct post){.conf = conf, .spool = spool, .incoming_fd = -1};
    if (spool == NULL || fsio_join(path, sizeof path, conf->state_dir, "incoming", err) < 0)
        return -1;
    post->incoming_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return post->incoming_fd >= 0 ? 0 : err_sys(err, "cannot open %s", path);
}

int post_open(struct post *post, const struct conf *conf, struct err *err)
{
    return open_over(post, spool_open(conf->state_dir, err), conf, err);
}

int post_open_inside(struct post *post, const struct conf *conf, struct err *err)
{
    return open_over(post, spool_open_outgoing(conf->state_dir, err), conf, err);
}

void post_close(struct post *post)
{
    spool_close(&post->spool);
    fsio_close_quiet(&post->incoming_fd);
}

bool post_reaches(const struct post *post, struct str address)
{
    return conf_domain_of(post->conf, address) != NULL;
}

size_t post_managers(const struct post *post, struct str *list, size_t max, struct buf *to)
{
    const struct conf_list *managers = &post->conf->managers;
    size_t n = 0;
    for (size_t i = 0; i < managers->n && n < max; i++) {
        struct str address = str_of(managers->items[i]);
        if (!post_reaches(post, address) && !conf_mails_by_mx(post->conf))
            continue;
        buf_addf(to, "%s%.*s", n ? ",\r\n " : "", STR_ARG(address));
        list[n++] = address;
    }
    return n;
}

static int fill_envelope(const struct post *post, const struct outgoing *mail, struct pool *pool,
                         struct envelope *envelope, struct err *err)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    *envelope = (struct envelope){
        .id = str_of(mail->id),
        .time_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000,
        .helo = str_of(post->conf->hostname),
        .protocol = STR(OURS_LOCAL),
        .recipients = POOL_ARRAY(pool, mail->n_recipients, struct spool_recipient),
        .n_recipients = mail->n_recipients,
        .subject = mail->subject,
        .message_id = mail->message_id,
        .smtputf8 = mail->utf8,
        .eightbit = mail->eightbit,
        .requiretls = mail->requiretls,
        .tls_waived = mail->tls_waived,
        .verdict = STR("ham"),
        .evidence = STR("{}"),
    };
    if (envelope->recipients == NULL)
        return err_set(err, "out of memory for an envelope");
    for (size_t i = 0; i < mail->n_recipients; i++) {
        envelope->recipients[i] =
            (struct spool_recipient){.address = mail->recipients[i],
                                     .how = mail->how,
                                     .notify = mail->expendable ? DSN_NEVER : 0};
        /* a next hop without it refuses these recipients, which the journal then tells */
        envelope->smtputf8 |= !str_is_ascii(mail->recipients[i]);
    }
    return 0;
}

static int write_file(const struct post *post, const struct outgoing *mail,
                      const struct envelope *envelope, bool stage, struct err *err)
{
    struct spool_writer *writer = spool_receive(post->spool, mail->id, err);
    if (writer == NULL)
        return -1;
    if (spool_write(writer, mail->mail, err) < 0) {
        spool_abort(&writer);
        return -1;
    }
    return stage ? spool_stage(&writer, envelope, err)
                 : spool_commit(&writer, envelope, SPOOL_QUEUE, err);
}

/* One that is lost costs time only: delivery looks into the folder, too. */
static void notify_delivery(const struct post *post, const char *id)
{
    const struct notice notice = {.kind = NOTICE_QUEUED,
                                  .id = str_of(id),
                                  .recipient = NOTICE_EVERYONE};
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
    struct buf text = BUF_INIT(128);
    struct err err;
    notice_put(&text, &notice);
    int fd =
        ipc_path(post->conf->run_dir, "delivery", path, sizeof path) ? ipc_connect(path, &err) : -1;
    if (fd >= 0 && buf_ok(&text) && ipc_send(fd, buf_str(&text), NULL, &err) != 1)
        log_debug("delivery was not told of %s: %s", id, err.text);
    fsio_close_quiet(&fd);
    buf_release(&text);
}

/* An edge that starts removes what it finds in incoming/, unless somebody is at work there. Each
 * call has a lock of its own, which its descriptor holds. -1: there is none. */
static int lock_incoming(const struct post *post, struct err *err)
{
    int fd = openat(post->incoming_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || flock(fd, LOCK_SH) < 0) {
        err_sys(err, "cannot lock incoming");
        fsio_close_quiet(&fd);
        return -1;
    }
    return fd;
}

/* With the lock, which is in *lock when it returns 0. */
static int write_locked(const struct post *post, const struct outgoing *mail, bool stage, int *lock,
                        struct err *err)
{
    struct envelope envelope;
    struct pool *pool = pool_new(ENVELOPE_POOL_MAX);
    int result = pool ? fill_envelope(post, mail, pool, &envelope, err)
                      : err_set(err, "out of memory for an envelope");
    *lock = result == 0 ? lock_incoming(post, err) : -1;
    if (*lock < 0)
        result = -1;
    if (result == 0)
        result = write_file(post, mail, &envelope, stage, err);
    if (result < 0)
        fsio_close_quiet(lock);
    pool_free(&pool);
    return result;
}

int post_commit(const struct post *post, const struct outgoing *mail, struct err *err)
{
    int lock;
    if (write_locked(post, mail, false, &lock, err) < 0)
        return -1;
    fsio_close_quiet(&lock);
    log_info("%s made here: %.*s", mail->id, STR_ARG(mail->subject));
    return 0;
}

/* --- in two steps --- */

struct post_staged {
    struct spool *spool;
    char id[SPOOL_ID_LEN + 1];
    int lock; /* as long as it lies in incoming/ */
};

struct post_staged *post_stage(const struct post *post, const struct outgoing *mail,
                               struct err *err)
{
    struct post_staged *staged = malloc(sizeof *staged);
    if (staged == NULL) {
        err_set(err, "out of memory for a message");
        return NULL;
    }
    staged->spool = post->spool;
    memcpy(staged->id, mail->id, sizeof staged->id);
    if (write_locked(post, mail, true, &staged->lock, err) == 0)
        return staged;
    free(staged);
    return NULL;
}

static void staged_free(struct post_staged **staged)
{
    fsio_close_quiet(&(*staged)->lock);
    free(*staged);
    *staged = NULL;
}

int post_publish(struct post_staged **staged, struct err *err)
{
    int result = spool_publish((*staged)->spool, (*staged)->id, err);
    if (result >= 0)
        log_info("%s made here", (*staged)->id);
    staged_free(staged);
    return result < 0 ? -1 : 0;
}

void post_drop(struct post_staged **staged)
{
    if (*staged == NULL)
        return;
    spool_unstage((*staged)->spool, (*staged)->id);
    staged_free(staged);
}

int post_send(const struct post *post, const struct outgoing *mail, struct err *err)
{
    int result = post_commit(post, mail, err);
    if (result == 0)
        notify_delivery(post, mail->id);
    return result;
}

void post_postmaster(const struct conf *conf, char *address, size_t size)
{
    const char *domain = conf->n_domains ? conf->domains[0].name : conf->hostname;
    if (conf->managers.n)
        snprintf(address, size, "%s", conf->managers.items[0]);
    else
        snprintf(address, size, "postmaster@%s", domain);
}

void post_compose(const struct post *post, const char *id, const struct letter_words *words,
                  struct buf *out)
{
    const char *hostname = post->conf->hostname;
    buf_addf(out, "From: poterne <%.*s>\r\nTo: %.*s\r\nDate: ", STR_ARG(words->from),
             STR_ARG(words->to));
    mail_date_put(out, (int64_t)time(NULL));
    buf_addf(out, "\r\nMessage-ID: <%s@%s>\r\n", id, hostname);
    if (words->in_reply_to.n)
        buf_addf(out, "In-Reply-To: %.*s\r\n", STR_ARG(words->in_reply_to));
    buf_add(out, STR("Subject: "));
    words_encode(words->subject, out);
    buf_add(out, STR("\r\nAuto-Submitted: auto-generated\r\nX-Auto-Response-Suppress: All\r\n"
                     "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
                     "Content-Transfer-Encoding: quoted-printable\r\n\r\n"));
    transfer_qp_put(words->text, out);
}
