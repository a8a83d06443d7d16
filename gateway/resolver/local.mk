# resolver: the program that asks the DNS; lib/libresolver.a is what those who ask it share
noinst_LIBRARIES += lib/libresolver.a
lib_libresolver_a_SOURCES = \
    gateway/resolver/client.c gateway/resolver/client.h \
    gateway/resolver/known.c gateway/resolver/known.h \
    gateway/resolver/patient.c gateway/resolver/patient.h \
    gateway/resolver/protocol.c gateway/resolver/protocol.h
# … and what asks it from an event loop
noinst_LIBRARIES += lib/libdesk.a
lib_libdesk_a_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS)
lib_libdesk_a_SOURCES = \
    gateway/link.c gateway/link.h \
    gateway/resolver/desk.c gateway/resolver/desk.h
RESOLVER_LIBS = lib/libresolver.a lib/libsender.a lib/libbase.a

pkglibexec_PROGRAMS += gateway/poterne-resolver
resolver_parts = \
    gateway/resolver/health.c gateway/resolver/health.h \
    gateway/resolver/packet.c gateway/resolver/packet.h \
    gateway/resolver/service.c gateway/resolver/service.h \
    gateway/resolver/unbound.c gateway/resolver/unbound.h
gateway_poterne_resolver_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(UNBOUND_CFLAGS)
gateway_poterne_resolver_SOURCES = gateway/resolver/resolver.c gateway/drain.c gateway/drain.h $(resolver_parts)
gateway_poterne_resolver_LDADD = $(RESOLVER_LIBS) $(UNBOUND_LIBS) $(LOOP_LIBS) $(BASE_LIBS)

unit += t/unit/gateway_resolver

t_unit_gateway_resolver_SOURCES = t/unit/gateway_resolver.c \
    gateway/resolver/health.c gateway/resolver/health.h \
    gateway/resolver/packet.c gateway/resolver/packet.h
t_unit_gateway_resolver_LDADD = $(RESOLVER_LIBS) $(BASE_LIBS) $(CMOCKA_LIBS)

fuzz += t/fuzz/dns_packet
t_fuzz_dns_packet_SOURCES = t/fuzz/dns_packet.c \
    gateway/resolver/packet.c gateway/resolver/packet.h
t_fuzz_dns_packet_LDADD = $(RESOLVER_LIBS) $(BASE_LIBS)
t_fuzz_dns_packet_LDFLAGS = $(AM_LDFLAGS) $(LIBFUZZER_LDFLAGS)
