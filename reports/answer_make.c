/* The mail that is the answer. */
#include "mail/date.h"
#include "mail/transfer.h"
#include "mail/utf8.h"
#include "mail/word.h"
#include "reports/answer.h"
#include "reports/answer_text.h"

#define SUBJECT_MAX    200 /* bytes of the report's that are repeated */
#define REFERENCE_MAX  400 /* bytes of its Message-ID: longer ones are not */
#define LEFT_LINES_MAX 20
#define NAME_MAX_BYTES 100

/* --- header --- */

static int put_subject(struct pool *pool, const struct message *report, struct buf *out,
                       struct err *err)
{
    const struct header *field = message_header(report, STR("Subject"));
    struct str text = field ? header_text(pool, field) : STR("");
    if (text.s == NULL)
        return err_set(err, "out of memory for an answer");
    while (str_istarts(text, STR("Re:")))
        text = str_trim(str_from(text, 3));
    buf_add(out, STR("Subject: Re: "));
    words_encode(utf8_head(text, SUBJECT_MAX), out);
    buf_add(out, STR("\r\n"));
    return 0;
}

/* "<x@y>" and nothing that could break out of a field. */
static bool is_message_id(struct str id)
{
    for (size_t i = 0; i < id.n; i++)
        if (id.s[i] <= ' ' || id.s[i] > '~')
            return false;
    return id.n > 2 && id.n <= REFERENCE_MAX && id.s[0] == '<' && id.s[id.n - 1] == '>';
}

static void put_references(const struct message *report, struct buf *out)
{
    const struct header *field = message_header(report, STR("Message-ID"));
    struct str id = field ? str_trim(field->value) : STR_EMPTY;
    if (is_message_id(id))
        buf_addf(out, "In-Reply-To: %.*s\r\nReferences: %.*s\r\n", STR_ARG(id), STR_ARG(id));
}

static int put_header(struct pool *pool, const struct answer *a, const char *language,
                      struct buf *out, struct err *err)
{
    buf_addf(out, "From: %.*s\r\nTo: %.*s\r\n", STR_ARG(a->from), STR_ARG(a->to));
    if (put_subject(pool, a->report, out, err) < 0)
        return -1;
    buf_add(out, STR("Date: "));
    mail_date_put(out, a->time);
    buf_addf(out, "\r\nMessage-ID: <%.*s@%.*s>\r\n", STR_ARG(a->id), STR_ARG(a->hostname));
    put_references(a->report, out);
    buf_addf(out,
             "Auto-Submitted: auto-replied\r\nX-Auto-Response-Suppress: All\r\n"
             "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=UTF-8\r\n"
             "Content-Language: %s\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n",
             language);
    return 0;
}

/* --- text --- */

/* A name out of somebody's mail, in one line. */
static void put_name(struct str name, struct buf *out)
{
    struct str head = utf8_head(name, NAME_MAX_BYTES);
    for (size_t i = 0; i < head.n; i++)
        buf_addc(out, (unsigned char)head.s[i] < ' ' || head.s[i] == 127 ? ' ' : head.s[i]);
    if (head.n < name.n)
        buf_add(out, STR("..."));
}

static void put_left_out(const struct originals *originals, const struct answer_text *text,
                         struct buf *out)
{
    size_t shown = originals->n_left_out < LEFT_LINES_MAX ? originals->n_left_out : LEFT_LINES_MAX;
    size_t more = originals->n_left_out - shown + originals->n_left_more;
    buf_add(out, str_of(text->left));
    for (size_t i = 0; i < shown; i++) {
        const struct left_out *left = &originals->left_out[i];
        buf_add(out, STR("- "));
        put_name(left->name, out);
        buf_addf(out, "%s%s\n", left->name.n ? ": " : "", text->whys[left->why]);
    }
    if (more)
        buf_addf(out, text->more, more);
    buf_addc(out, '\n');
}

/* Line ends as LF, whatever the file has. */
static void put_own(struct str own, struct buf *out)
{
    struct str line;
    while (str_next_line(&own, &line)) {
        buf_add(out, line);
        buf_addc(out, '\n');
    }
    buf_addc(out, '\n');
}

static void put_unclear(const struct answer *a, const struct answer_text *text, struct buf *out)
{
    buf_add(out, str_of(text->unclear));
    if (a->spam_address)
        buf_addf(out, text->to_spam, a->spam_address);
    if (a->ham_address)
        buf_addf(out, text->to_ham, a->ham_address);
}

static void put_text(const struct answer *a, const struct answer_text *text, struct buf *out)
{
    bool left = a->originals && a->originals->n_left_out;
    if (a->own_text.n) {
        put_own(a->own_text, out);
    } else if (a->unclear) {
        buf_add(out, str_of(text->hello));
        put_unclear(a, text, out);
    } else {
        buf_add(out, str_of(text->hello));
        buf_add(out, str_of(left ? text->unreadable : text->shapes[a->letter.shape]));
        buf_add(out, str_of(text->how));
    }
    if (left)
        put_left_out(a->originals, text, out);
    if (a->own_text.n == 0)
        buf_add(out, str_of(text->end));
}

int answer_make(struct pool *pool, const struct answer *a, struct buf *out, struct err *err)
{
    const struct answer_text *text = answer_text_in(a->letter.language);
    struct buf body = BUF_INIT(ANSWER_MAIL_MAX);
    if (put_header(pool, a, text->tag, out, err) < 0)
        return -1;
    put_text(a, text, &body);
    if (buf_ok(&body))
        transfer_qp_put(buf_str(&body), out);
    bool made = buf_ok(&body) && buf_ok(out);
    buf_release(&body);
    return made ? 0 : err_set(err, "no room for an answer");
}
