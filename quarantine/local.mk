# quarantine: what this folder adds to the build
noinst_LIBRARIES += lib/libquarantine.a
lib_libquarantine_a_SOURCES = quarantine/quarantine.c quarantine/quarantine.h quarantine/show.c

unit += t/unit/quarantine_held
t_unit_quarantine_held_LDADD = $(QUARANTINE_LIBS) $(CMOCKA_LIBS)
