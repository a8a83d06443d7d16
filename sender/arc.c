#include "sender/arc.h"

#include <openssl/evp.h>

#include "base/domain.h"
#include "sender/arc_set.h"
#include "sender/canon.h"
#include "sender/dkim.h"
#include "sender/field.h"
#include "sender/sign_key.h"
#include "sender/tag.h"

#define SIGNED_FIELDS_MAX 500 /* names in h= */

struct header_field {
    struct str name;
    struct str whole; /* without its final line end */
};

struct check {
    const struct dns_source *dns;
    struct pool *pool;
    struct str raw;  /* with CR LF */
    struct str body; /* of it */
    struct header_field *fields;
    size_t n_fields;
    struct arc_sets sets;
    struct arc_answer *answer;
};

const char *arc_result_name(enum arc_result result)
{
    static const char *const names[] = {"none", "pass", "fail", "temperror"};
    return (unsigned)result < sizeof names / sizeof *names ? names[result] : "?";
}

int arc_preload(struct err *err)
{
    unsigned char digest[CANON_DIGEST];
    return canon_body(CANON_SIMPLE, STR_EMPTY, digest) ? 0 : err_set(err, "OpenSSL has no SHA-256");
}

/* False, so that a check can end with it. */
static bool end(struct check *check, enum arc_result result, const char *why)
{
    check->answer->result = result;
    check->answer->reason = str_of(why);
    return false;
}

/* --- keys --- */

void arc_ahead(struct str raw, struct pool *pool, struct dns_query *queries, size_t *n, size_t max)
{
    struct arc_sets sets;
    if (arc_sets_read(raw, &sets))
        return;
    for (unsigned i = sets.n; i > 0; i--)
        for (enum arc_field kind = ARC_SIGNATURE; kind <= ARC_SEAL; kind++) {
            struct str name = sign_key_name(pool, sets.list[i - 1].value[kind]);
            bool needed = kind == ARC_SEAL || i == sets.n;
            if (needed && name.n > 0 && *n < max)
                queries[(*n)++] = (struct dns_query){.type = DNS_TXT, .name = name};
        }
}

/* Whether the signature with these tags is of these bytes. */
static bool fits(struct check *check, struct str tags, struct str bytes)
{
    const char *why;
    struct str name = sign_key_name(check->pool, tags);
    if (name.n == 0)
        return end(check, ARC_FAIL, "selector and domain are no name");
    const struct dns_query query = dns_ask(check->dns, check->pool, DNS_TXT, name);
    if (query.status == DNS_TEMP_FAILED || query.status == DNS_BOGUS)
        return end(check, ARC_TEMPERROR, "a key could not be looked up");
    if (query.status != DNS_FOUND || query.n != 1 || query.records[0].data.n > DKIM_KEY_MAX)
        return end(check, ARC_FAIL, "there is no key, or more than one");
    struct sign_key *key = sign_key_read(query.records[0].data, tag_value(tags, STR("a")), &why);
    if (!key)
        return end(check, ARC_FAIL, why);
    bool good = sign_key_fits(key, bytes, tag_value(tags, STR("b")));
    sign_key_free(&key);
    return good;
}

/* --- what is signed --- */

static bool is_tag_b(struct str tag)
{
    size_t equals = str_chr(tag, '=');
    return equals != STR_NONE && str_eq(str_trim(str_sub(tag, 0, equals)), STR("b"));
}

/* The field with the value of its tag b= taken out (RFC 6376 3.5). */
static void put_unsigned(enum canon form, struct str field, struct buf *out)
{
    struct buf plain = BUF_INIT(field.n + 1);
    size_t at = str_chr(field, ':') + 1;
    buf_add(&plain, str_sub(field, 0, at));
    while (at < field.n) {
        struct str rest = str_from(field, at);
        size_t semicolon = str_chr(rest, ';');
        struct str tag = str_sub(rest, 0, semicolon == STR_NONE ? rest.n : semicolon);
        buf_add(&plain, is_tag_b(tag) ? str_sub(tag, 0, str_chr(tag, '=') + 1) : tag);
        if (semicolon != STR_NONE)
            buf_addc(&plain, ';');
        at += tag.n + 1;
    }
    if (buf_ok(&plain))
        canon_field(form, buf_str(&plain), out);
    else
        out->failed = true;
    buf_release(&plain);
}

/* How far the fields of a name are used up: they are taken from the bottom up. */
struct cursor {
    struct str name;
    size_t below; /* fields before this one are left */
};

static const struct header_field *take_field(const struct check *check, struct cursor *cursor)
{
    while (cursor->below > 0)
        if (str_ieq(check->fields[--cursor->below].name, cursor->name))
            return &check->fields[cursor->below];
    return NULL;
}

