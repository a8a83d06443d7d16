/* A spool in a temporary folder, and a message to put into it. */
#ifndef POTERNE_T_UNIT_SPOOL_FIXTURE_H
#define POTERNE_T_UNIT_SPOOL_FIXTURE_H

#include "t/unit/tap.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fsio.h"
#include "spool/spool.h"

#define POOL_MAX (32 * 1024 * 1024)

struct fixture {
    char root[64];
    struct spool *spool;
    struct pool *pool;
    struct err err;
    char id[SPOOL_ID_LEN + 1];
};

static inline int fixture_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    snprintf(f->root, sizeof f->root, "/tmp/spool-test-XXXXXX");
    if (mkdtemp(f->root) == NULL)
        return -1;
    f->pool = pool_new(POOL_MAX);
    f->spool = spool_open(f->root, &f->err);
    *state = f;
    return f->spool && f->pool ? 0 : -1;
}

static inline int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    return remove(path);
}

static inline int fixture_down(void **state)
{
    struct fixture *f = *state;
    spool_close(&f->spool);
    pool_free(&f->pool);
    nftw(f->root, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    free(f);
    return 0;
}

static inline void path_of(const struct fixture *f, const char *folder, char *path, size_t size)
{
    snprintf(path, size, "%s/%s/%s", f->root, folder, f->id);
}

static inline bool is_in(const struct fixture *f, const char *folder)
{
    char path[256];
    path_of(f, folder, path, sizeof path);
    return access(path, F_OK) == 0;
}

static const char sample_body[] =
    "Subject: hello\r\nX-Spam-Flag: NO\r\n\r\nfirst line\r\n.\r\nlast\r\n";

static inline struct envelope sample_envelope(const char *id)
{
    static struct spool_recipient recipients[2];
    static struct edit edits[2];
    recipients[0] = (struct spool_recipient){.address = STR("jean.toto@univ.example"),
                                             .how = STR("file staff"),
                                             .orcpt = STR("rfc822;jean")};
    recipients[1] = (struct spool_recipient){.address = STR("x@univ.example")};
    edits[0] = (struct edit){.at = 0, .insert = STR("X-Poterne-Id: 1\r\n")};
    edits[1] = (struct edit){.at = 16, .remove = 17};
    return (struct envelope){.id = str_of(id),
                             .time_us = 1790000000123456,
                             .client_ip = STR("192.0.2.1"),
                             .client_name = STR("mx.shop.example"),
                             .helo = STR("shop"),
                             .protocol = STR("ESMTPS"),
                             .sender = STR("news@shop.example"),
                             .recipients = recipients,
                             .n_recipients = 2,
                             .smtputf8 = true,
                             .subject = STR("hello"),
                             .message_id = STR("<1@shop.example>"),
                             .verdict = STR("ham"),
                             .global = 2.5,
                             .heuristics = -0.5,
                             .bayes = 3.0,
                             .evidence = STR("{\"a\":1}"),
                             .edits = {.list = edits, .n = 2}};
}

/* Receives and commits a sample; its id is in f->id. */
static inline void put_sample(struct fixture *f, enum spool_state state)
{
    spool_id_make(f->id);
    struct spool_writer *w = spool_receive(f->spool, f->id, &f->err);
    assert_non_null(w);
    struct envelope e = sample_envelope(f->id);
    assert_int_equal(spool_write(w, str_of(sample_body), &f->err), 0);
    assert_int_equal(spool_commit(&w, &e, state, &f->err), 0);
    assert_null(w);
}

static inline void read_sample(struct fixture *f, const char *folder, struct buf *bytes)
{
    char path[256];
    path_of(f, folder, path, sizeof path);
    assert_int_equal(fsio_read_file(path, bytes, &f->err), 0);
}

static inline void write_sample(struct fixture *f, const char *folder, struct str bytes)
{
    char path[256];
    path_of(f, folder, path, sizeof path);
    int fd = open(path, O_WRONLY | O_TRUNC);
    assert_true(fd >= 0);
    assert_int_equal(fsio_write(fd, bytes, path, &f->err), 0);
    close(fd);
}

/* 0 loaded, 1 damaged, -1 failed in another way */
static inline int try_load(struct fixture *f, enum spool_state state, struct spool_file **file)
{
    bool corrupt = false;
    pool_reset(f->pool);
    if (spool_load(f->spool, state, f->id, f->pool, file, &corrupt, &f->err) == 0)
        return 0;
    assert_null(*file);
    return corrupt ? 1 : -1;
}

#endif
