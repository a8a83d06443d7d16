#include "mail/part.h"

#include "mail/charset.h"
#include "mail/param.h"
#include "mail/transfer.h"
#include "mail/word.h"

#define FILENAME_MAX_BYTES 4096
#define META_LOOK          2048 /* where HTML may name its charset (WHATWG HTML: 1024) */

struct fields {
    const struct header *type;
    const struct header *encoding;
    const struct header *disposition;
};

static void take(struct part *part, const struct header **slot, const struct header *h)
{
    if (*slot)
        part->anomalies |= MAIL_ANOMALY_TWICE;
    else if (str_trim(h->value).n)
        *slot = h;
}

static void take_type(struct part *part, const struct header **slot, const struct header *h)
{
    static const struct str multipart = {"multipart", 9};
    bool better = *slot && str_istarts(str_trim(h->value), multipart) &&
                  !str_istarts(str_trim((*slot)->value), multipart);
    take(part, slot, h);
    if (better)
        *slot = h;
}

static struct fields find_fields(struct part *part)
{
    struct fields f = {0};
    for (size_t i = 0; i < part->n_headers; i++) {
        const struct header *h = &part->headers[i];
        if (!str_istarts(h->name, STR("content-")))
            continue;
        if (str_ieq(h->name, STR("Content-Type")))
            take_type(part, &f.type, h);
        else if (str_ieq(h->name, STR("Content-Transfer-Encoding")))
            take(part, &f.encoding, h);
        else if (str_ieq(h->name, STR("Content-Disposition")))
            take(part, &f.disposition, h);
    }
    return f;
}

static bool is_token(char c)
{
    return c > 32 && c < 127 && !strchr("()<>@,;:\\\"/[]?=", c);
}

static size_t token(struct str x, size_t from)
{
    while (from < x.n && is_token(x.s[from]))
        from++;
    return from;
}

/* Length of the "type/subtype" in front; 0: there is none (RFC 2045 5.2: then text/plain). */
static size_t media_type(struct str value)
{
    size_t slash = token(value, 0);
    if (slash == 0 || slash == value.n || value.s[slash] != '/')
        return 0;
    size_t end = token(value, slash + 1);
    return end > slash + 1 ? end : 0;
}

static bool in_digest(const struct part *part)
{
    return part->parent && str_eq(part->parent->type, STR("multipart/digest"));
}

/* "text" and "html" alone, and "multipart" with any or no subtype, are seen in the wild. */
static struct str odd_type(const struct part *part, struct str value)
{
    struct str word = str_sub(value, 0, token(value, 0));
    if (str_ieq(word, STR("html")))
        return STR("text/html");
    if (str_ieq(word, STR("multipart")))
        return STR("multipart/mixed");
    if (word.n == 0 && in_digest(part))
        return STR("message/rfc822");
    return STR("text/plain");
}

static int interpret_type(struct pool *pool, struct part *part, const struct header *h,
                          struct err *err)
{
    part->type = in_digest(part) ? STR("message/rfc822") : STR("text/plain");
    if (h == NULL)
        return 0;
    struct str value = header_unfold(pool, h);
    if (value.s == NULL)
        return err_set(err, "out of memory for a Content-Type");
    value = params_skip(value);
    size_t n = media_type(value);
    part->type = n ? pool_lower(pool, str_sub(value, 0, n)) : odd_type(part, value);
    if (part->type.s == NULL)
        return err_set(err, "out of memory for a Content-Type");
    size_t semicolon = str_chr(value, ';');
    size_t from = n ? n : semicolon == STR_NONE ? value.n : semicolon;
    if (params_parse(pool, str_from(value, from), &part->params, &part->n_params, err) < 0)
        return -1;
    struct str charset = str_trim(part_param(part, STR("charset")));
    size_t quote = charset.n && charset.s[0] == '\'';
    charset = str_sub(charset, quote, charset.n - (quote && charset.s[charset.n - 1] == '\''));
    part->charset = pool_lower(pool, charset);
    return part->charset.s ? 0 : err_set(err, "out of memory for a charset");
}

static const struct {
    const char *name;
    enum encoding encoding;
} encodings[] = {
    {"7bit", ENC_7BIT},         {"8bit", ENC_8BIT},           {"binary", ENC_BINARY},
    {"base64", ENC_BASE64},     {"quoted-printable", ENC_QP}, {"x-uuencode", ENC_UUENCODE},
    {"uuencode", ENC_UUENCODE}, {"x-uue", ENC_UUENCODE},      {"uue", ENC_UUENCODE},
    {"x-uu", ENC_UUENCODE},     {"7-bit", ENC_7BIT},          {"8-bit", ENC_8BIT},
};

static enum encoding encoding_of(struct str name)
{
    for (size_t i = 0; i < sizeof encodings / sizeof encodings[0]; i++)
        if (str_ieq(name, str_of(encodings[i].name)))
            return encodings[i].encoding;
    return ENC_UNKNOWN;
}

