# gate: what is asked of a client before it brings a message
GATE_LIBS = lib/libgate.a
noinst_LIBRARIES += lib/libgate.a
lib_libgate_a_SOURCES = \
    gateway/gate/bounces.c gateway/gate/bounces.h \
    gateway/gate/classes.c gateway/gate/classes.h \
    gateway/gate/greylist.c gateway/gate/greylist.h \
    gateway/gate/guesses.c gateway/gate/guesses.h \
    gateway/gate/harvest.c gateway/gate/harvest.h \
    gateway/gate/helo.c gateway/gate/helo.h \
    gateway/gate/limits.c gateway/gate/limits.h \
    gateway/gate/mapped.c gateway/gate/mapped.h \
    gateway/gate/networks.c gateway/gate/networks.h \
    gateway/gate/ours.c gateway/gate/ours.h \
    gateway/gate/proxy.c gateway/gate/proxy.h \
    gateway/gate/senders.c gateway/gate/senders.h \
    gateway/gate/table.c gateway/gate/table.h \
    gateway/gate/windows.c gateway/gate/windows.h
lib_libgate_a_CPPFLAGS = $(AM_CPPFLAGS) $(OPENSSL_CFLAGS)

unit += t/unit/gate_bounces t/unit/gate_proxy t/unit/gate_memory t/unit/gate_classes t/unit/gate_windows t/unit/gate_limits t/unit/gate_senders t/unit/gate_guesses
t_unit_gate_bounces_LDADD = $(GATE_LIBS) $(BASE_LIBS) $(OPENSSL_LIBS) $(CMOCKA_LIBS)
t_unit_gate_guesses_LDADD = $(GATE_LIBS) $(DIRECTORY_LIBS) $(BASE_LIBS) $(OPENSSL_LIBS) $(CMOCKA_LIBS)
t_unit_gate_senders_LDADD = $(GATE_LIBS) $(BASE_LIBS) $(OPENSSL_LIBS) $(CMOCKA_LIBS)
t_unit_gate_windows_LDADD = $(GATE_LIBS) $(BASE_LIBS) $(OPENSSL_LIBS) $(CMOCKA_LIBS)
t_unit_gate_limits_LDADD = $(GATE_LIBS) $(BASE_LIBS) $(OPENSSL_LIBS) $(CMOCKA_LIBS)
t_unit_gate_classes_LDADD = $(GATE_LIBS) $(BASE_LIBS) $(CMOCKA_LIBS)
t_unit_gate_memory_LDADD = $(GATE_LIBS) $(MAIL_LIBS) $(OPENSSL_LIBS) $(CMOCKA_LIBS)
t_unit_gate_proxy_LDADD = $(GATE_LIBS) $(BASE_LIBS) $(CMOCKA_LIBS)

fuzz += t/fuzz/proxy
t_fuzz_proxy_LDADD = $(GATE_LIBS) $(BASE_LIBS)
t_fuzz_proxy_LDFLAGS = $(AM_LDFLAGS) $(LIBFUZZER_LDFLAGS)
