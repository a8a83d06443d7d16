/*
 * Messages of OAUTHBEARER and XOAUTH2, and what is told of a token that is refused. The first byte
 * chooses the mechanism; the rest is the message, and its first line stands in the settings, too.
 * What is read lies within the message and is what RFC 6750 calls a token; a name holds no NUL;
 * what the client is told is base64 and fits into a reply line.
 */
#include <stdlib.h>

#include "gateway/smtp/oauth.h"
#include "gateway/smtp/sasl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_read(struct str message, const struct oauth_message *read)
{
    char name[SASL_USER_MAX + 1];
    if (read->token.n > 0)
        require(read->token.s >= message.s &&
                read->token.s + read->token.n <= message.s + message.n);
    for (size_t i = 0; i < read->token.n; i++)
        require(read->token.s[i] > ' ' && read->token.s[i] <= '~');
    if (oauth_user(read->user, name, sizeof name))
        require(strlen(name) <= read->user.n);
    else
        require(name[sizeof name - 1] == '\0' || read->user.n > 0);
}

static void check_error(struct str text, bool xoauth2)
{
    char words[600];
    char room[2 * OAUTH_ERROR_MAX];
    struct buf out = BUF_OVER(room);
    if (!str_copy(str_sub(text, 0, sizeof words - 1), words, sizeof words))
        return;
    const struct conf_oauth conf = {.scope = words, .configuration = words};
    oauth_error_put(&out, &conf, xoauth2, OAUTH_INVALID_TOKEN);
    require(buf_ok(&out) && out.n % 4 == 0 && out.n <= OAUTH_ERROR_MAX / 3 * 4);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct oauth_message read;
    struct str line, rest;
    if (size == 0)
        return 0;
    bool xoauth2 = data[0] & 1;
    struct str message = str_n((const char *)data + 1, size - 1);
    if (xoauth2 ? oauth_read_xoauth2(message, &read) : oauth_read_bearer(message, &read))
        check_read(message, &read);
    rest = message;
    if (str_next_line(&rest, &line))
        check_error(line, xoauth2);
    struct sasl *sasl = calloc(1, sizeof *sasl);
    if (sasl && sasl_begin(sasl, xoauth2 ? STR("XOAUTH2") : STR("OAUTHBEARER"), true) &&
        sasl_take(sasl, message) == SASL_READY)
        require(strlen(sasl->user) <= SASL_USER_MAX && strlen(sasl->password) <= SASL_TOKEN_MAX);
    free(sasl);
    return 0;
}
