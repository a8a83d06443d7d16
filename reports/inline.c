#include "reports/inline.h"

#define BLOCK_LOOK 2000 /* bytes in which the fields of a quoted header stand */

enum tongue { TONGUE_ANY, TONGUE_ENGLISH, TONGUE_FRENCH };

struct mark {
    const char *text;
    enum tongue tongue;
};

/* What stands between dashes, or alone, above a mail that is forwarded in the text. */
static const struct mark separators[] = {
    {"Forwarded message", TONGUE_ENGLISH},              /* Gmail, Thunderbird, Zimbra */
    {"Begin forwarded message:", TONGUE_ENGLISH},       /* Apple Mail */
    {"Original message", TONGUE_ENGLISH},               /* Outlook, Roundcube */
    {"Message transf\xc3\xa9r\xc3\xa9", TONGUE_FRENCH}, /* Thunderbird, Gmail: Forwarded message */
    {"D\xc3\xa9"
     "but du message r\xc3\xa9"
     "exp\xc3\xa9"
     "di\xc3\xa9",
     TONGUE_FRENCH}, /* Apple Mail */
    {"D\xc3\xa9"
     "but du message transf\xc3\xa9r\xc3\xa9",
     TONGUE_FRENCH},
    {"Message d'origine", TONGUE_FRENCH}, /* Outlook */
    {"Message original", TONGUE_FRENCH},
    {"Courriel original", TONGUE_FRENCH},
    {"Weitergeleitete Nachricht", TONGUE_ANY},
    {"Anfang der weitergeleiteten", TONGUE_ANY},
    {"Urspr\xc3\xbcngliche Nachricht", TONGUE_ANY},
    {"Mensaje reenviado", TONGUE_ANY},
    {"Mensaje original", TONGUE_ANY},
    {"Messaggio inoltrato", TONGUE_ANY},
    {"Messaggio originale", TONGUE_ANY},
    {"Mensagem encaminhada", TONGUE_ANY},
    {"Mensagem original", TONGUE_ANY},
    {"Doorgestuurd bericht", TONGUE_ANY},
    {"Oorspronkelijk bericht", TONGUE_ANY},
    {"Przekazana wiadomo\xc5\x9b\xc4\x87", TONGUE_ANY},
    {"\xd0\x9f\xd0\xb5\xd1\x80\xd0\xb5\xd1\x81\xd1\x8b\xd0\xbb\xd0\xb0\xd0\xb5\xd0\xbc\xd0\xbe\xd0"
     "\xb5 \xd1\x81\xd0\xbe\xd0\xbe\xd0\xb1\xd1\x89\xd0\xb5\xd0\xbd\xd0\xb8\xd0\xb5",
     TONGUE_ANY},
};

/* Outlook quotes the header as a block: its fields in this order, in the writer's language. */
#define BLOCK_FIELDS 3
static const struct {
    const char *fields[BLOCK_FIELDS];
    enum tongue tongue;
} blocks[] = {
    {{"From:", "Sent:", "Subject:"}, TONGUE_ENGLISH},
    {{"From:", "Date:", "Subject:"}, TONGUE_ENGLISH},
    {{"From:", "Subject:", "Date:"}, TONGUE_ENGLISH},
    {{"De :", "Envoy\xc3\xa9 :", "Objet :"}, TONGUE_FRENCH},
    {{"De:", "Envoy\xc3\xa9:", "Objet:"}, TONGUE_FRENCH},
    {{"De :", "Date :", "Objet :"}, TONGUE_FRENCH},
    {{"De :", "Objet :", "Date :"}, TONGUE_FRENCH},
    {{"Von:", "Gesendet:", "Betreff:"}, TONGUE_ANY},
    {{"Von:", "Datum:", "Betreff:"}, TONGUE_ANY},
    {{"De:", "Enviado", "Asunto:"}, TONGUE_ANY},
    {{"Da:", "Inviato:", "Oggetto:"}, TONGUE_ANY},
    {{"De:", "Enviad", "Assunto:"}, TONGUE_ANY},
    {{"Van:", "Verzonden:", "Onderwerp:"}, TONGUE_ANY},
};

static const struct mark prefixes[] = {
    {"Fwd:", TONGUE_ANY},    {"Fwd :", TONGUE_FRENCH}, {"Fw:", TONGUE_ANY}, {"TR:", TONGUE_FRENCH},
    {"TR :", TONGUE_FRENCH}, {"WG:", TONGUE_ANY},      {"RV:", TONGUE_ANY}, {"I:", TONGUE_ANY},
    {"ENC:", TONGUE_ANY},    {"Doorst:", TONGUE_ANY},  {"PD:", TONGUE_ANY},
};

#define COUNT(list) (sizeof(list) / sizeof(list)[0])

/* Is there something like "---" right before, or nothing but the start of a line? */
static bool stands_apart(struct str text, size_t at)
{
    while (at && text.s[at - 1] == ' ')
        at--;
    return at == 0 || str_chr(STR("-_=*>\n"), text.s[at - 1]) != STR_NONE;
}

static size_t find_apart(struct str text, const char *what)
{
    size_t from = 0, at;
    while ((at = str_ifind(str_from(text, from), str_of(what))) != STR_NONE) {
        if (stands_apart(text, from + at))
            return from + at;
        from += at + 1;
    }
    return STR_NONE;
}

