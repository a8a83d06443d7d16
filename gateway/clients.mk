# directory and journal: the programs with lasting connections of clients
pkglibexec_PROGRAMS += gateway/poterne-directory gateway/poterne-journal
gateway_poterne_directory_SOURCES = gateway/directory.c gateway/clients.c gateway/clients.h
gateway_poterne_directory_LDADD = $(DIRECTORY_LIBS)
gateway_poterne_journal_SOURCES = gateway/journal.c gateway/clients.c gateway/clients.h
gateway_poterne_journal_LDADD = lib/libevents.a $(JOURNAL_LIBS)

unit += t/unit/gateway_journal t/unit/gateway_directory
t_unit_gateway_journal_CPPFLAGS = $(AM_CPPFLAGS) -DPROGRAMS='"$(abs_builddir)/gateway"'
EXTRA_t_unit_gateway_journal_DEPENDENCIES = gateway/poterne-journal
t_unit_gateway_journal_LDADD = $(JOURNAL_LIBS) $(EVENT_CLIENT_LIBS) $(CMOCKA_LIBS)
t_unit_gateway_directory_CPPFLAGS = $(AM_CPPFLAGS) -DPROGRAMS='"$(abs_builddir)/gateway"'
EXTRA_t_unit_gateway_directory_DEPENDENCIES = gateway/poterne-directory
t_unit_gateway_directory_LDADD = $(DIRECTORY_LIBS) $(CMOCKA_LIBS)
