#include "gateway/resolver/packet.h"

#include <stdio.h>

#define HEADER_SIZE     12
#define WIRE_NAME_MAX   255
#define LABEL_MAX       63
#define TYPE_CNAME      5
#define TYPE_SOA        6
#define CLASS_IN        1
#define RCODE_NO_ERROR  0
#define RCODE_NX_DOMAIN 3

struct reader {
    struct str packet;
    size_t at;
    bool bad;
};

/* In lower case, uncompressed, with its last empty label. */
struct name {
    unsigned char wire[WIRE_NAME_MAX];
    size_t n;
};

struct record {
    struct name owner;
    unsigned type, class;
    uint32_t ttl;
    size_t data, n; /* where in the packet */
};

static unsigned byte_at(struct str packet, size_t at)
{
    return (unsigned char)packet.s[at];
}

static uint32_t get_number(struct reader *r, size_t bytes)
{
    uint32_t number = 0;
    if (r->bad || r->packet.n - r->at < bytes) {
        r->bad = true;
        return 0;
    }
    for (size_t i = 0; i < bytes; i++)
        number = number << 8 | byte_at(r->packet, r->at + i);
    r->at += bytes;
    return number;
}

static bool add_label(struct name *name, struct str packet, size_t at, size_t length)
{
    if (name->n + 1 + length > WIRE_NAME_MAX)
        return false;
    name->wire[name->n++] = (unsigned char)length;
    for (size_t i = 0; i < length; i++)
        name->wire[name->n++] = (unsigned char)str_lower_char(packet.s[at + i]);
    return true;
}

/* Each pointer leads to before where the one before it led, so that there is an end. */
static void get_name(struct reader *r, struct name *name)
{
    size_t at = r->at, before = r->at;
    bool jumped = false;
    name->n = 0;
    while (!r->bad) {
        if (at >= r->packet.n) {
            r->bad = true;
            return;
        }
        size_t length = byte_at(r->packet, at);
        if (length >= 0xc0) {
            size_t to = at + 1 < r->packet.n ? (length & 0x3f) << 8 | byte_at(r->packet, at + 1)
                                             : r->packet.n;
            r->at = jumped ? r->at : at + 2;
            r->bad = to >= before;
            jumped = true;
            at = before = to;
            continue;
        }
        r->bad = length > LABEL_MAX || r->packet.n - at <= length ||
                 !add_label(name, r->packet, at + 1, length);
        at += 1 + length;
        if (length == 0)
            break;
    }
    if (!jumped)
        r->at = at;
}

static bool get_record(struct reader *r, struct record *record)
{
    get_name(r, &record->owner);
    record->type = get_number(r, 2);
    record->class = get_number(r, 2);
    record->ttl = get_number(r, 4);
    record->n = get_number(r, 2);
    record->data = r->at;
    if (r->bad || r->packet.n - r->at < record->n)
        return false;
    r->at += record->n;
    return true;
}

static bool same_name(const struct name *a, const struct name *b)
{
    return a->n == b->n && memcmp(a->wire, b->wire, a->n) == 0;
}

/* Only what may stand in a text without being mistaken for something else. */
static bool name_to_text(const struct name *name, struct pool *pool, struct str *text)
{
    char room[WIRE_NAME_MAX];
    size_t n = 0;
    for (size_t at = 0; at < name->n && name->wire[at];) {
        size_t end = at + 1 + name->wire[at];
        if (n > 0)
            room[n++] = '.';
        for (at++; at < end; at++) {
            unsigned char c = name->wire[at];
            if (c <= ' ' || c > '~' || c == '.' || c == '\\')
                return false;
            room[n++] = (char)c;
        }
    }
    *text = pool_str(pool, str_n(room, n));
    return text->s != NULL;
}

/* The data is a name and nothing more. */
static bool get_name_data(struct str packet, size_t at, size_t end, struct pool *pool,
                          struct str *text)
{
    struct reader r = {.packet = packet, .at = at};
    struct name name;
    get_name(&r, &name);
    return !r.bad && r.at == end && name_to_text(&name, pool, text);
}

static bool get_strings(struct str data, struct pool *pool, struct str *text)
{
    char *joined = pool_alloc(pool, data.n + 1);
    size_t n = 0;
    if (joined == NULL)
        return false;
    for (size_t at = 0; at < data.n;) {
        size_t length = byte_at(data, at);
        if (data.n - at - 1 < length)
            return false;
        memcpy(joined + n, data.s + at + 1, length);
        n += length;
        at += 1 + length;
    }
    *text = str_n(joined, n);
    return data.n > 0;
}

