#include "gateway/reports/hand_out.h"

#include "base/clock.h"
#include "base/log.h"
#include "gateway/fetch/once.h"
#include "tally/letter.h"

#define WHY_MAX 255 /* bytes: all that may stand in a detail fit */

/* What became of all that are named, as it is noted. */
struct outcome {
    struct buf detail;
    bool sent, waits, failed;
};

static void put_why(struct buf *out, struct str why)
{
    for (size_t i = 0; i < why.n && i < WHY_MAX; i++)
        buf_addc(out, why.s[i] == ';' ? ',' : why.s[i]); /* which ends a piece of the detail */
}

static void put_not(struct outcome *o, const char *host, struct str why)
{
    buf_addf(&o->detail, "not to %s: ", host);
    put_why(&o->detail, why);
    buf_add(&o->detail, STR("; "));
}

static int note(const struct handed *what, const struct outcome *o, const struct sent_book *book,
                struct err *err)
{
    enum sent_state state = o->waits    ? SENT_WAITING
                            : o->sent   ? SENT_DONE
                            : o->failed ? SENT_GIVEN_UP
                                        : SENT_UNWANTED;
    struct str detail = buf_str(&o->detail);
    return sent_note(book, state, what->subject->domain,
                     str_sub(detail, 0, detail.n ? detail.n - 2 : 0), err);
}

/* --- mail --- */

static int post_mail(const struct hand_out *h, const struct handed *what, const struct rua *rua,
                     const char *id, struct err *err)
{
    struct str to = str_of(rua->target);
    struct buf mail = BUF_INIT(TALLY_MAIL_MAX), title = BUF_INIT(4096);
    const struct letter letter = {.maker = h->maker,
                                  .subject = what->subject,
                                  .id = id,
                                  .time_s = h->now_s,
                                  .to = to,
                                  .report = what->gzip};
    letter_put(&letter, &mail);
    letter_subject(&letter, &title);
    struct outgoing out = {.recipients = &to,
                           .n_recipients = 1,
                           .how = STR("asked by its domain for reports"),
                           .subject = buf_str(&title),
                           .mail = buf_str(&mail),
                           .tls_waived = what->subject->kind == TALLY_TLS,
                           .expendable = true};
    int result = str_copy(str_of(id), out.id, sizeof out.id) && buf_ok(&mail) && buf_ok(&title)
                     ? post_send(h->post, &out, err)
                     : err_set(err, "a mail of more than %zu bytes", mail.max);
    buf_release(&mail);
    buf_release(&title);
    return result;
}

static void hand_mail(const struct hand_out *h, const struct handed *what, const struct rua *rua,
                      const char *id, struct outcome *o)
{
    struct err why = {""};
    if (post_mail(h, what, rua, id, &why) == 0) {
        buf_addf(&o->detail, "%s to %s; ", id, rua->target);
        o->sent = true;
        return;
    }
    log_error("the report about %.*s to %s: %s", STR_ARG(what->subject->domain), rua->target,
              why.text);
    put_not(o, rua->target, str_of(why.text));
    o->failed = true;
}

/* --- HTTPS --- */

/* "waits for URL since 1763884800, tried 1763888400: why" (tally/sent.h) */
struct waiting {
    struct str url, why;
    int64_t since, tried; /* seconds since 1970; tried: 0 not yet */
};

static bool take_number(struct str *text, struct str before, char behind, int64_t *number)
{
    uint64_t n;
    size_t end = str_starts(*text, before) ? str_chr(*text, behind) : STR_NONE;
    if (end == STR_NONE || !str_to_u64(str_sub(*text, before.n, end), INT64_MAX, &n))
        return false;
    *number = (int64_t)n;
    *text = str_from(*text, end + 1);
    return true;
}

static bool read_waiting(struct str piece, struct waiting *w)
{
    struct str start = STR(SENT_WAITS);
    size_t end = str_starts(piece, start) ? str_chr(str_from(piece, start.n), ' ') : STR_NONE;
    if (end == STR_NONE)
        return false;
    w->url = str_sub(piece, start.n, start.n + end);
    struct str rest = str_from(piece, start.n + end);
    if (!take_number(&rest, STR(" since "), ',', &w->since) ||
        !take_number(&rest, STR(" tried "), ':', &w->tried))
        return false;
    w->why = str_trim(rest);
    return true;
}

static void put_waiting(struct outcome *o, const struct waiting *w)
{
    buf_addf(&o->detail, SENT_WAITS "%.*s since %lld, tried %lld: ", STR_ARG(w->url),
             (long long)w->since, (long long)w->tried);
    put_why(&o->detail, w->why);
    buf_add(&o->detail, STR("; "));
    o->waits = true;
}

static bool is_due(const struct hand_out *h, const struct waiting *w)
{
    int64_t pause = w->tried - w->since;
    if (pause < HAND_OUT_FIRST_PAUSE)
        pause = HAND_OUT_FIRST_PAUSE;
    return h->at_once || w->tried == 0 || h->now_s - w->tried >= pause;
}

bool hand_out_due(const struct hand_out *h, struct str detail)
{
    struct str piece;
    struct waiting w;
    while (clock_ms() < h->post_until && str_next(&detail, ';', &piece))
        if (read_waiting(str_trim(piece), &w) && is_due(h, &w))
            return true;
    return false;
}

static const struct rua *named(const struct rua_list *list, struct str url)
{
    for (size_t i = 0; i < list->n; i++)
        if (list->list[i].way == RUA_HTTPS && str_eq(str_of(list->list[i].target), url))
            return &list->list[i];
    return NULL;
}

/* What it says besides its status is not looked at, or whether that came whole. True: taken; else
 * why not, and whether it ever will be. */
