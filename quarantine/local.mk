# quarantine: what this folder adds to the build
noinst_LIBRARIES += lib/libquarantine.a
lib_libquarantine_a_CPPFLAGS = $(AM_CPPFLAGS) $(SQLITE_CFLAGS) $(JANSSON_CFLAGS)
lib_libquarantine_a_SOURCES = \
    quarantine/quarantine.c quarantine/quarantine.h quarantine/show.c \
    quarantine/held.c quarantine/held.h quarantine/rows.c quarantine/rows.h \
    quarantine/index.c quarantine/index.h quarantine/find.c quarantine/find.h quarantine/find_open.c quarantine/find_open.h

unit += t/unit/quarantine_held t/unit/quarantine_index
t_unit_quarantine_held_LDADD = $(QUARANTINE_LIBS) $(CMOCKA_LIBS)
t_unit_quarantine_index_CPPFLAGS = $(AM_CPPFLAGS) $(SQLITE_CFLAGS)
t_unit_quarantine_index_LDADD = $(QUARANTINE_LIBS) $(CMOCKA_LIBS)
