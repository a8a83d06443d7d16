#include "rules/facts/header_cut.h"

#include "base/ascii.h"
#include "rules/facts/ip.h"
#include "rules/facts/mailbox.h"

struct str header_line_ends(struct pool *pool, struct str text)
{
    char *to = pool_alloc(pool, text.n + 2);
    size_t n = 0;
    if (to == NULL)
        return STR_EMPTY;
    for (size_t i = 0; i < text.n; i++) {
        if (text.s[i] != '\r' || (i + 1 < text.n && text.s[i + 1] != '\n'))
            to[n++] = text.s[i];
    }
    if (n == 0 || to[n - 1] != '\n')
        to[n++] = '\n';
    return str_n(to, n);
}

/* The value with its line end, copied only where a CR or a missing line end asks for it. */
static struct str value_of(struct facts *facts, const struct header *header, bool unpacked)
{
    struct str value = header->value, raw = facts->input->message->raw;
    struct str whole = unpacked ? STR_EMPTY : str_sub(raw, header->at, header->end);
    bool as_is = str_ends(whole, STR("\n")) && memchr(value.s, '\r', value.n + 1) == NULL;
    if (as_is)
        value.n++;
    else
        value = header_line_ends(facts->pool, str_sub(value, 0, HEADER_VALUE_MAX * 2));
    return str_sub(value, 0, HEADER_VALUE_MAX);
}

/* The server's own Received stands on top of a message that it is just receiving. */
static void put_received(const struct facts *facts, struct header_fields *fields)
{
    struct str value = str_sub(facts->input->received, 0, HEADER_VALUE_MAX);
    if (value.s)
        fields->list[fields->n++] = (struct header_field){.name = STR("Received"),
                                                          .key = header_key(STR("Received")),
                                                          .value = value};
}

static int message_fields(struct facts *facts, struct header_fields *fields)
{
    const struct part *part = facts->input->message->root;
    struct str raw = facts->input->message->raw;
    *fields = (struct header_fields){
        .list = POOL_ARRAY(facts->pool, part->n_headers + 1, struct header_field)};
    if (fields->list == NULL)
        return -1;
    put_received(facts, fields);
    for (size_t i = 0; i < part->n_headers; i++) {
        const struct header *header = &part->headers[i];
        struct header_field *field = &fields->list[fields->n++];
        field->name = header->name;
        field->key = header_key(header->name);
        field->value = value_of(facts, header, part->unpacked);
        field->hidden = str_istarts(header->name, STR("X-Spam-"));
        if (!part->unpacked)
            field->whole = str_sub(raw, header->at, header->end);
        if (field->value.s == NULL)
            return -1;
    }
    return 0;
}

int header_fields(struct facts *facts, struct header_fields *fields)
{
    struct header_fields *made = facts->made[FACT_FIELDS];
    if (made == NULL) {
        made = POOL_NEW(facts->pool, struct header_fields);
        if (made == NULL || message_fields(facts, made) < 0)
            return -1;
        facts->made[FACT_FIELDS] = made;
    }
    *fields = *made;
    return 0;
}

/* Position behind the last dot and top-level domain in a word that may end a host; 0: none. */
static size_t host_end(const struct rules_settings *settings, struct str word)
{
    for (size_t end = word.n; end > 2; end--) {
        char next = end < word.n ? word.s[end] : ' ';
        if (next == '.' || next == '-' || ascii_is_word(next))
            continue;
        char last = word.s[end - 1];
        bool letter = ascii_is_alnum(last) || (unsigned char)last >= 0x80;
        if (letter && settings_is_domain_valid(settings, str_sub(word, 0, end)))
            return end;
    }
    return 0;
}

/* The host in a word without blanks, behind its last '@' if that is one. */
static struct str host_in_word(const struct rules_settings *settings, struct str word)
{
    size_t at = str_rchr(word, '@');
    word = at == STR_NONE ? word : str_from(word, at + 1);
    if (word.n > HEADER_CUT_MAX)
        word = str_from(word, word.n - HEADER_CUT_MAX);
    struct str host = str_sub(word, 0, host_end(settings, word));
    while (host.n && (host.s[0] == '.' || host.s[0] == '_' || host.s[0] == '-'))
        host = str_from(host, 1);
    return host.n && mailbox_host_is_valid(host) ? host : STR_EMPTY;
}

/* Words with an '@' first, since the part before it can look like a host. */
static struct str host_in_text(const struct rules_settings *settings, struct str text)
{
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < text.n;) {
            size_t from = i;
            while (i < text.n && !ascii_is_space(text.s[i]))
                i++;
            struct str word = str_sub(text, from, i);
            bool wanted = word.n && (pass || str_chr(word, '@') != STR_NONE);
            struct str host = wanted ? host_in_word(settings, word) : STR_EMPTY;
            if (host.n)
                return host;
            i += i < text.n;
        }
    }
    return STR_EMPTY;
}

static struct str host_of_address(struct str address)
{
    size_t at = str_rchr(address, '@');
    size_t end = at == STR_NONE ? 0 : at + 1;
    while (end < address.n && !ascii_is_space(address.s[end]))
        end++;
    return at == STR_NONE || end == at + 1 ? STR_EMPTY : str_sub(address, at + 1, end);
}

static struct str cut_host(struct facts *facts, const struct query *query, struct str value)
{
    struct str host =
        query->what == QUERY_ADDR ? host_of_address(value) : host_in_text(facts->settings, value);
    if (host.n == 0 || query->cut == QUERY_HOST)
        return host.n ? host : STR_EMPTY;
    struct str lower = pool_lower(facts->pool, host), name, domain;
    if (lower.s == NULL) {
        facts->no_memory = true;
        return STR_EMPTY;
    }
    settings_split_domain(facts->settings, lower, &name, &domain);
    return domain;
}

/* The first address that stands for itself, as a word would. */
static struct str find_ip(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        char before = i ? text.s[i - 1] : ' ';
        size_t n =
            before != '.' && ascii_is_word(before) != ascii_is_word(text.s[i]) ? ip_at(text, i) : 0;
        char behind = i + n < text.n ? text.s[i + n] : ' ';
        if (n && behind != '.' && ascii_is_word(text.s[i + n - 1]) != ascii_is_word(behind))
            return str_sub(text, i, i + n);
    }
    return STR_EMPTY;
}

static struct str cut_ip(struct facts *facts, const struct query *query, struct str value)
{
    char reversed[80];
    struct str ip = find_ip(value);
    if (ip.s == NULL || query->cut == QUERY_IP)
        return ip;
    struct str found = ip_reverse(ip, reversed);
    if (found.n == 0)
        return STR_EMPTY;
    found = pool_str(facts->pool, found);
    facts->no_memory |= found.s == NULL;
    return found;
}

struct str header_cut(struct facts *facts, const struct query *query, struct str value)
{
    if (query->cut == QUERY_HOST || query->cut == QUERY_DOMAIN)
        return cut_host(facts, query, value);
    return cut_ip(facts, query, value);
}