static struct cursor *cursor_of(const struct check *check, struct cursor *cursors, size_t *n,
                                struct str name)
{
    for (size_t i = 0; i < *n; i++)
        if (str_ieq(cursors[i].name, name))
            return &cursors[i];
    cursors[*n] = (struct cursor){name, check->n_fields};
    return &cursors[(*n)++];
}

/* False: h= names what it must not, or too much, or not From (RFC 6376 5.4, RFC 8617 4.1.2). */
static bool put_signed_fields(const struct check *check, struct str list, enum canon form,
                              struct buf *out)
{
    struct cursor cursors[SIGNED_FIELDS_MAX];
    size_t n = 0, names = 0;
    struct str name;
    bool from = false;
    while (str_next(&list, ':', &name)) {
        name = str_trim(name);
        from |= str_ieq(name, STR("From"));
        /* RFC 8617 4.1.2: seals are covered by seals */
        if (++names > SIGNED_FIELDS_MAX || str_ieq(name, STR("ARC-Seal")))
            return false;
        const struct header_field *field = take_field(check, cursor_of(check, cursors, &n, name));
        if (!field) /* it was not there when it was signed */
            continue;
        canon_field(form, field->whole, out);
        buf_add(out, STR("\r\n"));
    }
    return from;
}

static bool body_fits(const struct check *check, struct str tags, enum canon form)
{
    unsigned char digest[CANON_DIGEST];
    struct buf said = BUF_INIT(CANON_DIGEST + 3);
    sign_base64(tag_value(tags, STR("bh")), &said);
    bool same = buf_ok(&said) && said.n == CANON_DIGEST && canon_body(form, check->body, digest) &&
                memcmp(said.p, digest, CANON_DIGEST) == 0;
    buf_release(&said);
    return same;
}

/* --- RFC 8617 5.2, steps 4 and 6 --- */

static bool signature_is_good(struct check *check)
{
    const struct arc_set *newest = &check->sets.list[check->sets.n - 1];
    struct str tags = newest->value[ARC_SIGNATURE];
    struct buf bytes = BUF_INIT(ARC_SIGNED_MAX);
    enum canon header, body;
    if (!canon_read(tag_value(tags, STR("c")), &header, &body))
        return end(check, ARC_FAIL, "the signature has an unknown form");
    if (tag_value(tags, STR("l")).s)
        return end(check, ARC_FAIL, "the signature leaves some of the body out");
    if (!body_fits(check, tags, body))
        return end(check, ARC_FAIL, "the body was changed after the newest signature");
    bool named = put_signed_fields(check, tag_value(tags, STR("h")), header, &bytes);
    put_unsigned(header, newest->field[ARC_SIGNATURE], &bytes);
    if (!named || !buf_ok(&bytes))
        end(check, ARC_FAIL, "the signature names fields that it must not, too many, or not From");
    else if (!fits(check, tags, buf_str(&bytes)) && check->answer->result == ARC_PASS)
        end(check, ARC_FAIL, "the header was changed after the newest signature");
    buf_release(&bytes);
    return check->answer->result == ARC_PASS;
}

/* A seal is of all sets up to its own, each in the order of enum arc_field (5.1.1). */
static bool seal_is_good(struct check *check, unsigned instance)
{
    struct buf bytes = BUF_INIT(ARC_SIGNED_MAX);
    for (unsigned i = 0; i < instance; i++)
        for (enum arc_field kind = ARC_RESULTS; kind < ARC_FIELDS; kind++) {
            struct str field = check->sets.list[i].field[kind];
            if (i + 1 == instance && kind == ARC_SEAL) {
                put_unsigned(CANON_RELAXED, field, &bytes);
                continue;
            }
            canon_field(CANON_RELAXED, field, &bytes);
            buf_add(&bytes, STR("\r\n"));
        }
    if (!buf_ok(&bytes))
        end(check, ARC_FAIL, "the chain is too long");
    else if (!fits(check, check->sets.list[instance - 1].value[ARC_SEAL], buf_str(&bytes)) &&
             check->answer->result == ARC_PASS)
        end(check, ARC_FAIL, "a seal is not good");
    buf_release(&bytes);
    return check->answer->result == ARC_PASS;
}

static void check_chain(struct check *check)
{
    const char *why = arc_sets_read(check->raw, &check->sets);
    check->answer->n = check->sets.n;
    if (!why && check->sets.n > 0 && check->n_fields > ARC_FIELDS_MAX)
        why = "the header has too many fields";
    if (why) {
        end(check, ARC_FAIL, why);
        return;
    }
    if (check->sets.n == 0)
        return;
    check->answer->result = ARC_PASS;
    if (!signature_is_good(check))
        return;
    for (unsigned i = check->sets.n; i > 0; i--)
        if (!seal_is_good(check, i))
            return;
}

