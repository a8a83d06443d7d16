/*
 * For each of the newer stock rules a message of our own that it must hit, and one that looks like
 * it and that it must leave alone.
 */
#include "t/unit/tap.h"

#include "rules/ruleset.h"

#define FROM(name, address) "From: " name " <" address ">\n"
#define TO                  "To: jean.toto@univ.example\nMessage-Id: <1@out.example>\n"
#define SUBJECT(text)       "Subject: " text "\n"
#define STRANGER            FROM("A. Sender", "sender@stranger.example") TO
#define FREEMAIL            FROM("A. Sender", "a.sender@gmail.com") TO
#define COLLEAGUE           FROM("Marie Dupont", "marie.dupont@univ.example") TO
#define HTML                "Content-Type: text/html; charset=utf-8\n\n"
#define PLAIN               "Content-Type: text/plain; charset=utf-8\n\n"
#define LINK                "<a href=\"https://page.elsewhere.example/x\">here</a>"
#define OWN_LINK            "<a href=\"https://www.univ.example/x\">here</a>"
#define REPLY               "In-Reply-To: <0@univ.example>\nReferences: <0@univ.example>\n"
#define LIST                "List-Id: <talk.lists.example>\nList-Post: <mailto:talk@lists.example>\n"
#define MIXED               "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\n"
#define ATTACHED(type, name)                                                                       \
    "\n--b\nContent-Type: " type "; name=\"" name "\"\n"                                           \
    "Content-Disposition: attachment; filename=\"" name "\"\n\n"
#define END "\n--b--\n"

struct sample {
    const char *rule;
    const char *hit;
    const char *miss;
};

