#include "t/unit/tap.h"

#include <stdio.h>
#include <stdlib.h>

#include "bayes/features/features.h"
#include "bayes/features/grams.h"

#define POOL_MAX (16u << 20)

static struct pool *pool;

static int make_pool(void **state)
{
    pool = pool_new(POOL_MAX);
    return pool ? 0 : -1;
}

static int free_pool(void **state)
{
    pool_free(&pool);
    return 0;
}

static struct features features_of(const char *raw)
{
    struct features features;
    struct err err;
    if (features_of_mail(pool, str_of(raw), NULL, &features, &err) < 0)
        fail_msg("%s", err.text);
    return features;
}

static bool same_grams(struct features a, struct features b)
{
    return a.n_grams == b.n_grams && memcmp(a.grams, b.grams, a.n_grams * sizeof a.grams[0]) == 0;
}

static void each_gram_once_and_rising(void **state)
{
    static const char text[] = "the same words and the same words and other words";
    uint32_t grams[GRAMS_MAX];
    size_t n = grams_of(str_of(text), grams);
    assert_true(n > 20 && n < sizeof text - 4);
    grams_sort(grams, n);
    for (size_t i = 0; i < n; i++) {
        assert_true(grams[i] < GRAM_WEIGHTS);
        assert_true(i == 0 || grams[i - 1] < grams[i]);
    }
}

static void four_bytes_make_one(void **state)
{
    uint32_t grams[GRAMS_MAX];
    assert_int_equal(grams_of(STR_EMPTY, grams), 0);
    assert_int_equal(grams_of(STR("abc"), grams), 0);
    assert_int_equal(grams_of(STR("abcd"), grams), 1);
    assert_int_equal(grams_of(STR("aaaaaaaaaaaa"), grams), 1);
    assert_int_equal(grams_of(STR("\xff\xff\xff\xff"), grams), 1);
    assert_int_equal(grams_of(str_n("\0\0\0\0", 4), grams), 1);
    assert_int_equal(grams[0], 0);
}

/* splitmix64 (S. Vigna): the same on every machine */
static uint64_t chance(uint64_t *at)
{
    uint64_t x = *at += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/* Against a slow way of doing it. */
static void random_bytes_lose_none(void **state)
{
    static unsigned char seen[GRAM_WEIGHTS];
    uint32_t one[GRAMS_MAX], grams[GRAMS_MAX];
    char bytes[GRAMS_MAX + 100];
    size_t expected = 0;
    uint64_t seed = 3;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)chance(&seed);
    for (size_t i = 0; i + 4 <= GRAMS_MAX; i++) {
        assert_int_equal(grams_of(str_n(bytes + i, 4), one), 1);
        expected += !seen[one[0]];
        seen[one[0]] = 1;
    }
    size_t n = grams_of(str_n(bytes, sizeof bytes), grams);
    assert_int_equal(n, expected);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(seen[grams[i]], 1);
}

static void other_filters_and_line_ends_do_not_count(void **state)
{
    static const char plain[] = "Subject: hello\nFrom: a@example.org\n\nthe text\nof it\n";
    static const char tagged[] = "X-Spam-Status: Yes, score=20\r\nX-Poterne-Score: global=-9\r\n"
                                 "Subject: [SPAM] hello\r\nFrom: a@example.org\r\n\r\n"
                                 "the text\r\nof it\r\n";
    static const char other[] = "Subject: hallo\nFrom: a@example.org\n\nthe text\nof it\n";
    assert_true(same_grams(features_of(plain), features_of(tagged)));
    assert_false(same_grams(features_of(plain), features_of(other)));
}

static void what_lies_far_behind_does_not_count(void **state)
{
    struct buf mail = BUF_INIT(POOL_MAX);
    buf_add(&mail, STR("Subject: long\n\n"));
    while (mail.n < GRAMS_MAX)
        buf_addf(&mail, "line %zu\n", mail.n);
    size_t head = mail.n;
    buf_add(&mail, STR("one tail\n"));
    buf_addc(&mail, '\0');
    struct features one = features_of(mail.p);
    mail.n = head;
    buf_add(&mail, STR("and quite another tail\n"));
    buf_addc(&mail, '\0');
    assert_true(buf_ok(&mail));
    assert_true(same_grams(one, features_of(mail.p)));
    assert_true(one.n_grams > 500 && one.n_grams <= GRAMS_MAX);
    buf_release(&mail);
}

