# edge: the program, and those of its parts that stand alone
noinst_LIBRARIES += lib/libedge.a
lib_libedge_a_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(OPENSSL_CFLAGS)
lib_libedge_a_SOURCES = \
    gateway/edge_client.c gateway/edge_client.h \
    gateway/edge_commit.c gateway/edge_commit.h \
    gateway/edge_digest.c gateway/edge_digest.h \
    gateway/edge_envelope.c gateway/edge_envelope.h \
    gateway/edge_journal.c gateway/edge_journal.h \
    gateway/edge_killers.c gateway/edge_killers.h \
    gateway/edge_line.c gateway/edge_line.h \
    gateway/edge_link.c gateway/edge_link.h \
    gateway/edge_received.c gateway/edge_received.h \
    gateway/edge_recipients.c gateway/edge_recipients.h \
    gateway/edge_scan.c gateway/edge_scan.h \
    gateway/edge_tls.c gateway/edge_tls.h \
    gateway/edge_watch.c gateway/edge_watch.h
EDGE_LIBS = lib/libedge.a lib/libsmtp.a $(VERDICT_LIBS) $(DIRECTORY_LIBS) $(EVENT_CLIENT_LIBS) \
    $(SPOOL_LIBS) $(EVENT_LIBS) $(OPENSSL_LIBS)

pkglibexec_PROGRAMS += gateway/poterne-edge
gateway_poterne_edge_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(OPENSSL_CFLAGS) $(JANSSON_CFLAGS)
gateway_poterne_edge_SOURCES = gateway/edge.c gateway/edge.h \
    gateway/edge_accept.c gateway/edge_session.c gateway/edge_arrival.c
gateway_poterne_edge_LDADD = lib/libevidence.a $(EDGE_LIBS)

check_PROGRAMS += t/smtp/world
t_smtp_world_SOURCES = t/smtp/world.c
t_smtp_world_LDADD = $(VERDICT_LIBS) $(DIRECTORY_LIBS) $(EVENT_CLIENT_LIBS) $(SPOOL_LIBS)

unit += t/unit/edge_parts
t_unit_edge_parts_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(OPENSSL_CFLAGS)
t_unit_edge_parts_LDADD = $(EDGE_LIBS) $(CMOCKA_LIBS)
