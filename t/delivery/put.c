/* put [--waived|--requiretls] STATE_DIR SENDER SUBJECT RECIPIENT...: a message into a gateway's
 * queue, as edge commits it; prints its id. So a test has mail for domains that edge takes no mail
 * for, with what its sender asked of TLS (RFC 8689). */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/buf.h"
#include "spool/spool.h"

#define RECIPIENTS_MAX 300

static int put(struct spool *spool, char **argv, int argc, const char *option,
               char id[SPOOL_ID_LEN + 1], struct err *err)
{
    struct spool_recipient list[RECIPIENTS_MAX];
    struct buf text = BUF_INIT(1000);
    struct timespec now;
    size_t n = 0;
    for (int i = 4; i < argc && n < RECIPIENTS_MAX; i++)
        list[n++] = (struct spool_recipient){.address = str_of(argv[i])};
    clock_gettime(CLOCK_REALTIME, &now);
    spool_id_make(id);
    const struct envelope e = {.id = str_of(id),
                               .time_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000,
                               .sender = str_of(argv[2]),
                               .recipients = list,
                               .n_recipients = n,
                               .subject = str_of(argv[3]),
                               .tls_waived = strcmp(option, "--waived") == 0,
                               .requiretls = strcmp(option, "--requiretls") == 0,
                               .verdict = STR("ham")};
    buf_addf(&text, "Subject: %s\r\n\r\nhello\r\n", argv[3]);
    struct spool_writer *w = spool_receive(spool, id, err);
    int result =
        w && spool_write(w, buf_str(&text), err) == 0 && spool_commit(&w, &e, SPOOL_QUEUE, err) == 0
            ? 0
            : -1;
    buf_release(&text);
    return result;
}

int main(int argc, char **argv)
{
    char id[SPOOL_ID_LEN + 1];
    const char *option = "";
    struct err err = {"usage: put [--waived|--requiretls] STATE_DIR SENDER SUBJECT RECIPIENT..."};
    umask(0);
    if (argc > 1 && argv[1][0] == '-') {
        option = argv[1];
        argc--;
        argv++;
    }
    struct spool *spool = argc > 4 ? spool_open(argv[1], &err) : NULL;
    int result = spool ? put(spool, argv, argc, option, id, &err) : -1;
    spool_close(&spool);
    if (result < 0)
        fprintf(stderr, "%s\n", err.text);
    else
        printf("%s\n", id);
    return result < 0;
}
