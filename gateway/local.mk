# gateway: the programs; lib/libverdict.a is what edge, content and the tools share about a verdict
VERDICT_LIBS = lib/libverdict.a lib/libreports.a $(JANSSON_LIBS) $(OPENSSL_LIBS)

noinst_LIBRARIES += lib/libverdict.a
lib_libverdict_a_SOURCES = \
    gateway/received.c gateway/received.h \
    gateway/scan.c gateway/scan.h \
    gateway/verdict.c gateway/verdict.h

# mail of our own into the queue: what reports writes, bounces, and the notes that an account is frozen or no backup made
noinst_LIBRARIES += lib/liboutgoing.a
lib_liboutgoing_a_SOURCES = gateway/outgoing.c gateway/outgoing.h gateway/freeze.c gateway/freeze.h \
    gateway/backup_alarm.c gateway/backup_alarm.h

unit += t/unit/gateway_freeze
t_unit_gateway_freeze_LDADD = lib/liboutgoing.a $(GATE_LIBS) $(SPOOL_LIBS) $(MAIL_LIBS) $(OPENSSL_LIBS) $(CMOCKA_LIBS)

# what all event loops wait by
noinst_LIBRARIES += lib/libloop.a
lib_libloop_a_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS)
lib_libloop_a_SOURCES = gateway/loop.c gateway/loop.h

# both sides of TLS: edge's and delivery's
noinst_LIBRARIES += lib/libtls.a
lib_libtls_a_CPPFLAGS = $(AM_CPPFLAGS) $(OPENSSL_CFLAGS)
lib_libtls_a_SOURCES = gateway/tls.c gateway/tls.h

unit += t/unit/gateway_verdict
t_unit_gateway_verdict_LDADD = lib/libverdict.a $(SIGNATURE_LIBS) $(CMOCKA_LIBS)

# the folders and their users, which a restore makes, too
noinst_LIBRARIES += lib/libplaces.a
lib_libplaces_a_SOURCES = gateway/places.c gateway/places.h

sbin_PROGRAMS += gateway/poterned
gateway_poterned_CPPFLAGS = $(AM_CPPFLAGS)
gateway_poterned_SOURCES = gateway/poterned.c gateway/daily_backup.c gateway/daily_backup.h \
    gateway/certificates.c gateway/certificates.h gateway/owner.c gateway/owner.h \
    gateway/supervise.c gateway/supervise.h
gateway_poterned_LDADD = lib/libplaces.a lib/libbackup.a lib/libreports.a lib/libavstatus.a $(BASE_LIBS)

unit += t/unit/gateway_certificates
t_unit_gateway_certificates_CPPFLAGS = $(AM_CPPFLAGS)
t_unit_gateway_certificates_SOURCES = t/unit/gateway_certificates.c \
    gateway/certificates.c gateway/certificates.h
t_unit_gateway_certificates_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)

unit += t/unit/gateway_daily_backup
t_unit_gateway_daily_backup_CPPFLAGS = $(AM_CPPFLAGS)
t_unit_gateway_daily_backup_SOURCES = t/unit/gateway_daily_backup.c \
    gateway/daily_backup.c gateway/daily_backup.h
t_unit_gateway_daily_backup_LDADD = lib/libbackup.a $(BASE_LIBS) $(CMOCKA_LIBS)

unit += t/unit/gateway_supervise
t_unit_gateway_supervise_CPPFLAGS = $(AM_CPPFLAGS)
t_unit_gateway_supervise_SOURCES = t/unit/gateway_supervise.c \
    gateway/supervise.c gateway/supervise.h
t_unit_gateway_supervise_LDADD = lib/libreports.a lib/libavstatus.a $(BASE_LIBS) $(CMOCKA_LIBS)

pkglibexec_PROGRAMS += gateway/poterne-learner
gateway_poterne_learner_SOURCES = gateway/learner/learner.c gateway/learner/learner.h \
    gateway/learner/requests.c gateway/learner/service.c
gateway_poterne_learner_LDADD = $(LEDGER_LIBS)

unit += t/unit/gateway_learner
t_unit_gateway_learner_CPPFLAGS = $(AM_CPPFLAGS) -DPROGRAMS='"$(abs_builddir)/gateway"'
t_unit_gateway_learner_LDADD = $(LEDGER_LIBS) $(CMOCKA_LIBS)

include gateway/antivirus/local.mk
include gateway/avlink/local.mk
include gateway/signatures/local.mk
include gateway/resolver/local.mk
include gateway/fetch/local.mk
include gateway/smtp/local.mk
include gateway/gate/local.mk
include gateway/edge/local.mk

include gateway/reports/local.mk
include gateway/delivery/local.mk
include gateway/clients.mk

# edge puts the evidence together; content makes its own part; the tools do both
noinst_LIBRARIES += lib/libevidence.a lib/libpipeline.a
lib_libevidence_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
lib_libevidence_a_SOURCES = gateway/evidence.c gateway/evidence.h
lib_libpipeline_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
lib_libpipeline_a_SOURCES = \
    gateway/pipeline.c gateway/pipeline_facts.c gateway/pipeline.h \
    gateway/zones.c gateway/zones.h \
    gateway/evidence_content.c gateway/evidence_content.h
EVIDENCE_LIBS = lib/libevidence.a lib/libverdict.a $(JANSSON_LIBS) $(SIGNATURE_LIBS)
PIPELINE_LIBS = lib/libpipeline.a lib/libevidence.a lib/libverdict.a $(JANSSON_LIBS) \
    lib/librules.a $(PCRE2_LIBS) lib/libbayes.a lib/libsender.a $(OPENDKIM_LIBS) $(SIGNATURE_LIBS)

pkglibexec_PROGRAMS += gateway/poterne-content
gateway_poterne_content_SOURCES = gateway/content.c
gateway_poterne_content_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
gateway_poterne_content_LDADD = lib/libresolver.a $(PIPELINE_LIBS)

unit += t/unit/gateway_zones
t_unit_gateway_zones_LDADD = $(PIPELINE_LIBS) $(CMOCKA_LIBS)
