# reports: what delivery asks of the process, and the process
noinst_LIBRARIES += lib/libreportipc.a
lib_libreportipc_a_SOURCES = gateway/reports/request.c gateway/reports/request.h

REPORT_ACT_LIBS = lib/libreportdesk.a lib/libaudit.a lib/libreportipc.a lib/liboutgoing.a lib/libbackup.a $(GATE_LIBS) $(TALLY_LIBS) \
    lib/libfetch.a lib/libresolver.a lib/libsender.a lib/libevents.a
noinst_LIBRARIES += lib/libreportdesk.a
lib_libreportdesk_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) $(ZLIB_CFLAGS)
lib_libreportdesk_a_SOURCES = gateway/reports/desk.h \
    gateway/reports/who.c gateway/reports/who.h \
    gateway/reports/decide.c gateway/reports/decide.h \
    gateway/reports/findings.c gateway/reports/findings.h \
    gateway/reports/reader.c gateway/reports/reader.h \
    gateway/reports/read.c gateway/reports/read.h \
    gateway/reports/act.c gateway/reports/act.h gateway/reports/act_learn.c \
    gateway/reports/act_mail.c gateway/reports/act_words.c gateway/reports/daily.c gateway/reports/mailboxes.c gateway/reports/mailboxes.h gateway/reports/viruses.c gateway/reports/viruses.h \
    gateway/reports/sources.c gateway/reports/sources.h \
    gateway/reports/frozen.c gateway/reports/frozen.h \
    gateway/reports/backup_failed.c gateway/reports/backup_failed.h \
    gateway/reports/large.c \
    gateway/reports/audit_daily.c gateway/reports/audit_daily.h \
    gateway/reports/audit_named.c gateway/reports/audit_named.h \
    gateway/reports/feedback.c gateway/reports/feedback_tell.c gateway/reports/feedback.h \
    gateway/reports/reporter.c gateway/reports/reporter.h \
    gateway/reports/tallies.c gateway/reports/tallies.h \
    gateway/reports/hand_out.c gateway/reports/hand_out.h \
    gateway/reports/wanted.c gateway/reports/wanted.h

pkglibexec_PROGRAMS += gateway/poterne-reports
gateway_poterne_reports_SOURCES = gateway/reports/reports.c
gateway_poterne_reports_LDADD = $(REPORT_ACT_LIBS) $(PROPOSALS_LIBS) $(REPORTS_LIBS) \
    $(DIRECTORY_LIBS) $(SPOOL_LIBS) $(JANSSON_LIBS)

unit += t/unit/gateway_reports
t_unit_gateway_reports_LDADD = $(REPORT_ACT_LIBS) $(PROPOSALS_LIBS) $(REPORTS_LIBS) \
    $(DIRECTORY_LIBS) $(SPOOL_LIBS) $(JANSSON_LIBS) $(CMOCKA_LIBS)

unit += t/unit/gateway_audit_daily
t_unit_gateway_audit_daily_LDADD = $(t_unit_gateway_reports_LDADD)

unit += t/unit/gateway_hand_out
t_unit_gateway_hand_out_LDADD = $(REPORT_ACT_LIBS) $(SPOOL_LIBS) $(JANSSON_LIBS) $(CMOCKA_LIBS)

unit += t/unit/gateway_wanted
t_unit_gateway_wanted_LDADD = lib/libreportdesk.a $(TALLY_LIBS) lib/libsender.a $(MAIL_LIBS) $(CMOCKA_LIBS)

fuzz += t/fuzz/findings
t_fuzz_findings_LDADD = lib/libreportdesk.a $(MAIL_LIBS)
t_fuzz_findings_LDFLAGS = $(AM_LDFLAGS) $(LIBFUZZER_LDFLAGS)