/* --- campaigns --- */

static uint64_t campaign_of(const char *format, const char *a, const char *b, const char *c)
{
    char raw[4096];
    snprintf(raw, sizeof raw, format, a, b, c);
    return features_of(raw).campaign;
}

static const char offer[] =
    "Subject: your order\n\nDear %s,\n\nwe have reserved a special price for our best customers "
    "this week. Order your pills before the offer ends at http://%s/ and pay only %s dollars "
    "with free shipping to every country. Thousands of satisfied people already trust our "
    "pharmacy; no prescription is needed and nobody will ever know what the parcel contains.\n";

static void names_numbers_and_addresses_make_no_other_campaign(void **state)
{
    uint64_t first = campaign_of(offer, "Jean", "pills.example", "49");
    assert_true(first == campaign_of(offer, "Marie-Claire O'Neill", "pills.example", "49"));
    assert_true(first == campaign_of(offer, "Jean", "www.x77.example/abc?id=99", "49"));
    assert_true(first == campaign_of(offer, "Jean", "pills.example", "1,299.00"));
    assert_true(first == campaign_of(offer, "qxzvkrt", "pills.example", "xkcdqwrt"));
}

/* A random word that could be one changes it now and then: it must be rare. */
static void random_words_rarely_make_another_campaign(void **state)
{
    unsigned same = 0;
    uint64_t first = campaign_of(offer, "Jean", "pills.example", "49");
    uint64_t seed = 5;
    for (unsigned i = 0; i < 200; i++) {
        char word[9] = {0};
        for (unsigned k = 0; k < 8; k++)
            word[k] = k % 2 ? "aeiou"[chance(&seed) % 5] : "bdfglmnprst"[chance(&seed) % 11];
        same += first == campaign_of(offer, "Jean", "pills.example", word);
    }
    assert_true(same > 160);
}

static void other_texts_are_other_campaigns(void **state)
{
    static const char news[] =
        "Subject: minutes\n\nHello %s,\n\nhere are the minutes of the meeting that we had about "
        "the new building; see %s for the drawings, page %s. Please send your remarks to the "
        "secretary until the end of the month, so that they can be taken into account.\n";
    assert_true(campaign_of(offer, "a", "b", "c") != campaign_of(news, "a", "b", "c"));
}

static void capitals_and_short_texts_work_too(void **state)
{
    static const char shout[] = "Subject: x\n\nYOU HAVE WON THE LOTTERY %s %s CLAIM NOW %s\n";
    assert_true(campaign_of(shout, "1", "2", "3") == campaign_of(shout, "77", "8", "9"));
    assert_true(campaign_of(shout, "1", "2", "3") != campaign_of(offer, "1", "2", "3"));
}

static void messages_without_words_share_their_attachment(void **state)
{
    static const char image[] =
        "Subject: %s\nContent-Type: multipart/mixed; boundary=%s\n\n"
        "--%s\nContent-Type: image/png\nContent-Transfer-Encoding: base64\n\n%s\n--%s--\n";
    char one[1024], two[1024], three[1024];
    snprintf(one, sizeof one, image, "a", "b1", "b1", "iVBORw0KGgo=", "b1");
    snprintf(two, sizeof two, image, "c", "b2", "b2", "iVBORw0KGgo=", "b2");
    snprintf(three, sizeof three, image, "a", "b1", "b1", "iVBORw0KGgq=", "b1");
    assert_true(features_of(one).campaign == features_of(two).campaign);
    assert_true(features_of(one).campaign != features_of(three).campaign);
}

#define WITH_POOL(test) cmocka_unit_test_setup_teardown(test, make_pool, free_pool)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_gram_once_and_rising),
        cmocka_unit_test(four_bytes_make_one),
        cmocka_unit_test(random_bytes_lose_none),
        WITH_POOL(other_filters_and_line_ends_do_not_count),
        WITH_POOL(what_lies_far_behind_does_not_count),
        WITH_POOL(names_numbers_and_addresses_make_no_other_campaign),
        WITH_POOL(random_words_rarely_make_another_campaign),
        WITH_POOL(other_texts_are_other_campaigns),
        WITH_POOL(capitals_and_short_texts_work_too),
        WITH_POOL(messages_without_words_share_their_attachment),
    };
    return tap_run(tests, NULL, NULL);
}
