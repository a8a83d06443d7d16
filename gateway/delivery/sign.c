#include "gateway/delivery/sign.h"

#include <stdlib.h>

#include "base/domain.h"
#include "base/log.h"
#include "gateway/client/body.h"
#include "gateway/gate/ours.h"
#include "sender/dmarc.h"
#include "sender/sign.h"

#define AUTHOR_POOL_MAX (4 * SIGN_HEADER_MAX)

/* A domain with keys. */
struct signing {
    const struct conf_domain *domain;
    struct {
        char selector[DOMAIN_SIZE];
        struct sign_private *key; /* NULL: there is none that can be used */
        struct sign_with with;
    } by[SIGN_KINDS];
    struct err why; /* an RSA key is missing */
};

struct signer {
    struct sign_library *library;
    struct networks inside;
    bool sends_unsigned;
    bool subdomains; /* keys sign for what lies below their domain, too */
    struct signing *list;
    size_t n;
};

/* --- keys --- */

static int read_key(const struct conf *conf, struct signing *signing, const char *word,
                    struct err *err)
{
    char path[PATH_MAX];
    char selector[DOMAIN_SIZE];
    if (!domain_normal(str_of(word), selector))
        return err_set(err, "\"%s\" is no selector", word);
    if (sign_key_path(conf, signing->domain->name, selector, path, err) < 0)
        return -1;
    struct sign_private *key = sign_private_read(path, err);
    if (key == NULL)
        return -1;
    if (key->open_to_all)
        log_warning("%s: everybody on this machine can read this private key", path);
    if (signing->by[key->kind].key) {
        err_set(err, "%s: not used, since one %s key signs already", path,
                sign_kind_name(key->kind));
        sign_private_free(&key);
        return -1;
    }
    memcpy(signing->by[key->kind].selector, selector, sizeof selector);
    signing->by[key->kind].key = key;
    signing->by[key->kind].with = (struct sign_with){key, signing->by[key->kind].selector};
    return 0;
}

static void read_keys(const struct conf *conf, struct signing *signing)
{
    struct err err;
    err_set(&signing->why, "the settings name no RSA key of %s, without which many can't check it",
            signing->domain->name);
    for (size_t i = 0; i < signing->domain->dkim.n; i++)
        if (read_key(conf, signing, signing->domain->dkim.items[i], &err) < 0) {
            signing->why = err;
            log_error("signatures of %s: %s", signing->domain->name, err.text);
        }
    if (signing->by[SIGN_RSA].key == NULL)
        log_error("mail of %s %s: %s; mend it and send poterned SIGHUP", signing->domain->name,
                  conf->dkim.unable == DKIM_UNSIGNED_SEND ? "goes without a signature" : "waits",
                  signing->why.text);
}

void signer_free(struct signer **signer)
{
    struct signer *s = *signer;
    *signer = NULL;
    for (size_t i = 0; s && i < s->n; i++)
        for (size_t k = 0; k < SIGN_KINDS; k++)
            sign_private_free(&s->list[i].by[k].key);
    if (s) {
        sign_library_free(&s->library);
        networks_free(&s->inside);
        free(s->list);
    }
    free(s);
}

int signer_load(const struct conf *conf, struct signer **signer, struct err *err)
{
    size_t n = 0;
    *signer = NULL;
    for (size_t i = 0; i < conf->n_domains; i++)
        n += conf->domains[i].dkim.n > 0;
    if (n == 0)
        return 0;
    struct signer *s = calloc(1, sizeof *s);
    if (s)
        s->list = calloc(n, sizeof *s->list);
    int result = s && s->list ? networks_load(&conf->gate.inside, &s->inside, err)
                              : err_set(err, "out of memory for the keys that sign");
    if (result == 0)
        s->library = sign_library_new(conf->dkim.expire, err);
    if (result < 0 || s->library == NULL) {
        signer_free(&s);
        return -1;
    }
    s->subdomains = conf->dkim.subdomains;
    s->sends_unsigned = conf->dkim.unable == DKIM_UNSIGNED_SEND;
    for (size_t i = 0; i < conf->n_domains; i++) {
        if (conf->domains[i].dkim.n == 0)
            continue;
        s->list[s->n].domain = &conf->domains[i];
        read_keys(conf, &s->list[s->n++]);
    }
    *signer = s;
    return 0;
}

/* --- whose message it is --- */

/* With the keys of a domain itself, or with those of the nearest one above it that has some. */
static const struct signing *signing_of(const struct signer *signer, struct str domain)
{
    struct str label;
    while (domain.n) {
        for (size_t i = 0; i < signer->n; i++)
            if (str_eq(domain, str_of(signer->list[i].domain->name)))
                return &signer->list[i];
        if (!signer->subdomains || !str_next(&domain, '.', &label))
            return NULL;
    }
    return NULL;
}

/* Who logged in sends from an address of his own; what stands in From need be his own by setting
 * only (submission.from), but always is with the null sender (edge/author.h). */
static bool speaks_for(struct str author, const struct envelope *envelope)
{
    struct str domain = domain_of_address(envelope->sender);
    return !ours_logged_in(envelope->protocol) || domain.n == 0 || str_ieq(domain, author);
}

/* NULL: not of one domain with keys, or of another than who sends it. -1: no memory. */
static int find_author(const struct signer *signer, struct str header,
                       const struct envelope *envelope, const struct signing **found,
                       struct err *err)
{
    struct part root = {.head = header};
    const struct message message = {.root = &root};
    struct dmarc_authors authors;
    struct pool *pool = pool_new(AUTHOR_POOL_MAX);
    int result = pool ? dmarc_authors(&message, pool, &authors, err)
                      : err_set(err, "out of memory for a signature");
    *found = NULL;
    if (result == 0 && authors.n == 1 && !authors.more) {
        struct str author = authors.domains[0];
        *found = speaks_for(author, envelope) ? signing_of(signer, author) : NULL;
    }
    pool_free(&pool);
    return result;
}

