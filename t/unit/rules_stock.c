/* The stock rules: they load without a report, and letters of our own come out on the right side.
 */
#include "t/unit/tap.h"

#include "rules/ruleset.h"

#define REQUIRED 5.0
#define MARGIN   1.0 /* by which ham must stay below: its senders did not know the rules */

static void complain(void *data, const char *file, unsigned line, const char *what)
{
    unsigned *n = data;
    (*n)++;
    print_error("%s:%u: %s\n", file, line, what);
}

static struct ruleset *load(void)
{
    const char *paths[] = {STOCK_RULES};
    struct err err = {""};
    unsigned reports = 0;
    struct ruleset *set = ruleset_load(paths, 1, complain, &reports, &err);
    if (set == NULL)
        fail_msg("%s", err.text);
    assert_int_equal(reports, 0);
    return set;
}

static void every_rule_is_described_and_scored(void **state)
{
    struct ruleset *set = load();
    size_t counting = 0;
    for (size_t i = 0; i < set->n; i++) {
        const struct rule *rule = &set->rules[i];
        assert_int_not_equal(rule->kind, RULE_NONE);
        if (!rule->counts)
            continue;
        counting++;
        if (rule->describe.s == NULL || rule->describe.n < 5)
            fail_msg("%s is not described", rule->name.s);
        if (rule->score > 4 || rule->score < -3)
            fail_msg("%s decides alone", rule->name.s);
    }
    assert_true(counting >= 70);
    ruleset_free(&set);
}

struct letter {
    const char *what;
    const char *text;
};

#define ARRIVED                                                                                    \
    "Received: from out.example (out.example [192.0.2.1]) by mx.univ.example; "                    \
    "Tue, 12 Nov 2024 09:00:05 +0100\n"                                                            \
    "Date: Tue, 12 Nov 2024 09:00:00 +0100\nMIME-Version: 1.0\n"
#define HTML "Content-Type: text/html; charset=utf-8\n\n"

