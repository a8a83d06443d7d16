#include "gateway/edge/author.h"

#include "base/domain.h"
#include "base/fsio.h"
#include "directory/login.h"
#include "sender/author.h"
#include "spool/spool.h"

#define PIECE (16 * 1024)

bool author_owns(const struct conf *conf, const char *addresses, struct str address)
{
    if (!login_may_send(addresses, address, conf->directory_subaddress))
        return false;
    return conf->submission.foreign_senders || conf_domain_of(conf, address);
}

static bool is_allowed(void *data, struct str address)
{
    const struct author_question *question = data;
    const struct conf *conf = question->conf;
    enum conf_from from = question->sender.n ? (enum conf_from)conf->submission.from : FROM_OWN;
    return from == FROM_ANY || (from == FROM_DOMAIN && conf_domain_of(conf, address)) ||
           author_owns(conf, question->addresses, address);
}

/* Where the body begins, looked for behind `from`; STR_NONE: it is not there. */
static size_t end_of_header(struct str text, size_t from)
{
    if (str_starts(text, STR("\r\n")))
        return 0;
    size_t at = str_find(str_from(text, from), STR("\r\n\r\n"));
    return at == STR_NONE ? STR_NONE : from + at + 2;
}

/* The message's beginning, up to the end of its header; false with err. */
static bool read_header(const struct author_question *question, struct buf *header, size_t *end,
                        struct err *err)
{
    *end = STR_NONE;
    while (*end == STR_NONE && header->n < question->size && header->n < AUTHOR_HEADER_MAX) {
        size_t from = header->n < 3 ? 0 : header->n - 3;
        uint64_t left = question->size - header->n;
        size_t n = left < PIECE ? (size_t)left : PIECE;
        off_t at = (off_t)(SPOOL_HEADER_SIZE + header->n);
        if (fsio_pread(question->fd, header, n, at, "message", err) < 0)
            return false;
        *end = end_of_header(buf_str(header), from);
    }
    if (*end == STR_NONE && header->n == question->size)
        *end = header->n;
    return true;
}

enum smtp_status author_ask(const struct author_question *question, struct buf *shown,
                            struct err *err)
{
    static const enum smtp_status statuses[] = {
        [AUTHOR_FINE] = SMTP_NONE,
        [AUTHOR_MISSING] = SMTP_AUTHOR_MISSING,
        [AUTHOR_TWICE] = SMTP_AUTHOR_TWICE,
        [AUTHOR_MALFORMED] = SMTP_AUTHOR_MALFORMED,
        [AUTHOR_DENIED] = SMTP_AUTHOR_NOT_YOURS,
        [AUTHOR_NO_MEMORY] = SMTP_LOCAL_ERROR,
    };
    struct buf header = BUF_INIT(AUTHOR_HEADER_MAX + PIECE);
    enum smtp_status status = SMTP_LOCAL_ERROR;
    size_t end;
    if (read_header(question, &header, &end, err)) {
        struct str text = str_sub(buf_str(&header), 0, end);
        status = SMTP_AUTHOR_MALFORMED;
        if (end != STR_NONE)
            status = statuses[author_check(text, is_allowed, (void *)(uintptr_t)question, shown)];
        if (status == SMTP_LOCAL_ERROR)
            err_set(err, "out of memory for its author");
    }
    buf_release(&header);
    return status;
}
