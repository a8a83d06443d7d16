/*
 * What mail servers write into Received, without the "from " in front and the date behind. A way
 * that an earlier one always takes the fields of is left out.
 */
#include "rules/facts/received.h"

#define HELO         "%(HELO%|EHLO%) "
#define ADDR         "%(?[%)%i%(?]%)"
#define QMAIL_SENDER "%(? (envelope-sender <%_>)%)"

const struct received_family_mark received_families[] = {
    {FAMILY_SMTPSVC, " SMTPSVC"},
    {FAMILY_EXCHANGE, " with %(Microsoft SMTP Server%|mapi id%) %(?(%[^)]+) %)"
                      "%[0-9]+.%[0-9]+.%[0-9]+.%[0-9]+%( %|%$%)"},
    {FAMILY_XMAIL, "[XMail "},
    {FAMILY_ECELERITY, "(ecelerity%W"},
    {FAMILY_EXIM, "Exim"},
    {FAMILY_POSTFIX, " (Postfix) with"},
    {FAMILY_SCALIX, "(Scalix SMTP Relay"},
    {FAMILY_DOMINO, " (Lotus Domino "},
    {FAMILY_ANY, NULL},
};

const struct received_shape received_first[] = {
    /* web mail */
    {.shape = "%i%W%!.%)%!-%)%.{10,80}by %b with HTTP",
     .flags = ANYWHERE,
     .needs = " (SquirrelMail authenticated user "},
    {.shape = "%i%W%!.%)%!-%)%.{10,80}by %b with HTTP",
     .flags = ANYWHERE,
     .needs = " (NaSMail authenticated user "},
    {.shape = "%i by %b (%I) with HTTP (WebMailUI)", .flags = ANYWHERE, .needs = "aol.com"},
    {.shape = "%*h ([%i]%[^)]{0,40}) by %b with Microsoft SMTPSVC", .family = FAMILY_SMTPSVC},
    {.shape = "mail pickup service by %_ with Microsoft SMTPSVC%$",
     .flags = SKIPPED,
     .family = FAMILY_SMTPSVC},
    {.shape = "%h (%(?[%)%i%(?%%%[A-Z0-9._~-]*%)%(?]%)) by %b ",
     .flags = NO_ID,
     .family = FAMILY_EXCHANGE},
    {.shape = "%h (" ADDR ":%[0-9]+) by %b%(? (%_)%) with [XMail", .family = FAMILY_XMAIL},
    {.shape = "([%i:%[0-9]+] helo=%h) by %b ", .family = FAMILY_ECELERITY},
    {.shape = "%_ ([%i:%[0-9]+]) by %b ", .family = FAMILY_ECELERITY},
    {.shape = "%Wwith local%(?-%_%) ", .flags = SKIPPED | ANYWHERE, .family = FAMILY_EXIM},
    {.shape = "[%i] (%~=s) by %b ", .flags = IN_COMMENT, .family = FAMILY_EXIM},
    {.shape = "%r ([%i]%~=s) by %b ", .flags = HELO_IS_RDNS | IN_COMMENT, .family = FAMILY_EXIM},
    {.shape = "%r [%i]%(?:%[0-9]+%) by %b ", .flags = HELO_IS_RDNS, .family = FAMILY_EXIM},
    {.shape = NULL},
};

