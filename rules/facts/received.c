#include "rules/facts/received.h"

#include "base/ascii.h"
#include "rules/facts/ip.h"
#include "rules/facts/scan.h"
#include "rules/facts/shape.h"

/* One field while it is read. */
struct reading {
    struct received_reader *reader;
    struct str line;
    struct relay *relay;
    bool looked_up; /* this server always looks for the client's name */
};

/* Blanks folded to one, none at the ends, no semicolons at the end. .s NULL: no memory. */
static struct str tidy(struct pool *pool, struct str value)
{
    char *to = pool_alloc(pool, value.n + 1);
    size_t n = 0;
    if (to == NULL)
        return STR_EMPTY;
    for (size_t i = 0; i < value.n; i++) {
        bool blank = ascii_is_space(value.s[i]);
        if (!blank)
            to[n++] = value.s[i];
        else if (n && to[n - 1] != ' ')
            to[n++] = ' ';
    }
    if (n && to[n - 1] == ' ')
        n--;
    while (n && to[n - 1] == ';') {
        n--;
        if (n && to[n - 1] == ' ')
            n--;
    }
    return str_n(to, n);
}

static bool search(struct reading *r, const char *shape, struct shape_found *found)
{
    return shape_search(shape, SHAPE_EXACT, r->line, &r->reader->work, found);
}

static bool search_any_case(struct reading *r, const char *shape, struct shape_found *found)
{
    return shape_search(shape, SHAPE_ANY_CASE, r->line, &r->reader->work, found);
}

static bool has(const struct reading *r, const char *text)
{
    return str_find(r->line, str_of(text)) != STR_NONE;
}

/* "from … by …;" alone tells nothing, nor does what is no "from" at all. */
static bool tells_nothing(struct reading *r)
{
    struct shape_found found;
    if (!str_istarts(r->line, STR("from ")) && !str_istarts(r->line, STR("(from ")))
        return true;
    if (has(r, "with local for") && search(r, "%Wwith local for%W", &found))
        return true;
    if (!shape_match("from %h by %[^ ;]+%(? %);", SHAPE_ANY_CASE, r->line, &r->reader->work,
                     &found))
        return false;
    struct str host = shape_field(&found, 'h');
    return !shape_match("[%[0-9.]+]%$", SHAPE_EXACT, host, &r->reader->work, &found);
}

/* Behind "; Mon, 1 Jan 2024 00:00:00 +0000" at `at`, if nothing more follows; else STR_NONE. */
static size_t behind_date(struct str x, size_t at)
{
    while (at < x.n && (x.s[at] == ' ' || x.s[at] == ';'))
        at++;
    size_t day = scan_name(x, at, "MonTueWedThuFriSatSun");
    day = scan_char(x, scan_char(x, day, ','), ' ');
    at = scan_char(x, scan_digits(x, day == STR_NONE ? at : day, 1, STR_NONE), ' ');
    at = scan_char(x, scan_name(x, at, "JanFebMarAprMayJunJulAugSepOctNovDec"), ' ');
    at = scan_char(x, scan_digits(x, at, 1, STR_NONE), ' ');
    at = scan_char(x, scan_digits(x, at, 1, STR_NONE), ':');
    at = scan_digits(x, at, 1, STR_NONE);
    size_t seconds = scan_digits(x, scan_char(x, at, ':'), 1, STR_NONE);
    at = scan_char(x, seconds == STR_NONE ? at : seconds, ' ');
    at = scan_word(x, at);
    return at == x.n ? at : STR_NONE;
}

static void cut_date(struct reading *r)
{
    /* it begins at most six words before the end */
    size_t from = r->line.n;
    for (int words = 0; words < 8 && from > 0; words++) {
        from--;
        while (from > 0 && r->line.s[from] != ' ' && r->line.s[from] != ';')
            from--;
    }
    for (; from < r->line.n; from++) {
        bool begins = r->line.s[from] == ' ' || r->line.s[from] == ';';
        if (begins && behind_date(r->line, from) != STR_NONE)
            r->line.n = from;
    }
}

/* The first ")by " gets its blank, so that shapes need not care. */
static void part_by(struct reading *r)
{
    size_t at = str_find(r->line, STR(")by "));
    if (at == STR_NONE)
        return;
    struct str head = str_sub(r->line, 0, at + 1), tail = str_from(r->line, at + 1);
    char *line = pool_alloc(r->reader->pool, r->line.n + 2);
    if (line == NULL) {
        r->reader->no_memory = true;
        return;
    }
    memcpy(line, head.s, head.n);
    line[head.n] = ' ';
    memcpy(line + head.n + 1, tail.s, tail.n);
    r->line = str_n(line, r->line.n + 1);
}

