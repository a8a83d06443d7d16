# reports: what a report mail is, and what waits for a manager
noinst_LIBRARIES += lib/libreports.a
lib_libreports_a_CPPFLAGS = $(AM_CPPFLAGS) $(OPENSSL_CFLAGS) $(ZIP_CFLAGS) $(JANSSON_CFLAGS)
lib_libreports_a_SOURCES = \
    reports/key.c reports/key.h \
    reports/signature.c reports/signature.h \
    reports/fingerprint.c reports/fingerprint.h \
    reports/subject.c reports/subject.h \
    reports/archive.c reports/archive.h \
    reports/originals.c reports/originals.h \
    reports/restore.c reports/restore.h \
    reports/identity.c reports/identity.h \
    reports/inline.c reports/inline.h \
    reports/answer_times.c reports/answer_times.h \
    reports/answer_text.c reports/answer_text.h \
    reports/answer.c reports/answer_make.c reports/answer.h
# what signs and checks (edge, content): no journal, no zip file
SIGNATURE_LIBS = lib/libreports.a $(MAIL_LIBS) $(OPENSSL_LIBS)

unit += t/unit/reports_signature
t_unit_reports_signature_CPPFLAGS = $(AM_CPPFLAGS) $(OPENSSL_CFLAGS)
t_unit_reports_signature_LDADD = $(SIGNATURE_LIBS) $(CMOCKA_LIBS)

REPORTS_LIBS = lib/libreports.a $(ZIP_LIBS) $(JANSSON_LIBS) $(OPENSSL_LIBS) $(JOURNAL_LIBS) \
    lib/libdirectory.a $(SPOOL_LIBS)

unit += t/unit/reports_originals
t_unit_reports_originals_CPPFLAGS = $(AM_CPPFLAGS) $(ZIP_CFLAGS)
t_unit_reports_originals_LDADD = $(REPORTS_LIBS) $(CMOCKA_LIBS)

unit += t/unit/reports_identity
t_unit_reports_identity_LDADD = lib/libevents.a $(REPORTS_LIBS) $(MODEL_LIBS) $(CMOCKA_LIBS)

fuzz += t/fuzz/report
t_fuzz_report_LDADD = $(REPORTS_LIBS)
t_fuzz_report_LDFLAGS = $(AM_LDFLAGS) $(LIBFUZZER_LDFLAGS)

noinst_PROGRAMS += t/parity/restored
t_parity_restored_LDADD = $(REPORTS_LIBS) $(MODEL_LIBS)

unit += t/unit/reports_answer
t_unit_reports_answer_LDADD = $(REPORTS_LIBS) $(CMOCKA_LIBS)

# what waits for a manager: a library of its own, since only `reports` and the tools need SQLite
noinst_LIBRARIES += lib/libproposals.a
lib_libproposals_a_CPPFLAGS = $(AM_CPPFLAGS) $(SQLITE_CFLAGS)
lib_libproposals_a_SOURCES = \
    reports/proposal.c reports/proposal.h \
    reports/store.c reports/store.h reports/store_open.h \
    reports/store_files.c reports/store_index.c \
    reports/store_add.c reports/store_choose.c reports/store_decide.c \
    reports/store_sweep.c reports/store_list.c \
    reports/order.c reports/order.h \
    reports/reporter.c reports/reporter.h \
    reports/digest.c reports/digest.h reports/digest_answer.c \
    reports/digest_record.c reports/digest_record.h \
    reports/ask.c reports/ask.h \
    reports/teach.c reports/teach.h
PROPOSALS_LIBS = lib/libproposals.a $(REPORTS_LIBS) $(LEDGER_LIBS)

unit += t/unit/reports_store
t_unit_reports_store_CPPFLAGS = $(AM_CPPFLAGS) $(SQLITE_CFLAGS)
t_unit_reports_store_LDADD = $(PROPOSALS_LIBS) $(CMOCKA_LIBS)

unit += t/unit/reports_sums
t_unit_reports_sums_CPPFLAGS = $(AM_CPPFLAGS) $(SQLITE_CFLAGS)
t_unit_reports_sums_LDADD = $(PROPOSALS_LIBS) $(CMOCKA_LIBS)

unit += t/unit/reports_order t/unit/reports_reporter t/unit/reports_digest t/unit/reports_ask t/unit/reports_teach
t_unit_reports_reporter_LDADD = $(PROPOSALS_LIBS) $(CMOCKA_LIBS)
t_unit_reports_order_LDADD = $(PROPOSALS_LIBS) $(CMOCKA_LIBS)
t_unit_reports_digest_LDADD = $(PROPOSALS_LIBS) $(CMOCKA_LIBS)
t_unit_reports_ask_LDADD = $(PROPOSALS_LIBS) $(CMOCKA_LIBS)
t_unit_reports_teach_LDADD = $(PROPOSALS_LIBS) $(CMOCKA_LIBS)

fuzz += t/fuzz/digest_answer
t_fuzz_digest_answer_LDADD = $(PROPOSALS_LIBS)
t_fuzz_digest_answer_LDFLAGS = $(AM_LDFLAGS) $(LIBFUZZER_LDFLAGS)