static const struct sample samples[] = {
    /* 31_tricks.cf */
    {"LETTER_SWAPPED", STRANGER SUBJECT("Your PayPaI account") PLAIN "Hello",
     STRANGER SUBJECT("Your PayPal account") PLAIN "openISCSI, emailIndex, IP and ID"},
    {"NAME_MARKED",
     FROM("P\xDC\xBF"
          "a\xDC\xBFy\xDC\xBFp\xDC\xBF"
          "a\xDC\xBFl",
          "x@stranger.example") TO SUBJECT("A\xDC\xBF.c\xDC\xBF c\xDC\xBF ount") PLAIN "x",
     FROM("Jose\xCC\x81 Nin\xCC\x83o", "x@stranger.example") TO PLAIN "x"},
    {"NAME_STREWN", STRANGER SUBJECT("Your W\xC3\xA1ll\xC3\xA9t") PLAIN "x",
     STRANGER SUBJECT("W\xC3\xA4hlen, P\xC3\xA2tes, caf\xC3\xA9") PLAIN "x"},
    {"LOOKALIKE_BRAND", STRANGER PLAIN "Your P\xD0\xB0yPal is waiting",
     STRANGER PLAIN "\xD0\x9C\xD0\xB8\xD1\x80 and PayPal"},
    {"QR_OF_TEXT",
     STRANGER PLAIN "\xE2\x96\x88\xE2\x96\x84\xE2\x96\x88\xE2\x96\x80\xE2\x96\x88\xE2\x96\x84"
                    "\xE2\x96\x88\xE2\x96\x84\xE2\x96\x88\xE2\x96\x80\xE2\x96\x88\xE2\x96\x84"
                    "\xE2\x96\x88\xE2\x96\x84\xE2\x96\x88\xE2\x96\x80\xE2\x96\x88\xE2\x96\x84"
                    "\xE2\x96\x88\xE2\x96\x84\xE2\x96\x88\xE2\x96\x80\xE2\x96\x88\xE2\x96\x84"
                    "\xE2\x96\x88\xE2\x96\x84\xE2\x96\x88\xE2\x96\x80\xE2\x96\x88\xE2\x96\x84"
                    "\xE2\x96\x88\xE2\x96\x84\xE2\x96\x88\xE2\x96\x80\xE2\x96\x88\xE2\x96\x84"
                    "\xE2\x96\x88\xE2\x96\x84\xE2\x96\x88\xE2\x96\x80\xE2\x96\x88\xE2\x96\x84\n",
     STRANGER PLAIN "60 % \xE2\x96\x88\xE2\x96\x88\xE2\x96\x88\xE2\x96\x88\xE2\x96\x88\xE2\x96\x88"
                    "\xE2\x96\x91\xE2\x96\x91\xE2\x96\x91\xE2\x96\x91 done\n"},
#define CELLS                                                                                      \
    "<td style=\"background:#000\"></td><td style=\"background:#000\"></td>"                       \
    "<td style=\"background:#000\"></td>"
    {"QR_OF_CELLS",
     STRANGER HTML "<table><tr>" CELLS CELLS CELLS CELLS CELLS CELLS CELLS CELLS "</tr></table>",
     STRANGER HTML "<table><tr>" CELLS "</tr></table>"},
    {"QR_ACCOUNT",
     STRANGER HTML "<p>Your password expires in 24 hours.</p><p>Scan the QR code with your phone "
                   "to verify your account.</p>",
     STRANGER HTML "<p>Scan the QR code at the gate of the museum.</p>"},
    {"QR_PICTURE_ONLY",
     STRANGER MIXED HTML
     "<p>Please scan the QR code below.</p>" ATTACHED("image/png", "a.png") "x" END,
     COLLEAGUE REPLY MIXED HTML
     "<p>Please scan the QR code below.</p>" ATTACHED("image/png", "a.png") "x" END},
    {"ATTACH_SVG",
     STRANGER MIXED PLAIN "See the file." ATTACHED("image/svg+xml", "voice.svg") "<svg/>" END,
     STRANGER MIXED PLAIN "See the file." ATTACHED("image/png", "voice.png") "x" END},
    {"ATTACH_HTML_ACTIVE",
     STRANGER MIXED PLAIN "Invoice." ATTACHED("text/html", "invoice.html") "<html><body><form "
                                                                           "action=x></form>"
                                                                           "</body></html>" END,
     STRANGER MIXED PLAIN "Minutes." ATTACHED("text/html", "minutes.html") "<p>We met.</p>" END},
    {"SCRIPT_DECODES",
     STRANGER HTML "<script>document.write(atob('PGgxPkhlbGxvPC9oMT4='))</script>",
     STRANGER HTML "<p>eval(\"1 + 1\") gives 2, atob() decodes.</p>"},
    {"HTML_PASSWORD_FIELD", STRANGER HTML "<form><input name=p type=\"password\"></form>",
     STRANGER HTML "<form><input name=q type=\"text\"> password</form>"},
    {"CALENDAR_LURE",
     STRANGER MIXED PLAIN "Claim your bitcoin." ATTACHED("text/calendar", "i.ics") "x" END,
     STRANGER MIXED PLAIN "Team meeting." ATTACHED("text/calendar", "i.ics") "x" END},
#define HIDDEN                                                                                     \
    "<div style=\"display:none\">Words that nobody is to read but the filter, a whole line</div>"
    {"HTML_HIDDEN_OFTEN", STRANGER HTML "<p>Hi</p>" HIDDEN HIDDEN HIDDEN HIDDEN HIDDEN HIDDEN,
     STRANGER HTML "<p>This week's news of our department, in a few words.</p>" HIDDEN},
    {"LINK_MACHINE_NAME", STRANGER PLAIN "http://12.34.56.78.host.example.com/login",
     STRANGER PLAIN "https://news.example.com/2024.05.01/a and https://v1.2.example.com/"},

    /* 51_logins.cf */
    {"LURE_PASSWORD", STRANGER HTML "<p>Your password will expire today. Keep it " LINK "</p>",
     COLLEAGUE HTML "<p>Your password will expire in ten days. Change it " OWN_LINK "</p>"},
    {"LURE_QUOTA",
     STRANGER HTML "<p>Votre bo\xC3\xAEte mail est pleine, quota d\xC3\xA9pass\xC3\xA9 : " LINK
                   "</p>",
     COLLEAGUE HTML "<p>Votre bo\xC3\xAEte mail est pleine : " OWN_LINK "</p>"},
    {"LURE_HELD_MAIL", STRANGER HTML "<p>You have 5 undelivered messages. Release " LINK "</p>",
     COLLEAGUE HTML "<p>5 quarantined messages: look " OWN_LINK "</p>"},
    {"LURE_VOICEMAIL", STRANGER HTML "<p>New voicemail received from +33 2 40. Play " LINK "</p>",
     COLLEAGUE REPLY HTML "<p>I left you a voice message, listen to it.</p>"},
    {"LURE_SHARED_FILE",
     STRANGER HTML "<p>Marie has shared a document with you to review. Open " LINK "</p>",
     FROM("SharePoint", "no-reply@sharepointonline.com") TO HTML
     "<p>Marie shared a document with you. Open <a "
     "href=\"https://x.sharepoint.com/f\">it</a></p>"},
    {"LURE_SIGN",
     STRANGER HTML "<p>Please review and sign your document, signature requested " LINK "</p>",
     COLLEAGUE HTML "<p>Please sign the contract and return it, signature required.</p>"},
    {"LURE_PAYROLL", STRANGER HTML "<p>Payroll adjustment for all staff: review " LINK "</p>",
     COLLEAGUE HTML "<p>The salary increase of this year is " OWN_LINK "</p>"},
    {"OFFICE_STRANGE",
     FROM("IT Helpdesk", "x@stranger.example") TO HTML
     "<p>Your password will expire today. Keep it " LINK "</p>",
     FROM("IT Helpdesk", "help@univ.example") TO HTML
     "<p>Your password will expire in ten days. Change it " OWN_LINK "</p>"},
    {"LINK_TO_LOGIN",
     STRANGER HTML "<p>Your password will expire. <a href=\"https://page.elsewhere.example/"
                   "?e=jean.toto@univ.example\">Keep it</a></p>",
     STRANGER "List-Unsubscribe: <https://news.example/u>\n" HTML
              "<p>Our news. <a href=\"https://news.example/u?e=jean.toto@univ.example\">Stop</a>"
              "</p>"},

    /* 52_brands.cf */
    {"FROM_COIN_FIRM", FROM("Trust Wallet", "news@stranger.example") TO PLAIN "x",
     FROM("Trust Wallet", "news@trustwallet.com") TO PLAIN "x"},
    {"FROM_FRENCH_FIRM", FROM("La Banque Postale", "info@stranger.example") TO PLAIN "x",
     FROM("La Banque Postale", "info@labanquepostale.fr") TO PLAIN "x"},
    {"FROM_GERMAN_FIRM", FROM("Sparkasse Kundenservice", "info@stranger.example") TO PLAIN "x",
     FROM("Sparkasse K\xC3\xB6ln", "info@sparkasse-koelnbonn.de") TO PLAIN "x"},
    {"FROM_WORLD_FIRM", FROM("Mercado Pago", "info@stranger.example") TO PLAIN "x",
     FROM("Mercado Pago", "info@mercadopago.com") TO PLAIN "x"},
    {"BANK_LINKS_FOREIGN",
     FROM("PayPal", "service@paypal.com") TO HTML "<a href=\"http://203.0.113.9/x\">Log in</a>",
     FROM("PayPal", "service@paypal.com") TO HTML "<a href=\"https://paypal.com/x\">Log in</a>"},
    {"PARCEL_FEE", STRANGER HTML "<p>Votre colis attend : frais de douane de 1,99 EUR " LINK "</p>",
     STRANGER HTML "<p>Votre colis sera livr\xC3\xA9 demain.</p>"},
    {"PARCEL_STRANGE", FREEMAIL HTML "<p>Your parcel is on hold, a fee is due: " LINK "</p>",
     STRANGER HTML "<p>Your parcel is on hold until Monday.</p>"},
    {"BANK_FACTOR",
     STRANGER HTML "<p>Ihr pushTAN-Verfahren l\xC3\xA4uft ab, bitte aktualisieren " LINK "</p>",
     COLLEAGUE HTML "<p>Mein pushTAN muss ich aktivieren " OWN_LINK "</p>"},
    {"FR_RIGHTS", STRANGER HTML "<p>Votre compte formation : vos droits vont expirer " LINK "</p>",
     COLLEAGUE HTML "<p>Votre compte formation et vos droits : voir " OWN_LINK "</p>"},

    /* 66_strangers.cf */
    {"CALL_TO_CANCEL",
     STRANGER PLAIN "Your Norton subscription was renewed, charged $399.99 today.\n"
                    "To cancel, call our support at +1 (888) 555-0142.",
     STRANGER PLAIN "Our office is at +1 (888) 555-0142; the price of Norton is $39."},
    {"CALL_FREEMAIL",
     FREEMAIL PLAIN "Your Norton subscription was renewed, charged $399.99 today.\n"
                    "To cancel, call our support at +1 (888) 555-0142.",
     FREEMAIL PLAIN "Call me at +1 (888) 555-0142 about the Norton bike."},
    {"GIFT_CARDS",
     FREEMAIL PLAIN "I need you to purchase some gift cards for clients, scratch them and send a "
                    "picture of the codes.",
     FREEMAIL PLAIN "The shop sells gift cards, and it is open on Sunday."},
    {"FAVOUR_FREEMAIL", FREEMAIL PLAIN "Hi, are you available? I need a quick favour.",
     COLLEAGUE PLAIN "Hi, are you available at ten?"},
    {"PAY_ELSEWHERE",
     STRANGER PLAIN "I would like to change my direct deposit before the next pay date.",
     STRANGER PLAIN "Your pay slip for May is ready."},
    {"PAY_FREEMAIL",
     FREEMAIL PLAIN "I would like to change my direct deposit before the next pay date.",
     STRANGER PLAIN "I would like to change my direct deposit before the next pay date."},
    {"JOB_EASY",
     STRANGER PLAIN "A remote part-time job, no experience needed: 300 USD a day, WhatsApp us.",
     STRANGER PLAIN "The working group on remote sensing meets on Monday."},
    {"BLACKMAIL_4",
     STRANGER PLAIN "I have hacked you and recorded a video of you masturbating. Send bitcoin.",
     STRANGER PLAIN "The talk is about ransomware and bitcoin; there will be a video."},
    {"BLACKMAIL_5",
     STRANGER PLAIN "I have hacked you and recorded a video of you masturbating. You have 48 hours "
                    "to pay me in bitcoin, or all your contacts get it.",
     COLLEAGUE REPLY PLAIN "> I have hacked you and recorded a video of you masturbating. You have "
                           "48 hours to pay in bitcoin, or all your contacts get it.\nDelete it."},
    {"FR_LETTER_4",
     STRANGER PLAIN "Je me nomme Madame Blanche. Le notaire vous transmettra la somme de 2 "
                    "millions d'euros, et que Dieu vous garde.",
     COLLEAGUE PLAIN "Le notaire a confirm\xC3\xA9 le virement de la subvention."},
    {"FR_LETTER_6",
     STRANGER PLAIN "Bien-aim\xC3\xA9, je me nomme Madame Blanche, veuve et malade d'un cancer. "
                    "Je veux faire un don de 2 millions d'euros, un h\xC3\xA9ritage, \xC3\xA0 une "
                    "personne honn\xC3\xAAte. Ma banque attend, en toute confiance, votre "
                    "r\xC3\xA9ponse.",
     COLLEAGUE PLAIN "Je m'appelle Marie et je travaille sur le cancer. Votre r\xC3\xA9ponse pour "
                     "le s\xC3\xA9minaire ?"},
    {"DE_LETTER_4",
     STRANGER PLAIN "Ich bin Herr Braun, Anwalt. Die Erbschaft von 4 Millionen Euro ist "
                    "vertraulich.",
     COLLEAGUE PLAIN "Ich bin Frau Braun aus der Bank-Abteilung und erwarte Ihre Antwort."},
    {"DE_LETTER_6",
     STRANGER PLAIN "Lieber Freund, ich bin Frau Braun, Witwe, und habe Krebs. Ich will meine "
                    "Erbschaft von 4 Millionen Euro spenden. Die Bank wartet, es ist vertraulich.",
     COLLEAGUE PLAIN "Ich bin Frau Braun. Die Stiftung will eine Summe spenden; ihre Antwort "
                     "kommt morgen."},
    {"STRANGER_MATTER",
     STRANGER PLAIN "Good day, I have a business proposal for you. Kindly reply for more details.",
     COLLEAGUE REPLY PLAIN "Hi, the project proposal is fine. Please reply if you agree."},
    {"LOAN_STRANGER",
     STRANGER PLAIN "Do you need an urgent business loan at 2% interest? Contact us.",
     STRANGER PLAIN "The library loan desk is open; we offer loans of laptops."},
    {"SUBJECT_COINS", STRANGER SUBJECT("Your_transfer_0.7495_BTC is pending") PLAIN "x",
     STRANGER SUBJECT("Seminar on blockchain consensus, room 0.75") PLAIN "x"},
    {"SUBJECT_TAX", STRANGER SUBJECT("Your tax refund is ready") PLAIN "x",
     STRANGER SUBJECT("Syntax of returns") PLAIN "x"},
    {"TAX_STRANGE", STRANGER SUBJECT("Your tax refund is ready") HTML "<p>Get it " LINK "</p>",
     COLLEAGUE REPLY SUBJECT("Re: tax return") HTML "<p>See " LINK "</p>"},
    {"SUBJECT_DATING", STRANGER SUBJECT("Lonely women near you") PLAIN "x",
     STRANGER SUBJECT("Women in science: a talk") PLAIN "x"},
    {"ATTACH_COIN_NAME",
     STRANGER MIXED PLAIN "x" ATTACHED("application/pdf", "Bitcoin_0.7.pdf") "x" END,
     STRANGER MIXED PLAIN "x" ATTACHED("application/pdf", "minutes.pdf") "x" END},
    {"MANY_FREEMAIL",
     FROM("A", "a.sender@gmail.com") "Message-Id: <1@gmail.com>\nTo: a@b.example, b@b.example, "
                                     "c@b.example, d@b.example, "
                                     "e@b.example, f@b.example, g@b.example, h@b.example, "
                                     "i@b.example, j@b.example, k@b.example, "
                                     "l@b.example, m@b.example, n@b.example, o@b.example, "
                                     "p@b.example\n" PLAIN "Look at this.",
     FREEMAIL PLAIN "Look at this."},
    {"SEX_FOREIGN", STRANGER PLAIN "Plan cul gratuit ce soir", STRANGER PLAIN "Plan de cours"},
    {"CHAT_OPENER", STRANGER PLAIN "Hi. Let's chat! I am here for you.",
     STRANGER PLAIN "The chat of the course is open."},

    /* 94_more_romance.cf */
    {"ROMANCE_PHISH_3",
     STRANGER HTML "<p>Su cuenta ha sido bloqueada. Verifique sus datos " LINK "</p>",
     COLLEAGUE HTML "<p>Su cuenta de la biblioteca: " OWN_LINK "</p>"},
    {"ROMANCE_PHISH_4",
     STRANGER HTML "<p>Sua conta foi bloqueada. Clique aqui para confirmar em 24 horas: " LINK
                   "</p>",
     COLLEAGUE HTML "<p>Sua conta da biblioteca: " OWN_LINK "</p>"},
    {"PT_TRADE",
     STRANGER HTML "<p>Seu plano de sa\xC3\xBA"
                   "de pela metade " LINK "</p>",
     COLLEAGUE HTML "<p>O plano de sa\xC3\xBA"
                    "de da universidade " OWN_LINK "</p>"},
    {"ES_PT_LETTER", FREEMAIL PLAIN "La herencia de mi difunto esposo, 5 millones de dolares.",
     COLLEAGUE PLAIN "La herencia de Galois: un seminario de un millon de ideas."},
    {"ADVANCE_FEE_LIST",
     FREEMAIL LIST PLAIN "Dear friend, I am barrister John of the bank in Togo. The late client "
                         "left $12.5 million dollars and no next of kin. Contact me immediately; "
                         "this is strictly confidential.",
     FREEMAIL LIST PLAIN "Dear all, contact me if you want the patch."},
};