/* What stands in most servers' fields under the same name. */
static void read_common(struct reading *r)
{
#define HELO_SET "%[-A-Za-z0-9.^+_&:=?!@%*$\\/]+=h"
    struct shape_found found;
    if (search(r, " id %(?<%)%[^ <>;]{3,}=d", &found))
        r->relay->id = shape_field(&found, 'd');
    if (has(r, "helo=") && search(r, "%Whelo=" HELO_SET, &found))
        r->relay->helo = shape_field(&found, 'h');
    else if (has(r, "LO ") && search(r, "%W%(HELO%|EHLO%) " HELO_SET, &found))
        r->relay->helo = shape_field(&found, 'h');
    if (search(r, " by %b", &found))
        r->relay->by = shape_field(&found, 'b');
#undef HELO_SET
}

/* What follows the shape's fields a and c in the words that name the way of authentication. */
static struct str words(struct reading *r, const char *format, const struct shape_found *found)
{
    struct str a = shape_field(found, 'a'), c = shape_field(found, 'c');
    struct str text = pool_strf(r->reader->pool, format, STR_ARG(a), STR_ARG(c));
    r->reader->no_memory |= text.s == NULL;
    return text;
}

static bool is_google(struct reading *r, struct shape_found *found)
{
    return has(r, " by mx.google.com with ESMTPS id ") &&
           search(r,
                  " by mx.google.com with ESMTPS id %[a-z0-9]{1,4}sm%[0-9]{2,9}%[a-z]{3}."
                  "%[0-9]{1,3}.%[0-9]{4}.%[0-6]%[0-9].%[0-6]%[0-9].%[0-6]%[0-9].%[0-6]%[0-9]."
                  "%[0-6]%[0-9]",
                  found) &&
           search(r, "(version=%[^ ]+=a cipher=%[^)]+=c)", found);
}

static bool is_sendmail(struct reading *r, struct shape_found *found)
{
    return has(r, "authenticated") &&
           search(r, "from %~%(]%(? (%[^)]*)%))%|)]%) %~(%~authenticated%~)%~ by", found);
}

static bool is_critical_path(struct reading *r, struct shape_found *found)
{
    return has(r, " (authenticated as ") &&
           search(r,
                  ") by %.{1,} (%[0-9]{1,2}.%[0-9].%[0-9]{3}%(?.%[0-9]{1,3}%)) "
                  "(authenticated as %.{1,}) id ",
                  found);
}

/* " with ESMTPA", " with HTTPS" … (RFC 3848): the client proved who it is. */
static struct str authenticated_protocol(struct reading *r)
{
    static const char shape[] =
        " with %(%(ES%|L%|UTF8S%|UTF8L%)MTP%(?S%)A%|ASMTP%|HTTP%[SU]%|HTTP%)"
        "%( %|;%|%$%)";
    struct shape_found found;
    if (!search_any_case(r, shape, &found))
        return STR_EMPTY;
    struct str word = str_trim(str_from(found.all, 6));
    return str_sub(word, 0, str_chr(word, ';'));
}

/* How the client proved who it is; empty: it did not. */
static struct str read_auth(struct reading *r)
{
    struct shape_found found;
    bool by = has(r, " by ");
    struct str protocol = by ? authenticated_protocol(r) : STR_EMPTY;
    if (protocol.n)
        return protocol;
    if (is_google(r, &found))
        return words(r, "GMail - transport=%.*s cipher=%.*s", &found);
    if (has(r, "(AUTH: ") &&
        shape_match("from %~%(])%|)]%) (AUTH: %(LOGIN%|PLAIN%|DIGEST-MD5%|CRAM-MD5%) %_%(?, %~%)) "
                    "by ",
                    SHAPE_EXACT, r->line, &r->reader->work, &found)) {
        struct shape_found method;
        search(r, "(AUTH: %a ", &method);
        return shape_field(&method, 'a');
    }
    if (is_sendmail(r, &found))
        return STR("Sendmail");
    if (has(r, " by mail.gmx.") &&
        search(r, "from %*_ (%(HELO%|EHLO%) %*_) [%I] by %[a-z.]+=c (%[^)]+) with %[ESMTP]+=a",
               &found))
        return words(r, "GMX (%.*s / %.*s)", &found);
    if (is_critical_path(r, &found))
        return STR("CriticalPath");
    if (has(r, ") (Authenticated sender: ") &&
        search(r, ") (Authenticated sender: %_) by %_ (%[^)]+=a) with ", &found))
        return str_eq(shape_field(&found, 'a'), STR("Postfix"))
                   ? STR("Postfix")
                   : words(r, "Postfix (%.*s)%.*s", &found);
    if (has(r, " (account ") && search(r, "CommuniGate Pro %(HTTP%|SMTP%|XIMSS%|IMAP%)", &found))
        return STR("Communigate");
    if (search(r, " with Microsoft Exchange Server HTTP-DAV%W", &found))
        return STR("HTTP-DAV");
    if (by && search_any_case(r, " (via HTTP%.{0,1})%( %|;%|%$%)", &found))
        return str_sub(found.all, 6, str_rchr(found.all, ')'));
    return STR_EMPTY;
}

