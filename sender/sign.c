#include "sender/sign.h"

#include <opendkim/dkim.h>
#include <stdlib.h>

#include "sender/field.h"
#include "sender/sign_twin.h"

#define FIELD_NAME "DKIM-Signature"

struct sign_library {
    DKIM_LIB *dkim;
};

struct sign_message {
    DKIM *dkim;
    const struct sign_with *ed25519;
    struct str fields[SIGN_FIELDS_MAX]; /* that are signed, without their last line ends */
    size_t n;
};

/* RFC 6376 5.4.1, and what says how the body is to be shown. */
static const char *const signed_names[] = {
    "from",
    "sender",
    "reply-to",
    "subject",
    "date",
    "message-id",
    "to",
    "cc",
    "in-reply-to",
    "references",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
    NULL,
};

/* Of which a second one could change what is read. Message-ID is left to who adds a missing one. */
static const char *const oversigned_names[] = {
    "from",         "reply-to",     "subject",
    "date",         "to",           "cc",
    "mime-version", "content-type", "content-transfer-encoding",
    NULL,
};

/* --- the library --- */

static bool set_option(DKIM_LIB *library, dkim_opts_t option, void *value, size_t size)
{
    return dkim_options(library, DKIM_OP_SETOPT, option, value, size) == DKIM_STAT_OK;
}

void sign_library_free(struct sign_library **library)
{
    if (*library && (*library)->dkim)
        dkim_close((*library)->dkim);
    free(*library);
    *library = NULL;
}

struct sign_library *sign_library_new(unsigned expire, struct err *err)
{
    uint64_t ttl = expire;
    const size_t list = sizeof(u_char **);
    struct sign_library *library = calloc(1, sizeof *library);
    if (library)
        library->dkim = dkim_init(NULL, NULL);
    if (library && library->dkim &&
        set_option(library->dkim, DKIM_OPTS_SIGNHDRS, (void *)signed_names, list) &&
        set_option(library->dkim, DKIM_OPTS_OVERSIGNHDRS, (void *)oversigned_names, list) &&
        (ttl == 0 || set_option(library->dkim, DKIM_OPTS_SIGNATURETTL, &ttl, sizeof ttl)))
        return library;
    sign_library_free(&library);
    err_set(err, "libopendkim can't be set up for signing");
    return NULL;
}

/* --- a message --- */

void sign_free(struct sign_message **message)
{
    struct sign_message *m = *message;
    *message = NULL;
    if (m && m->dkim)
        dkim_free(m->dkim);
    free(m);
}

struct sign_message *sign_begin(struct sign_library *library, const char *domain,
                                const struct sign_with *rsa, const struct sign_with *ed25519,
                                struct err *err)
{
    DKIM_STAT status;
    struct sign_message *m = calloc(1, sizeof *m);
    if (m == NULL) {
        err_set(err, "out of memory for a signature");
        return NULL;
    }
    m->ed25519 = ed25519;
    m->dkim = dkim_sign(library->dkim, (const u_char *)"message", NULL, (u_char *)rsa->key->pem.p,
                        (const u_char *)rsa->selector, (const u_char *)domain, DKIM_CANON_RELAXED,
                        DKIM_CANON_RELAXED, DKIM_SIGN_RSASHA256, -1, &status);
    if (m->dkim == NULL) {
        err_set(err, "key %s of %s: %s", rsa->selector, domain, dkim_getresultstr(status));
        sign_free(&m);
    }
    return m;
}

/* DKIM_STAT_SYNTAX is what the message does wrong; all else is ours or the machine's. */
static enum sign_result result_of(const struct sign_message *m, DKIM_STAT status, struct err *err)
{
    if (status == DKIM_STAT_OK)
        return SIGN_DONE;
    const char *words = dkim_geterror(m->dkim);
    err_set(err, "%s", words && *words ? words : dkim_getresultstr(status));
    return status == DKIM_STAT_SYNTAX ? SIGN_UNFIT : SIGN_FAILED;
}

static bool is_signed(struct str name)
{
    for (size_t i = 0; signed_names[i]; i++)
        if (str_ieq(name, str_of(signed_names[i])))
            return true;
    return false;
}

static enum sign_result unfit(struct err *err, const char *why)
{
    err_set(err, "%s", why);
    return SIGN_UNFIT;
}

static enum sign_result add_field(struct sign_message *m, struct str field, struct err *err)
{
    while (field.n > 0 && (field.s[field.n - 1] == '\n' || field.s[field.n - 1] == '\r'))
        field.n--;
    if (m->n == SIGN_FIELDS_MAX || field.n > SIGN_FIELD_MAX)
        return unfit(err, "it has too many or too long header fields");
    if (memchr(field.s, '\0', field.n))
        return unfit(err, "there is a NUL byte in its header");
    m->fields[m->n++] = field;
    return result_of(m, dkim_header(m->dkim, (u_char *)field.s, field.n), err);
}

enum sign_result sign_header(struct sign_message *m, struct str header, struct err *err)
{
    struct field_walk walk = field_walk_of(header);
    struct field field;
    enum sign_result result = SIGN_DONE;
    while (result == SIGN_DONE && field_next(&walk, &field))
        if (is_signed(field.name))
            result = add_field(m, str_sub(header, field.at, field.end), err);
    return result == SIGN_DONE ? result_of(m, dkim_eoh(m->dkim), err) : result;
}

enum sign_result sign_body(struct sign_message *m, struct str bytes, struct err *err)
{
    if (bytes.n == 0)
        return SIGN_DONE;
    return result_of(m, dkim_body(m->dkim, (u_char *)bytes.s, bytes.n), err);
}

enum sign_result sign_end(struct sign_message *m, struct buf *fields, struct err *err)
{
    u_char *value = NULL;
    size_t n = 0;
    DKIM_STAT status = dkim_eom(m->dkim, NULL);
    if (status == DKIM_STAT_OK)
        status = dkim_getsighdr_d(m->dkim, strlen(FIELD_NAME ": "), &value, &n);
    if (status != DKIM_STAT_OK)
        return result_of(m, status, err);
    const struct str rsa = str_n((const char *)value, n);
    if (m->ed25519 && sign_twin(m->ed25519, rsa, m->fields, m->n, fields, err) < 0)
        return SIGN_FAILED;
    buf_add(fields, STR(FIELD_NAME ": "));
    buf_add(fields, rsa);
    buf_add(fields, STR("\r\n"));
    if (buf_ok(fields))
        return SIGN_DONE;
    err_set(err, "out of memory for a signature");
    return SIGN_FAILED;
}
