#include "bounce/words.h"

static const struct bounce_words words[CONF_LANGUAGES] = {
    [LANGUAGE_EN] =
        {
            .from = "Mail delivery",
            .subject = {[BOUNCE_FAILURE] = "Not delivered: ",
                        [BOUNCE_SUCCESS] = "Delivery report: ",
                        [BOUNCE_DELAY] = "Delayed: "},
            .greeting = "This is the mail gateway ",
            .opening =
                {[BOUNCE_FAILURE] =
                     "Your message could not be delivered as follows. It is not tried again.",
                 [BOUNCE_SUCCESS] = "You asked to be told what becomes of your message.",
                 [BOUNCE_DELAY] = "Your message could not be delivered yet, but it is tried on. "
                                  "You need do nothing, and need "
                                  "not send it again."},
            .got_there = {[ACTION_DELIVERED] = "It was delivered.",
                          [ACTION_RELAYED] = "It was handed on to the recipient's server, which "
                                             "sends no notices of its own.",
                          [ACTION_EXPANDED] = "It was accepted, and sent on to where the recipient "
                                              "wants it. Nothing more is told of it, "
                                              "unless that fails."},
            .until = "It is tried until ",
            .reason = "The reason: ",
            .answer = "The server said: ",
            .what =
                {
                    [REASON_OTHER] = "The message was refused. Please look at the words below.",
                    [REASON_NO_MAILBOX] = "There is no such mailbox. Please check the address "
                                          "and send the message again.",
                    [REASON_NO_DOMAIN] = "The part behind the @ takes no mail. Please check the "
                                         "address and send the message again.",
                    [REASON_FULL] = "The mailbox is full. Please try again later, or reach the "
                                    "recipient by another way.",
                    [REASON_TOO_LARGE] = "The message is too large. Please send it again with "
                                         "smaller attachments, or with a link to them.",
                    [REASON_POLICY] = "The recipient's server does not take this message. Please "
                                      "reach the recipient by another way.",
                    [REASON_UNPROVED] =
                        "No connection to the recipient's server was safe enough: it did not prove "
                        "who it is, or offers no encryption. Nothing was sent to it. Please reach "
                        "the recipient by another way, and tell him that his mail service must put "
                        "this right.",
                    [REASON_TOO_LATE] =
                        "The recipient's server could not be reached in time, or put us "
                        "off each time. Please try again later.",
                },
            .message = "Your message:",
            .field_subject = "Subject: ",
            .field_time = "Received: ",
            .whole = "It is attached.",
            .header = "Its header is attached.",
            .help = "If you need help, please forward this mail to ",
        },
    [LANGUAGE_FR] =
        {
            .from = "Distribution du courrier",
            .subject = {[BOUNCE_FAILURE] = "Non remis : ",
                        [BOUNCE_SUCCESS] = "Avis de remise : ",
                        [BOUNCE_DELAY] = "Retardé : "},
            .greeting = "Ici la passerelle de messagerie ",
            .opening = {[BOUNCE_FAILURE] =
                            "Votre message n'a pas pu être remis, comme indiqué ci-dessous. Aucune "
                            "autre tentative n'aura lieu.",
                        [BOUNCE_SUCCESS] =
                            "Vous avez demandé à savoir ce que devient votre message.",
                        [BOUNCE_DELAY] = "Votre message n'a pas encore pu être remis, mais les "
                                         "tentatives continuent. Vous n'avez "
                                         "rien à faire ; il est inutile de le renvoyer."},
            .got_there = {[ACTION_DELIVERED] = "Il a été remis.",
                          [ACTION_RELAYED] = "Il a été transmis au serveur du destinataire, qui "
                                             "n'envoie pas d'avis lui-même.",
                          [ACTION_EXPANDED] = "Il a été accepté, et transmis là où le destinataire "
                                              "le souhaite. Rien d'autre n'en sera "
                                              "dit, sauf en cas d'échec."},
            .until = "Les tentatives continuent jusqu'au ",
            .reason = "La raison : ",
            .answer = "Réponse du serveur : ",
            .what =
                {
                    [REASON_OTHER] = "Le message a été refusé. Veuillez lire la réponse "
                                     "ci-dessous.",
                    [REASON_NO_MAILBOX] = "Cette boîte aux lettres n'existe pas. Veuillez vérifier "
                                          "l'adresse et renvoyer le message.",
                    [REASON_NO_DOMAIN] = "La partie après le @ ne reçoit pas de courrier. Veuillez "
                                         "vérifier l'adresse et renvoyer le message.",
                    [REASON_FULL] = "La boîte aux lettres est pleine. Veuillez réessayer plus "
                                    "tard, ou joindre le destinataire par un autre moyen.",
                    [REASON_TOO_LARGE] = "Le message est trop grand. Veuillez le renvoyer avec des "
                                         "pièces jointes plus petites, ou avec un lien.",
                    [REASON_POLICY] = "Le serveur du destinataire n'accepte pas ce message. "
                                      "Veuillez joindre le destinataire par un autre moyen.",
                    [REASON_UNPROVED] =
                        "Aucune connexion au serveur du destinataire n'était assez sûre : il n'a "
                        "pas prouvé son identité, ou ne propose aucun chiffrement. Rien ne lui a "
                        "été envoyé. Veuillez joindre le destinataire par un autre moyen, et lui "
                        "dire que son service de courrier doit y remédier.",
                    [REASON_TOO_LATE] =
                        "Le serveur du destinataire est resté injoignable, ou nous a "
                        "fait attendre à chaque fois. Veuillez réessayer plus tard.",
                },
            .message = "Votre message :",
            .field_subject = "Objet : ",
            .field_time = "Reçu : ",
            .whole = "Il est joint à ce courrier.",
            .header = "Son en-tête est joint à ce courrier.",
            .help = "Si vous avez besoin d'aide, veuillez faire suivre ce courrier à ",
        },
    [LANGUAGE_DE] =
        {
            .from = "Mailzustellung",
            .subject = {[BOUNCE_FAILURE] = "Nicht zugestellt: ",
                        [BOUNCE_SUCCESS] = "Zustellbericht: ",
                        [BOUNCE_DELAY] = "Verzögert: "},
            .greeting = "Hier ist das Mail-Gateway ",
            .opening =
                {[BOUNCE_FAILURE] =
                     "Ihre Nachricht konnte wie folgt nicht zugestellt werden. Es wird nicht "
                     "weiter versucht.",
                 [BOUNCE_SUCCESS] = "Sie wollten wissen, was aus Ihrer Nachricht wird.",
                 [BOUNCE_DELAY] = "Ihre Nachricht konnte noch nicht zugestellt werden; es wird "
                                  "weiter versucht. Sie brauchen "
                                  "nichts zu tun und sie nicht noch einmal zu senden."},
            .got_there =
                {[ACTION_DELIVERED] = "Sie wurde zugestellt.",
                 [ACTION_RELAYED] =
                     "Sie wurde dem Server des Empfängers übergeben, der selbst nichts meldet.",
                 [ACTION_EXPANDED] = "Sie wurde angenommen und dorthin weitergeleitet, wohin der "
                                     "Empfänger es wünscht. Mehr wird "
                                     "nicht gemeldet, es sei denn, das misslingt."},
            .until = "Es wird versucht bis ",
            .reason = "Der Grund: ",
            .answer = "Antwort des Servers: ",
            .what =
                {
                    [REASON_OTHER] = "Die Nachricht wurde abgelehnt. Bitte lesen Sie die Antwort "
                                     "unten.",
                    [REASON_NO_MAILBOX] = "Dieses Postfach gibt es nicht. Bitte prüfen Sie die "
                                          "Adresse und senden Sie die Nachricht noch einmal.",
                    [REASON_NO_DOMAIN] = "Der Teil hinter dem @ nimmt keine Mail an. Bitte prüfen "
                                         "Sie die Adresse und senden Sie die Nachricht noch "
                                         "einmal.",
                    [REASON_FULL] = "Das Postfach ist voll. Bitte versuchen Sie es später wieder, "
                                    "oder erreichen Sie den Empfänger auf anderem Weg.",
                    [REASON_TOO_LARGE] = "Die Nachricht ist zu groß. Bitte senden Sie sie mit "
                                         "kleineren Anhängen oder mit einem Link noch einmal.",
                    [REASON_POLICY] = "Der Server des Empfängers nimmt diese Nachricht nicht an. "
                                      "Bitte erreichen Sie den Empfänger auf anderem Weg.",
                    [REASON_UNPROVED] =
                        "Keine Verbindung zum Server des Empfängers war sicher genug: er hat nicht "
                        "bewiesen, wer er ist, oder bietet keine Verschlüsselung an. Es wurde "
                        "nichts an ihn gesendet. Bitte erreichen Sie den Empfänger auf anderem Weg "
                        "und sagen Sie ihm, dass sein Maildienst das in Ordnung bringen muss.",
                    [REASON_TOO_LATE] =
                        "Der Server des Empfängers war zu lange nicht erreichbar oder hat "
                        "uns jedes Mal vertröstet. Bitte versuchen Sie es später wieder.",
                },
            .message = "Ihre Nachricht:",
            .field_subject = "Betreff: ",
            .field_time = "Eingang: ",
            .whole = "Sie liegt bei.",
            .header = "Ihr Kopf liegt bei.",
            .help = "Wenn Sie Hilfe brauchen, leiten Sie diese Mail bitte weiter an ",
        },
};

const struct bounce_words *bounce_words(enum conf_language language)
{
    return &words[language];
}
