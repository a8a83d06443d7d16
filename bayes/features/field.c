#include "bayes/features/field.h"

#include <endian.h>

struct field {
    char name[31]; /* ends in * : whatever begins like this */
    unsigned char n;
    enum field_kind kind;
};
#define FIELD(name, kind)                                                                          \
    {                                                                                              \
        name, sizeof(name) - 1, kind                                                               \
    }

/* Skipped are: what mailboxes and mail servers note when they deliver, what other filters thought
 * (it would teach us their opinion, and be missing in mail that no filter has seen). Of a mailing
 * list's fields, which all say the same, one is enough. The first line that fits counts. */
static const struct field fields[] = {
    FIELD("arc-*", FIELD_SKIP),
    FIELD("authentication-results*", FIELD_SKIP),
    FIELD("bcc", FIELD_ADDRESS),
    FIELD("cc", FIELD_ADDRESS),
    FIELD("content-length", FIELD_SKIP),
    FIELD("content-type", FIELD_OTHERS),
    FIELD("date", FIELD_DATE),
    FIELD("delivered-to", FIELD_SKIP),
    FIELD("delivery-date", FIELD_SKIP),
    FIELD("dkim-signature", FIELD_SIGNATURE),
    FIELD("domainkey-signature", FIELD_SIGNATURE),
    FIELD("envelope-to", FIELD_SKIP),
    FIELD("errors-to", FIELD_OTHERS),
    FIELD("from", FIELD_ADDRESS),
    FIELD("in-reply-to", FIELD_ID),
    FIELD("lines", FIELD_SKIP),
    FIELD("list-id", FIELD_WORDS),
    FIELD("list-*", FIELD_OTHERS),
    FIELD("message-id", FIELD_ID),
    FIELD("received", FIELD_RECEIVED),
    FIELD("received-spf", FIELD_SKIP),
    FIELD("references", FIELD_ID),
    FIELD("reply-to", FIELD_ADDRESS),
    FIELD("resent-*", FIELD_OTHERS),
    FIELD("return-path", FIELD_ADDRESS),
    FIELD("sender", FIELD_ADDRESS),
    FIELD("status", FIELD_SKIP),
    FIELD("subject", FIELD_OTHERS),
    FIELD("to", FIELD_ADDRESS),
    FIELD("x-amavis*", FIELD_SKIP),
    FIELD("x-antispam*", FIELD_SKIP),
    FIELD("x-antivirus*", FIELD_SKIP),
    FIELD("x-barracuda*", FIELD_SKIP),
    FIELD("x-beenthere", FIELD_OTHERS),
    FIELD("x-bogosity", FIELD_SKIP),
    FIELD("x-clamav*", FIELD_SKIP),
    FIELD("x-cmae*", FIELD_SKIP),
    FIELD("x-crm114*", FIELD_SKIP),
    FIELD("x-dspam*", FIELD_SKIP),
    FIELD("x-envelope-*", FIELD_SKIP),
    FIELD("x-eop*", FIELD_SKIP),
    FIELD("x-evolution*", FIELD_SKIP),
    FIELD("x-forefront*", FIELD_SKIP),
    FIELD("x-gm-message-state", FIELD_SKIP),
    FIELD("x-gm-phishy", FIELD_SKIP),
    FIELD("x-gm-spam", FIELD_SKIP),
    FIELD("x-gmail-labels", FIELD_SKIP),
    FIELD("x-google-dkim-signature", FIELD_SKIP),
    FIELD("x-greylist*", FIELD_SKIP),
    FIELD("x-hmailserver*", FIELD_SKIP),
    FIELD("x-imap*", FIELD_SKIP),
    FIELD("x-incoming*", FIELD_SKIP),
    FIELD("x-ironport*", FIELD_SKIP),
    FIELD("x-kaspersky*", FIELD_SKIP),
    FIELD("x-keywords", FIELD_SKIP),
    FIELD("x-kse*", FIELD_SKIP),
    FIELD("x-mailscanner*", FIELD_SKIP),
    FIELD("x-mdaemon*", FIELD_SKIP),
    FIELD("x-message-delivery", FIELD_SKIP),
    FIELD("x-message-info", FIELD_SKIP),
    FIELD("x-microsoft-antispam*", FIELD_SKIP),
    FIELD("x-mozilla*", FIELD_SKIP),
    FIELD("x-ms-exchange-*", FIELD_SKIP),
    FIELD("x-ms-office365-*", FIELD_SKIP),
    FIELD("x-ms-publictraffictype", FIELD_SKIP),
    FIELD("x-ms-traffictype*", FIELD_SKIP),
    FIELD("x-ms-userlastlogontime", FIELD_SKIP),
    FIELD("x-original-date", FIELD_OTHERS),
    FIELD("x-original-to", FIELD_SKIP),
    FIELD("x-ovh-*", FIELD_SKIP),
    FIELD("x-policyd*", FIELD_SKIP),
    FIELD("x-poterne-*", FIELD_SKIP),
    FIELD("x-proofpoint*", FIELD_SKIP),
    FIELD("x-provags*", FIELD_SKIP),
    FIELD("x-received", FIELD_RECEIVED),
    FIELD("x-rspam*", FIELD_SKIP),
    FIELD("x-sender-ip", FIELD_SKIP),
    FIELD("x-sid-*", FIELD_SKIP),
    FIELD("x-sieve*", FIELD_SKIP),
    FIELD("x-sonic-*", FIELD_SKIP),
    FIELD("x-sophos*", FIELD_SKIP),
    FIELD("x-spam*", FIELD_SKIP),
    FIELD("x-status", FIELD_SKIP),
    FIELD("x-symantec*", FIELD_SKIP),
    FIELD("x-tm-*", FIELD_SKIP),
    FIELD("x-uid*", FIELD_SKIP),
    FIELD("x-vade*", FIELD_SKIP),
    FIELD("x-virus*", FIELD_SKIP),
    FIELD("x-ymail*", FIELD_SKIP),
    FIELD("x-zoho-virus*", FIELD_SKIP),
};

#define FIELDS (sizeof fields / sizeof fields[0])

/* What the table is sorted by: three letters as a number. */
static uint32_t head_of(const char name[4])
{
    uint32_t four;
    memcpy(&four, name, sizeof four);
    return be32toh(four) >> 8;
}

/* The first entry whose head is not below `head`, or the last one. In the same steps for every
 * name: where a search turns can't be foretold, and names are many. */
static size_t first_of(uint32_t head)
{
    size_t at = 0;
    for (size_t n = FIELDS; n > 1; n -= n / 2)
        at += head_of(fields[at + n / 2 - 1].name) < head ? n / 2 : 0;
    return at;
}

static bool fits(struct str name, const struct field *field)
{
    struct str known = str_n(field->name, field->n);
    bool open = known.s[known.n - 1] == '*';
    return open ? str_starts(name, str_sub(known, 0, known.n - 1)) : str_eq(name, known);
}

enum field_kind field_kind(struct str name)
{
    char start[4] = {0};
    for (size_t i = 0; i < 3 && i < name.n; i++)
        start[i] = name.s[i];
    uint32_t head = head_of(start);
    for (size_t at = first_of(head); at < FIELDS && head_of(fields[at].name) <= head; at++)
        if (fits(name, &fields[at]))
            return fields[at].kind;
    return FIELD_WORDS;
}
