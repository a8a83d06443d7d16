# base: strings, memory, files, logs, wire, settings, sandbox, roles
noinst_LIBRARIES += lib/libbase.a
lib_libbase_a_CPPFLAGS = $(AM_CPPFLAGS) $(IDN2_CFLAGS) $(SECCOMP_CFLAGS) $(EVENT_CFLAGS) $(OPENSSL_CFLAGS)
lib_libbase_a_SOURCES = \
    base/ascii.h base/bytes.h base/hex.h \
    base/str.c base/str.h \
    base/buf.c base/buf.h \
    base/pool.c base/pool.h \
    base/score.h \
    base/err.c base/err.h \
    base/log.c base/log.h \
    base/wire.c base/wire.h \
    base/fsio.c base/fsio.h \
    base/random.c base/random.h base/clock.h base/dial.c base/dial.h \
    base/witness.c base/witness.h \
    base/workers.c base/workers.h \
    base/crc32c.c base/crc32c.h \
    base/algorithms.c base/algorithms.h \
    base/sha256.c base/sha256.h \
    base/siphash.c base/siphash.h \
    base/recipient.c base/recipient.h \
    base/ipc.c base/ipc.h \
    base/sandbox.c base/sandbox.h \
    base/role.c base/role.h \
    base/role_user.c base/role_user.h \
    base/role_workers.c base/role_workers.h \
    base/domain.c base/domain.h \
    base/network.c base/network.h \
    base/conf.c base/conf.h base/conf_loaded.h base/conf_check.c base/conf_directory.c \
    base/conf_syntax.c base/conf_syntax.h \
    base/conf_table.c base/conf_table.h base/conf_rows.h base/conf_titled.c \
    base/conf_route.c \
    base/conf_value.c base/conf_value.h \
    base/conf_number.c base/conf_number.h \
    base/conf_place.c base/conf_place.h \
    base/conf_suggest.c base/conf_suggest.h \
    base/spelling.c base/spelling.h \
    base/conf_read.c base/conf_show.c

unit += t/unit/base_algorithms
t_unit_base_algorithms_CPPFLAGS = $(AM_CPPFLAGS) $(OPENSSL_CFLAGS)
t_unit_base_algorithms_LDADD = $(BASE_LIBS) $(OPENSSL_LIBS) $(CMOCKA_LIBS)

unit += t/unit/base_str t/unit/base_ascii t/unit/base_network t/unit/base_witness
t_unit_base_witness_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
t_unit_base_network_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
t_unit_base_ascii_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
t_unit_base_str_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)

unit += t/unit/base_conf t/unit/base_conf_hops t/unit/base_conf_man t/unit/base_memory t/unit/base_files
t_unit_base_conf_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
t_unit_base_conf_hops_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
t_unit_base_conf_man_CPPFLAGS = $(AM_CPPFLAGS) -DTOP_SRCDIR='"$(abs_top_srcdir)"'
t_unit_base_conf_man_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
t_unit_base_memory_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
t_unit_base_files_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
t_unit_base_files_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=fsync -Wl,--wrap=syncfs
unit += t/unit/base_ipc t/unit/base_sandbox
t_unit_base_ipc_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
t_unit_base_sandbox_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)

fuzz += t/fuzz/conf
t_fuzz_conf_LDADD = $(BASE_LIBS)
t_fuzz_conf_LDFLAGS = $(AM_LDFLAGS) $(LIBFUZZER_LDFLAGS)
