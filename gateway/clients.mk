# the programs with lasting connections of clients (gateway/clients.h)
include gateway/directory/local.mk

pkglibexec_PROGRAMS += gateway/poterne-journal
gateway_poterne_journal_SOURCES = gateway/journal.c gateway/clients.c gateway/clients.h
gateway_poterne_journal_LDADD = lib/libevents.a $(JOURNAL_LIBS)

unit += t/unit/gateway_journal
t_unit_gateway_journal_CPPFLAGS = $(AM_CPPFLAGS) -DPROGRAMS='"$(abs_builddir)/gateway"'
EXTRA_t_unit_gateway_journal_DEPENDENCIES = gateway/poterne-journal
t_unit_gateway_journal_LDADD = $(JOURNAL_LIBS) $(EVENT_CLIENT_LIBS) $(CMOCKA_LIBS)
