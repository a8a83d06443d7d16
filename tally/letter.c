#include "tally/letter.h"

#define ZLIB_CONST
#include <zlib.h>

#include "mail/date.h"
#include "mail/transfer.h"
#include "mail/word.h"

#define GZIP_WINDOW (15 + 16) /* zlib's way to ask for RFC 1952 */
#define GZIP_MEMORY 8
#define GZIP_LEVEL  6

/* --- compressed --- */

int letter_gzip(struct str bytes, struct buf *out, struct err *err)
{
    z_stream z = {0};
    if (deflateInit2(&z, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, GZIP_MEMORY, Z_DEFAULT_STRATEGY) !=
        Z_OK)
        return err_set(err, "out of memory to compress a report");
    size_t most = deflateBound(&z, bytes.n);
    char *room = buf_room(out, most);
    int code = Z_MEM_ERROR;
    if (room) {
        z.next_in = (const Bytef *)bytes.s;
        z.avail_in = (uInt)bytes.n;
        z.next_out = (Bytef *)room;
        z.avail_out = (uInt)most;
        code = deflate(&z, Z_FINISH);
        buf_filled(out, most - z.avail_out);
    }
    deflateEnd(&z);
    return code == Z_STREAM_END ? 0 : err_set(err, "no room for a report of %zu bytes", bytes.n);
}

/* --- the header --- */

static void put_subject(const struct letter *letter, const char *between, struct buf *out)
{
    char id[TALLY_ID_SIZE];
    tally_report_id(letter->maker, letter->subject, id);
    buf_addf(out, "Report Domain: %.*s%sSubmitter: %.*s%sReport-ID: <%s>",
             STR_ARG(letter->subject->domain), between, STR_ARG(letter->maker->submitter), between,
             id);
}

void letter_subject(const struct letter *letter, struct buf *out)
{
    put_subject(letter, " ", out);
}

/* A name between quotes, where it is ASCII: what a phrase can't hold is left out (RFC 5322 3.2.4).
 */
static void put_phrase(struct str name, struct buf *out)
{
    if (!str_is_ascii(name)) {
        words_encode(name, out);
        return;
    }
    buf_addc(out, '"');
    for (size_t i = 0; i < name.n; i++)
        if (name.s[i] >= ' ' && name.s[i] < 127 && name.s[i] != '"' && name.s[i] != '\\')
            buf_addc(out, name.s[i]);
    buf_addc(out, '"');
}

static void put_head(const struct letter *letter, struct buf *out)
{
    const struct tally_maker *maker = letter->maker;
    buf_add(out, STR("From: "));
    put_phrase(maker->organization, out);
    buf_addf(out, " <%.*s>\r\nTo: %.*s\r\nDate: ", STR_ARG(maker->contact), STR_ARG(letter->to));
    mail_date_put(out, letter->time_s);
    buf_addf(out, "\r\nMessage-ID: <%s@%.*s>\r\nSubject: ", letter->id, STR_ARG(maker->hostname));
    put_subject(letter, "\r\n ", out);
    buf_add(out, STR("\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"));
    if (letter->subject->kind != TALLY_TLS) {
        buf_addf(out, "Content-Type: multipart/mixed; boundary=\"=_%s\"\r\n", letter->id);
        return;
    }
    /* RFC 8460 5.3: it must arrive where TLS as the policy asks does not work (RFC 8689 5) */
    buf_addf(out,
             "TLS-Report-Domain: %.*s\r\nTLS-Report-Submitter: %.*s\r\nTLS-Required: No\r\n"
             "Content-Type: multipart/report; report-type=tlsrpt;\r\n boundary=\"=_%s\"\r\n",
             STR_ARG(letter->subject->domain), STR_ARG(maker->submitter), letter->id);
}

/* --- the parts --- */

static void put_words(const struct letter *letter, struct buf *out)
{
    char day[TALLY_DAY_SIZE] = "?";
    tally_day_put(letter->subject->day, day);
    buf_add(out, STR("Content-Type: text/plain; charset=utf-8\r\n"
                     "Content-Transfer-Encoding: quoted-printable\r\n\r\n"));
    struct buf text = BUF_INIT(4096);
    buf_addf(&text,
             letter->subject->kind == TALLY_TLS
                 ? "This is a report about TLS with the mail servers of %.*s\non %s (UTC), as its "
                   "record _smtp._tls asks for (RFC 8460).\n"
                 : "This is an aggregate report about mail that says to be from %.*s\non %s (UTC), "
                   "as its DMARC policy asks for (RFC 9990).\n",
             STR_ARG(letter->subject->domain), day);
    buf_addf(&text, "It is made by a program. Whom to ask: %.*s\n",
             STR_ARG(letter->maker->contact));
    transfer_qp_put(buf_str(&text), out);
    buf_release(&text);
}

static void put_attachment(const struct letter *letter, struct buf *out)
{
    char name[TALLY_FILE_SIZE];
    bool tls = letter->subject->kind == TALLY_TLS;
    tally_file_name(letter->maker, letter->subject, name);
    buf_addf(out,
             "Content-Type: application/%s\r\nContent-Transfer-Encoding: base64\r\n"
             "Content-Disposition: attachment;\r\n filename=\"%s\"\r\n\r\n",
             tls ? "tlsrpt+gzip" : "gzip", name);
    transfer_base64_put(letter->report, out);
}

void letter_put(const struct letter *letter, struct buf *out)
{
    put_head(letter, out);
    buf_addf(out, "\r\n--=_%s\r\n", letter->id);
    put_words(letter, out);
    buf_addf(out, "\r\n--=_%s\r\n", letter->id);
    put_attachment(letter, out);
    buf_addf(out, "\r\n--=_%s--\r\n", letter->id);
}