static enum received_family family_of(struct reading *r)
{
    struct shape_found found;
    const struct received_family_mark *mark = received_families;
    while (mark->shape && !search(r, mark->shape, &found))
        mark++;
    return mark->family;
}

static void take(struct str *field, const struct shape_found *found, char letter)
{
    if (shape_field(found, letter).s)
        *field = shape_field(found, letter);
}

/* "helo=…" and "ident=…", as Exim puts them into one comment. */
static void read_comment(struct reading *r, struct str comment)
{
    struct shape_found found;
    size_t *work = &r->reader->work;
    if (shape_search("helo=%h", SHAPE_EXACT, comment, work, &found))
        r->relay->helo = shape_field(&found, 'h');
    if (shape_search("ident=%*n", SHAPE_EXACT, comment, work, &found))
        r->relay->ident = shape_field(&found, 'n');
}

static void read_claimed(struct reading *r, const struct shape_found *found)
{
    if (shape_field(found, 'h').s == NULL)
        r->relay->helo = STR_EMPTY;
    r->looked_up |= !str_eq(r->relay->rdns, STR("UNKNOWN"));
}

static void cut_ident(struct relay *relay)
{
    size_t at = str_chr(relay->rdns, '@');
    if (at == STR_NONE)
        return;
    size_t from = str_starts(relay->rdns, STR("IDENT:")) ? 6 : 0;
    relay->ident = str_sub(relay->rdns, from, at);
    relay->rdns = str_from(relay->rdns, at + 1);
}

static void take_fields(struct reading *r, const struct received_shape *shape,
                        const struct shape_found *found)
{
    struct relay *relay = r->relay;
    struct str rdns = relay->rdns;
    take(&relay->ip, found, 'i');
    take(&relay->helo, found, 'h');
    take(&relay->rdns, found, 'r');
    take(&relay->by, found, 'b');
    take(&relay->id, found, 'd');
    take(&relay->ident, found, 'n');
    r->looked_up |= (shape->flags & LOOKED_UP) != 0;
    if (shape->flags & NO_ID)
        relay->id = STR_EMPTY;
    if (shape->flags & HELO_IS_RDNS)
        relay->helo = relay->rdns;
    if (shape->flags & IN_COMMENT)
        read_comment(r, shape_field(found, 's'));
    if (shape->flags & IDENT_IN_RDNS)
        cut_ident(relay);
    if (shape->flags & CLAIMED)
        read_claimed(r, found);
    if (shape->flags & SOFT_ERROR) {
        r->looked_up = !str_eq(relay->rdns, STR("softdnserr"));
        if (!r->looked_up)
            relay->rdns = rdns;
    }
    if (shape->family == FAMILY_XMAIL) {
        struct shape_found more;
        if (search(r, " id <%d>", &more))
            relay->id = shape_field(&more, 'd');
        if (search(r, " from <%e>", &more))
            relay->envfrom = shape_field(&more, 'e');
    }
}

static bool has_inner_dot(struct str x)
{
    size_t dot = str_chr(str_from(x, 1), '.');
    return dot != STR_NONE && dot + 2 < x.n;
}

static bool fits(struct reading *r, const struct received_shape *shape, struct shape_found *found)
{
    struct shape_found other;
    size_t *work = &r->reader->work;
    if (shape->needs && !has(r, shape->needs))
        return false;
    if (!(shape->flags & ANYWHERE ? search(r, shape->shape, found)
                                  : shape_match(shape->shape, SHAPE_EXACT, r->line, work, found)))
        return false;
    if (shape->unless && search(r, shape->unless, &other))
        return false;
    if ((shape->flags & MUST_HAVE_DOT) && !has_inner_dot(shape_field(found, 'r')))
        return false;
    return shape->server_ends == NULL ||
           str_ends(shape_field(found, 'b'), str_of(shape->server_ends));
}

