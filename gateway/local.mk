# gateway: the programs; lib/libverdict.a is what edge, content and the tools share about a verdict
VERDICT_LIBS = lib/libverdict.a $(JANSSON_LIBS)

noinst_LIBRARIES += lib/libverdict.a
lib_libverdict_a_SOURCES = \
    gateway/scan.c gateway/scan.h \
    gateway/verdict.c gateway/verdict.h

unit += t/unit/gateway_verdict
t_unit_gateway_verdict_LDADD = lib/libverdict.a -lm $(BASE_LIBS) $(CMOCKA_LIBS)

sbin_PROGRAMS += gateway/poterned
gateway_poterned_CPPFLAGS = $(AM_CPPFLAGS)
gateway_poterned_SOURCES = gateway/poterned.c gateway/places.c gateway/places.h \
    gateway/supervise.c gateway/supervise.h
gateway_poterned_LDADD = $(BASE_LIBS)

pkglibexec_PROGRAMS += gateway/poterne-learner
gateway_poterne_learner_SOURCES = gateway/learner.c
gateway_poterne_learner_LDADD = $(LEDGER_LIBS)

include gateway/antivirus.mk
include gateway/smtp/local.mk
include gateway/edge.mk

include gateway/delivery.mk
include gateway/clients.mk
