#include "antivirus/self_test.h"

#define LETTER_HEAD                                                                                \
    "Received: from a.example by b.example; Sat, 1 Jan 2000 00:00:00 +0000\r\n"                    \
    "From: a@a.example\r\nTo: b@b.example\r\nSubject: self test\r\n"                               \
    "Date: Sat, 1 Jan 2000 00:00:00 +0000\r\nMIME-Version: 1.0\r\n"
#define LETTER_TEXT "A harmless letter.\r\n"
#define LETTER_HTML                                                                                \
    "<p>A <a href=\"https://www.example.org/\">harmless</a> letter. <img src=\"cid:1\"></p>\r\n"
#define LETTER_IMAGE /* one pixel */                                                               \
    "GIF89a\1\0\1\0\200\0\0\0\0\0\377\377\377\41\371\4\1\0\0\0\0\54\0\0\0\0\1\0\1\0\0\2\1D\0;"

static const struct av_part text_parts[] = {
    {.bytes = {LETTER_TEXT, sizeof LETTER_TEXT - 1}, .as_it_stands = true}};
static const struct av_part html_parts[] = {{.bytes = {LETTER_HTML, sizeof LETTER_HTML - 1},
                                             .as_it_stands = true},
                                            {.bytes = {LETTER_IMAGE, sizeof LETTER_IMAGE - 1},
                                             .filename = {"a.gif", 5}}};

static const char text_letter[] = LETTER_HEAD "Content-Type: text/plain\r\n\r\n" LETTER_TEXT;
static const char html_letter[] =
    LETTER_HEAD "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
                "Content-Type: text/html\r\n\r\n" LETTER_HTML "--b\r\n"
                "Content-Type: image/gif; name=a.gif\r\nContent-Transfer-Encoding: base64\r\n"
                "Content-Disposition: attachment; filename=a.gif\r\n\r\n"
                "R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7\r\n--b--\r\n";

static const struct av_message letters[] = {
    {.raw = {text_letter, sizeof text_letter - 1}, .parts = text_parts, .n_parts = 1},
    {.raw = {html_letter, sizeof html_letter - 1}, .parts = html_parts, .n_parts = 2},
};

/* Backwards, so that no scanner takes this program for it. */
static const char eicar_backwards[] =
    "*H+H$!ELIF-TSET-SURIVITNA-DRADNATS-RACIE$}7)CC7)^P(45XZP\\4[PA@%P!O5X";
#define EICAR_LEN (sizeof eicar_backwards - 1)
static const char eicar_head[] = LETTER_HEAD "Content-Type: application/octet-stream\r\n\r\n";
#define EICAR_HEAD_LEN (sizeof eicar_head - 1)

static void test_one(struct engine *engine, const struct av_message *message,
                     struct av_answer *answer)
{
    uint64_t deadline = (uint64_t)clock_ms() + (uint64_t)engine->conf->timeout * 1000;
    engine_scan(engine, message, deadline, answer);
}

static bool must_know_eicar(const struct engine *engine)
{
    const struct conf_list *known_by = &engine->conf->eicar_known_by;
    for (size_t i = 0; i < known_by->n; i++)
        if (strcmp(known_by->items[i], engine->name) == 0)
            return true;
    return engine->official;
}

static int find_eicar(struct engine *engine, struct err *err)
{
    char raw[EICAR_HEAD_LEN + EICAR_LEN];
    memcpy(raw, eicar_head, EICAR_HEAD_LEN);
    for (size_t i = 0; i < EICAR_LEN; i++)
        raw[EICAR_HEAD_LEN + i] = eicar_backwards[EICAR_LEN - 1 - i];
    const struct av_part part = {.bytes = str_n(raw + EICAR_HEAD_LEN, EICAR_LEN),
                                 .as_it_stands = true};
    const struct av_message message = {.raw = str_n(raw, sizeof raw), .parts = &part, .n_parts = 1};
    struct av_answer answer;
    test_one(engine, &message, &answer);
    if (answer.result == AV_INFECTED)
        return 0;
    return err_set(err,
                   "antivirus engine %s: the EICAR test file is not infected but %s%s%s: its "
                   "signatures are not whole; run freshclam, or look at antivirus.eicar_known_by",
                   engine->name, av_result_name(answer.result), answer.name[0] ? ", " : "",
                   answer.name);
}

int self_test(struct engine *engine, struct err *err)
{
    for (size_t i = 0; i < sizeof letters / sizeof letters[0]; i++) {
        struct av_answer answer;
        test_one(engine, &letters[i], &answer);
        /* a policy may forbid anything */
        if (answer.result != AV_CLEAN && answer.result != AV_BANNED)
            return err_set(err,
                           "antivirus engine %s: a harmless test letter is not clean but %s (%s); "
                           "remove the signature or rule at fault",
                           engine->name, av_result_name(answer.result), answer.name);
    }
    return must_know_eicar(engine) ? find_eicar(engine, err) : 0;
}
