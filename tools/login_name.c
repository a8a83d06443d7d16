#include "tools/login_name.h"

#include "base/ipc.h"
#include "directory/login.h"
#include "tools/tool.h"

#define SPARE_MS 2000

bool account_normal(const struct conf *conf, const char *name, struct address *account)
{
    char room[2 * ADDRESS_MAX];
    struct buf whole = BUF_OVER(room);
    const char *domain = conf->submission.domain ? conf->submission.domain
                         : conf->n_domains       ? conf->domains[0].name
                                                 : conf->hostname;
    buf_addf(&whole, "%s", name);
    if (strchr(name, '@') == NULL)
        buf_addf(&whole, "@%s", domain);
    return buf_ok(&whole) && address_normal(buf_str(&whole), false, account);
}

/* What edge asks of who has logged in by a token. */
static int ask(const struct conf *conf, const struct address *account, struct login_answer *answer,
               struct err *err)
{
    const struct directory_request request = {.number = 1,
                                              .wish = WISH_USER,
                                              .address = str_of(account->text)};
    struct buf message = BUF_INIT(4096), reply = BUF_INIT(IPC_MSG_MAX);
    char path[128];
    uint32_t number;
    int result = -1;
    directory_request_put(&message, &request);
    if (!ipc_path(conf->run_dir, "directory", path, sizeof path) || !buf_ok(&message))
        err_set(err, "the address, or run_dir, is too long");
    else if (ipc_call(path, buf_str(&message), NULL, &reply, LOGIN_PATIENCE_MS + SPARE_MS, err) < 0)
        tool_ask_failed(err);
    else if (!login_reply_get(buf_str(&reply), &number, answer))
        err_set(err, "the directory's answer is not understood");
    else
        result = 0;
    buf_release(&message);
    buf_release(&reply);
    return result;
}

enum account_found account_find(const struct conf *conf, struct address *account, struct err *err)
{
    struct login_answer answer;
    struct address found;
    if (ask(conf, account, &answer, err) < 0)
        return ACCOUNT_UNASKED;
    if (answer.result == LOGIN_AWAY) {
        err_set(err, "the directory can't say who that is now: %s", answer.note);
        return ACCOUNT_UNASKED;
    }
    if (answer.result != LOGIN_OK)
        return answer.result == LOGIN_WRONG ? ACCOUNT_UNKNOWN : ACCOUNT_KNOWN;
    if (address_normal(str_of(answer.account), false, &found))
        *account = found;
    return ACCOUNT_KNOWN;
}