static bool has_block(struct str text, const char *const fields[BLOCK_FIELDS], size_t *where)
{
    size_t from = 0, at;
    while ((at = str_find(str_from(text, from), str_of(fields[0]))) != STR_NONE) {
        struct str rest = str_sub(text, from + at, from + at + BLOCK_LOOK);
        size_t second = str_find(rest, str_of(fields[1]));
        *where = from + at;
        if (second != STR_NONE && str_find(str_from(rest, second), str_of(fields[2])) != STR_NONE)
            return true;
        from += at + 1;
    }
    return false;
}

/* Where the forwarded mail begins: STR_NONE: there is none in the text. */
static size_t find_forward(struct str text, enum tongue *tongue)
{
    size_t first = STR_NONE, at;
    for (size_t i = 0; i < COUNT(separators); i++) {
        at = find_apart(text, separators[i].text);
        if (at < first) {
            first = at;
            *tongue = separators[i].tongue;
        }
    }
    for (size_t i = 0; i < COUNT(blocks); i++) {
        if (has_block(text, blocks[i].fields, &at) && at < first) {
            first = at;
            *tongue = blocks[i].tongue;
        }
    }
    return first;
}

static bool has_prefix(struct str subject, enum tongue *tongue)
{
    for (size_t i = 0; i < COUNT(prefixes); i++) {
        if (!str_istarts(subject, str_of(prefixes[i].text)))
            continue;
        if (*tongue == TONGUE_ANY)
            *tongue = prefixes[i].tongue;
        return true;
    }
    return false;
}

static unsigned count_words(struct str text, const char *const *words)
{
    unsigned n = 0;
    for (; *words; words++) {
        struct str rest = text;
        for (size_t at; (at = str_ifind(rest, str_of(*words))) != STR_NONE; n++)
            rest = str_from(rest, at + strlen(*words) - 1); /* the blank may open the next word */
    }
    return n;
}

/* Of what the writer says, in front of what is forwarded. */
static enum tongue tongue_of_words(struct str text)
{
    static const char *const french[] = {" le ",      " la ",  " les ", " des ", " est ",
                                         " et ",      " pas ", " une ", " ce ",  " merci ",
                                         " bonjour ", " je ",  NULL};
    static const char *const english[] = {" the ",   " is ",    " and ",  " this ",
                                          " not ",   " that ",  " with ", " please ",
                                          " thank ", " hello ", " i ",    NULL};
    unsigned fr = count_words(text, french), en = count_words(text, english);
    return fr > en ? TONGUE_FRENCH : en > fr ? TONGUE_ENGLISH : TONGUE_ANY;
}

static enum tongue tongue_of_field(const struct message *report, struct str name)
{
    const struct header *field = message_header(report, name);
    struct str value = field ? str_trim(field->value) : STR_EMPTY;
    return str_istarts(value, STR("fr"))   ? TONGUE_FRENCH
           : str_istarts(value, STR("en")) ? TONGUE_ENGLISH
                                           : TONGUE_ANY;
}

static enum letter_language language_of(const struct message *report, enum tongue mark,
                                        struct str words)
{
    const enum tongue signs[] = {tongue_of_field(report, STR("Content-Language")), mark,
                                 tongue_of_words(words),
                                 tongue_of_field(report, STR("Accept-Language"))};
    for (size_t i = 0; i < COUNT(signs); i++)
        if (signs[i] != TONGUE_ANY)
            return signs[i] == TONGUE_FRENCH ? LETTER_FRENCH : LETTER_ENGLISH;
    return LETTER_ENGLISH;
}

/* A line a paragraph; the first is the subject, which is no text. A blank at both ends lets words
 * be found there too. */
static int running_text(struct pool *pool, const struct mail_text *text, struct str *out,
                        struct err *err)
{
    struct buf lines = BUF_INIT(LETTER_LOOK + 8);
    for (size_t i = 1; i < text->n_paragraphs && lines.n < LETTER_LOOK; i++) {
        buf_add(&lines, STR("\n "));
        buf_add(&lines,
                str_sub(text->paragraphs[i], 0, LETTER_LOOK > lines.n ? LETTER_LOOK - lines.n : 0));
        buf_addc(&lines, ' ');
    }
    *out = buf_ok(&lines) ? pool_str(pool, buf_str(&lines)) : STR_EMPTY;
    buf_release(&lines);
    return out->s ? 0 : err_set(err, "out of memory for a report's text");
}

int letter_read(struct pool *pool, const struct message *report, const struct mail_text *text,
                struct letter *letter, struct err *err)
{
    struct str words;
    enum tongue tongue = TONGUE_ANY;
    if (running_text(pool, text, &words, err) < 0)
        return -1;
    size_t forward = find_forward(words, &tongue);
    bool prefix = has_prefix(str_trim(text->subject), &tongue);
    *letter = (struct letter){.shape = str_trim(words).n == 0          ? LETTER_EMPTY
                                       : forward != STR_NONE || prefix ? LETTER_INLINE
                                                                       : LETTER_OTHER};
    letter->language = language_of(report, tongue, str_sub(words, 0, forward));
    return 0;
}