/* The texts of the hops, in the pool: the copy with CR LF goes. */
static int describe(const struct check *check, struct err *err)
{
    for (unsigned i = 0; i < check->sets.n; i++) {
        const struct arc_set *set = &check->sets.list[i];
        struct arc_hop *hop = &check->answer->hops[i];
        struct str sealer = tag_value(set->value[ARC_SEAL], STR("d"));
        hop->sealer = pool_lower(check->pool, dns_name_ok(sealer) ? sealer : STR(""));
        hop->results = pool_str(check->pool, set->value[ARC_RESULTS]);
        if (!hop->sealer.s || !hop->results.s)
            return err_set(err, "arc: out of memory");
    }
    return 0;
}

/* Most mail has none, and its body need not be looked at. */
static bool has_chain(struct str raw)
{
    struct field_walk walk = field_walk_of(raw);
    struct field field;
    while (field_next(&walk, &field))
        if (str_istarts(field.name, STR("ARC-")))
            return true;
    return false;
}

/* False: out of memory. */
static bool read_fields(struct check *check)
{
    struct field_walk walk = field_walk_of(check->raw);
    struct field field;
    size_t cap = 0;
    while (field_next(&walk, &field)) {
        if (check->n_fields > ARC_FIELDS_MAX) /* said later; where the body begins is needed */
            continue;
        struct header_field *fields =
            pool_grow(check->pool, check->fields, check->n_fields, &cap, sizeof *fields);
        if (!fields)
            return false;
        check->fields = fields;
        size_t end_at = (size_t)(field.value.s - check->raw.s) + field.value.n;
        fields[check->n_fields++] =
            (struct header_field){field.name, str_sub(check->raw, field.at, end_at)};
    }
    check->body = str_from(check->raw, walk.at);
    return true;
}

int arc_check(struct str raw, const struct dns_source *dns, struct pool *pool,
              struct arc_answer *answer, struct err *err)
{
    struct check check = {.dns = dns, .pool = pool, .answer = answer};
    struct buf normal = BUF_INIT(0);
    *answer = (struct arc_answer){.result = ARC_NONE};
    if (!has_chain(raw))
        return 0;
    bool ok = canon_crlf(raw, &normal, &check.raw) && read_fields(&check);
    if (ok)
        check_chain(&check);
    int result = ok ? describe(&check, err) : err_set(err, "arc: out of memory");
    buf_release(&normal);
    return result;
}

/* --- trust --- */

static bool is_trusted(struct str sealer, const char *const *trusted, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (domain_holds(str_of(trusted[i]), sealer))
            return true;
    return false;
}

/* The results without comments and quoted texts: neither can say anything. */
static void put_bare(struct str results, struct buf *out)
{
    unsigned depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < results.n; i++) {
        char c = results.s[i];
        if (c == '\\' && (quoted || depth > 0)) {
            i++;
            continue;
        }
        if (c == '"' && depth == 0) {
            quoted = !quoted;
            buf_addc(out, '?');
        } else if (c == '(' && !quoted) {
            depth++;
        } else if (c == ')' && !quoted && depth > 0) {
            depth--;
            buf_addc(out, ' ');
        } else if (!quoted && depth == 0) {
            buf_addc(out, c);
        }
    }
}

/* "dmarc=pass", of this author: without a name it may be of another From (RFC 8601 2.7, 9989 9.1).
 */
static bool is_dmarc_pass(struct str method, struct str author)
{
    struct str word;
    bool pass = false, of_author = false;
    for (bool first = true; method.n > 0; first = false) {
        method = str_trim(method);
        size_t at = 0;
        while (at < method.n && !memchr(" \t\r\n", method.s[at], 4))
            at++;
        word = str_sub(method, 0, at);
        method = str_from(method, at);
        if (first)
            pass = str_ieq(word, STR("dmarc=pass"));
        else if (str_istarts(word, STR("header.from="))) {
            of_author = str_ieq(str_from(word, 12), author);
            pass &= of_author;
        }
    }
    return pass && of_author;
}

static bool says_dmarc_pass(struct str results, struct str author)
{
    struct buf bare = BUF_INIT(results.n + 1);
    bool says = false;
    put_bare(results, &bare);
    struct str rest = buf_str(&bare), method;
    while (buf_ok(&bare) && !says && str_next(&rest, ';', &method))
        says = is_dmarc_pass(method, author);
    buf_release(&bare);
    return says;
}

bool arc_vouches(const struct arc_answer *answer, const char *const *trusted, size_t n,
                 struct str author)
{
    if (answer->result != ARC_PASS)
        return false;
    for (unsigned i = answer->n; i > 0; i--) {
        const struct arc_hop *hop = &answer->hops[i - 1];
        if (!is_trusted(hop->sealer, trusted, n))
            return false;
        if (says_dmarc_pass(hop->results, author))
            return true;
    }
    return false;
}