const struct received_shape received_before_qmail[] = {
    {.shape = "%h (%r [%i]) by %b ", .flags = LOOKED_UP, .family = FAMILY_POSTFIX},
    {.shape = "%h (%r[%i]) by %b ", .flags = LOOKED_UP, .family = FAMILY_POSTFIX},
    {.shape = "%h (%(? %)%i) by %b", .family = FAMILY_SCALIX},
    {.shape = "%h ([%i]) by %b (Lotus", .family = FAMILY_DOMINO},
    {.shape = "%i ([%I]) by %b", .needs = "with HTTP"},
    {.shape = "%h (%r [%i]%.) by %b (",
     .flags = LOOKED_UP | IDENT_IN_RDNS,
     .unless = " by %_ (qmail-%_) with "},
    {.shape = "%h (%r [%i]) by %b with %_ (", .flags = LOOKED_UP},
    {.shape = "%r ([%i] helo=%h) by %b with "},
    {.shape = "%h (<unknown%*_>[%i]) by %b "},
    {.shape = "%h (%r[%i]) by %b ", .flags = LOOKED_UP | MUST_HAVE_DOT},
    {.shape = "%h (%*n@[%i]%.) by %b (", .flags = LOOKED_UP},
    {.shape = "%i %.by %b ", .server_ends = ".hotmail.msn.com", .needs = ".hotmail.msn.com "},
    {.shape = "%.by %b ", .server_ends = ".hotmail.msn.com", .needs = ".hotmail.msn.com "},
    {.shape = "%r (" HELO "%*h) (%i) by %b (qpsmtpd/%_) with %(ESMTP%|SMTP%)"},
    {.shape = "%r (LHLO %*h) (%i) by %b with LMTP"},
    {.shape = "%r (" HELO "%*h) [%i] by %b (%[^)]+) with %(ESMTP%|SMTP%)"},
    {.shape = "%h ([%i]) by %b via smtpd (for %_) with SMTP("},
    {.shape = NULL},
};

/* The first says whether it is one of qmail's (or Courier's), the others what stands in it. */
const struct received_shape received_qmail[] = {
    {.shape = "%_%(? (" HELO "%*_)%) (%(?%_@%)%(?[%)%I%(?]%))" QMAIL_SENDER
              " by %_%(? (%.{1,})%) with %(?%. %)%(SMTP%|QMQP%)%! id %)"},
    {.shape = "%r (" HELO "%[^ ()]*=h) (%*n@" ADDR ")" QMAIL_SENDER " by %b"},
    {.shape = "%r (" HELO "%[^ ()]*=h) (" ADDR ")" QMAIL_SENDER " by %b"},
    {.shape = "%r (%*n@" ADDR ")" QMAIL_SENDER " by %b", .flags = HELO_IS_RDNS},
    {.shape = "%r (" ADDR ")" QMAIL_SENDER " by %b", .flags = HELO_IS_RDNS},
    {.shape = NULL},
};