static void complain(void *data, const char *file, unsigned line, const char *what)
{
    print_error("%s:%u: %s\n", file, line, what);
}

static struct ruleset *load(void)
{
    const char *paths[] = {STOCK_RULES};
    struct err err = {""};
    struct ruleset *set = ruleset_load(paths, 1, complain, NULL, &err);
    if (set == NULL)
        fail_msg("%s", err.text);
    return set;
}

static bool hits(const struct ruleset *set, const char *text, const char *rule)
{
    struct err err = {""};
    struct pool *pool = pool_new(16 << 20);
    struct rules_scratch *scratch = rules_scratch_new(set, &err);
    struct message *message;
    struct mail_text *visible;
    struct rules_result result;
    bool found = false;
    assert_non_null(pool);
    assert_non_null(scratch);
    assert_int_equal(message_parse(pool, str_of(text), &mail_limits_default, &message, &err), 0);
    assert_int_equal(mail_text_make(pool, message, &visible, &err), 0);
    struct rules_input input = {.message = message, .text = visible};
    assert_int_equal(ruleset_run(set, scratch, &input, pool, &result, &err), 0);
    assert_int_equal(result.n_limited, 0);
    for (size_t i = 0; i < result.n_hits; i++)
        found |= strcmp(result.hits[i].name, rule) == 0;
    rules_scratch_free(&scratch);
    pool_free(&pool);
    return found;
}

