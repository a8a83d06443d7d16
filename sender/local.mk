# sender: what is known about who sent a message
noinst_LIBRARIES += lib/libsender.a
lib_libsender_a_CPPFLAGS = $(AM_CPPFLAGS) $(OPENDKIM_CFLAGS) $(OPENSSL_CFLAGS)
lib_libsender_a_SOURCES = \
    sender/dns.c sender/dns.h \
    sender/dns_file.c sender/dns_file.h \
    sender/dns_memo.c sender/dns_memo.h \
    sender/field.c sender/field.h \
    sender/author.c sender/author.h \
    sender/dkim.c sender/dkim.h \
    sender/sender.c sender/sender.h sender/tag.h \
    sender/arc.c sender/arc.h \
    sender/arc_set.c sender/arc_set.h \
    sender/canon.c sender/canon.h \
    sender/sign_key.c sender/sign_key.h \
    sender/sign_private.c sender/sign_private.h \
    sender/sign.c sender/sign.h sender/sign_twin.c sender/sign_twin.h \
    sender/srs.c sender/srs.h \
    sender/spf.c sender/spf.h \
    sender/spf_client.c sender/spf_client.h \
    sender/spf_macro.c sender/spf_macro.h \
    sender/spf_record.c sender/spf_record.h \
    sender/dmarc.c sender/dmarc.h \
    sender/dmarc_record.c sender/dmarc_record.h \
    sender/dmarc_walk.c sender/dmarc_walk.h \
    sender/authres.c sender/authres_edit.c sender/authres.h

unit += t/unit/sender_dkim t/unit/sender_authres t/unit/sender_dns t/unit/sender_spf t/unit/sender_dmarc \
    t/unit/sender_arc t/unit/sender_srs t/unit/sender_arc_chain t/unit/sender_sign \
    t/unit/sender_author
t_unit_sender_author_LDADD = $(SENDER_LIBS) $(CMOCKA_LIBS)
t_unit_sender_sign_CPPFLAGS = $(AM_CPPFLAGS) $(OPENSSL_CFLAGS)
t_unit_sender_sign_LDADD = $(SENDER_LIBS) $(CMOCKA_LIBS)
t_unit_sender_dkim_CPPFLAGS = $(AM_CPPFLAGS) $(OPENDKIM_CFLAGS) $(OPENSSL_CFLAGS)
t_unit_sender_dkim_LDADD = $(SENDER_LIBS) $(OPENSSL_LIBS) $(CMOCKA_LIBS)
t_unit_sender_authres_LDADD = $(SENDER_LIBS) $(CMOCKA_LIBS)
t_unit_sender_dns_LDADD = $(SENDER_LIBS) $(CMOCKA_LIBS)
t_unit_sender_srs_CPPFLAGS = $(AM_CPPFLAGS) $(OPENSSL_CFLAGS)
t_unit_sender_srs_LDADD = $(SENDER_LIBS) $(CMOCKA_LIBS)
t_unit_sender_arc_CPPFLAGS = $(AM_CPPFLAGS) $(OPENSSL_CFLAGS)
t_unit_sender_arc_LDADD = $(SENDER_LIBS) $(CMOCKA_LIBS)
t_unit_sender_arc_chain_CPPFLAGS = $(AM_CPPFLAGS) $(OPENSSL_CFLAGS)
t_unit_sender_arc_chain_LDADD = $(SENDER_LIBS) $(OPENSSL_LIBS) $(CMOCKA_LIBS)
t_unit_sender_dmarc_LDADD = $(SENDER_LIBS) $(CMOCKA_LIBS)
t_unit_sender_spf_LDADD = $(SENDER_LIBS) $(CMOCKA_LIBS)

noinst_PROGRAMS += t/parity/dkim_results t/parity/spf_results t/parity/srs_addresses
t_parity_dkim_results_LDADD = $(SENDER_LIBS)
t_parity_spf_results_LDADD = $(SENDER_LIBS)
t_parity_srs_addresses_LDADD = $(SENDER_LIBS)

fuzz += t/fuzz/arc t/fuzz/author t/fuzz/authres t/fuzz/dkim t/fuzz/dmarc t/fuzz/spf t/fuzz/srs
t_fuzz_srs_LDADD = $(SENDER_LIBS)
t_fuzz_srs_LDFLAGS = $(AM_LDFLAGS) $(LIBFUZZER_LDFLAGS)
t_fuzz_dkim_LDADD = $(SENDER_LIBS)
t_fuzz_dkim_LDFLAGS = $(AM_LDFLAGS) $(LIBFUZZER_LDFLAGS)
t_fuzz_authres_LDADD = $(SENDER_LIBS)
t_fuzz_authres_LDFLAGS = $(AM_LDFLAGS) $(LIBFUZZER_LDFLAGS)
t_fuzz_spf_LDADD = $(SENDER_LIBS)
t_fuzz_spf_LDFLAGS = $(AM_LDFLAGS) $(LIBFUZZER_LDFLAGS)
t_fuzz_dmarc_LDADD = $(SENDER_LIBS)
t_fuzz_dmarc_LDFLAGS = $(AM_LDFLAGS) $(LIBFUZZER_LDFLAGS)
t_fuzz_author_LDADD = $(SENDER_LIBS)
t_fuzz_author_LDFLAGS = $(AM_LDFLAGS) $(LIBFUZZER_LDFLAGS)
t_fuzz_arc_LDADD = $(SENDER_LIBS)
t_fuzz_arc_LDFLAGS = $(AM_LDFLAGS) $(LIBFUZZER_LDFLAGS)
