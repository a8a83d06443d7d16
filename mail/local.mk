# mail: what a message is: MIME, charsets, text, HTML, URIs, edits
noinst_LIBRARIES += lib/libmail.a
lib_libmail_a_CPPFLAGS = $(AM_CPPFLAGS) $(IDN2_CFLAGS) $(PSL_CFLAGS)
lib_libmail_a_SOURCES = \
    mail/message.c mail/message.h \
    mail/address.c mail/address.h \
    mail/plain.c mail/plain.h \
    mail/boundary.c mail/boundary.h \
    mail/header.c mail/header.h \
    mail/part.c mail/part.h \
    mail/param.c mail/param.h \
    mail/word.c mail/word.h \
    mail/transfer.c mail/transfer.h \
    mail/charset.c mail/charset.h mail/utf8.h \
    mail/charset_strict.c mail/charset_strict.h \
    mail/contents.c mail/contents.h \
    mail/text.c mail/text.h \
    mail/flow.c mail/flow.h \
    mail/html.c mail/html.h \
    mail/html_token.c mail/html_token.h \
    mail/html_entity.c mail/html_entity.h \
    mail/html_tag.c mail/html_tag.h \
    mail/html_look.c mail/html_colour.c mail/html_look.h \
    mail/html_sheet.c mail/html_sheet.h \
    mail/uri.c mail/uri_host.c mail/uri_find.c mail/uri.h \
    mail/date.c mail/date.h \
    mail/tnef.c mail/tnef.h \
    mail/dsn.c mail/dsn.h \
    mail/edit.c mail/edit.h \
    mail/edit_wire.c mail/edit_wire.h

noinst_PROGRAMS += t/parity/mime_dump
t_parity_mime_dump_LDADD = $(MAIL_LIBS)

unit += t/unit/mail_decode
t_unit_mail_decode_LDADD = $(MAIL_LIBS) $(CMOCKA_LIBS)
unit += t/unit/mail_message
t_unit_mail_message_LDADD = $(MAIL_LIBS) $(CMOCKA_LIBS)
unit += t/unit/mail_header
t_unit_mail_header_LDADD = $(MAIL_LIBS) $(CMOCKA_LIBS)
unit += t/unit/mail_text
t_unit_mail_text_LDADD = $(MAIL_LIBS) $(CMOCKA_LIBS)
unit += t/unit/mail_uri
t_unit_mail_uri_LDADD = $(MAIL_LIBS) $(CMOCKA_LIBS)
unit += t/unit/mail_dsn
t_unit_mail_dsn_LDADD = $(MAIL_LIBS) $(CMOCKA_LIBS)
unit += t/unit/mail_edit
t_unit_mail_edit_LDADD = $(MAIL_LIBS) $(CMOCKA_LIBS)

noinst_PROGRAMS += t/bench/mail_bench
t_bench_mail_bench_LDADD = $(MAIL_LIBS)

fuzz += t/fuzz/mime
t_fuzz_mime_LDADD = $(MAIL_LIBS)
t_fuzz_mime_LDFLAGS = $(AM_LDFLAGS) $(LIBFUZZER_LDFLAGS)
fuzz += t/fuzz/html
t_fuzz_html_LDADD = $(MAIL_LIBS)
t_fuzz_html_LDFLAGS = $(AM_LDFLAGS) $(LIBFUZZER_LDFLAGS)

unit += t/unit/mail_plain
t_unit_mail_plain_LDADD = $(MAIL_LIBS) $(CMOCKA_LIBS)
unit += t/unit/mail_tnef
t_unit_mail_tnef_LDADD = $(MAIL_LIBS) $(CMOCKA_LIBS)
fuzz += t/fuzz/tnef
t_fuzz_tnef_LDADD = $(MAIL_LIBS)
t_fuzz_tnef_LDFLAGS = $(AM_LDFLAGS) $(LIBFUZZER_LDFLAGS)
