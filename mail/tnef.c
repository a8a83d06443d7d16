#include "mail/tnef.h"

#include "base/wire.h"
#include "mail/charset.h"
#include "mail/utf8.h"

#define SIGNATURE        0x223e9f78u
#define LEVEL_MESSAGE    1
#define LEVEL_ATTACHMENT 2
#define IID_SIZE         16
#define CHARSET_SIZE     16
#define TWICE_LOOK       4 /* bytes that are listed for the attachment already */

/* [MS-OXTNEF] 2.1.3.2: attributes, with their types. */
enum {
    ATT_OEM_CODEPAGE = 0x00069007,
    ATT_ATTACH_REND_DATA = 0x00069002, /* an attachment begins */
    ATT_ATTACH_DATA = 0x0006800f,
    ATT_ATTACH_TITLE = 0x00018010,
    ATT_ATTACH_TRANSPORT_FILENAME = 0x00069001,
    ATT_ATTACHMENT = 0x00069005 /* its properties */
};

/* [MS-OXCDATA] 2.11.1: types of properties. */
enum {
    TYPE_INTEGER16 = 0x0002,
    TYPE_INTEGER32 = 0x0003,
    TYPE_FLOATING32 = 0x0004,
    TYPE_FLOATING64 = 0x0005,
    TYPE_CURRENCY = 0x0006,
    TYPE_FLOATING_TIME = 0x0007,
    TYPE_ERROR = 0x000a,
    TYPE_BOOLEAN = 0x000b,
    TYPE_OBJECT = 0x000d,
    TYPE_INTEGER64 = 0x0014,
    TYPE_STRING8 = 0x001e,
    TYPE_STRING = 0x001f,
    TYPE_TIME = 0x0040,
    TYPE_GUID = 0x0048,
    TYPE_BINARY = 0x0102,
    TYPE_MULTIPLE = 0x1000
};

/* [MS-OXPROPS]: properties of an attachment. */
enum {
    PROP_DISPLAY_NAME = 0x3001,
    PROP_ATTACH_DATA = 0x3701,
    PROP_ATTACH_FILENAME = 0x3704,
    PROP_ATTACH_LONG_FILENAME = 0x3707,
    PROP_NAMED = 0x8000 /* from here on */
};

/* IID_IMessage, as it stands in the stream. */
static const unsigned char iid_message[IID_SIZE] = {0x07, 0x03, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00,
                                                    0xc0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x46};

/* Where a name comes from; a later one here is better. */
enum name_rank { NAME_NONE, NAME_DISPLAY, NAME_TRANSPORT, NAME_TITLE, NAME_SHORT, NAME_LONG };

struct reading {
    struct pool *pool;
    struct tnef *tnef;
    size_t cap;
    size_t first; /* of the attachment that is being read */
    struct str name;
    enum name_rank rank;
    struct str names[TNEF_NAMES_MAX];
    size_t n_names;
    char charset[CHARSET_SIZE]; /* of 8-bit names */
    bool no_memory;
};

/* --- bytes --- */

static unsigned get_u16(struct wire *w)
{
    unsigned low = wire_get_u8(w);
    return low | (unsigned)wire_get_u8(w) << 8;
}

static struct str take(struct wire *w, size_t n)
{
    if (w->bad || n > w->in.n) {
        w->bad = true;
        return STR_EMPTY;
    }
    struct str taken = str_sub(w->in, 0, n);
    w->in = str_from(w->in, n);
    return taken;
}

/* Padded to four bytes; at the very end the padding may be missing. */
static struct str take_padded(struct wire *w, size_t n)
{
    struct str taken = take(w, n);
    size_t padding = (4 - n % 4) % 4;
    if (!w->bad)
        take(w, padding < w->in.n ? padding : w->in.n);
    return taken;
}

static unsigned sum_of(struct str data)
{
    unsigned sum = 0;
    for (size_t i = 0; i < data.n; i++)
        sum += (unsigned char)data.s[i];
    return sum & 0xffff;
}

/* --- what is found --- */

static void add(struct reading *r, enum tnef_kind kind, struct str data)
{
    struct tnef *tnef = r->tnef;
    for (size_t i = r->first; i < tnef->n && i < r->first + TWICE_LOOK; i++)
        if (tnef->list[i].kind == kind && str_eq(tnef->list[i].data, data))
            return;
    if (tnef->n == TNEF_ATTACHMENTS_MAX) {
        tnef->more = true;
        return;
    }
    struct tnef_attachment *list =
        pool_grow(r->pool, tnef->list, tnef->n, &r->cap, sizeof *tnef->list);
    if (list == NULL) {
        r->no_memory = true;
        return;
    }
    tnef->list = list;
    list[tnef->n++] = (struct tnef_attachment){.kind = kind, .data = data};
}