static const struct letter ham[] = {
    {"a colleague, by Outlook's habits", ARRIVED
     "From: \"DUPONT, Marie\" <Marie.Dupont@univ.example>\n"
     "To: Jean.Toto@univ.example\nSubject: URGENT : conseil de demain\n"
     "Message-Id: <1@univ.example>\nX-Priority: 1\n" HTML
     "<html><body><p>Cher Jean,</p><p>Merci de confirmer ta pr\xC3\xA9sence demain \xC3\xA0 "
     "14h et de m'envoyer le budget (45 000 euros, don de la fondation).</p></body></html>\n"},
    {"a student with a scan",
     ARRIVED "From: Paul Martin <paulmartin20031@gmail.com>\nTo: scolarite@univ.example\n"
             "Subject: demande d'attestation\nMessage-Id: <CA1@mail.gmail.com>\n"
             "Received: from mail-ej1.google.com by out.example\n"
             "Content-Type: multipart/mixed; boundary=c\n\n--c\n" HTML
             "<div dir=\"ltr\">Bonjour, voici ma carte d'\xC3\xA9tudiant. Paul</div>\n--c\n"
             "Content-Type: application/pdf; name=\"carte.pdf\"\n"
             "Content-Disposition: attachment; filename=\"carte.pdf\"\n"
             "Content-Transfer-Encoding: base64\n\nJVBERi0xLjQK\n--c--\n"},
    {"a security alert that is real", ARRIVED
     "From: Google <no-reply@accounts.google.com>\nTo: jean.toto@gmail.com\n"
     "Subject: Security alert\nMessage-Id: <1@notifications.google.com>\n" HTML
     "<h1>A new sign-in on Linux</h1><p>We noticed a new sign-in to your Google Account on a Linux "
     "device. If this was you, you don't need to do anything. If not, we'll help you secure your "
     "account.</p><a href=\"https://accounts.google.com/AccountChooser?Email=jean.toto@gmail.com&"
     "continue=https://myaccount.google.com/alert/1\">Check activity</a>\n"},
    {"a parcel that is real", ARRIVED
     "From: Colis Express <notification@colis-express.example>\nTo: jean.toto@univ.example\n"
     "Subject: Votre colis 6A12345678901 arrive demain\nMessage-Id: "
     "<1@colis-express.example>\n" HTML
     "<p>Bonjour Jean Toto,</p><p>Votre colis sera livr\xC3\xA9 demain entre 9h et 12h. Si vous "
     "\xC3\xAAtes absent, choisissez un autre jour de livraison avant ce soir 20h.</p>"
     "<p><a href=\"https://www.colis-express.example/suivi/6A12345678901\">Suivre mon "
     "colis</a></p>\n"},
    {"a shop's newsletter", ARRIVED
     "From: \"La Boutique\" <newsletter@news.boutique.example>\nTo: jean.toto@univ.example\n"
     "Subject: =?utf-8?Q?=F0=9F=8E=81_-30_%_sur_toute_la_collection_!?=\n"
     "Message-Id: <1@news.boutique.example>\n"
     "List-Unsubscribe: <https://news.boutique.example/u/1>\n"
     "Content-Type: multipart/alternative; boundary=b\n\n--b\n"
     "Content-Type: text/plain; charset=utf-8\n\n-30% sur toute la collection.\n"
     "Voir : https://news.boutique.example/c/1\n--b\n" HTML
     "<html><body bgcolor=\"#ffffff\"><div style=\"display:none;font-size:1px\">Profitez de -30% "
     "sur "
     "toute la collection jusqu'\xC3\xA0 dimanche, livraison gratuite d\xC3\xA8s 50 euros</div>"
     "<center><a href=\"https://click.esp.example/ls/click?upn=AbCdEf\"><img src="
     "\"https://img.esp.example/1.jpg\" width=600></a></center><p>Offre valable du 12 au 17 "
     "novembre. Vous recevez cet e-mail parce que vous \xC3\xAAtes inscrit. <a href="
     "\"https://click.esp.example/u/1\">Se d\xC3\xA9sabonner</a></p></body></html>\n--b--\n"},
    {"a web site's form", ARRIVED
     "From: Site Web <www@lab.univ.example>\nTo: contact@lab.univ.example\n"
     "Reply-To: \"Anna Schmidt\" <anna.schmidt82@gmail.com>\nMessage-Id: <1@lab.univ.example>\n"
     "Subject: [contact] Question about your offer\nContent-Type: text/plain\n\n"
     "Name: Anna Schmidt\nMessage: Dear Sir or Madam, I am interested in the PhD offer. Please get "
     "back to me with more details about the scholarship. I look forward to your reply.\n"},
    {"a call for papers", ARRIVED
     "From: SecConf <chairs@secconf.example>\nTo: jean.toto@univ.example\n"
     "Subject: Call for papers: SecConf (deadline extended, $1000 award)\n"
     "Message-Id: <1@secconf.example>\nContent-Type: text/plain\n\nDear colleague,\n\nWe invite "
     "you "
     "to submit papers. Topics: malware, phishing, bitcoin and cryptocurrency security, bank fraud."
     "\nhttps://easychair.example/conferences/?conf=secconf\nTo unsubscribe, reply with remove.\n"},
    {"an answer about spam on a list", ARRIVED
     "From: Ann <ann@list.example>\nTo: spam-talk@lists.example\nSubject: Re: [spam-talk] pills\n"
     "Message-Id: <2@list.example>\nIn-Reply-To: <1@list.example>\nReferences: <1@list.example>\n"
     "List-Id: <spam-talk.lists.example>\nContent-Type: text/plain\n\nBob wrote:\n"
     "> Buy cheap viagra online, no prescription, order now, 100% free shipping!\n"
     "> Dear friend, your inheritance of $4,500,000 million dollars awaits, next of kin\n"
     "I get these too. The filter should know them.\n"},
    {"a German colleague with a poll", ARRIVED
     "From: \"Schmidt, Anna\" <anna.schmidt@uni.example>\nTo: kollegium@uni.example\n"
     "Subject: Umfrage: Treffen am Montag, bitte best\xC3\xA4tigen\nMessage-Id: "
     "<1@uni.example>\n" HTML
     "<p>Liebe Kolleginnen und Kollegen,</p><p>bitte tragt euch umgehend ein, wann ihr zum "
     "Treffen k\xC3\xB6nnt. Das Paket mit den Unterlagen ist noch nicht zugestellt. Kosten: 45 000 "
     "Euro aus der Stiftung.</p><p><a href=\"https://doodle.example/p/abc\">Hier klicken</a></p>"
     "<p>Herzlichen Gl\xC3\xBC"
     "ckwunsch an Jan zur Promotion!</p>\n"},
    {"a German shop's newsletter", ARRIVED
     "From: Buchladen am Markt <newsletter@buchladen.example>\nTo: jean.toto@uni.example\n"
     "Subject: 20 % Rabatt: Ihr Gutschein zum Geburtstag\nMessage-Id: <1@buchladen.example>\n"
     "List-Unsubscribe: <https://click.esp.example/u/1>\n"
     "Content-Type: multipart/alternative; boundary=b\n\n--b\n"
     "Content-Type: text/plain; charset=utf-8\n\nIhr Gutschein: "
     "https://click.esp.example/1\n--b\n" HTML
     "<div style=\"display:none;font-size:0\">Nur noch bis Sonntag: 20 % Rabatt auf alle "
     "Kalender, kostenloser Versand</div><p>Liebe Kundin, lieber Kunde,</p><p>wir schenken Ihnen "
     "einen Gutschein \xC3\xBC"
     "ber 5 Euro. Jetzt hier ansehen: <a href=\"https://click.esp.example/"
     "1\"><img src=\"https://img.esp.example/1.jpg\"></a></p><p>Abmelden: <a href=\"https://"
     "click.esp.example/u/1\">hier klicken</a></p>\n--b--\n"},
    {"a German parcel that is real",
     ARRIVED "From: DHL Paket <noreply@dhl.de>\nTo: jean.toto@uni.example\n"
             "Subject: Ihre Sendung kommt heute\nMessage-Id: <1@dhl.de>\n" HTML
             "<p>Hallo Jean Toto,</p><p>Ihr Paket von Buchladen am Markt kommt heute zwischen 11 "
             "und 14 Uhr. "
             "Sie sind nicht zu Hause? W\xC3\xA4hlen Sie hier einen Ablageort: <a "
             "href=\"https://www.dhl.de/"
             "sendung?id=1\">Sendung verfolgen</a></p>\n"},
    {"the computing centre about passwords", ARRIVED
     "From: Service informatique <assistance@univ.example>\nTo: jean.toto@univ.example\n"
     "Subject: Votre mot de passe expire dans 10 jours\nMessage-Id: <1@univ.example>\n" HTML
     "<p>Bonjour,</p><p>Votre mot de passe arrive \xC3\xA0 expiration. Connectez-vous sur <a href="
     "\"https://compte.univ.example/\">compte.univ.example</a> pour le modifier avant le 22 "
     "novembre. Votre bo\xC3\xAEte mail est pleine \xC3\xA0 90 %.</p>\n"},
    {"a French authority that is real", ARRIVED
     "From: \"Assurance Maladie\" <nepasrepondre@info.ameli.fr>\nTo: jean.toto@univ.example\n"
     "Subject: Un nouveau message dans votre compte ameli\nMessage-Id: <1@info.ameli.fr>\n" HTML
     "<p>Bonjour,</p><p>Un remboursement vient d'\xC3\xAAtre effectu\xC3\xA9. Connectez-vous "
     "\xC3\xA0 "
     "votre compte <a href=\"https://assure.ameli.fr/\">ameli</a> pour le consulter.</p>\n"},
    {"a French colleague's good news", ARRIVED
     "From: Paul Martin <paul.martin@univ.example>\nTo: labo@univ.example\n"
     "Subject: F\xC3\xA9licitations \xC3\xA0 Marie !\nMessage-Id: <1@univ.example>\n" HTML
     "<p>Chers coll\xC3\xA8gues,</p><p>Marie a gagn\xC3\xA9 le prix de th\xC3\xA8se (3 000 euros, "
     "don "
     "de la fondation). La convocation au conseil suit ; merci de confirmer votre pr\xC3\xA9sence "
     "avant le 3 : <a href=\"https://framadate.example/x\">ici</a></p>\n"},
    {"a contract to sign that is real", ARRIVED
     "From: Marie Dupont via DocuSign <dse@eumail.docusign.net>\nTo: jean.toto@univ.example\n"
     "Reply-To: Marie Dupont <marie.dupont@univ.example>\n"
     "Subject: Complete with DocuSign: contract.pdf\nMessage-Id: <1@docusign.net>\n" HTML
     "<p>Marie Dupont sent you a document to review and sign.</p><p><a href=\"https://"
     "eu.docusign.net/Signing/1\">REVIEW DOCUMENT</a></p><p>If this was not you, contact "
     "us.</p>\n"},
    {"a shared file that is real",
     ARRIVED "From: Marie Dupont <no-reply@sharepointonline.com>\nTo: jean.toto@univ.example\n"
             "Subject: Marie Dupont shared \"budget\" with you.\nMessage-Id: "
             "<1@sharepointonline.com>\n" HTML
             "<p>Marie Dupont shared a file with you</p><p>This link will work for anyone in the "
             "university.</p><p><a href=\"https://univ-my.sharepoint.com/x\">Open</a></p>\n"},
    {"a bill with a telephone number", ARRIVED
     "From: Example Hosting <billing@hosting.example>\nTo: jean.toto@univ.example\n"
     "Subject: Your invoice 12345678\nMessage-Id: <1@hosting.example>\n" HTML
     "<p>Dear customer,</p><p>Your subscription was renewed; $59.99 was charged to your card. "
     "Questions? Call us at 1-800-555-0142 or see <a href=\"https://hosting.example/bill\">your "
     "account</a>.</p>\n"},
    {"a learned society's newsletter", ARRIVED
     "From: \"Society of Examples\" <news@society.example>\nTo: jean.toto@univ.example\n"
     "Subject: November news: prizes, jobs and grants\nMessage-Id: <1@esp.example>\n"
     "List-Unsubscribe: <https://click.esp.example/u>\n" HTML
     "<p>Dear member,</p><p>Claim your free ticket: congratulations to the winners of our survey. "
     "Postdoc, 2 years, remote possible, 2500 EUR per month. Donate to our charity.</p><p><a href="
     "\"https://click.esp.example/1\"><img src=\"https://img.esp.example/1.png\"></a></p><p>You "
     "receive this e-mail because you are a member. <a href=\"https://click.esp.example/u\">"
     "Unsubscribe</a></p>\n"},
    {"a Spanish bill that is real", ARRIVED
     "From: Librer\xC3\xAD"
     "a Ejemplo <facturas@libreria.example>\nTo: jean.toto@univ.example\n"
     "Subject: Factura 2024-118 de su pedido\nMessage-Id: <1@libreria.example>\n" HTML
     "<p>Estimado cliente:</p><p>Adjuntamos la factura de su pedido. El saldo pendiente es de "
     "45,90 "
     "euros. Puede confirmar el pago en <a href=\"https://libreria.example/p/118\">su cuenta</a>."
     "</p>\n"},
};

