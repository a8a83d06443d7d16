/*
 * report: somebody's report through all of reports/: its originals, each restored and judged, the
 * letter's shape, whether it is answered, and the answer. What is checked beyond memory: originals
 * stay within their limits, restoring what was restored changes nothing that counts, nobody forges
 * a signature, and the answer is one well-formed mail that would not be answered.
 */
#include <stdlib.h>

#include "mail/utf8.h"
#include "reports/answer.h"
#include "reports/identity.h"

#define POOL_MAX (512 * 1024 * 1024)
#define TAG      "[SPAM] "
#define NOW      1795000000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static struct conf *settings(void)
{
    struct err err;
    return conf_parse(
        STR("hostname = mx.ours.example\nspam { reports = \"reports@ours.example\" }\n"
            "domain ours.example { next_hop = lmtp://127.0.0.1:24 }\n"),
        "fuzz", &err);
}

static void check_original(struct pool *pool, const struct original *original)
{
    const struct keys keys = {.n = 1, .bytes = {{1, 2, 3}}};
    struct restored once, twice;
    struct identity identity;
    struct err err;
    must(restore_original(pool, original->raw, STR(TAG), &once, &err) == 0);
    must(identity_check(&once, STR(TAG), &keys, NULL, STR("jean@ours.example"), pool, &identity,
                        &err) == 0);
    must(identity.kind == IDENTITY_UNKNOWN || identity.kind == IDENTITY_FORGED);
    must(once.message->raw.n <= 2 * original->raw.n + 64 * 1024);
    must(restore_original(pool, once.message->raw, STR(TAG), &twice, &err) == 0);
    must(twice.id.n == 0 && twice.marked == MARKED_NOT);
}

static void check_originals(struct pool *pool, const struct originals *found)
{
    size_t bytes = 0;
    must(found->n <= ORIGINALS_MAX && found->n_left_out <= ORIGINALS_LEFT_MAX);
    must(!found->bounce || found->n == 0);
    for (size_t i = 0; i < found->n; i++) {
        bytes += found->list[i].raw.n;
        must(found->list[i].raw.n > 0);
        check_original(pool, &found->list[i]);
    }
    must(bytes <= ORIGINALS_BYTES_MAX);
    for (size_t i = 0; i < found->n_left_out; i++)
        must(left_why_name(found->left_out[i].why) != NULL);
}

static void check_answer(struct pool *pool, const struct message *report,
                         const struct originals *found, const struct conf *conf)
{
    static const struct answer_times nobody;
    const struct str sender = STR("jean@ours.example");
    struct answer_case c = {report, sender, conf};
    struct buf out = BUF_INIT(ANSWER_MAIL_MAX);
    struct answer answer = {.report = report,
                            .to = sender,
                            .from = STR("reports@ours.example"),
                            .hostname = STR("mx.ours.example"),
                            .id = STR("01ID"),
                            .time = NOW,
                            .originals = found};
    struct mail_text *text;
    struct message *mail;
    struct err err;
    answer_decide(&c, &nobody, NOW);
    must(mail_text_make(pool, report, &text, &err) == 0);
    must(letter_read(pool, report, text, &answer.letter, &err) == 0);
    must(answer_make(pool, &answer, &out, &err) == 0);
    must(utf8_ascii_end(buf_str(&out), 0) == out.n);
    must(message_parse(pool, buf_str(&out), &mail_limits_default, &mail, &err) == 0);
    must(mail->anomalies == 0 && mail->n_parts == 1);
    c.report = mail;
    must(answer_decide(&c, &nobody, NOW) == ANSWER_AUTOMATIC);
    buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct conf *conf;
    struct originals found;
    struct message *report;
    struct err err;
    if (conf == NULL)
        conf = settings();
    struct pool *pool = pool_new(POOL_MAX);
    struct str raw = str_n((const char *)data, size);
    must(conf && pool && message_parse(pool, raw, &report_limits, &report, &err) == 0);
    must(originals_find(pool, report, &found, &err) == 0);
    check_originals(pool, &found);
    check_answer(pool, report, &found, conf);
    pool_free(&pool);
    return 0;
}
