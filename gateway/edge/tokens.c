#include "gateway/edge/tokens.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "base/random.h"
#include "base/sha256.h"
#include "gateway/fetch/desk.h"

#define KEY_BYTES 32
#define WAYS      8 /* places where one token may be remembered */
#define SETS      (TOKENS_REMEMBERED / WAYS)
#define FORM_MAX  (3 * TOKENS_MAX + 64)
#define NOTE_MAX  (FETCH_NOTE_MAX + 100)

struct remembered {
    unsigned char hash[SHA256_SIZE];
    int64_t until; /* seconds since 1970; 0: nothing is here */
    char user[INTROSPECTION_USER_MAX + 1];
};

struct tokens_desk {
    const struct conf_oauth *conf;
    struct fetch_desk *fetch;
    tokens_answered *answered;
    struct question *open;
    unsigned char key[KEY_BYTES];
    struct remembered remembered[TOKENS_REMEMBERED];
    char form[FORM_MAX];
};

struct question {
    struct question *prev, *next;
    struct tokens_desk *desk;
    void *asker;
    unsigned char hash[SHA256_SIZE];
};

/* --- what was good --- */

static bool hash_token(const struct tokens_desk *d, struct str token,
                       unsigned char hash[SHA256_SIZE])
{
    struct sha256 sum;
    struct err err = {""};
    if (sha256_begin(&sum, &err) < 0) {
        log_error("%s", err.text);
        return false;
    }
    sha256_add(&sum, str_n((const char *)d->key, sizeof d->key));
    sha256_add(&sum, token);
    bool done = sha256_end(&sum, hash, &err) == 0;
    explicit_bzero(sum.block, sizeof sum.block);
    return done;
}

static struct remembered *set_of(struct tokens_desk *d, const unsigned char *hash)
{
    size_t set = ((size_t)hash[0] << 8 | hash[1]) % SETS;
    return &d->remembered[set * WAYS];
}

static const struct remembered *recall(struct tokens_desk *d, const unsigned char *hash)
{
    const struct remembered *set = set_of(d, hash);
    int64_t now = time(NULL);
    for (size_t i = 0; i < WAYS; i++)
        if (set[i].until > now && memcmp(set[i].hash, hash, SHA256_SIZE) == 0)
            return &set[i];
    return NULL;
}

static void remember(struct tokens_desk *d, const unsigned char *hash,
                     const struct introspection *said)
{
    struct remembered *set = set_of(d, hash);
    struct remembered *place = set;
    int64_t until = time(NULL) + d->conf->remember;
    if (said->expires && said->expires < until)
        until = said->expires;
    if (d->conf->remember == 0)
        return;
    for (size_t i = 0; i < WAYS; i++)
        if (set[i].until < place->until)
            place = &set[i];
    memcpy(place->hash, hash, SHA256_SIZE);
    snprintf(place->user, sizeof place->user, "%s", said->user);
    place->until = until;
}

/* --- questions --- */

static void question_free(struct question *q)
{
    if (q->prev)
        q->prev->next = q->next;
    else
        q->desk->open = q->next;
    if (q->next)
        q->next->prev = q->prev;
    free(q);
}

static struct question *question_new(struct tokens_desk *d, void *asker, const unsigned char *hash)
{
    struct question *q = calloc(1, sizeof *q);
    if (q == NULL)
        return NULL;
    *q = (struct question){.next = d->open, .desk = d, .asker = asker};
    memcpy(q->hash, hash, SHA256_SIZE);
    if (d->open)
        d->open->prev = q;
    d->open = q;
    return q;
}

static void tell_away(struct tokens_desk *d, void *asker, const char *note)
{
    d->answered(asker, &(struct token_answer){.result = TOKEN_AWAY, .note = note});
}