static const struct letter spam[] = {
    {"a bank that is not one", ARRIVED
     "From: \"PayPal Service\" <service@secure-help-desk4411.top>\nTo: jean.toto@univ.example\n"
     "Subject: Your account has been limited\nMessage-Id: <1@x.example>\n" HTML
     "<p>Dear customer,</p><p>Your account has been suspended. Please verify your account within "
     "24 "
     "hours: <a href=\"http://203.0.113.5/login/verify\">click here</a></p>\n"},
    {"an inheritance", ARRIVED
     "From: Barrister John <john.barrister44871@gmail.example>\nReply-To: jb4471@gmail.com\n"
     "To: undisclosed-recipients:;\nSubject: DEAR FRIEND\nMessage-Id: <1@x.example>\n"
     "Content-Type: text/plain\n\nDear friend,\n\nI am barrister John, attorney to the late Mr. "
     "Smith"
     " who died in a plane crash with his next of kin. He left $12.5 million dollars in the bank. "
     "I "
     "seek your consent to transfer the fund as his beneficiary; this is strictly confidential. "
     "Contact me immediately at jb4471@gmail.com with your full name and phone number. God "
     "bless.\n"},
    {"a reward", ARRIVED
     "From: Winner!! Gift Department ,_<kjq8x7@prizes42kq7.xyz>\nTo: jean.toto@univ.example\n"
     "Subject: Congratulations jean.toto, claim your reward!!\nMessage-Id: <1@x.example>\n" HTML
     "<p>Congratulations! You have been selected for a free gift card. Complete the survey to "
     "claim "
     "your reward, expires today.</p><a href=\"https://storage.googleapis.com/abc/x.html#"
     "4mBwli1820hAWf7ctzh\"><img src=\"http://x.example/1.png\"></a>\n"},
    {"a French parcel", ARRIVED
     "From: Chronopost <suivi@colis84211.click>\nTo: jean.toto@univ.example\n"
     "Subject: Votre colis est en attente\nMessage-Id: <1@x.example>\n" HTML
     "<p>Cher client,</p><p>Votre colis est en attente. Confirmez votre adresse sous 48 heures et "
     "r\xC3\xA9glez les frais de livraison : <a "
     "href=\"https://colis-livraison-suivi-fr.web.app/x\">"
     "cliquez ici</a>.</p>\n"},
};