/* The first shape that fits; RECEIVED_UNREADABLE: none. */
static enum received_kind try_shapes(struct reading *r, const struct received_shape *shape,
                                     enum received_family family)
{
    struct shape_found found;
    for (; shape->shape; shape++) {
        if ((shape->family && shape->family != family) || !fits(r, shape, &found))
            continue;
        if (shape->flags & SAYS_SENDER)
            r->reader->sender = r->relay->envfrom;
        if (shape->flags & FETCHED)
            return RECEIVED_FETCHED;
        if (shape->flags & SKIPPED)
            return RECEIVED_SKIPPED;
        take_fields(r, shape, &found);
        return RECEIVED_READ;
    }
    return RECEIVED_UNREADABLE;
}

/* Exim's field in no order that is known: its pieces stand even when that is not enough. */
static bool read_loose_exim(struct reading *r)
{
    struct shape_found found;
    struct relay *relay = r->relay;
    if (shape_match("%r ", SHAPE_EXACT, r->line, &r->reader->work, &found))
        relay->rdns = shape_field(&found, 'r');
    if (search(r, " (%h) ", &found))
        relay->helo = shape_field(&found, 'h');
    if (search(r, " [%i%(?.%[0-9]+%)] ", &found))
        relay->ip = shape_field(&found, 'i');
    if (!search(r, "by %b ", &found))
        return false;
    relay->by = shape_field(&found, 'b');
    return relay->ip.n > 0;
}

/* qmail, Courier and their like write one field in four ways. */
static bool read_qmail(struct reading *r)
{
    struct shape_found found;
    if (!fits(r, received_qmail, &found))
        return false;
    try_shapes(r, received_qmail + 1, FAMILY_ANY);
    if (str_eq(r->relay->rdns, STR("unknown")))
        r->relay->rdns = STR_EMPTY;
    else
        r->looked_up = true;
    return true;
}

/* What stands behind "from ". */
static enum received_kind read_from(struct reading *r)
{
    struct shape_found found;
    enum received_family family = family_of(r);
    if ((str_ifind(r->line, STR("return-path")) != STR_NONE ||
         str_ifind(r->line, STR("envelope-")) != STR_NONE) &&
        search_any_case(r, "%(return-path%(?:%) %|envelope-%(sender%|from%)%[ =]%)%e%W", &found))
        r->relay->envfrom = shape_field(&found, 'e');
    enum received_kind kind = try_shapes(r, received_first, family);
    if (kind != RECEIVED_UNREADABLE)
        return kind;
    if (family == FAMILY_EXIM && read_loose_exim(r))
        return RECEIVED_READ;
    kind = try_shapes(r, received_before_qmail, family);
    if (kind != RECEIVED_UNREADABLE)
        return kind;
    if (read_qmail(r))
        return RECEIVED_READ;
    kind = try_shapes(r, received_rest, family);
    if (kind == RECEIVED_UNREADABLE && r->relay->helo.n == 0 &&
        shape_match("%h%[^-A-Za-z0-9.]", SHAPE_EXACT, r->line, &r->reader->work, &found))
        r->relay->helo = shape_field(&found, 'h');
    return kind;
}

/* "FROM … BY …": simta. */
static enum received_kind read_upper_from(struct reading *r)
{
    static const char shape[] = "%h (%r [%i]) BY %b %(?(%[^)]+) WITH SMTP %)ID %(?<%)%[^ ]+=d%$";
    struct shape_found found;
    if (!shape_match(shape, SHAPE_EXACT, r->line, &r->reader->work, &found))
        return RECEIVED_UNREADABLE;
    take_fields(r, &(struct received_shape){.flags = LOOKED_UP}, &found);
    if (str_ends(r->relay->id, STR(">")))
        r->relay->id.n--;
    if (str_eq(r->relay->rdns, STR("unverified")))
        r->relay->rdns = STR_EMPTY;
    return RECEIVED_READ;
}

static enum received_kind read_bracket_from(struct reading *r)
{
    static const struct received_shape shapes[] = {
        {.shape = "%*h [%i]) by %b (NAVGW %~) with "},
        {.shape = "%_@localhost) by %_ ", .flags = SKIPPED},
        {.shape = "%[^ @]+@%[^)]+) by %_(jqueuemail) id %[^ ;]", .flags = SKIPPED},
        {.shape = NULL},
    };
    return try_shapes(r, shapes, FAMILY_ANY);
}

