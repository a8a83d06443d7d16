# gate: what is asked of a client before it brings a message
GATE_LIBS = lib/libgate.a
noinst_LIBRARIES += lib/libgate.a
lib_libgate_a_SOURCES = \
    gateway/gate/networks.c gateway/gate/networks.h \
    gateway/gate/proxy.c gateway/gate/proxy.h

unit += t/unit/gate_proxy
t_unit_gate_proxy_LDADD = $(GATE_LIBS) $(BASE_LIBS) $(CMOCKA_LIBS)

fuzz += t/fuzz/proxy
t_fuzz_proxy_LDADD = $(GATE_LIBS) $(BASE_LIBS)
t_fuzz_proxy_LDFLAGS = $(AM_LDFLAGS) $(LIBFUZZER_LDFLAGS)
