# edge: the program, and those of its parts that stand alone
noinst_LIBRARIES += lib/libedge.a
lib_libedge_a_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(OPENSSL_CFLAGS) $(JANSSON_CFLAGS)
lib_libedge_a_SOURCES = \
    gateway/edge/client.c gateway/edge/client.h \
    gateway/edge/commit.c gateway/edge/commit.h \
    gateway/edge/digest.c gateway/edge/digest.h \
    gateway/edge/envelope.c gateway/edge/envelope.h \
    gateway/edge/journal.c gateway/edge/journal.h \
    gateway/edge/introspection.c gateway/edge/introspection.h \
    gateway/edge/killers.c gateway/edge/killers.h \
    gateway/edge/line.c gateway/edge/line.h \
    gateway/edge/lists.c gateway/edge/lists.h \
    gateway/edge/logins.c gateway/edge/logins.h \
    gateway/edge/recipients.c gateway/edge/recipients.h \
    gateway/edge/redirect.c gateway/edge/redirect.h \
    gateway/edge/room.c gateway/edge/room.h \
    gateway/edge/answers.c gateway/edge/answers.h \
    gateway/edge/author.c gateway/edge/author.h \
    gateway/edge/scan.c gateway/edge/scan.h \
    gateway/edge/tokens.c gateway/edge/tokens.h \
    gateway/edge/vouch.c gateway/edge/vouch.h \
    gateway/edge/watch.c gateway/edge/watch.h \
    gateway/edge/who.c gateway/edge/who.h
EDGE_LIBS = lib/libedge.a lib/libfetch.a lib/libtls.a lib/libdesk.a lib/libresolver.a lib/libsender.a lib/libmail.a lib/libsmtp.a $(GATE_LIBS) $(VERDICT_LIBS) $(DIRECTORY_LIBS) $(EVENT_CLIENT_LIBS) \
    $(SPOOL_LIBS) $(LOOP_LIBS) $(OPENSSL_LIBS)

pkglibexec_PROGRAMS += gateway/poterne-edge
gateway_poterne_edge_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(OPENSSL_CFLAGS) $(JANSSON_CFLAGS)
gateway_poterne_edge_SOURCES = gateway/edge/edge.c gateway/edge/edge.h \
    gateway/edge/freeze.c gateway/edge/freeze.h \
    gateway/edge/accept.c gateway/edge/arrival.c \
    gateway/edge/session.c gateway/edge/session.h gateway/edge/session_open.c \
    gateway/edge/session_ops.c gateway/edge/session_clock.c \
    gateway/edge/session_who.c gateway/edge/session_grey.c gateway/edge/session_limits.c gateway/edge/session_answer.c gateway/edge/session_guess.c \
    gateway/edge/session_login.c gateway/edge/session_token.c
gateway_poterne_edge_LDADD = lib/libevidence.a lib/liboutgoing.a $(EDGE_LIBS)

check_PROGRAMS += t/smtp/world
t_smtp_world_SOURCES = t/smtp/world.c
t_smtp_world_LDADD = $(VERDICT_LIBS) $(DIRECTORY_LIBS) $(EVENT_CLIENT_LIBS) $(SPOOL_LIBS)

unit += t/unit/edge_parts
t_unit_edge_parts_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(OPENSSL_CFLAGS)
t_unit_edge_parts_LDADD = $(EDGE_LIBS) $(CMOCKA_LIBS)

unit += t/unit/edge_room
t_unit_edge_room_LDADD = $(EDGE_LIBS) $(CMOCKA_LIBS)
t_unit_edge_room_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=fstatvfs

unit += t/unit/edge_redirect
t_unit_edge_redirect_LDADD = $(EDGE_LIBS) $(CMOCKA_LIBS)

unit += t/unit/edge_who
t_unit_edge_who_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS)
t_unit_edge_who_LDADD = $(EDGE_LIBS) $(CMOCKA_LIBS)

unit += t/unit/edge_introspection
t_unit_edge_introspection_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
t_unit_edge_introspection_LDADD = $(EDGE_LIBS) $(CMOCKA_LIBS)

fuzz += t/fuzz/introspection
t_fuzz_introspection_SOURCES = t/fuzz/introspection.c \
    gateway/edge/introspection.c gateway/edge/introspection.h
t_fuzz_introspection_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
t_fuzz_introspection_LDADD = $(JANSSON_LIBS) $(BASE_LIBS)
t_fuzz_introspection_LDFLAGS = $(AM_LDFLAGS) $(LIBFUZZER_LDFLAGS)
