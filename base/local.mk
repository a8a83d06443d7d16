# base: strings, memory, files, logs, wire, settings, sandbox, roles
noinst_LIBRARIES += lib/libbase.a
lib_libbase_a_CPPFLAGS = $(AM_CPPFLAGS) $(CONFUSE_CFLAGS) $(SECCOMP_CFLAGS) $(EVENT_CFLAGS) $(OPENSSL_CFLAGS)
lib_libbase_a_SOURCES = \
    base/str.c base/str.h \
    base/buf.c base/buf.h \
    base/pool.c base/pool.h \
    base/err.c base/err.h \
    base/log.c base/log.h \
    base/wire.c base/wire.h \
    base/fsio.c base/fsio.h \
    base/ipc.c base/ipc.h \
    base/sandbox.c base/sandbox.h \
    base/role.c base/role.h \
    base/role_user.c base/role_user.h \
    base/role_workers.c base/role_workers.h

unit += t/unit/base_str
t_unit_base_str_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
