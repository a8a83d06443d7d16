pkglibexec_PROGRAMS += gateway/poterne-directory
gateway_poterne_directory_CPPFLAGS = $(AM_CPPFLAGS) $(LDAP_CFLAGS) $(SQLITE_CFLAGS) $(JANSSON_CFLAGS)
gateway_poterne_directory_SOURCES = gateway/directory/directory.c \
    gateway/directory/call_ahead.c gateway/directory/call_ahead.h \
    gateway/client/reply.c gateway/client/reply.h \
    gateway/directory/askers.c gateway/directory/askers.h \
    gateway/directory/desk.c gateway/directory/desk.h \
    gateway/directory/inspect.c \
    gateway/directory/logins.c gateway/directory/logins.h \
    gateway/directory/snapshots.c gateway/directory/snapshots.h \
    gateway/directory/secrets.c gateway/directory/secrets.h \
    gateway/directory/tokens.c gateway/directory/tokens.h \
    gateway/clients.c gateway/clients.h
gateway_poterne_directory_LDADD = $(GATE_LIBS) $(SOURCES_LIBS) $(JANSSON_LIBS) $(OPENSSL_LIBS)

unit += t/unit/gateway_directory
t_unit_gateway_directory_CPPFLAGS = $(AM_CPPFLAGS) -DPROGRAMS='"$(abs_builddir)/gateway"'
EXTRA_t_unit_gateway_directory_DEPENDENCIES = gateway/poterne-directory
t_unit_gateway_directory_LDADD = $(DIRECTORY_LIBS) $(CMOCKA_LIBS)
