# journal: events (no SQLite: lib/libevents.a, for edge and delivery) and the store
noinst_LIBRARIES += lib/libevents.a
lib_libevents_a_SOURCES = \
    journal/event.c journal/event.h \
    journal/client.c journal/client.h
