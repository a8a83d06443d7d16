# fetch: the program that speaks HTTPS; lib/libfetch.a is what asks it from an event loop
noinst_LIBRARIES += lib/libfetch.a
lib_libfetch_a_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS)
lib_libfetch_a_SOURCES = \
    gateway/fetch/desk.c gateway/fetch/desk.h \
    gateway/fetch/once.c gateway/fetch/once.h \
    gateway/fetch/protocol.c gateway/fetch/protocol.h

pkglibexec_PROGRAMS += gateway/poterne-fetch
gateway_poterne_fetch_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(CURL_CFLAGS) $(OPENSSL_CFLAGS)
gateway_poterne_fetch_SOURCES = gateway/fetch/fetch.c gateway/drain.c gateway/drain.h \
    gateway/fetch/askers.c gateway/fetch/askers.h \
    gateway/fetch/service.c gateway/fetch/service.h \
    gateway/fetch/url.c gateway/fetch/url.h \
    gateway/fetch/web.c gateway/fetch/web.h
gateway_poterne_fetch_LDADD = lib/libfetch.a lib/libdesk.a $(GATE_LIBS) $(RESOLVER_LIBS) $(CURL_LIBS) \
    $(OPENSSL_LIBS) $(LOOP_LIBS) $(BASE_LIBS)

fuzz += t/fuzz/fetch
t_fuzz_fetch_SOURCES = t/fuzz/fetch.c gateway/fetch/url.c gateway/fetch/url.h
t_fuzz_fetch_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(CURL_CFLAGS)
t_fuzz_fetch_LDADD = lib/libfetch.a $(RESOLVER_LIBS) $(CURL_LIBS) $(BASE_LIBS)
t_fuzz_fetch_LDFLAGS = $(AM_LDFLAGS) $(LIBFUZZER_LDFLAGS)