static bool get_data(struct str packet, const struct record *record, struct pool *pool,
                     struct dns_record *out)
{
    struct str data = str_sub(packet, record->data, record->data + record->n);
    size_t end = record->data + record->n;
    *out = (struct dns_record){.preference = 0};
    if (data.n > DNS_RECORD_MAX)
        return false;
    switch (record->type) {
    case DNS_A:
    case DNS_AAAA:
        out->data = pool_str(pool, data);
        return data.n == (record->type == DNS_A ? 4 : 16) && out->data.s;
    case DNS_NS:
    case DNS_PTR:
        return get_name_data(packet, record->data, end, pool, &out->data);
    case DNS_MX:
        if (data.n < 3)
            return false;
        out->preference = byte_at(data, 0) << 8 | byte_at(data, 1);
        return get_name_data(packet, record->data + 2, end, pool, &out->data);
    case DNS_TXT:
        return get_strings(data, pool, &out->data);
    case DNS_TLSA:
        out->data = pool_str(pool, data);
        return data.n > 3 && out->data.s;
    default:
        return false;
    }
}

static void note_ttl(struct packet_answer *answer, uint32_t ttl)
{
    if (ttl < answer->ttl)
        answer->ttl = ttl;
}

/* Aliases stand before what they lead to: that is how resolvers put them. */
static void take_record(struct reader *r, const struct record *record, unsigned type,
                        struct name *wanted, struct pool *pool, struct packet_answer *answer)
{
    if (record->class != CLASS_IN || !same_name(&record->owner, wanted))
        return;
    if (record->type == TYPE_CNAME) {
        struct reader alias = {.packet = r->packet, .at = record->data};
        struct name target;
        get_name(&alias, &target);
        if (alias.bad)
            return;
        *wanted = target;
        note_ttl(answer, record->ttl);
    } else if (record->type == type && answer->n < DNS_RECORDS_MAX &&
               get_data(r->packet, record, pool, &answer->records[answer->n])) {
        answer->n++;
        note_ttl(answer, record->ttl);
    }
}

/* How long it may be believed that there is nothing (RFC 2308 5). */
static void read_authority(struct reader *r, unsigned n, struct packet_answer *answer)
{
    struct record record;
    for (unsigned i = 0; i < n && get_record(r, &record); i++)
        if (record.type == TYPE_SOA)
            note_ttl(answer, record.ttl);
}

static bool read_sections(struct reader *r, unsigned type, struct pool *pool,
                          struct packet_answer *answer)
{
    struct name wanted, asked;
    struct record record;
    r->at = 4;
    unsigned questions = get_number(r, 2);
    unsigned answers = get_number(r, 2);
    unsigned authority = get_number(r, 2);
    get_number(r, 2);
    get_name(r, &wanted);
    get_number(r, 4);
    if (questions != 1 || r->bad)
        return false;
    asked = wanted;
    for (unsigned i = 0; i < answers; i++) {
        if (!get_record(r, &record))
            return false;
        take_record(r, &record, type, &wanted, pool, answer);
    }
    if (answer->n == 0)
        read_authority(r, authority, answer);
    if (!same_name(&asked, &wanted) && !name_to_text(&wanted, pool, &answer->canonical))
        answer->canonical = STR_EMPTY;
    return true;
}

void packet_read(struct str packet, enum dns_type type, struct pool *pool,
                 struct packet_answer *answer)
{
    struct reader r = {.packet = packet};
    *answer = (struct packet_answer){.status = DNS_TEMP_FAILED, .ttl = UINT32_MAX};
    answer->records = POOL_ARRAY(pool, DNS_RECORDS_MAX, struct dns_record);
    bool whole =
        packet.n >= HEADER_SIZE && answer->records && read_sections(&r, type, pool, answer);
    unsigned rcode = whole ? byte_at(packet, 3) & 15 : RCODE_NO_ERROR;
    if (answer->ttl == UINT32_MAX)
        answer->ttl = 0;
    if (!whole || (rcode != RCODE_NO_ERROR && rcode != RCODE_NX_DOMAIN))
        answer->n = 0;
    else if (answer->n > 0)
        answer->status = DNS_FOUND;
    else
        answer->status = rcode == RCODE_NX_DOMAIN ? DNS_NO_NAME : DNS_NO_DATA;
}

bool packet_name_text(struct str name, char out[PACKET_NAME_TEXT])
{
    size_t n = 0;
    if (!dns_name_ok(name))
        return false;
    for (size_t i = 0; i < name.n; i++) {
        unsigned char c = (unsigned char)name.s[i];
        if (c > ' ' && c <= '~' && strchr("\\\"();@$", c) == NULL)
            out[n++] = (char)c;
        else
            n += (size_t)snprintf(out + n, PACKET_NAME_TEXT - n, "\\%03u", c);
    }
    out[n] = '\0';
    return true;
}
