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

# antivirus: the program, and how a message is taken apart for the engines (the tools do it too)
AVCONTENT_LIBS = lib/libavcontent.a $(ANTIVIRUS_LIBS) $(MAIL_LIBS)
noinst_LIBRARIES += lib/libavcontent.a
lib_libavcontent_a_SOURCES = gateway/av_content.c gateway/av_content.h
pkglibexec_PROGRAMS += gateway/poterne-antivirus
gateway_poterne_antivirus_SOURCES = gateway/antivirus.c \
    gateway/antivirus_tmp.c gateway/antivirus_tmp.h
gateway_poterne_antivirus_LDADD = $(AVCONTENT_LIBS) lib/libverdict.a $(BASE_LIBS)

include gateway/smtp/local.mk
include gateway/edge.mk

include gateway/delivery.mk
include gateway/clients.mk