/* What the server said, or why it could not be asked. */
static enum token_result judge(const struct tokens_desk *d, const struct fetch_answer *answer,
                               struct introspection *said, char *note, size_t size)
{
    if (answer->result != FETCH_ANSWERED) {
        snprintf(note, size, "oauth.introspection: %s%s%.*s", fetch_result_name(answer->result),
                 answer->note.n ? ": " : "", STR_ARG(answer->note));
        return TOKEN_AWAY;
    }
    if (answer->status != 200) {
        snprintf(note, size, "oauth.introspection: status %u%s", answer->status,
                 answer->status == 401 || answer->status == 403
                     ? ": see oauth.client_id and oauth.client_secret_file"
                     : "");
        return TOKEN_AWAY;
    }
    if (!str_istarts(answer->type, STR("application/json"))) {
        snprintf(note, size, "oauth.introspection: the answer is no application/json");
        return TOKEN_AWAY;
    }
    enum token_result result = introspection_read(answer->body, d->conf, time(NULL), said);
    snprintf(note, size, "%s", said->why);
    return result;
}

static void on_answer(void *asker, const struct fetch_answer *answer)
{
    struct question *q = asker;
    struct tokens_desk *d = q->desk;
    struct introspection said = {.why = ""};
    char note[NOTE_MAX];
    enum token_result result = judge(d, answer, &said, note, sizeof note);
    void *who = q->asker;
    if (result == TOKEN_GOOD)
        remember(d, q->hash, &said);
    question_free(q); /* the answer may bring a new one */
    d->answered(who, &(struct token_answer){.result = result, .user = said.user, .note = note});
}

/* application/x-www-form-urlencoded */
static void put_encoded(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        char c = text.s[i];
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            c == '-' || c == '.' || c == '_')
            buf_addc(out, c);
        else
            buf_addf(out, "%%%02X", (unsigned char)c);
    }
}

static bool ask_server(struct tokens_desk *d, struct question *q, struct str token)
{
    struct buf form = BUF_OVER(d->form);
    buf_add(&form, STR("token="));
    put_encoded(&form, token);
    buf_add(&form, STR("&token_type_hint=access_token"));
    const struct fetch_request request = {
        .target = FETCH_INTROSPECTION,
        .method = FETCH_POST,
        .milliseconds = d->conf->timeout * 1000,
        .answer_max = INTROSPECTION_MAX,
        .type = STR("application/x-www-form-urlencoded"),
        .body = buf_str(&form),
    };
    bool asked = buf_ok(&form) && fetch_desk_ask(d->fetch, &request, on_answer, q);
    explicit_bzero(d->form, sizeof d->form);
    return asked;
}

void tokens_ask(struct tokens_desk *d, void *asker, struct str token)
{
    unsigned char hash[SHA256_SIZE];
    bool hashed = hash_token(d, token, hash);
    const struct remembered *known = hashed ? recall(d, hash) : NULL;
    struct question *q = hashed && known == NULL ? question_new(d, asker, hash) : NULL;
    if (known) {
        d->answered(asker, &(struct token_answer){.result = TOKEN_GOOD, .user = known->user});
    } else if (q == NULL) {
        tell_away(d, asker, "out of memory");
    } else if (!ask_server(d, q, token)) {
        question_free(q);
        tell_away(d, asker, "poterne-fetch can't be asked");
    }
}

void tokens_cancel(struct tokens_desk *d, const void *asker)
{
    struct question *next;
    for (struct question *q = d->open; q; q = next) {
        next = q->next;
        if (q->asker != asker)
            continue;
        fetch_desk_cancel(d->fetch, q);
        question_free(q);
    }
}

void tokens_tick(struct tokens_desk *d)
{
    fetch_desk_tick(d->fetch);
}

/* --- beginning and end --- */

struct tokens_desk *tokens_open(struct event_base *base, const struct conf *conf,
                                tokens_answered *answered, struct err *err)
{
    struct tokens_desk *d = calloc(1, sizeof *d);
    if (d == NULL) {
        err_set(err, "out of memory");
        return NULL;
    }
    d->conf = &conf->oauth;
    d->answered = answered;
    random_fill(d->key, sizeof d->key);
    d->fetch = fetch_desk_open(base, conf->run_dir, err);
    if (d->fetch == NULL)
        tokens_close(&d);
    return d;
}

void tokens_close(struct tokens_desk **desk)
{
    struct tokens_desk *d = *desk;
    *desk = NULL;
    if (d == NULL)
        return;
    fetch_desk_close(&d->fetch);
    for (struct question *q = d->open, *next; q; q = next) {
        next = q->next;
        free(q);
    }
    explicit_bzero(d, sizeof *d);
    free(d);
}
