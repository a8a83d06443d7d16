# sender: what is known about who sent a message (DKIM by libopendkim; SPF and DMARC come later)
noinst_LIBRARIES += lib/libsender.a
lib_libsender_a_CPPFLAGS = $(AM_CPPFLAGS) $(OPENDKIM_CFLAGS)
lib_libsender_a_SOURCES = \
    sender/dns.c sender/dns.h \
    sender/dns_file.c sender/dns_file.h \
    sender/dns_memo.c sender/dns_memo.h \
    sender/field.c sender/field.h \
    sender/dkim.c sender/dkim.h \
    sender/authres.c sender/authres_edit.c sender/authres.h

unit += t/unit/sender_dkim t/unit/sender_authres t/unit/sender_dns
t_unit_sender_dkim_CPPFLAGS = $(AM_CPPFLAGS) $(OPENDKIM_CFLAGS) $(OPENSSL_CFLAGS)
t_unit_sender_dkim_LDADD = $(SENDER_LIBS) $(OPENSSL_LIBS) $(CMOCKA_LIBS)
t_unit_sender_authres_LDADD = $(SENDER_LIBS) $(CMOCKA_LIBS)
t_unit_sender_dns_LDADD = $(SENDER_LIBS) $(CMOCKA_LIBS)

noinst_PROGRAMS += t/parity/dkim_results
t_parity_dkim_results_LDADD = $(SENDER_LIBS)

fuzz += t/fuzz/dkim
t_fuzz_dkim_LDADD = $(SENDER_LIBS)
t_fuzz_dkim_LDFLAGS = $(AM_LDFLAGS) $(LIBFUZZER_LDFLAGS)
