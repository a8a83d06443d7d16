#include "directory/person.h"

#include "directory/address.h"

#define FORMAT 1

bool person_is_plain(const struct person *person)
{
    return person->flags == 0 && person->quota_limit == 0 && person->quota_used == 0 &&
           person->redirect.n == 0 && person->identities.n == 0 && person->writers.n == 0;
}

void person_put(struct buf *out, const struct person *person)
{
    wire_u8(out, FORMAT);
    wire_u8(out, (uint8_t)person->flags);
    wire_u32(out, person->members);
    wire_u64(out, person->quota_used);
    wire_u64(out, person->quota_limit);
    wire_str(out, person->address);
    wire_str(out, person->redirect);
    wire_str(out, person->identities);
    wire_str(out, person->writers);
}

bool person_get(struct str bytes, struct person *person)
{
    struct wire w = wire_of(bytes);
    uint8_t format = wire_get_u8(&w);
    *person = (struct person){.flags = wire_get_u8(&w)};
    person->members = wire_get_u32(&w);
    person->quota_used = wire_get_u64(&w);
    person->quota_limit = wire_get_u64(&w);
    person->address = wire_get_str(&w);
    person->redirect = wire_get_str(&w);
    person->identities = wire_get_str(&w);
    person->writers = wire_get_str(&w);
    return wire_done(&w) && format == FORMAT && person->flags <= PERSON_FLAGS_ALL &&
           person->address.n <= ADDRESS_MAX && person->redirect.n <= ADDRESS_MAX &&
           person->identities.n <= PERSON_LIST_MAX && person->writers.n <= PERSON_LIST_MAX;
}

bool person_lists(struct str list, struct str address)
{
    struct str one;
    while (str_next(&list, ' ', &one))
        if (one.n && str_eq(one, address))
            return true;
    return false;
}
