/* folder_kind: what mail programs call their folders (tools/files.h). */
#include "base/ascii.h"
#include "tools/files.h"

/* How a word of the name begins, in modified UTF-7 (RFC 3501 5.1.3) where it is not ASCII. */
static const struct {
    const char *word;
    enum folder_kind kind;
} names[] = {
    {"junk", FOLDER_JUNK},          {"spam", FOLDER_JUNK},
    {"pourriel", FOLDER_JUNK},      {"ind&AOk-sir", FOLDER_JUNK}, /* indésirable */
    {"unerw", FOLDER_JUNK},         {"no deseado", FOLDER_JUNK},
    {"indesid", FOLDER_JUNK},       {"trash", FOLDER_TRASH},
    {"deleted", FOLDER_TRASH},      {"corbeille", FOLDER_TRASH},
    {"supprim", FOLDER_TRASH},      {"papierkorb", FOLDER_TRASH},
    {"gel&APY-scht", FOLDER_TRASH}, /* gelöscht */
    {"papelera", FOLDER_TRASH},     {"cestino", FOLDER_TRASH},
    {"draft", FOLDER_DRAFTS},       {"template", FOLDER_DRAFTS},
    {"brouillon", FOLDER_DRAFTS},   {"mod&AOg-le", FOLDER_DRAFTS}, /* modèle */
    {"entw", FOLDER_DRAFTS},        {"borrador", FOLDER_DRAFTS},
    {"bozz", FOLDER_DRAFTS},        {"outbox", FOLDER_SENT},
    {"envoy", FOLDER_SENT},         {"gesendet", FOLDER_SENT},
    {"enviado", FOLDER_SENT},       {"inviat", FOLDER_SENT},
};

static enum folder_kind kind_of(struct str words)
{
    const struct str sent = STR("sent"); /* a whole word, since "Sentinelle" is something else */
    if (str_istarts(words, sent) && (words.n == sent.n || !ascii_is_letter(words.s[sent.n])))
        return FOLDER_SENT;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (str_istarts(words, str_of(names[i].word)))
            return names[i].kind;
    }
    return FOLDER_MAIL;
}

/* What the folders that it lies in are for, it is for too: ".Trash.2025". */
enum folder_kind folder_kind(const char *name)
{
    struct str whole = str_of(name);
    enum folder_kind kind = FOLDER_MAIL;
    for (size_t at = 0; at < whole.n && kind == FOLDER_MAIL; at++)
        if (at == 0 || (!ascii_is_alnum(whole.s[at - 1]) && whole.s[at - 1] != '&'))
            kind = kind_of(str_from(whole, at));
    return kind;
}