static double total_of(const struct ruleset *set, const struct letter *letter, struct buf *why)
{
    struct err err = {""};
    struct pool *pool = pool_new(16 << 20);
    struct rules_scratch *scratch = rules_scratch_new(set, &err);
    struct message *message;
    struct mail_text *text;
    struct rules_result result;
    assert_non_null(scratch);
    assert_int_equal(message_parse(pool, str_of(letter->text), &mail_limits_default, &message,
                                   &err),
                     0);
    assert_int_equal(mail_text_make(pool, message, &text, &err), 0);
    struct rules_input input = {.message = message, .text = text};
    assert_int_equal(ruleset_run(set, scratch, &input, pool, &result, &err), 0);
    assert_int_equal(result.n_limited, 0);
    buf_clear(why);
    for (size_t i = 0; i < result.n_hits; i++)
        buf_addf(why, " %s=%.1f", result.hits[i].name, result.hits[i].score);
    rules_scratch_free(&scratch);
    pool_free(&pool);
    return result.total;
}

static void letters_stay_below(void **state)
{
    struct ruleset *set = load();
    struct buf why = BUF_INIT(4096);
    for (size_t i = 0; i < sizeof ham / sizeof *ham; i++) {
        double total = total_of(set, &ham[i], &why);
        if (total > REQUIRED - MARGIN)
            fail_msg("%s: %.1f%s", ham[i].what, total, buf_cstr(&why));
    }
    buf_release(&why);
    ruleset_free(&set);
}

static void spam_is_above(void **state)
{
    struct ruleset *set = load();
    struct buf why = BUF_INIT(4096);
    for (size_t i = 0; i < sizeof spam / sizeof *spam; i++) {
        double total = total_of(set, &spam[i], &why);
        if (total <= REQUIRED)
            fail_msg("%s: %.1f%s", spam[i].what, total, buf_cstr(&why));
    }
    buf_release(&why);
    ruleset_free(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rule_is_described_and_scored),
        cmocka_unit_test(letters_stay_below),
        cmocka_unit_test(spam_is_above),
    };
    return tap_run(tests, NULL, NULL);
}
