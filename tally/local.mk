# tally: aggregate reports about mail and TLS of a day, to other domains
noinst_LIBRARIES += lib/libtally.a
lib_libtally_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) $(ZLIB_CFLAGS)
lib_libtally_a_SOURCES = \
    tally/maker.c tally/maker.h \
    tally/rua.c tally/rua.h \
    tally/dmarc_xml.c tally/dmarc_xml.h \
    tally/tls_json.c tally/tls_json.h \
    tally/dmarc_read.c tally/dmarc_read.h \
    tally/tls_read.c tally/tls_read.h \
    tally/letter.c tally/letter.h \
    tally/sent.c tally/sent.h \
    tally/shares.c tally/shares.h
TALLY_LIBS = lib/libtally.a $(JANSSON_LIBS) $(ZLIB_LIBS) $(EXPAT_LIBS) $(JOURNAL_LIBS) lib/libsender.a $(MAIL_LIBS)

unit += t/unit/tally_compose t/unit/tally_read t/unit/tally_tls_read
t_unit_tally_compose_CPPFLAGS = $(AM_CPPFLAGS) $(ZLIB_CFLAGS)
t_unit_tally_compose_LDADD = $(TALLY_LIBS) $(CMOCKA_LIBS)

t_unit_tally_read_LDADD = $(TALLY_LIBS) $(CMOCKA_LIBS)
t_unit_tally_tls_read_LDADD = $(TALLY_LIBS) $(CMOCKA_LIBS)

fuzz += t/fuzz/dmarc_read
t_fuzz_dmarc_read_LDADD = $(TALLY_LIBS)
t_fuzz_dmarc_read_LDFLAGS = $(AM_LDFLAGS) $(LIBFUZZER_LDFLAGS)
fuzz += t/fuzz/tls_read
t_fuzz_tls_read_LDADD = $(TALLY_LIBS)
t_fuzz_tls_read_LDFLAGS = $(AM_LDFLAGS) $(LIBFUZZER_LDFLAGS)
fuzz += t/fuzz/rua
t_fuzz_rua_LDADD = $(TALLY_LIBS)
t_fuzz_rua_LDFLAGS = $(AM_LDFLAGS) $(LIBFUZZER_LDFLAGS)
