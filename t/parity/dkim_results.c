/* dkim_results [--lax] ZONE FILE…: one line a file: its name, then the result of each signature. */
#include <stdio.h>

#include "base/fsio.h"
#include "sender/dkim.h"
#include "sender/dns_file.h"

#define MESSAGE_MAX ((size_t)32 * 1024 * 1024)

static int print_results(struct dkim_checker *checker, const struct dns_source *keys,
                         const char *path, struct err *err)
{
    struct buf raw = BUF_INIT(MESSAGE_MAX);
    struct pool *pool = pool_new(1 << 20);
    struct dkim_results results;
    int result = -1;
    if (fsio_read_file(path, &raw, err) == 0)
        result = dkim_check(checker, pool, buf_str(&raw), keys, &results, err);
    if (result == 0) {
        printf("%s", path);
        for (size_t i = 0; i < results.n; i++)
            printf(" %s", dkim_result_name(results.list[i].result));
        printf("%s\n", results.n == 0 ? " none" : "");
    }
    pool_free(&pool);
    buf_release(&raw);
    return result;
}

int main(int argc, char **argv)
{
    /* as verifiers were before RFC 8301, for messages of that time */
    static const struct dkim_policy lax = {.min_key_bits = 512,
                                           .accept_sha1 = true,
                                           .accept_drafts = true};
    struct err err = {"usage: dkim_results [--lax] ZONE FILE..."};
    int at = argc > 1 && strcmp(argv[1], "--lax") == 0 ? 2 : 1;
    struct dns_file *zone = argc > at ? dns_file_read(argv[at], &err) : NULL;
    struct dkim_checker *checker =
        zone ? dkim_checker_new(at == 2 ? &lax : &dkim_policy_default, &err) : NULL;
    int result = checker ? 0 : -1;
    if (checker) {
        struct dns_source keys = dns_file_source(zone);
        for (int i = at + 1; i < argc && result == 0; i++)
            result = print_results(checker, &keys, argv[i], &err);
        dkim_checker_free(&checker);
    }
    if (zone)
        dns_file_free(&zone);
    if (result < 0)
        fprintf(stderr, "%s\n", err.text);
    return result < 0;
}
