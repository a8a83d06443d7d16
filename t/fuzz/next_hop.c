/* What a next hop answers, in pieces of any size: each recipient gets exactly one result, a success
 * only after the whole message was sent, and what is sent stays bounded. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gateway/client/client.h"

#define RECIPIENTS 3
#define ROUNDS_MAX 100

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct run {
    unsigned results[RECIPIENTS];
    bool sent;
};

static void on_result(void *data, size_t i, enum client_outcome outcome, struct str text)
{
    struct run *run = data;
    if (i >= RECIPIENTS || ++run->results[i] > 1 || text.n > sizeof((struct client *)0)->error)
        abort();
    if (outcome == CLIENT_DELIVERED && !run->sent)
        abort();
}

/* A file of the spool with nothing but a message in it. */
static struct spool_file *sample_file(void)
{
    static const char text[] = "Subject: x\r\n\r\n.\r\nbody\r\n";
    static struct spool_recipient recipients[RECIPIENTS] = {{.address = STR("a@b.example")},
                                                            {.address = STR("c\xc3\xa9@b.example")},
                                                            {.address = STR("d@b")}};
    static struct spool_file file = {.fd = -1,
                                     .size = sizeof text - 1,
                                     .envelope = {.sender = STR("s@x"),
                                                  .recipients = recipients,
                                                  .n_recipients = RECIPIENTS}};
    if (file.fd < 0) {
        file.fd = memfd_create("message", MFD_CLOEXEC);
        if (pwrite(file.fd, text, sizeof text - 1, SPOOL_HEADER_SIZE) < 0)
            abort();
    }
    return &file;
}

static void offer(struct client *client, struct run *run)
{
    static const uint32_t all[RECIPIENTS] = {0, 1, 2};
    *run = (struct run){.sent = false};
    client_begin(client, &(struct client_transaction){sample_file(), all, RECIPIENTS});
}

static void check_done(const struct run *run)
{
    for (size_t i = 0; i < RECIPIENTS; i++)
        if (run->results[i] != 1)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct client client;
    struct run run = {.sent = false};
    bool busy = false;
    if (size < 2)
        return 0;
    const struct client_hooks hooks = {on_result, &run};
    struct str rest = str_n((const char *)data + 2, size - 2);
    client_init(&client, data[0] & 1 ? CLIENT_LMTP : CLIENT_SMTP, "mx.example", &hooks);
    for (unsigned round = 0; rest.n && client.state != CLIENT_DEAD && round < ROUNDS_MAX; round++) {
        struct str piece = str_sub(rest, 0, 1 + data[1] % 64);
        rest = str_from(rest, piece.n);
        client_input(&client, piece);
        buf_clear(&client.out);
        while (client.state == CLIENT_BODY)
            client_pump(&client);
        run.sent = run.sent || client.state == CLIENT_FINAL;
        if (client.state != CLIENT_READY)
            continue;
        if (busy)
            check_done(&run);
        offer(&client, &run);
        busy = true;
    }
    client_abandon(&client, "the end");
    if (busy)
        check_done(&run);
    client_release(&client);
    return 0;
}
