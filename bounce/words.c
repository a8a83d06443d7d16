#include "bounce/words.h"

#include <time.h>

#define TIME_SIZE 64

static const struct bounce_words words[CONF_LANGUAGES] = {
    [LANGUAGE_EN] =
        {
            .from = "Mail delivery",
            .subject = {[BOUNCE_FAILURE] = "Not delivered: ",
                        [BOUNCE_SUCCESS] = "Delivery report: ",
                        [BOUNCE_DELAY] = "Delayed: "},
            .redacted_subject = "A message of yours was not delivered",
            .greeting = "This is an automatic message from the mail server ",
            .opening =
                {[BOUNCE_FAILURE] =
                     "Your message could not be delivered. Below you see whom it did not reach, "
                     "why, and what you can do now; all others are not affected. We will not try "
                     "again.",
                 [BOUNCE_SUCCESS] =
                     "You asked to be told what becomes of your message. Here is what we know.",
                 [BOUNCE_DELAY] = "Your message could not be delivered yet. We keep trying: you "
                                  "need not do anything, and please do not send it again."},
            .redacted =
                "You sent a message that was to travel over protected connections only "
                "(REQUIRETLS). It could not be delivered. Since no such connection leads to your "
                "own mailbox either, we do not say here which message it was, nor to whom.",
            .reference = "To learn more, please ask the address below, and name this reference:",
            .got_there = {[ACTION_DELIVERED] = "It was delivered to this address.",
                          [ACTION_RELAYED] =
                              "It was handed on to the recipient's mail server, which sends "
                              "no confirmation of its own.",
                          [ACTION_EXPANDED] =
                              "It was accepted, and sent on to the address that the "
                              "recipient has chosen. You will hear of it again only if "
                              "that fails."},
            .until = "We keep trying until ",
            .reason = "The reason: ",
            .answer = "The server's answer: ",
            .what =
                {
                    [REASON_OTHER] = "The message was refused. The words below say why; if they "
                                     "do not help you, ask the address at the end of this mail.",
                    [REASON_NO_MAILBOX] = "There is no such mailbox. Please check that the address "
                                          "is spelled correctly, and send the message again.",
                    [REASON_NO_DOMAIN] = "No mail can be sent to what stands behind the @. Please "
                                         "check that it is spelled correctly, and send the message "
                                         "again.",
                    [REASON_FULL] = "The recipient's mailbox is full. Please try again in a few "
                                    "days, or reach the recipient in another way.",
                    [REASON_TOO_LARGE] =
                        "The message is too large for the recipient's server. Please send it "
                        "again with smaller attachments, or put the files where they can be "
                        "fetched and send a link.",
                    [REASON_POLICY] = "The recipient's server does not take this message; its "
                                      "answer below may say why. Please reach the recipient in "
                                      "another way.",
                    [REASON_NOT_SECURE] =
                        "You asked that the message travel over protected connections only "
                        "(REQUIRETLS), and the recipient's server does not promise that. Please "
                        "reach the recipient in another way, or send the message again without "
                        "that request.",
                    [REASON_UNPROVED] =
                        "No connection to the recipient's server was safe enough: it did not prove "
                        "who it is, or offers no encryption. Nothing was sent to it. Please reach "
                        "the recipient by another way, and tell him that his mail service must put "
                        "this right.",
                    [REASON_TOO_LATE] =
                        "The recipient's server could not be reached in time, or put us off each "
                        "time. Please check the address, and send the message again later.",
                },
            .message = "Your message:",
            .field_subject = "Subject: ",
            .field_time = "Received by us: ",
            .whole = "It is attached.",
            .header = "Its header alone is attached.",
            .help = "If you need help, please forward this mail to ",
        },
    [LANGUAGE_FR] =
        {
            .from = "Service de messagerie",
            .subject = {[BOUNCE_FAILURE] = "Message non remis : ",
                        [BOUNCE_SUCCESS] = "Avis de remise : ",
                        [BOUNCE_DELAY] = "Message retardé : "},
            .redacted_subject = "Un de vos messages n'a pas été remis",
            .greeting = "Ceci est un message automatique du serveur de messagerie ",
            .opening =
                {[BOUNCE_FAILURE] =
                     "Votre message n'a pas pu être remis. Vous verrez ci-dessous à qui, pour "
                     "quelle raison, et ce que vous pouvez faire ; les autres destinataires ne "
                     "sont pas concernés. Nous ne ferons pas d'autre tentative.",
                 [BOUNCE_SUCCESS] =
                     "Vous avez demandé à savoir ce que devient votre message. Voici ce qu'il en "
                     "est.",
                 [BOUNCE_DELAY] = "Votre message n'a pas encore pu être remis. Nous continuons "
                                  "d'essayer : vous n'avez rien à faire, et il est inutile de le "
                                  "renvoyer."},
            .redacted =
                "Vous avez envoyé un message qui ne devait emprunter que des liaisons protégées "
                "(REQUIRETLS). Il n'a pas pu être remis. Comme aucune liaison de ce genre ne mène "
                "non plus à votre propre boîte aux lettres, nous n'indiquons ici ni de quel "
                "message il s'agit, ni à qui il était adressé.",
            .reference = "Pour en savoir plus, veuillez écrire à l'adresse ci-dessous en "
                         "rappelant cette référence :",
            .got_there = {[ACTION_DELIVERED] = "Il a été remis à cette adresse.",
                          [ACTION_RELAYED] =
                              "Il a été transmis au serveur du destinataire, qui n'envoie "
                              "pas lui-même de confirmation.",
                          [ACTION_EXPANDED] =
                              "Il a été accepté, puis transmis à l'adresse que le "
                              "destinataire a choisie. Vous n'en aurez d'autres nouvelles "
                              "qu'en cas d'échec."},
            .until = "Nous essaierons jusqu'au ",
            .reason = "La raison : ",
            .answer = "Réponse du serveur : ",
            .what =
                {
                    [REASON_OTHER] =
                        "Le message a été refusé. Les mots ci-dessous en donnent la raison ; s'ils "
                        "ne vous aident pas, écrivez à l'adresse indiquée à la fin de ce courrier.",
                    [REASON_NO_MAILBOX] =
                        "Cette adresse n'existe pas. Veuillez vérifier qu'elle est écrite sans "
                        "faute, puis renvoyer le message.",
                    [REASON_NO_DOMAIN] =
                        "Aucun courrier ne peut être envoyé à ce qui suit le signe @. Veuillez en "
                        "vérifier l'orthographe, puis renvoyer le message.",
                    [REASON_FULL] =
                        "La boîte aux lettres du destinataire est pleine. Veuillez réessayer dans "
                        "quelques jours, ou joindre le destinataire par un autre moyen.",
                    [REASON_TOO_LARGE] =
                        "Le message est trop volumineux pour le serveur du destinataire. Veuillez "
                        "le renvoyer avec des pièces jointes plus petites, ou déposer les fichiers "
                        "sur un espace de partage et en envoyer le lien.",
                    [REASON_POLICY] =
                        "Le serveur du destinataire n'accepte pas ce message ; sa réponse "
                        "ci-dessous en dit peut-être la raison. Veuillez joindre le destinataire "
                        "par un autre moyen.",
                    [REASON_NOT_SECURE] =
                        "Vous avez demandé que le message n'emprunte que des liaisons protégées "
                        "(REQUIRETLS), et le serveur du destinataire ne s'y engage pas. Veuillez "
                        "joindre le destinataire par un autre moyen, ou renvoyer le message sans "
                        "cette exigence.",
                    [REASON_UNPROVED] =
                        "Aucune connexion au serveur du destinataire n'était assez sûre : il n'a "
                        "pas prouvé son identité, ou ne propose aucun chiffrement. Rien ne lui a "
                        "été envoyé. Veuillez joindre le destinataire par un autre moyen, et lui "
                        "dire que son service de courrier doit y remédier.",
                    [REASON_TOO_LATE] =
                        "Le serveur du destinataire est resté injoignable, ou nous a fait attendre "
                        "à chaque fois. Veuillez vérifier l'adresse, puis renvoyer le message plus "
                        "tard.",
                },
            .message = "Votre message :",
            .field_subject = "Objet : ",
            .field_time = "Reçu par nous le : ",
            .whole = "Il est joint à ce courrier.",
            .header = "Seul son en-tête est joint à ce courrier.",
            .help = "Si vous avez besoin d'aide, veuillez faire suivre ce courrier à ",
        },
    [LANGUAGE_DE] =
        {
            .from = "Mailzustellung",
            .subject = {[BOUNCE_FAILURE] = "Nicht zugestellt: ",
                        [BOUNCE_SUCCESS] = "Zustellbericht: ",
                        [BOUNCE_DELAY] = "Verzögert: "},
            .redacted_subject = "Eine Ihrer Nachrichten wurde nicht zugestellt",
            .greeting = "Dies ist eine automatische Nachricht des Mailservers ",
            .opening =
                {[BOUNCE_FAILURE] =
                     "Ihre Nachricht konnte nicht zugestellt werden. Unten steht, wen sie nicht "
                     "erreicht hat, warum nicht und was Sie jetzt tun können; alle anderen "
                     "Empfänger sind nicht betroffen. Wir versuchen es nicht noch einmal.",
                 [BOUNCE_SUCCESS] =
                     "Sie wollten wissen, was aus Ihrer Nachricht wird. Das ist uns bekannt:",
                 [BOUNCE_DELAY] = "Ihre Nachricht konnte noch nicht zugestellt werden. Wir "
                                  "versuchen es weiter: Sie brauchen nichts zu tun; bitte senden "
                                  "Sie die Nachricht nicht noch einmal."},
            .redacted =
                "Sie haben eine Nachricht gesendet, die nur über geschützte Verbindungen gehen "
                "sollte (REQUIRETLS). Sie konnte nicht zugestellt werden. Da auch zu Ihrem eigenen "
                "Postfach keine solche Verbindung führt, steht hier nicht, welche Nachricht es war "
                "und an wen sie ging.",
            .reference = "Wenn Sie mehr wissen möchten, fragen Sie bitte bei der Adresse unten "
                         "nach und nennen Sie dieses Zeichen:",
            .got_there = {[ACTION_DELIVERED] = "Sie wurde an diese Adresse zugestellt.",
                          [ACTION_RELAYED] =
                              "Sie wurde dem Mailserver des Empfängers übergeben, der selbst "
                              "keine Bestätigung sendet.",
                          [ACTION_EXPANDED] =
                              "Sie wurde angenommen und an die Adresse weitergeleitet, die "
                              "der Empfänger gewählt hat. Sie hören nur dann noch einmal "
                              "davon, wenn das misslingt."},
            .until = "Wir versuchen es noch bis ",
            .reason = "Der Grund: ",
            .answer = "Antwort des Servers: ",
            .what =
                {
                    [REASON_OTHER] = "Die Nachricht wurde abgelehnt. Warum, steht in den Worten "
                                     "darunter; wenn sie Ihnen nicht weiterhelfen, fragen Sie "
                                     "bitte bei der Adresse am Ende dieser Mail nach.",
                    [REASON_NO_MAILBOX] =
                        "Dieses Postfach gibt es nicht. Bitte prüfen Sie, ob die Adresse richtig "
                        "geschrieben ist, und senden Sie die Nachricht noch einmal.",
                    [REASON_NO_DOMAIN] =
                        "An das, was hinter dem @ steht, kann keine Mail gesendet werden. Bitte "
                        "prüfen Sie, ob es richtig geschrieben ist, und senden Sie die Nachricht "
                        "noch einmal.",
                    [REASON_FULL] =
                        "Das Postfach des Empfängers ist voll. Bitte versuchen Sie es in einigen "
                        "Tagen wieder, oder erreichen Sie den Empfänger auf anderem Weg.",
                    [REASON_TOO_LARGE] =
                        "Die Nachricht ist zu groß für den Server des Empfängers. Bitte senden Sie "
                        "sie mit kleineren Anhängen noch einmal, oder legen Sie die Dateien zum "
                        "Abholen bereit und senden Sie einen Link.",
                    [REASON_POLICY] =
                        "Der Server des Empfängers nimmt diese Nachricht nicht an; warum, sagt "
                        "vielleicht seine Antwort darunter. Bitte erreichen Sie den Empfänger auf "
                        "anderem Weg.",
                    [REASON_NOT_SECURE] =
                        "Sie haben verlangt, dass die Nachricht nur über geschützte Verbindungen "
                        "geht (REQUIRETLS), und der Server des Empfängers sagt das nicht zu. Bitte "
                        "erreichen Sie den Empfänger auf anderem Weg, oder senden Sie die "
                        "Nachricht ohne diese Forderung noch einmal.",
                    [REASON_UNPROVED] =
                        "Keine Verbindung zum Server des Empfängers war sicher genug: er hat nicht "
                        "bewiesen, wer er ist, oder bietet keine Verschlüsselung an. Es wurde "
                        "nichts an ihn gesendet. Bitte erreichen Sie den Empfänger auf anderem Weg "
                        "und sagen Sie ihm, dass sein Maildienst das in Ordnung bringen muss.",
                    [REASON_TOO_LATE] =
                        "Der Server des Empfängers war zu lange nicht erreichbar oder hat uns "
                        "jedes Mal vertröstet. Bitte prüfen Sie die Adresse, und senden Sie die "
                        "Nachricht später noch einmal.",
                },
            .message = "Ihre Nachricht:",
            .field_subject = "Betreff: ",
            .field_time = "Bei uns eingegangen: ",
            .whole = "Sie liegt bei.",
            .header = "Nur ihr Kopf liegt bei.",
            .help = "Wenn Sie Hilfe brauchen, leiten Sie diese Mail bitte weiter an ",
        },
};

const struct bounce_words *bounce_words(enum conf_language language)
{
    return &words[language];
}

void bounce_put_time(enum conf_language language, int64_t time_s, struct buf *out)
{
    char text[TIME_SIZE] = "";
    struct tm tm;
    time_t t = (time_t)time_s;
    size_t n = 0;
    if (gmtime_r(&t, &tm) == NULL)
        return;
    if (language == LANGUAGE_FR)
        n = strftime(text, sizeof text, "%d/%m/%Y à %H:%M UTC", &tm);
    else if (language == LANGUAGE_DE)
        n = strftime(text, sizeof text, "%d.%m.%Y, %H:%M Uhr UTC", &tm);
    else
        n = strftime(text, sizeof text, "%d %B %Y, %H:%M UTC", &tm);
    buf_addn(out, text, n);
}
