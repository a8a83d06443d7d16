#include "directory/login.h"

void login_reply_put(struct buf *out, uint32_t number, const struct login_answer *answer)
{
    wire_u32(out, number);
    wire_u8(out, (uint8_t)answer->result);
    wire_str(out, str_of(answer->account));
    wire_str(out, str_of(answer->addresses));
    wire_u8(out, answer->soon);
    wire_u64(out, answer->expires);
    wire_str(out, str_of(answer->note));
}

bool login_reply_get(struct str message, uint32_t *number, struct login_answer *answer)
{
    struct wire w = wire_of(message);
    *number = wire_get_u32(&w);
    uint8_t result = wire_get_u8(&w);
    struct str account = wire_get_str(&w);
    struct str addresses = wire_get_str(&w);
    answer->soon = wire_get_u8(&w) != 0;
    answer->expires = wire_get_u64(&w);
    struct str note = wire_get_str(&w);
    answer->result = (enum login_result)result;
    return wire_done(&w) && result <= LOGIN_AWAY && (result != LOGIN_OK || account.n > 0) &&
           str_copy(account, answer->account, sizeof answer->account) &&
           str_copy(addresses, answer->addresses, sizeof answer->addresses) &&
           str_copy(note, answer->note, sizeof answer->note);
}

bool login_may_send(const char *addresses, struct str sender, const char *separator)
{
    struct address address;
    if (!address_normal(sender, false, &address))
        return false;
    struct str whole = str_of(address.text);
    if (person_lists(str_of(addresses), whole))
        return true;
    size_t cut = separator && *separator ? str_chr(whole, *separator) : STR_NONE;
    size_t at = str_rchr(whole, '@');
    if (cut == STR_NONE || cut == 0 || cut >= at)
        return false;
    struct buf shorter = BUF_INIT(ADDRESS_MAX);
    buf_add(&shorter, str_sub(whole, 0, cut));
    buf_add(&shorter, str_from(whole, at));
    bool listed = buf_ok(&shorter) && person_lists(str_of(addresses), buf_str(&shorter));
    buf_release(&shorter);
    return listed;
}
