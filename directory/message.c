/* What goes between edge and the directory process. */
#include "directory/directory.h"

void directory_request_put(struct buf *out, uint32_t number, struct str address)
{
    wire_u32(out, number);
    wire_str(out, address);
}

bool directory_request_get(struct str message, uint32_t *number, struct str *address)
{
    struct wire w = wire_of(message);
    *number = wire_get_u32(&w);
    *address = wire_get_str(&w);
    return wire_done(&w);
}

void directory_reply_put(struct buf *out, uint32_t number, const struct directory_answer *answer)
{
    wire_u32(out, number);
    wire_u8(out, (uint8_t)answer->result);
    wire_str(out, str_of(answer->address));
    wire_str(out, str_of(answer->how));
}

bool directory_reply_get(struct str message, uint32_t *number, struct directory_answer *answer)
{
    struct wire w = wire_of(message);
    *number = wire_get_u32(&w);
    uint8_t result = wire_get_u8(&w);
    struct str address = wire_get_str(&w);
    struct str how = wire_get_str(&w);
    answer->result = (enum directory_result)result;
    return wire_done(&w) && result <= DIRECTORY_UNAVAILABLE &&
           str_copy(address, answer->address, sizeof answer->address) &&
           str_copy(how, answer->how, sizeof answer->how);
}
