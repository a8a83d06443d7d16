# signatures: watches the engines' signature files; needs none of the engines
pkglibexec_PROGRAMS += gateway/poterne-signatures
signatures_files = gateway/signatures/watch.c gateway/signatures/watch.h \
    gateway/signatures/notify.c gateway/signatures/notify.h
gateway_poterne_signatures_SOURCES = gateway/signatures/signatures.c $(signatures_files)
gateway_poterne_signatures_LDADD = lib/libavstatus.a lib/libantivirus.a $(BASE_LIBS)

unit += t/unit/gateway_signatures
t_unit_gateway_signatures_CPPFLAGS = $(AM_CPPFLAGS)
t_unit_gateway_signatures_SOURCES = t/unit/gateway_signatures.c $(signatures_files)
t_unit_gateway_signatures_LDADD = lib/libantivirus.a $(BASE_LIBS) $(CMOCKA_LIBS)

fuzz += t/fuzz/notify
t_fuzz_notify_SOURCES = t/fuzz/notify.c gateway/signatures/notify.c
t_fuzz_notify_LDADD = $(BASE_LIBS)
t_fuzz_notify_LDFLAGS = $(AM_LDFLAGS) $(LIBFUZZER_LDFLAGS)