/* Up to the NUL that ends it. */
static void name_it(struct reading *r, enum name_rank rank, struct str charset, struct str raw)
{
    char text[TNEF_NAME_MAX + 8];
    struct buf out = BUF_OVER(text);
    if (r->n_names == TNEF_NAMES_MAX) {
        r->tnef->damaged = true;
        return;
    }
    charset_to_utf8(charset, raw, &out);
    struct str name = str_n(text, out.n);
    name = str_sub(name, 0, str_chr(name, '\0'));
    /* its end, where its kind stands, would be cut off */
    r->tnef->damaged |= name.n > TNEF_NAME_MAX || (out.failed && name.n == out.n);
    if (name.n == 0)
        return;
    name = pool_str(r->pool, utf8_head(name, TNEF_NAME_MAX));
    if (name.s == NULL) {
        r->no_memory = true;
        return;
    }
    r->names[r->n_names++] = name;
    if (rank <= r->rank)
        return;
    r->name = name;
    r->rank = rank;
}

/* All that was found of one attachment has its names. */
static void finish_attachment(struct reading *r)
{
    bool any = r->n_names > 0 && r->first < r->tnef->n;
    struct str *names = any ? POOL_ARRAY(r->pool, r->n_names, struct str) : NULL;
    r->no_memory |= any && !names;
    if (names)
        memcpy(names, r->names, r->n_names * sizeof *names);
    for (size_t i = r->first; i < r->tnef->n; i++) {
        struct tnef_attachment *attachment = &r->tnef->list[i];
        attachment->name = r->name.s ? r->name : STR_EMPTY;
        attachment->names = names;
        attachment->n_names = names ? r->n_names : 0;
    }
    r->n_names = 0;
    r->first = r->tnef->n;
    r->name = STR_EMPTY;
    r->rank = NAME_NONE;
}

/* --- properties --- */

/* Bytes of a value, with its padding; 0: they stand before it; SIZE_MAX: of no known type. */
static size_t size_of(unsigned type)
{
    switch (type & ~(unsigned)TYPE_MULTIPLE) {
    case TYPE_INTEGER16:
    case TYPE_INTEGER32:
    case TYPE_FLOATING32:
    case TYPE_ERROR:
    case TYPE_BOOLEAN:
        return 4;
    case TYPE_FLOATING64:
    case TYPE_CURRENCY:
    case TYPE_FLOATING_TIME:
    case TYPE_INTEGER64:
    case TYPE_TIME:
        return 8;
    case TYPE_GUID:
        return 16;
    case TYPE_OBJECT:
    case TYPE_STRING8:
    case TYPE_STRING:
    case TYPE_BINARY:
        return 0;
    default:
        return SIZE_MAX;
    }
}

static void take_object(struct reading *r, struct str value)
{
    if (value.n < IID_SIZE) {
        r->tnef->damaged = true;
        return;
    }
    struct str iid = str_sub(value, 0, IID_SIZE), data = str_from(value, IID_SIZE);
    add(r, memcmp(iid.s, iid_message, IID_SIZE) == 0 || tnef_is(data) ? TNEF_MESSAGE : TNEF_OBJECT,
        data);
}

static void take_value(struct reading *r, unsigned type, unsigned id, struct str value)
{
    static const struct {
        unsigned id;
        enum name_rank rank;
    } names[] = {{PROP_DISPLAY_NAME, NAME_DISPLAY},
                 {PROP_ATTACH_FILENAME, NAME_SHORT},
                 {PROP_ATTACH_LONG_FILENAME, NAME_LONG}};
    if (id == PROP_ATTACH_DATA && type == TYPE_BINARY)
        add(r, TNEF_FILE, value);
    if (id == PROP_ATTACH_DATA && type == TYPE_OBJECT)
        take_object(r, value);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (id == names[i].id && type == TYPE_STRING)
            name_it(r, names[i].rank, STR("utf-16le"), value);
        else if (id == names[i].id && type == TYPE_STRING8)
            name_it(r, names[i].rank, str_of(r->charset), value);
    }
}

/* What names a property beyond its number says nothing to us. */
static void skip_name(struct wire *w)
{
    take(w, IID_SIZE);
    uint32_t kind = wire_get_u32(w);
    uint32_t n = wire_get_u32(w);
    if (kind != 0)
        take_padded(w, n);
}