const struct received_shape received_rest[] = {
    {.shape = "%_ ( [%i])%~ by %b "},
    {.shape = "(%h [%i]) by %b "},
    {.shape = "[%i] by %b via HTTP%$"},
    {.shape = "[%i] by %b "},
    {.shape = "(" ADDR ") by %b "},
    {.shape = "%h [%i] by %b [%I] with ", .flags = LOOKED_UP},
    {.shape = "%h [(%i)] by %b (%I) "},
    {.shape = "%h ([%i]) by %b (", .flags = LOOKED_UP},
    {.shape = "%h (%r [%i])%~ by %b%W", .flags = SOFT_ERROR},
    {.shape = "%h ([%i%(?%[.:]%[0-9]+%)])%~ by %b ", .flags = LOOKED_UP},
    {.shape = "with %(POP3%|IMAP%)", .flags = FETCHED | ANYWHERE},
    {.shape = "%r (" HELO "%[^)]*=h) (%(?%*n@%)" ADDR ")%. by %b ", .flags = LOOKED_UP},
    {.shape = "%r (%(?%*n@%)" ADDR ")%. by %b ", .flags = LOOKED_UP | HELO_IS_RDNS},
    {.shape = "%r(%i) by %b via smap ", .flags = LOOKED_UP},
    {.shape = "%r(%i, " HELO "%*h) by %b via smap ", .flags = LOOKED_UP},
    {.shape = "%i by %b (%(SMTPL%|InterScan%)%W"},
    {.shape = "%_ by %_ with BSMTP", .flags = SKIPPED},
    {.shape = "%r (" HELO "%*h) (%(?%n@%)%i%~) by %b with ", .flags = LOOKED_UP},
    {.shape = "[%i] (%(?account %_ %)" HELO "%*h) by %b ("},
    {.shape = "%r ([%i] verified) by %b (",
     .flags = LOOKED_UP | HELO_IS_RDNS,
     .needs = " (CommuniGate Pro"},
    {.shape = "%_ (%_) by %_ (Content Technologies ", .flags = SKIPPED},
    {.shape = "%h ([%i] [%_]) by %b with "},
    {.shape = "%i by %b with "},
    {.shape = "%h (%r[%i]) by %b ", .flags = LOOKED_UP},
    {.shape = "[%i]%_ (" HELO "%*h) by %b "},
    {.shape = "%i (" HELO "%*h) by %b "},
    {.shape = "%h [%i] by %b "},
    {.shape = "%r(%i) by %b "},
    {.shape = "%i (%[A-Za-z]%[^)]+) by %b with "},
    {.shape = "[%i] (%[^)]+=s) by %b ", .flags = IN_COMMENT},
    {.shape = "%r(%i)%(?, claiming to be \"%h\"%) via %_ by %b,", .flags = CLAIMED},
    {.shape = "%h (%_@%i with login) by %b with SMTP", .server_ends = ".yahoo.com"},
    {.shape = "X-Originating-IP: %i%$"},

    /* inside one machine, or with nothing of use */
    {.shape = "%_ (%[^ @]+@%L) by %_ (", .flags = SKIPPED},
    {.shape = "%_ %_ by %_ with local-%(?e%)smtp ", .flags = SKIPPED},
    {.shape = "127.0.0.1 (AVG SMTP %_ [%_])", .flags = SKIPPED},
    {.shape = "%_@%_ by %_ by uid %_ ", .flags = SKIPPED},
    {.shape = "%_@%_ by %_ ", .flags = SKIPPED},
    {.shape = "Unknown/Local (", .flags = SKIPPED},
    {.shape = "%L (%(?%_@%)%L%[)[]", .flags = SKIPPED},
    {.shape = "%_ (%(?%_@%)%L) ", .flags = SKIPPED},
    {.shape = "%_ (%_@%_ [%L]) ", .flags = SKIPPED},
    {.shape = "(AUTH: %_) by %_ with ", .flags = SKIPPED},
    {.shape = "localhost (localhost [[UNIX: localhost]]) by ", .flags = SKIPPED},
    {.shape = "%_.amazon.com by %_.amazon.com with ESMTP (peer crosscheck: ", .flags = SKIPPED},
    {.shape = "%[^.]+ by %_ with Novell_GroupWise", .flags = SKIPPED},
    {.shape = "no.name.available by %_ via smtpd (for ", .flags = SKIPPED},
    {.shape = "%_ by %_ (%.{0,100}) with qmail-scanner", .flags = SKIPPED | SAYS_SENDER},
    {.shape = "%_ by %_ with local", .flags = SKIPPED},
    {.shape = "%_ ([unix socket]) by %_ (Cyrus v%[0-9]*.%[0-9]*.%[0-9]*) with LMTPA",
     .flags = SKIPPED},
    {.shape = "%_ by %_ %(with%|via%|for%|(%)", .flags = SKIPPED},
    {.shape = "%_ %(%(with%|via%|for%) %_%|(unverified)%) by%W", .flags = SKIPPED},
    {.shape = "%_ (unknown) by %_ (SG) with %W", .flags = SKIPPED},
    {.shape = "%_ (%_ [local]) by %_ (OpenSMTPD) with %W", .flags = SKIPPED},
    {.shape = "(LSMTP for", .flags = SKIPPED | ANYWHERE},
    {.shape = "([%L]) with MailEnable ", .flags = SKIPPED},
    {.shape = "facebook.com (%[^)]+) by facebook.com with Thrift id %_%$", .flags = SKIPPED},
    {.shape = "%_ named %_ by gmailapi.google.com with HTTPREST%$", .flags = SKIPPED},
    {.shape = "%_ id %_%$", .flags = SKIPPED},
    {.shape = "[<%~ (Jetsend", .flags = SKIPPED},
    {.shape = NULL},
};
