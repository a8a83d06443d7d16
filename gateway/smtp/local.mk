# gateway/smtp: the SMTP server's machine, and its tests
SMTP_LIBS = lib/libsmtp.a lib/libmail.a $(BASE_LIBS)
noinst_LIBRARIES += lib/libsmtp.a
lib_libsmtp_a_SOURCES = \
    gateway/smtp/smtp.h \
    gateway/smtp/machine.h \
    gateway/smtp/session.c \
    gateway/smtp/commands.c \
    gateway/smtp/reply.c gateway/smtp/reply.h \
    gateway/smtp/address.c gateway/smtp/address.h \
    gateway/smtp/params.c \
    gateway/smtp/body.c gateway/smtp/body.h \
    gateway/smtp/mend.c gateway/smtp/mend.h \
    gateway/smtp/message.c \
    gateway/smtp/recipients.c \
    gateway/smtp/cmd_helo.c \
    gateway/smtp/cmd_mail.c \
    gateway/smtp/cmd_rcpt.c \
    gateway/smtp/cmd_data.c \
    gateway/smtp/cmd_bdat.c \
    gateway/smtp/cmd_rset.c \
    gateway/smtp/cmd_starttls.c \
    gateway/smtp/oauth.c gateway/smtp/oauth.h \
    gateway/smtp/sasl.c gateway/smtp/sasl.h \
    gateway/smtp/cmd_auth.c \
    gateway/smtp/cmd_xclient.c

smtp_fake = t/smtp/fake.c t/smtp/fake.h
unit += t/unit/smtp_recipients
t_unit_smtp_recipients_SOURCES = t/unit/smtp_recipients.c $(smtp_fake)
t_unit_smtp_recipients_LDADD = $(SMTP_LIBS) $(CMOCKA_LIBS)

unit += t/unit/smtp_transcripts
t_unit_smtp_transcripts_SOURCES = t/unit/smtp_transcripts.c $(smtp_fake)
t_unit_smtp_transcripts_LDADD = $(SMTP_LIBS)

fuzz += t/fuzz/auth
t_fuzz_auth_LDADD = $(SMTP_LIBS)
t_fuzz_auth_LDFLAGS = $(AM_LDFLAGS) $(LIBFUZZER_LDFLAGS)

fuzz += t/fuzz/smtp
t_fuzz_smtp_SOURCES = t/fuzz/smtp.c $(smtp_fake)
t_fuzz_smtp_LDADD = $(SMTP_LIBS)
t_fuzz_smtp_LDFLAGS = $(AM_LDFLAGS) $(LIBFUZZER_LDFLAGS)

unit += t/unit/smtp_oauth
t_unit_smtp_oauth_LDADD = $(SMTP_LIBS) $(CMOCKA_LIBS)

fuzz += t/fuzz/oauth
t_fuzz_oauth_LDADD = $(SMTP_LIBS)
t_fuzz_oauth_LDFLAGS = $(AM_LDFLAGS) $(LIBFUZZER_LDFLAGS)

unit += t/unit/smtp_body t/unit/smtp_address t/unit/smtp_sasl
t_unit_smtp_sasl_LDADD = $(SMTP_LIBS) $(CMOCKA_LIBS)
t_unit_smtp_body_LDADD = $(SMTP_LIBS) $(CMOCKA_LIBS)
t_unit_smtp_address_LDADD = $(SMTP_LIBS) $(CMOCKA_LIBS)
