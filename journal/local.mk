# journal: events (no SQLite: lib/libevents.a, for edge and delivery) and the store
noinst_LIBRARIES += lib/libevents.a lib/libjournal.a
lib_libevents_a_SOURCES = \
    journal/event.c journal/event.h \
    journal/client.c journal/client.h \
    journal/tell.c journal/tell.h
lib_libjournal_a_CPPFLAGS = $(AM_CPPFLAGS) $(SQLITE_CFLAGS)
lib_libjournal_a_SOURCES = \
    journal/db.c journal/db.h \
    journal/time_id.c journal/time_id.h \
    journal/schema.c journal/schema.h \
    journal/store.c journal/store.h journal/store_open.h \
    journal/snapshot.c journal/snapshot.h \
    journal/left_out.c journal/left_out.h \
    journal/sweep.c \
    journal/tally.c journal/tally.h \
    journal/feedback.c journal/feedback.h \
    journal/query.c journal/query.h journal/query_open.h \
    journal/query_filter.c journal/query_messages.c journal/query_refusals.c \
    journal/query_mailboxes.c journal/query_redirections.c journal/query_viruses.c \
    journal/query_tally.c journal/query_audit.c \
    journal/walk.c journal/walk.h

unit += t/unit/journal_event t/unit/journal_client t/unit/journal_store \
    t/unit/journal_tally t/unit/journal_walk t/unit/journal_snapshot
t_unit_journal_event_LDADD = $(EVENT_CLIENT_LIBS) $(CMOCKA_LIBS)
t_unit_journal_client_LDADD = $(EVENT_CLIENT_LIBS) $(CMOCKA_LIBS)
t_unit_journal_store_LDADD = lib/libevents.a $(JOURNAL_LIBS) $(CMOCKA_LIBS)
t_unit_journal_walk_LDADD = lib/libevents.a $(JOURNAL_LIBS) $(CMOCKA_LIBS)
t_unit_journal_snapshot_LDADD = lib/libevents.a $(JOURNAL_LIBS) $(CMOCKA_LIBS)
t_unit_journal_tally_LDADD = lib/libevents.a $(JOURNAL_LIBS) $(CMOCKA_LIBS)

fuzz += t/fuzz/event
t_fuzz_event_LDADD = $(EVENT_CLIENT_LIBS)
t_fuzz_event_LDFLAGS = $(AM_LDFLAGS) $(LIBFUZZER_LDFLAGS)