static int interpret_encoding(struct pool *pool, struct part *part, const struct header *h,
                              struct err *err)
{
    if (h == NULL)
        return 0;
    struct str value = header_unfold(pool, h);
    if (value.s == NULL)
        return err_set(err, "out of memory for a Content-Transfer-Encoding");
    value = params_skip(value);
    size_t quote = value.n && value.s[0] == '"';
    part->encoding = encoding_of(str_sub(value, quote, token(value, quote)));
    if (part->encoding == ENC_UNKNOWN || (part_is_multipart(part) && part_is_encoded(part)))
        part->anomalies |= MAIL_ANOMALY_BAD_ENCODING;
    return 0;
}

static int set_filename(struct pool *pool, struct part *part, struct str name, struct err *err)
{
    struct buf out = BUF_INIT(FILENAME_MAX_BYTES);
    if (name.n == 0)
        return 0;
    words_decode(str_sub(name, 0, FILENAME_MAX_BYTES), &out);
    part->filename = out.failed ? STR_EMPTY : pool_str(pool, str_trim(buf_str(&out)));
    buf_release(&out);
    return part->filename.s ? 0 : err_set(err, "out of memory for a file name");
}

static int interpret_disposition(struct pool *pool, struct part *part, const struct header *h,
                                 struct err *err)
{
    struct param *list = NULL;
    size_t n = 0;
    if (h) {
        struct str value = header_unfold(pool, h);
        size_t end = token(value, 0);
        part->disposition = pool_lower(pool, str_sub(value, 0, end));
        if (value.s == NULL || part->disposition.s == NULL)
            return err_set(err, "out of memory for a Content-Disposition");
        if (params_parse(pool, str_from(value, end), &list, &n, err) < 0)
            return -1;
    }
    struct str name = params_find(list, n, STR("filename"));
    if (name.n == 0)
        name = params_find(list, n, STR("name"));
    if (name.n == 0)
        name = part_param(part, STR("name"));
    if (name.n == 0)
        name = part_param(part, STR("filename"));
    return set_filename(pool, part, name, err);
}

int part_interpret(struct pool *pool, struct part *part, struct err *err)
{
    struct fields f = find_fields(part);
    if (interpret_type(pool, part, f.type, err) < 0 ||
        interpret_encoding(pool, part, f.encoding, err) < 0)
        return -1;
    return interpret_disposition(pool, part, f.disposition, err);
}

bool part_is_message(const struct part *part)
{
    return str_eq(part->type, STR("message/rfc822")) || str_eq(part->type, STR("message/global")) ||
           str_eq(part->type, STR("message/news"));
}

struct str part_param(const struct part *part, struct str name)
{
    return params_find(part->params, part->n_params, name);
}

void part_decode(const struct part *part, struct buf *out)
{
    /* A multipart has no encoding (RFC 2045 6.4): where one with parts in sight names one, it is
     * not meant. */
    bool ignored = part_is_multipart(part) && part->child && !part->child->unpacked;
    switch (ignored ? ENC_BINARY : part->encoding) {
    case ENC_BASE64:
        transfer_base64(part->body, out);
        break;
    case ENC_QP:
        transfer_qp(part->body, out);
        break;
    case ENC_UUENCODE:
        transfer_uu(part->body, out);
        break;
    case ENC_7BIT:
    case ENC_8BIT:
    case ENC_BINARY:
    case ENC_UNKNOWN:
        transfer_none(part->body, out);
        break;
    }
}

/* The charset that HTML names itself, when the header names none: <meta charset=…>. */
static struct str meta_charset(struct str html)
{
    struct str head = str_sub(html, 0, META_LOOK);
    size_t meta = str_ifind(head, STR("<meta"));
    size_t at = meta == STR_NONE ? STR_NONE : str_ifind(str_from(head, meta), STR("charset="));
    if (at == STR_NONE)
        return STR_EMPTY;
    struct str name = str_from(head, meta + at + 8);
    if (name.n && (name.s[0] == '"' || name.s[0] == '\''))
        name = str_from(name, 1);
    name = str_sub(name, 0, token(name, 0));
    return str_sub(name, 0, str_chr(name, '\''));
}

struct str part_charset(const struct part *part, struct str decoded)
{
    if (part->charset.n || !str_eq(part->type, STR("text/html")))
        return part->charset;
    struct str named = meta_charset(decoded);
    /* That it can be read as ASCII shows that it is no UTF-16. */
    return str_istarts(named, STR("utf-16")) ? STR("utf-8") : named;
}

void part_text(const struct part *part, struct buf *out)
{
    if (!part_is_encoded(part)) {
        charset_to_utf8(part_charset(part, part->body), part->body, out);
        return;
    }
    struct buf bytes = BUF_INIT(part->body.n);
    part_decode(part, &bytes);
    charset_to_utf8(part_charset(part, buf_str(&bytes)), buf_str(&bytes), out);
    if (bytes.failed)
        out->failed = true;
    buf_release(&bytes);
}