static bool post_web(const struct hand_out *h, const struct handed *what, const struct rua *rua,
                     bool *never, struct err *why)
{
    struct buf room = BUF_INIT(IPC_MSG_MAX);
    struct fetch_answer answer;
    const struct fetch_request request = {.number = 1,
                                          .target = FETCH_STRANGER,
                                          .method = FETCH_POST,
                                          .milliseconds = HAND_OUT_POST_MS,
                                          .answer_max = FETCH_BODY_MAX,
                                          .url = str_of(rua->target),
                                          .type = STR("application/tlsrpt+gzip"),
                                          .body = what->gzip};
    fetch_once(h->run_dir, &request, &room, &answer);
    bool taken = answer.status / 100 == 2;
    *never = answer.result == FETCH_BAD_URL || answer.result == FETCH_FORBIDDEN;
    if (answer.result == FETCH_ANSWERED)
        err_set(why, "HTTP status %u", answer.status);
    else
        err_set(why, "%s%s%.*s", fetch_result_name(answer.result), answer.note.n ? ": " : "",
                STR_ARG(answer.note));
    buf_release(&room);
    return taken;
}

static void hand_web(const struct hand_out *h, const struct handed *what, const struct rua *rua,
                     struct waiting w, struct outcome *o)
{
    struct err why = {""};
    bool never = false;
    if (!is_due(h, &w) || clock_ms() >= h->post_until) {
        put_waiting(o, &w);
        return;
    }
    if (post_web(h, what, rua, &never, &why)) {
        buf_addf(&o->detail, SENT_POSTED "%s; ", rua->target);
        o->sent = true;
        return;
    }
    log_info("the report about %.*s to %s: %s", STR_ARG(what->subject->domain), rua->target,
             why.text);
    w.tried = h->now_s;
    w.why = str_of(why.text);
    if (!never && h->now_s - w.since < HAND_OUT_SECONDS) {
        put_waiting(o, &w);
        return;
    }
    put_not(o, rua->host, w.why);
    o->failed = true;
}

/* --- all --- */

int hand_out_again(struct hand_out *h, const struct handed *what, const struct rua_list *list,
                   struct str detail, const struct sent_book *book, struct err *err)
{
    struct outcome o = {.detail = BUF_INIT(SENT_DETAIL_MAX)};
    struct str piece;
    struct waiting w;
    while (str_next(&detail, ';', &piece)) {
        piece = str_trim(piece);
        const struct rua *rua = NULL;
        bool waiting = read_waiting(piece, &w);
        if (waiting && (rua = named(list, w.url)) != NULL) {
            hand_web(h, what, rua, w, &o);
            continue;
        }
        buf_addf(&o.detail, "%s%.*s%s; ", waiting ? "not to " : "",
                 STR_ARG(waiting ? w.url : piece),
                 waiting ? ": its domain does not name it any more" : "");
        o.sent |= !waiting && !str_starts(piece, STR(SENT_NOT_TO));
    }
    h->waits |= o.waits;
    int result = buf_ok(&o.detail) ? note(what, &o, book, err) : err_set(err, "out of memory");
    buf_release(&o.detail);
    return result;
}

/* NULL: it may be handed to that one; else why it is not. */
static const char *why_not(struct hand_out *h, const struct handed *what, const struct rua *rua,
                           struct err *why)
{
    size_t n = what->gzip.n;
    if (rua->size_max && n > rua->size_max)
        err_set(why, "%zu bytes, it takes %llu", n, (unsigned long long)rua->size_max);
    else if (rua->way == RUA_HTTPS && n > FETCH_BODY_MAX)
        err_set(why, "%zu bytes, %zu can be posted", n, FETCH_BODY_MAX);
    else if (shares_take(&h->shares, str_of(rua->host), why))
        return NULL;
    return why->text;
}

/* Mails are made; what is to be posted waits for hand_out_again(). */
static void hand_first(struct hand_out *h, const struct handed *what, const struct rua_list *list,
                       char ids[RUA_MAX][SPOOL_ID_LEN + 1], struct outcome *o)
{
    for (size_t i = 0; i < list->n; i++) {
        const struct rua *rua = &list->list[i];
        struct err why = {""};
        if (why_not(h, what, rua, &why))
            put_not(o, rua->way == RUA_MAILTO ? rua->target : rua->host, str_of(why.text));
        else if (rua->way == RUA_MAILTO)
            hand_mail(h, what, rua, ids[i], o);
        else
            put_waiting(o, &(struct waiting){.url = str_of(rua->target),
                                             .since = h->now_s,
                                             .why = STR("not tried yet")});
    }
}

int hand_out(struct hand_out *h, const struct handed *what, const struct rua_list *list,
             const struct sent_book *book, struct err *err)
{
    char ids[RUA_MAX][SPOOL_ID_LEN + 1];
    struct buf begun = BUF_INIT(SENT_DETAIL_MAX);
    struct outcome o = {.detail = BUF_INIT(SENT_DETAIL_MAX)};
    for (size_t i = 0; i < list->n; i++) {
        spool_id_make(ids[i]);
        buf_addf(&begun, "%s ", ids[i]);
    }
    int result = sent_note(book, SENT_BEGUN, what->subject->domain, buf_str(&begun), err);
    if (result == 0) {
        hand_first(h, what, list, ids, &o);
        result = buf_ok(&o.detail) ? note(what, &o, book, err) : err_set(err, "out of memory");
    }
    if (result == 0 && o.waits)
        result = hand_out_again(h, what, list, str_sub(buf_str(&o.detail), 0, o.detail.n - 2), book,
                                err);
    buf_release(&begun);
    buf_release(&o.detail);
    return result;
}