static enum received_kind read_line(struct reading *r)
{
    struct shape_found found;
    enum received_kind kind = RECEIVED_UNREADABLE;
    if (str_starts(r->line, STR("from "))) {
        r->line = str_from(r->line, 5);
        kind = read_from(r);
    } else if (str_starts(r->line, STR("FROM "))) {
        r->line = str_from(r->line, 5);
        kind = read_upper_from(r);
    } else if (str_starts(r->line, STR("(from "))) {
        r->line = str_from(r->line, 6);
        kind = read_bracket_from(r);
    }
    if (kind != RECEIVED_UNREADABLE)
        return kind;
    if (r->relay->ip.n == 0 && search(r, "[%i]", &found))
        r->relay->ip = shape_field(&found, 'i');
    return r->relay->ip.n && r->relay->by.n ? RECEIVED_READ : RECEIVED_UNREADABLE;
}

/* A copy in which '!' stands for what could be taken for the marks around a relay's fields. */
static struct str safe(struct reading *r, struct str text)
{
    static const char unsafe[] = " \t\n\v\f\r#[]()<>|";
    char *copy = NULL;
    for (size_t i = 0; i < text.n; i++) {
        if (text.s[i] != '\0' && !strchr(unsafe, text.s[i]))
            continue;
        if (copy == NULL) {
            copy = pool_cstr(r->reader->pool, text);
            if (copy == NULL) {
                r->reader->no_memory = true;
                return STR_EMPTY;
            }
        }
        copy[i] = '!';
    }
    return copy ? str_n(copy, text.n) : text;
}

static struct str plain_ip(struct str ip)
{
    if (str_istarts(ip, STR("ipv6:")))
        ip = str_from(ip, 5);
    if (ip.n && ip.s[0] == '[')
        ip = str_from(ip, 1);
    if (ip.n && ip.s[ip.n - 1] == ']')
        ip.n--;
    ip = str_sub(ip, 0, str_rchr(ip, '%'));
    size_t mapped = str_ifind(ip, STR("ffff:"));
    if (mapped == STR_NONE || mapped < 2 || !ip_is_v4(str_from(ip, mapped + 5)))
        return ip;
    for (size_t i = 0; i < mapped; i++) {
        if (ip.s[i] != '0' && ip.s[i] != ':')
            return ip;
    }
    return str_from(ip, mapped + 5);
}

static struct str plain_sender(struct str sender)
{
    sender = str_trim(sender);
    while (sender.n && sender.s[0] == '<')
        sender = str_from(sender, 1);
    while (sender.n && sender.s[sender.n - 1] == '>')
        sender.n--;
    return sender;
}

static void finish(struct reading *r)
{
    struct relay *relay = r->relay;
    while (str_ends(relay->rdns, STR(".")))
        relay->rdns.n--;
    if (str_ieq(relay->rdns, STR("unknown")) || str_starts(relay->rdns, STR("[")))
        relay->rdns = STR_EMPTY;
    if (str_ends(relay->by, STR(";")))
        relay->by.n--;
    relay->ip = safe(r, plain_ip(relay->ip));
    relay->rdns = safe(r, relay->rdns);
    relay->helo = safe(r, relay->helo);
    relay->by = safe(r, relay->by);
    relay->ident = safe(r, relay->ident);
    if (relay->envfrom.s)
        relay->envfrom = safe(r, plain_sender(relay->envfrom));
    relay->no_reverse_dns = relay->rdns.n == 0 && r->looked_up;
    relay->ip_private = ip_is_private(relay->ip);
}

enum received_kind received_read(struct received_reader *reader, struct str value,
                                 struct relay *relay)
{
    struct reading r = {.reader = reader, .relay = relay};
    *relay = (struct relay){.ip_private = false};
    reader->sender = STR_EMPTY;
    r.line = tidy(reader->pool, value);
    if (r.line.s == NULL) {
        reader->no_memory = true;
        return RECEIVED_UNREADABLE;
    }
    if (tells_nothing(&r))
        return RECEIVED_SKIPPED;
    cut_date(&r);
    part_by(&r);
    read_common(&r);
    relay->auth = read_auth(&r);
    enum received_kind kind = read_line(&r);
    if (reader->work == 0)
        return RECEIVED_UNREADABLE;
    if (kind == RECEIVED_SKIPPED && reader->sender.s)
        reader->sender = safe(&r, plain_sender(reader->sender));
    if (kind == RECEIVED_READ)
        finish(&r);
    return kind;
}
