# audit: journal and spool, compared
noinst_LIBRARIES += lib/libaudit.a
lib_libaudit_a_SOURCES = \
    audit/audit.c audit/audit.h \
    audit/finding.c audit/finding.h \
    audit/folders.c audit/folders.h \
    audit/judge.c audit/judge.h \
    audit/summary.c audit/summary.h
AUDIT_LIBS = lib/libaudit.a $(JOURNAL_LIBS) $(SPOOL_LIBS)

unit += t/unit/audit_judge t/unit/audit_run
t_unit_audit_judge_LDADD = $(AUDIT_LIBS) $(CMOCKA_LIBS)
t_unit_audit_run_LDADD = $(AUDIT_LIBS) $(CMOCKA_LIBS)
