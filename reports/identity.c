#include "reports/identity.h"

#include <jansson.h>

#include "directory/address.h"
#include "mail/edit.h"
#include "reports/signature.h"
#include "reports/subject.h"

struct checker {
    const struct restored *original;
    struct pool *pool;
    struct identity *identity;
};

const char *identity_kind_name(enum identity_kind kind)
{
    static const char *const names[] = {"unknown", "genuine", "altered", "forged"};
    return names[kind];
}

static void say(struct identity *identity, enum identity_kind kind, const char *why)
{
    identity->kind = kind;
    identity->why = why;
}

static int find_message(struct journal *journal, struct checker *c, struct err *err)
{
    const struct journal_filter filter = {.id = c->original->id, .limit = 1};
    struct journal_found found;
    if (journal == NULL)
        return 0;
    if (journal_search(journal, &filter, c->pool, &found, err) < 0)
        return -1;
    if (found.n_messages == 1 && str_eq(found.messages[0].event.id, c->original->id))
        c->identity->message = &found.messages[0];
    return 0;
}

/* --- the reporter --- */

static bool same_address(struct str text, const struct address *address)
{
    struct address other;
    return address_normal(text, false, &other) && strcmp(other.text, address->text) == 0;
}

/* The directory says of a recipient who he is: "file x, alias of jean.toto@…". */
static bool is_alias_of(struct str how, const struct address *address)
{
    const struct str mark = STR("alias of ");
    size_t at = str_find(how, mark);
    if (at == STR_NONE)
        return false;
    struct str who = str_from(how, at + mark.n);
    who = str_sub(who, 0, str_chr(who, ' '));
    return same_address(str_sub(who, 0, str_chr(who, ',')), address);
}

static bool was_received_by(const struct journal_message *message, struct str reporter)
{
    struct address address;
    if (!address_normal(reporter, false, &address))
        return false;
    for (size_t i = 0; i < message->n_recipients; i++) {
        const struct journal_recipient *r = &message->recipients[i];
        if (same_address(r->address, &address) || is_alias_of(r->how, &address))
            return true;
    }
    return false;
}

/* --- the message --- */

static enum marked judged_by_journal(const struct journal_message *message)
{
    if (!message->complete)
        return MARKED_NOT;
    if (str_eq(message->event.verdict, STR("spam")))
        return MARKED_SPAM;
    if (str_eq(message->event.verdict, STR("ham")))
        return MARKED_HAM;
    return message->event.global <= 0 ? MARKED_SPAM : MARKED_HAM; /* unscannable, infected */
}

/* Is this the fingerprint that edge has put into the evidence? */
static bool evidence_has(struct str evidence, const struct fingerprint *fingerprint)
{
    char hex[FINGERPRINT_HEX_SIZE];
    json_t *object = json_loadb(evidence.n ? evidence.s : "", evidence.n, 0, NULL);
    const char *known = json_string_value(json_object_get(object, "fingerprint"));
    fingerprint_hex(fingerprint, hex);
    bool same = known && strcmp(known, hex) == 0;
    json_decref(object);
    return same;
}

/* The journal keeps the heads of long texts. */
static bool is_head(struct str head, struct str text)
{
    head = str_trim(head);
    return head.n ? str_starts(text, head) : text.n == 0;
}

static int looks_the_same(const struct checker *c, struct str tag, bool *same, struct err *err)
{
    const struct message *m = c->original->message;
    const struct header *id = message_header(m, STR("Message-ID"));
    const struct header *subject = message_header(m, STR("Subject"));
    const struct event_message *event = &c->identity->message->event;
    struct str id_text = id ? header_unfold(c->pool, id) : STR("");
    struct str subject_text = subject ? header_text(c->pool, subject) : STR("");
    if (id_text.s == NULL || subject_text.s == NULL)
        return err_set(err, "out of memory for an original");
    *same = is_head(event->message_id, id_text) &&
            is_head(subject_untagged(event->subject, tag), subject_untagged(subject_text, tag));
    return 0;
}

/* The signature says nothing good. */
static int judge_by_journal(const struct checker *c, struct str tag, struct err *err)
{
    struct identity *identity = c->identity;
    const struct journal_message *message = identity->message;
    bool unsigned_id = c->original->signature.n == 0, same = false;
    if (message && message->complete &&
        evidence_has(message->event.evidence, &c->original->fingerprint)) {
        say(identity, IDENTITY_GENUINE, "its contents are those that the journal knows");
        return 0;
    }
    if (message == NULL) {
        say(identity, IDENTITY_FORGED,
            unsigned_id ? "it has an id without a signature, which the journal does not know"
                        : "its id is not signed by us, and the journal does not know it");
        return 0;
    }
    if (!message->complete) {
        say(identity, IDENTITY_ALTERED, "the journal knows its recipients, but not its contents");
        return 0;
    }
    if (looks_the_same(c, tag, &same, err) < 0)
        return -1;
    if (same)
        say(identity, IDENTITY_ALTERED, "its contents are not those that we judged");
    else
        say(identity, IDENTITY_FORGED, "its id is that of another message");
    return 0;
}

static int judge(const struct checker *c, const struct keys *keys, struct str tag, struct err *err)
{
    enum signature_result result;
    const struct restored *original = c->original;
    if (signature_check(keys, original->id, original->signature, &original->fingerprint, &result,
                        err) < 0)
        return -1;
    if (result == SIGNATURE_BAD)
        return judge_by_journal(c, tag, err);
    say(c->identity, IDENTITY_GENUINE, "its signature is good");
    c->identity->judged = result == SIGNATURE_GOOD_SPAM ? MARKED_SPAM : MARKED_HAM;
    return 0;
}

int identity_check(const struct restored *original, struct str tag, const struct keys *keys,
                   struct journal *journal, struct str reporter, struct pool *pool,
                   struct identity *identity, struct err *err)
{
    *identity = (struct identity){.id = original->id, .why = "it carries no id of ours"};
    struct checker c = {original, pool, identity};
    struct str shown = edits_tag(pool, tag);
    if (shown.s == NULL)
        return err_set(err, "out of memory for an original");
    if (original->id.n == 0)
        return 0;
    if (find_message(journal, &c, err) < 0 || judge(&c, keys, shown, err) < 0)
        return -1;
    if (identity->kind == IDENTITY_FORGED || identity->message == NULL)
        return 0;
    if (identity->judged == MARKED_NOT)
        identity->judged = judged_by_journal(identity->message);
    identity->received = was_received_by(identity->message, reporter);
    return 0;
}