static void rules_hit_what_they_are_for(void **state)
{
    struct ruleset *set = load();
    unsigned missed = 0;
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++)
        if (!hits(set, samples[i].hit, samples[i].rule)) {
            print_error("%s does not hit its sample\n", samples[i].rule);
            missed++;
        }
    assert_int_equal(missed, 0);
    ruleset_free(&set);
}

static void rules_leave_the_rest_alone(void **state)
{
    struct ruleset *set = load();
    unsigned wrong = 0;
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++)
        if (hits(set, samples[i].miss, samples[i].rule)) {
            print_error("%s hits what only looks like it\n", samples[i].rule);
            wrong++;
        }
    assert_int_equal(wrong, 0);
    ruleset_free(&set);
}

static bool sampled(struct str rule)
{
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++)
        if (str_eq(rule, str_of(samples[i].rule)))
            return true;
    return false;
}

static void every_newer_rule_has_its_samples(void **state)
{
    static const char *const files[] = {"/31_tricks.cf", "/51_logins.cf", "/52_brands.cf",
                                        "/66_strangers.cf", "/94_more_romance.cf"};
    struct ruleset *set = load();
    unsigned without = 0, rules = 0;
    for (size_t i = 0; i < set->n; i++)
        for (size_t f = 0; f < sizeof files / sizeof *files; f++) {
            const struct rule *rule = &set->rules[i];
            if (!rule->counts || !str_ends(str_of(rule->file), str_of(files[f])))
                continue;
            rules++;
            if (!sampled(rule->name)) {
                print_error("%s has no samples\n", rule->name.s);
                without++;
            }
        }
    assert_true(rules >= 50);
    assert_int_equal(without, 0);
    ruleset_free(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_hit_what_they_are_for),
        cmocka_unit_test(rules_leave_the_rest_alone),
        cmocka_unit_test(every_newer_rule_has_its_samples),
    };
    return tap_run(tests, NULL, NULL);
}
