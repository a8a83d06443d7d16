/* A folder with a ledger, and made-up mail: shared by the tests of the ledger. */
#ifndef POTERNE_T_UNIT_LEDGER_WORLD_H
#define POTERNE_T_UNIT_LEDGER_WORLD_H

#include "t/unit/tap.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bayes/ledger/ledger.h"

#define WORDS 40  /* features of one made-up message */
#define GRAMS 300 /* its grams */

static char folder[64];

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    return remove(path);
}

static inline int make_folder(void **state)
{
    snprintf(folder, sizeof folder, "/tmp/poterne-ledger-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static inline int remove_folder(void **state)
{
    return nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

static inline struct ledger *open_ledger(void)
{
    struct err err;
    struct ledger *ledger = ledger_open(folder, &err);
    if (ledger == NULL)
        fail_msg("%s", err.text);
    return ledger;
}

static inline int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static inline uint64_t spread(uint64_t i)
{
    return (i + 1) * 0x9e3779b97f4a7c15u;
}

static inline enum learn_class class_of(uint64_t i)
{
    return i % 3 ? LEARN_HAM : LEARN_SPAM;
}

/* Nothing about a message tells its class. */
static inline enum learn_class class_by_lot(uint64_t i)
{
    return spread(i) & 0x10000 ? LEARN_HAM : LEARN_SPAM;
}

static inline enum learn_class other_class(uint64_t i)
{
    return i % 3 ? LEARN_SPAM : LEARN_HAM;
}

static inline enum learn_class all_ham(uint64_t i)
{
    return LEARN_HAM;
}

static inline enum learn_class all_spam(uint64_t i)
{
    return LEARN_SPAM;
}

/* Message i: words that many share and words of its own. */
static inline size_t words_of(uint64_t i, uint64_t *words)
{
    size_t n = 0;
    for (uint64_t k = 0; k < WORDS; k++) {
        uint64_t word =
            k < WORDS / 2 ? spread((i * 7 + k * k) % 500) : spread(1000 + i * WORDS + k);
        bool there = false;
        for (size_t j = 0; j < n; j++)
            there |= words[j] == word; // cppcheck-suppress uninitvar
        if (!there)
            words[n++] = word;
    }
    qsort(words, n, sizeof words[0], by_value);
    return n;
}

/* Grams that its class shares, those that all share, and some of its own; rising. */
static inline size_t grams_of(uint64_t i, uint32_t *grams)
{
    for (uint32_t k = 0; k < GRAMS; k++) {
        uint64_t at = k % 3 == 0   ? 1 + (class_of(i) == LEARN_SPAM)
                      : k % 3 == 1 ? 3
                                   : 10 + spread(i * GRAMS + k) % 3000;
        grams[k] = k * 3400 + (uint32_t)at;
    }
    return GRAMS;
}

static inline struct ledger_item item_of(uint64_t digest, enum learn_class class,
                                         const uint64_t *words, size_t n)
{
    return (struct ledger_item){.digest = digest, .class = class, .features = words, .n = n};
}

/* With room for what an item points to. */
struct mail {
    struct ledger_item item;
    uint64_t words[WORDS];
    uint32_t grams[GRAMS];
};

static inline void mail_make(struct mail *mail, uint64_t i, enum learn_class class)
{
    mail->item = item_of(spread(i), class, mail->words, words_of(i, mail->words));
    mail->item.grams = mail->grams;
    mail->item.n_grams = grams_of(i, mail->grams);
}

static inline enum learn_result learn_from(struct ledger *ledger, uint64_t i,
                                           enum learn_class class,
                                           const struct learn_source *source)
{
    struct err err;
    struct mail mail;
    mail_make(&mail, i, class);
    if (source)
        mail.item.source = *source;
    ledger_learn_batch(ledger, &mail.item, 1, &err);
    return mail.item.result;
}

static inline enum learn_result learn(struct ledger *ledger, uint64_t i, enum learn_class class)
{
    return learn_from(ledger, i, class, NULL);
}

static inline void learn_many(struct ledger *ledger, uint64_t from, uint64_t to)
{
    for (uint64_t i = from; i < to; i++)
        assert_int_equal(learn(ledger, i, class_of(i)), LEARN_DONE);
}

static inline void forget_many(struct ledger *ledger, uint64_t from, uint64_t to)
{
    for (uint64_t i = from; i < to; i++)
        assert_int_equal(learn(ledger, i, LEARN_FORGET), LEARN_DONE);
}

/* from..to in one batch; returns how many were done. */
static inline size_t learn_batch_as(struct ledger *ledger, uint64_t from, uint64_t to,
                                    enum learn_class (*class)(uint64_t))
{
    struct err err;
    size_t n = (size_t)(to - from), done = 0;
    struct mail *mail = calloc(n, sizeof *mail);
    struct ledger_item *items = calloc(n, sizeof *items);
    for (size_t i = 0; i < n; i++) {
        mail_make(&mail[i], from + i, class(from + i));
        items[i] = mail[i].item;
    }
    ledger_learn_batch(ledger, items, n, &err);
    for (size_t i = 0; i < n; i++)
        done += items[i].result == LEARN_DONE || items[i].result == LEARN_KNOWN;
    free(mail);
    free(items);
    return done;
}

static inline size_t learn_batch(struct ledger *ledger, uint64_t from, uint64_t to)
{
    return learn_batch_as(ledger, from, to, class_of);
}

static inline uint64_t sum_of(struct ledger *ledger)
{
    struct err err;
    uint64_t sum;
    if (ledger_sum(ledger, &sum, &err) < 0)
        fail_msg("%s", err.text);
    return sum;
}

/* Ledgers that were found damaged. */
static inline unsigned set_aside(void)
{
    unsigned n = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        n += strncmp(entry->d_name, "ledger.damaged-", 15) == 0;
    closedir(dir);
    return n;
}

static inline void assert_totals(struct ledger *ledger, uint64_t spam, uint64_t ham)
{
    assert_int_equal(ledger_totals(ledger).spam, spam);
    assert_int_equal(ledger_totals(ledger).ham, ham);
}

#endif
