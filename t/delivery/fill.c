/* fill STATE_DIR N DOMAIN...: N messages into a gateway's queue, for one domain after the other; a
 * % in a domain is the number of the message. None of them is fsync'd: it is a queue to measure
 * with, and its loss is none. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "spool/spool.h"

#define ADDRESS_SIZE 320
#define CLIENTS      200
#define LINES        60 /* of a message of 5 kB */
#define SHOW_EVERY   10000

/* Instead of the C library's, for the spool in this program. */
int fsync(int fd)
{
    return fd < 0 ? -1 : 0;
}

int fdatasync(int fd)
{
    return fd < 0 ? -1 : 0;
}

static void address_of(unsigned long n, const char *domain, char *to)
{
    const char *percent = strchr(domain, '%');
    int before = percent ? (int)(percent - domain) : (int)strlen(domain);
    if (percent)
        snprintf(to, ADDRESS_SIZE, "user@%.*s%lu%s", before, domain, n, percent + 1);
    else
        snprintf(to, ADDRESS_SIZE, "user@%s", domain);
}

static int put(struct spool *spool, unsigned long n, const char *domain, struct str text,
               struct err *err)
{
    char id[SPOOL_ID_LEN + 1], to[ADDRESS_SIZE], client[32];
    struct timespec now;
    address_of(n, domain, to);
    snprintf(client, sizeof client, "192.0.2.%lu", n % CLIENTS);
    clock_gettime(CLOCK_REALTIME, &now);
    spool_id_make(id);
    struct spool_recipient recipient = {.address = str_of(to)};
    const struct envelope e = {.id = str_of(id),
                               .time_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000,
                               .client_ip = str_of(client),
                               .protocol = STR("ESMTP"),
                               .sender = STR("sender@shop.example"),
                               .recipients = &recipient,
                               .n_recipients = 1,
                               .subject = STR("one of many"),
                               .verdict = STR("ham")};
    struct spool_writer *w = spool_receive(spool, id, err);
    return w && spool_write(w, text, err) == 0 ? spool_commit(&w, &e, SPOOL_QUEUE, err) : -1;
}

int main(int argc, char **argv)
{
    struct err err = {"usage: fill STATE_DIR N DOMAIN..."};
    struct buf text = BUF_INIT(100000);
    umask(0);
    struct spool *spool = argc > 3 ? spool_open(argv[1], &err) : NULL;
    unsigned long n = spool ? strtoul(argv[2], NULL, 10) : 0;
    int result = spool ? 0 : -1;
    buf_addf(&text, "Subject: one of many\r\n\r\n");
    for (int i = 0; i < LINES; i++)
        buf_addf(&text,
                 "a line of a message that is as long as those of others, and then some\r\n");
    for (unsigned long i = 0; result == 0 && i < n; i++) {
        result = put(spool, i, argv[3 + i % (unsigned long)(argc - 3)], buf_str(&text), &err);
        if ((i + 1) % SHOW_EVERY == 0)
            fprintf(stderr, "%lu of %lu\n", i + 1, n);
    }
    if (result < 0)
        fprintf(stderr, "%s\n", err.text);
    spool_close(&spool);
    buf_release(&text);
    return result < 0;
}
