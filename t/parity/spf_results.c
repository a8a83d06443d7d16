/*
 * spf_results ZONE: reads questions, one a line, its fields parted by tabs: name, client address,
 * HELO, envelope sender. Writes for each: name, result, what was matched, explanation.
 */
#include <stdio.h>

#include "base/buf.h"
#include "base/fsio.h"
#include "sender/dns_file.h"
#include "sender/dns_memo.h"
#include "sender/spf.h"

#define INPUT_MAX ((size_t)16 * 1024 * 1024)

static int answer(struct dns_file *zone, struct str line, struct err *err)
{
    struct str name = STR_EMPTY;
    struct spf_request request = {.hostname = STR("receiver.example"), .now = 1800000000};
    struct spf_answer answer;
    struct pool *pool = pool_new(1 << 22);
    const struct dns_source file = dns_file_source(zone);
    struct dns_memo *memo = pool ? dns_memo_new(pool, &file) : NULL;
    int result = memo ? 0 : err_set(err, "out of memory");
    if (memo) {
        const struct dns_source dns = dns_memo_source(memo);
        str_next(&line, '\t', &name);
        str_next(&line, '\t', &request.client_ip);
        str_next(&line, '\t', &request.helo);
        str_next(&line, '\t', &request.sender);
        result = spf_check(&request, &dns, pool, &answer, err);
    }
    if (result == 0)
        printf("%.*s\t%s\t%.*s\t%.*s\n", STR_ARG(name), spf_result_name(answer.result),
               STR_ARG(answer.mechanism), STR_ARG(answer.explanation));
    pool_free(&pool);
    return result;
}

int main(int argc, char **argv)
{
    struct err err = {"usage: spf_results ZONE <QUESTIONS"};
    struct buf input = BUF_INIT(INPUT_MAX);
    struct dns_file *zone = argc == 2 ? dns_file_read(argv[1], &err) : NULL;
    int result = zone ? fsio_read_fd(0, &input, "standard input", &err) : -1;
    struct str rest = buf_str(&input), line;
    while (result == 0 && str_next_line(&rest, &line))
        result = answer(zone, line, &err);
    dns_file_free(&zone);
    buf_release(&input);
    if (result < 0)
        fprintf(stderr, "%s\n", err.text);
    return result < 0;
}