/* --- its bytes --- */

/* A message on its way through the signers. */
struct passage {
    struct body body;
    struct buf piece;
    struct buf header; /* whole, its empty line included; then what came behind it */
    size_t header_end;
    bool over; /* nothing more is to be read */
};

static int read_piece(struct passage *p, struct err *err)
{
    buf_clear(&p->piece);
    int more = body_fill(&p->body, &p->piece, err);
    if (more >= 0 && !buf_ok(&p->piece))
        more = err_set(err, "out of memory for a signature");
    p->over = more == 0;
    return more < 0 ? -1 : 0;
}

/* Where the body begins, looked for from `from` on; 0: it is not there yet. */
static size_t end_of_header(struct str text, size_t from)
{
    if (str_starts(text, STR("\r\n")))
        return strlen("\r\n");
    size_t at = str_find(str_from(text, from), STR("\r\n\r\n"));
    return at == STR_NONE ? 0 : from + at + strlen("\r\n\r\n");
}

/* 1: there it is, 0: it is too long, -1: it can't be read */
static int read_header(struct passage *p, struct err *err)
{
    while (p->header_end == 0 && !p->over) {
        size_t from = p->header.n < 3 ? 0 : p->header.n - 3;
        if (read_piece(p, err) < 0)
            return -1;
        if (p->header.n + p->piece.n > SIGN_HEADER_MAX)
            return 0;
        buf_add(&p->header, buf_str(&p->piece));
        if (!buf_ok(&p->header))
            return err_set(err, "out of memory for a signature");
        p->header_end = end_of_header(buf_str(&p->header), from);
    }
    if (p->header_end == 0)
        p->header_end = p->header.n;
    return 1;
}

static enum sign_result sign_bytes(struct passage *p, struct sign_message *message,
                                   struct buf *fields, struct err *err)
{
    struct str text = buf_str(&p->header);
    enum sign_result result = sign_header(message, str_sub(text, 0, p->header_end), err);
    if (result == SIGN_DONE)
        result = sign_body(message, str_from(text, p->header_end), err);
    while (result == SIGN_DONE && !p->over) {
        if (read_piece(p, err) < 0)
            return SIGN_FAILED;
        result = sign_body(message, buf_str(&p->piece), err);
    }
    return result == SIGN_DONE ? sign_end(message, fields, err) : result;
}

/* --- the signature --- */

static enum sign_result make_fields(const struct signer *signer, const struct signing *signing,
                                    struct passage *p, struct buf *fields, struct err *err)
{
    if (signing->by[SIGN_RSA].key == NULL) {
        *err = signing->why;
        return SIGN_FAILED;
    }
    const struct sign_with *twin =
        signing->by[SIGN_ED25519].key ? &signing->by[SIGN_ED25519].with : NULL;
    struct sign_message *message =
        sign_begin(signer->library, signing->domain->name, &signing->by[SIGN_RSA].with, twin, err);
    if (message == NULL)
        return SIGN_FAILED;
    enum sign_result result = sign_bytes(p, message, fields, err);
    sign_free(&message);
    return result;
}

static int insert(struct spool_file *file, struct pool *pool, const struct buf *fields,
                  struct err *err)
{
    struct str text = pool_str(pool, buf_str(fields));
    if (text.s == NULL)
        return err_set(err, "out of memory for a signature");
    return edits_insert_top(pool, &file->envelope.edits, text, err);
}

static int sign_passage(const struct signer *signer, struct spool_file *file, struct pool *pool,
                        struct passage *p, struct err *err)
{
    const struct signing *signing = NULL;
    struct buf fields = BUF_INIT(SIGN_ANSWER_MAX);
    int got = read_header(p, err);
    if (got == 0)
        log_warning("%.*s is not signed: its header is too long", STR_ARG(file->envelope.id));
    if (got <= 0)
        return got;
    struct str header = str_sub(buf_str(&p->header), 0, p->header_end);
    if (find_author(signer, header, &file->envelope, &signing, err) < 0)
        return -1;
    if (signing == NULL)
        return 0;
    enum sign_result result = make_fields(signer, signing, p, &fields, err);
    int done = result == SIGN_FAILED && !signer->sends_unsigned ? -1 : 0;
    if (result == SIGN_DONE)
        done = insert(file, pool, &fields, err);
    else if (done == 0)
        log_warning("%.*s goes without a signature: %s", STR_ARG(file->envelope.id), err->text);
    buf_release(&fields);
    return done;
}

int signer_sign(struct signer *signer, struct spool_file *file, struct pool *pool, struct err *err)
{
    const struct envelope *e = &file->envelope;
    if (signer == NULL || !ours_is(&signer->inside, e->protocol, e->client_ip))
        return 0;
    struct passage p = {.piece = BUF_INIT(BODY_FILL_MAX), .header = BUF_INIT(SIGN_HEADER_MAX)};
    body_begin(&p.body, file, 0, BODY_SIGNED);
    p.body.fields = STR_EMPTY; /* of one copy alone: no signature covers them */
    int result = sign_passage(signer, file, pool, &p, err);
    if (result < 0)
        err_prefix(err, "not signed (DKIM)");
    buf_release(&p.piece);
    buf_release(&p.header);
    return result;
}