static bool read_property(struct reading *r, struct wire *w)
{
    unsigned type = get_u16(w), id = get_u16(w);
    size_t size = size_of(type);
    if (size == SIZE_MAX)
        return false;
    if (id >= PROP_NAMED)
        skip_name(w);
    uint32_t n = size == 0 || (type & TYPE_MULTIPLE) ? wire_get_u32(w) : 1;
    for (uint32_t i = 0; i < n && !w->bad; i++) {
        struct str value = size ? take(w, size) : take_padded(w, wire_get_u32(w));
        if (!w->bad)
            take_value(r, type, id, value);
    }
    return !w->bad;
}

static void read_properties(struct reading *r, struct str data)
{
    struct wire w = wire_of(data);
    uint32_t n = wire_get_u32(&w);
    for (uint32_t i = 0; i < n; i++) {
        if (i == TNEF_PROPERTIES_MAX) {
            r->tnef->more = true;
            return;
        }
        if (!read_property(r, &w)) {
            r->tnef->damaged = true;
            return;
        }
    }
}

/* --- attributes --- */

/* Windows' number of a charset; one that is not known is guessed from the name itself. */
static void take_codepage(struct reading *r, struct str data)
{
    static const struct {
        uint32_t page;
        const char *charset;
    } others[] = {{437, "cp437"},  {850, "cp850"}, {932, "shift_jis"}, {936, "gbk"},
                  {949, "euc-kr"}, {950, "big5"},  {65001, "utf-8"}};
    struct wire w = wire_of(data);
    struct buf out = BUF_OVER(r->charset);
    uint32_t page = wire_get_u32(&w);
    if (w.bad || page > 65001)
        return;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (others[i].page == page)
            buf_add(&out, str_of(others[i].charset));
    if (out.n == 0)
        buf_addf(&out, "windows-%u", page);
    buf_addc(&out, '\0');
}

static void take_attribute(struct reading *r, unsigned level, uint32_t id, struct str data)
{
    if (level == LEVEL_MESSAGE && id == ATT_OEM_CODEPAGE)
        take_codepage(r, data);
    if (level != LEVEL_ATTACHMENT)
        return;
    switch (id) {
    case ATT_ATTACH_REND_DATA:
        finish_attachment(r);
        break;
    case ATT_ATTACH_DATA:
        add(r, TNEF_FILE, data);
        break;
    case ATT_ATTACH_TITLE:
        name_it(r, NAME_TITLE, str_of(r->charset), data);
        break;
    case ATT_ATTACH_TRANSPORT_FILENAME:
        name_it(r, NAME_TRANSPORT, str_of(r->charset), data);
        break;
    case ATT_ATTACHMENT:
        read_properties(r, data);
        break;
    default:
        break;
    }
}

/* The last one may lack its checksum, or some of its bytes: what is there counts. */
static void read_attribute(struct reading *r, struct wire *w)
{
    unsigned level = wire_get_u8(w);
    uint32_t id = wire_get_u32(w), n = wire_get_u32(w);
    if (w->bad || (level != LEVEL_MESSAGE && level != LEVEL_ATTACHMENT)) {
        w->bad = true;
        return;
    }
    bool whole = n <= w->in.n;
    struct str data = take(w, whole ? n : w->in.n);
    take_attribute(r, level, id, data);
    unsigned sum = get_u16(w);
    w->bad |= !whole;
    r->tnef->changed |= !w->bad && sum != sum_of(data);
}

bool tnef_is(struct str stream)
{
    struct wire w = wire_of(stream);
    uint32_t signature = wire_get_u32(&w);
    return !w.bad && signature == SIGNATURE;
}

int tnef_read(struct pool *pool, struct str stream, struct tnef *tnef, struct err *err)
{
    struct reading r = {.pool = pool, .tnef = tnef, .name = STR_EMPTY};
    struct wire w = wire_of(stream);
    *tnef = (struct tnef){.n = 0};
    if (!tnef_is(stream)) {
        tnef->damaged = true;
        return 0;
    }
    wire_get_u32(&w);
    get_u16(&w); /* a key that means nothing any more */
    for (unsigned i = 0; w.in.n && !w.bad && !tnef->more; i++) {
        if (i == TNEF_ATTRIBUTES_MAX)
            tnef->more = true;
        else
            read_attribute(&r, &w);
    }
    finish_attachment(&r);
    tnef->damaged |= w.bad;
    return r.no_memory ? err_set(err, "out of memory for winmail.dat") : 0;
}
