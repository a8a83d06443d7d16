/* show: a held message as text that can do a terminal, and who reads it, no harm. */
#include <sys/mman.h>
#include <time.h>

#include "mail/message.h"
#include "mail/plain.h"
#include "quarantine/quarantine.h"

#define PARSE_POOL_MAX (64 * 1024 * 1024)
#define LABEL_WIDTH    12

static void add_field(struct buf *out, const char *label, struct str value)
{
    buf_addf(out, "%-*s", LABEL_WIDTH, label);
    plain_add(out, value);
    buf_addc(out, '\n');
}

static void add_time(struct buf *out, const char *label, int64_t time_us)
{
    char text[64];
    struct tm tm;
    time_t seconds = (time_t)(time_us / 1000000);
    if (gmtime_r(&seconds, &tm) && strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &tm))
        add_field(out, label, str_of(text));
}

static void add_recipients(struct buf *out, const struct envelope *e)
{
    for (size_t i = 0; i < e->n_recipients; i++) {
        const struct spool_recipient *r = &e->recipients[i];
        buf_addf(out, "%-*s%zu ", LABEL_WIDTH, i ? "" : "to", i);
        plain_add(out, r->address);
        if (quarantine_holds(r)) {
            buf_addf(out, ": held, ");
            plain_add(out, quarantine_reason(e, r));
        } else {
            buf_addf(out, ": %s ", recipient_state_name((enum recipient_state)r->state));
            plain_add(out, r->detail);
        }
        if (r->fields.n || r->state == RCPT_REDIRECTED) {
            buf_addf(out, "; ");
            plain_add(out, r->how);
        }
        buf_addc(out, '\n');
    }
}

static void add_envelope(struct buf *out, const struct spool_file *file)
{
    const struct envelope *e = &file->envelope;
    add_field(out, "id", e->id);
    add_time(out, "received", e->time_us);
    add_field(out, "from", e->sender.n ? e->sender : STR("<>"));
    if (e->account.n)
        add_field(out, "account", e->account);
    add_recipients(out, e);
    add_field(out, "client", e->client_ip);
    add_field(out, "", e->client_name);
    add_field(out, "helo", e->helo);
    add_field(out, "subject", e->subject);
    add_field(out, "message-id", e->message_id);
    buf_addf(out, "%-*s%llu bytes\n", LABEL_WIDTH, "size", (unsigned long long)file->size);
    buf_addf(out, "%-*s%.*s (global %.1f, heuristics %.1f, bayes %.1f)\n", LABEL_WIDTH, "verdict",
             STR_ARG(e->verdict), e->global, e->heuristics, e->bayes);
    add_field(out, "held", e->held);
}

static void add_header(struct buf *out, const struct part *root)
{
    struct str rest = str_sub(root->head, 0, QUARANTINE_HEADER_MAX);
    struct str line;
    buf_addf(out, "\nheader\n");
    while (str_next_line(&rest, &line)) {
        buf_addf(out, "  ");
        plain_add(out, line);
        buf_addc(out, '\n');
    }
    if (root->head.n > QUARANTINE_HEADER_MAX)
        buf_addf(out, "  … (%zu bytes more)\n", root->head.n - QUARANTINE_HEADER_MAX);
}

static void add_structure(struct buf *out, const struct message *message)
{
    buf_addf(out, "\nstructure\n");
    for (size_t i = 0; i < message->n_parts; i++) {
        const struct part *part = message->parts[i];
        buf_addf(out, "  %*s%zu ", (int)(2 * part->depth), "", i + 1);
        plain_add(out, part->type);
        buf_addf(out, ", %zu bytes", part->body.n);
        if (part->disposition.n) {
            buf_addf(out, ", ");
            plain_add(out, part->disposition);
        }
        if (part->filename.n) {
            buf_addf(out, ", \"");
            plain_add(out, part->filename);
            buf_addc(out, '"');
        }
        buf_addc(out, '\n');
    }
}

int quarantine_show_message(struct str raw, struct buf *out, struct err *err)
{
    struct message *message;
    struct pool *pool = pool_new(PARSE_POOL_MAX);
    if (pool == NULL)
        return err_set(err, "out of memory for the message");
    int result = message_parse(pool, raw, &mail_limits_default, &message, err);
    if (result == 0) {
        add_header(out, message->root);
        add_structure(out, message);
    }
    pool_free(&pool);
    return result;
}

/* The message mapped; the file is only ever appended to or unlinked, so the map stays whole. */
static int show_message(const struct spool_file *file, struct buf *out, struct err *err)
{
    size_t n = SPOOL_HEADER_SIZE + (size_t)file->size;
    if (file->size > QUARANTINE_READ_MAX) {
        buf_addf(out, "\n(too large to be taken apart)\n");
        return 0;
    }
    char *map = mmap(NULL, n, PROT_READ, MAP_PRIVATE, file->fd, 0);
    if (map == MAP_FAILED)
        return err_sys(err, "cannot read %.*s", STR_ARG(file->envelope.id));
    int result =
        quarantine_show_message(str_n(map + SPOOL_HEADER_SIZE, (size_t)file->size), out, err);
    munmap(map, n);
    return result;
}

int quarantine_show(const struct spool_file *file, struct buf *out, struct err *err)
{
    add_envelope(out, file);
    if (show_message(file, out, err) < 0)
        return -1;
    if (!buf_ok(out))
        return err_set(err, "%.*s: more text than %zu bytes", STR_ARG(file->envelope.id), out->max);
    return 0;
}
