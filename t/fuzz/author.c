/*
 * From and Sender with hostile fields: where author_check() says that the message speaks in the
 * name of jean@b.example alone, the other reader of From (DMARC's), which looks for every author
 * that any program might show, must find no other domain; and what is denied is told.
 */
#include <stdlib.h>

#include "sender/author.h"
#include "sender/dmarc.h"

#define POOL_MAX (4 * 1024 * 1024)

static void require(bool holds)
{
    if (!holds)
        abort();
}

static bool is_jeans(void *data, struct str address)
{
    unsigned *asked = data;
    require(address.n > 0);
    (*asked)++;
    return str_ieq(address, STR("jean@b.example"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char room[64];
    struct buf shown = BUF_OVER(room);
    struct str header = str_n((const char *)data, size);
    unsigned asked = 0;
    enum author_result result = author_check(header, is_jeans, &asked, &shown);
    require((result == AUTHOR_DENIED) == (shown.n > 0));
    if (result != AUTHOR_FINE)
        return 0;
    require(asked > 0);
    struct pool *pool = pool_new(POOL_MAX);
    struct part root = {.head = header};
    const struct message message = {.root = &root};
    struct dmarc_authors authors;
    struct err err;
    require(pool && dmarc_authors(&message, pool, &authors, &err) == 0);
    require(authors.n == 1 && !authors.more && str_eq(authors.domains[0], STR("b.example")));
    pool_free(&pool);
    return 0;
}
