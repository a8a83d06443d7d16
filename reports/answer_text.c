#include "reports/answer_text.h"

static const struct answer_text english = {
    .tag = "en",
    .hello = "Hello,\n\n",
    .shapes =
        {"thank you for your report. Nothing could be learned from it, because no message is\n"
         "attached to it.\n\n",
         "thank you for your report. Nothing could be learned from it: a message that is\n"
         "forwarded in the text loses the header that the filter needs.\n\n",
         "thank you for your mail. This address takes messages that the filter has misjudged,\n"
         "and no such message is attached to it.\n\n"},
    .unreadable =
        "thank you for your report. Nothing could be learned from it, because what is attached\n"
        "could not be read.\n\n",
    .unclear =
        "thank you for your report. This address learns the opposite of what the filter said of a\n"
        "message, and a message that you attached does not say what that was: its header comes\n"
        "from before the filter, or has got lost on the way.\n\n",
    .to_spam = "If it is spam, please forward it as an attachment to %s.\n\n",
    .to_ham = "If it was taken for spam wrongly, please forward it as an attachment to %s.\n\n",
    .how = "Please forward the message as an attachment:\n\n"
           "- Thunderbird: select the message, then Message > Forward As > Attachment.\n"
           "- Outlook: select the message, then Home > More > Forward as Attachment\n"
           "  (Ctrl+Alt+F). In Outlook on the web: start a new message and drag the other one\n"
           "  into it.\n"
           "- Apple Mail: select the message, then Message > Forward as Attachment.\n"
           "- Webmail (Roundcube): select the message, then Forward > Forward as attachment.\n\n"
           "You can select several messages and forward them in one mail.\n\n",
    .left = "These were not taken:\n\n",
    .more = "- and %zu more\n",
    .whys = {[LEFT_TOO_MANY] = "too many at once",
             [LEFT_TOO_LARGE] = "too large",
             [LEFT_TOO_DEEP] = "attached within too many other attachments",
             [LEFT_ENCRYPTED] = "protected with a password",
             [LEFT_DAMAGED] = "damaged",
             [LEFT_NESTED] = "a zip file within a zip file",
             [LEFT_OUTLOOK] =
                 "in a format of Outlook that can't be read: forward as an attachment instead",
             [LEFT_HEADERS_ONLY] = "the header only, without the text",
             [LEFT_NOT_MAIL] = "not a mail"},
    .end = "This answer was written by a program; you get at most one an hour.\n",
};

static const struct answer_text french = {
    .tag = "fr",
    .hello = "Bonjour,\n\n",
    .shapes =
        {"merci de votre signalement. Rien n'a pu en être appris, car aucun message n'y est\n"
         "joint.\n\n",
         "merci de votre signalement. Rien n'a pu en être appris : un message transféré dans\n"
         "le texte perd l'en-tête dont le filtre a besoin.\n\n",
         "merci de votre courriel. Cette adresse reçoit les messages que le filtre a mal\n"
         "jugés, et aucun message de ce genre n'y est joint.\n\n"},
    .unreadable = "merci de votre signalement. Rien n'a pu en être appris, car ce qui y est joint "
                  "n'a pas pu\n"
                  "être lu.\n\n",
    .unclear =
        "merci de votre signalement. Cette adresse apprend le contraire de ce que le filtre a dit\n"
        "d'un message, et un message que vous avez joint ne dit pas ce que c'était : son en-tête\n"
        "date d'avant le filtre, ou s'est perdu en route.\n\n",
    .to_spam = "Si c'est un spam, veuillez le transférer en pièce jointe à %s.\n\n",
    .to_ham =
        "S'il a été pris pour un spam à tort, veuillez le transférer en pièce jointe à %s.\n\n",
    .how = "Veuillez transférer le message en pièce jointe :\n\n"
           "- Thunderbird : sélectionnez le message, puis Message > Transférer en > Pièce jointe.\n"
           "- Outlook : sélectionnez le message, puis Accueil > Plus > Transférer en tant que\n"
           "  pièce jointe (Ctrl+Alt+F). Dans Outlook sur le web : commencez un nouveau message\n"
           "  et faites-y glisser l'autre.\n"
           "- Apple Mail : sélectionnez le message, puis Message > Réexpédier comme pièce\n"
           "  jointe.\n"
           "- Webmail (Roundcube) : sélectionnez le message, puis Transférer > Transférer en\n"
           "  pièce jointe.\n\n"
           "Vous pouvez sélectionner plusieurs messages et les transférer en un seul courriel.\n\n",
    .left = "Ceci n'a pas été pris :\n\n",
    .more = "- et %zu de plus\n",
    .whys = {[LEFT_TOO_MANY] = "trop de messages à la fois",
             [LEFT_TOO_LARGE] = "trop grand",
             [LEFT_TOO_DEEP] = "joint à l'intérieur de trop d'autres pièces jointes",
             [LEFT_ENCRYPTED] = "protégé par un mot de passe",
             [LEFT_DAMAGED] = "endommagé",
             [LEFT_NESTED] = "un fichier zip dans un fichier zip",
             [LEFT_OUTLOOK] =
                 "dans un format d'Outlook qui ne peut être lu : transférez plutôt en pièce jointe",
             [LEFT_HEADERS_ONLY] = "l'en-tête seulement, sans le texte",
             [LEFT_NOT_MAIL] = "pas un courriel"},
    .end = "Cette réponse a été écrite par un programme ; vous en recevez au plus une par heure.\n",
};

const struct answer_text *answer_text_in(enum letter_language language)
{
    return language == LETTER_FRENCH ? &french : &english;
}
