# tools: the command `poterne`, a file for each subcommand; lib/libtools.a is what these share
noinst_LIBRARIES += lib/libtools.a
lib_libtools_a_SOURCES = \
    tools/tool.h tools/args.c tools/settings.c tools/text.c \
    tools/files.c tools/files.h tools/folder_kind.c tools/mbox.c \
    tools/pieces.c tools/pieces.h \
    tools/json.c tools/json.h tools/explain.c tools/explain.h \
    tools/spool_view.c tools/spool_view.h \
    tools/mail_index.c tools/mail_index.h tools/workers.c tools/workers.h

bin_PROGRAMS += poterne
poterne_CPPFLAGS = $(AM_CPPFLAGS) $(ZIP_CFLAGS)
poterne_SOURCES = tools/poterne.c \
    tools/reports.c tools/reports_decide.c tools/reports_show.c tools/reports_tally.c tools/reports_received.c tools/reports_tool.h \
    tools/evaluate.c tools/check.c tools/check_report.c tools/check_report.h tools/config.c tools/learn.c tools/learn_job.c tools/learn_job.h \
    tools/learn_reader.c tools/learn_reader.h tools/quarantine.c tools/quarantine_list.c tools/quarantine_release.c \
    tools/quarantine_export.c tools/rescan.c tools/scan_ask.c tools/scan_ask.h tools/quarantine_tool.h tools/queue.c tools/queue_filter.c tools/queue_list.c tools/queue_do.c tools/queue_stats.c tools/queue_count.c tools/queue_count.h tools/queue_hops.c tools/queue_hops.h tools/queue_tool.h tools/trace.c \
    tools/antivirus.c tools/directory.c tools/dns.c tools/dns_ask.c tools/dns_ask.h tools/gate.c tools/senders.c tools/login_name.c tools/login_name.h \
    tools/accounts.c tools/account_people.c tools/account_change.c tools/account_password.c tools/account_factors.c tools/account_tool.h tools/account_file.c tools/account_file.h \
    tools/audit.c tools/audit_close.c tools/audit_tool.h tools/metrics.c \
    tools/backup.c tools/backup_daily.c tools/backup_daily.h tools/backup_tool.h tools/backup_verify.c tools/restore.c tools/restore_journal.c tools/restore_tool.h \
    tools/dkim.c tools/dkim_check.c tools/dkim_keys.c tools/dkim_tool.h \
    tools/model.c tools/model_tool.h tools/model_list.c tools/model_diff.c tools/model_transfer.c \
    tools/rules_fit.c tools/rules_fit.h \
    tools/masscheck.c tools/rules_job.c tools/rules_job.h tools/rules.c tools/rules_tool.h \
    tools/rules_check.c tools/rules_hits.c tools/rules_history.c tools/rules_history.h \
    tools/rules_list.c tools/rules_live.c tools/rules_needs.c tools/rules_show.c tools/rules_test.c
poterne_LDADD = lib/libaudit.a lib/libtools.a lib/libplaces.a lib/libbackup.a lib/liboutgoing.a lib/libgate.a lib/libproposals.a $(TALLY_LIBS) $(REPORTS_LIBS) $(JOURNAL_LIBS) lib/libevents.a $(QUARANTINE_LIBS) \
    lib/libavstatus.a lib/libavcontent.a lib/liboutside.a $(ANTIVIRUS_LIBS) $(OPENSSL_LIBS) \
    lib/libgate.a lib/libresolver.a lib/libsources.a $(OATH_LIBS) -lcrypt lib/libdirectory.a lib/libimport.a lib/libledger.a $(DB_LIBS) lib/librulesfit.a $(PIPELINE_LIBS)

fuzz += t/fuzz/mbox
t_fuzz_mbox_LDADD = lib/libtools.a $(MAIL_LIBS)
t_fuzz_mbox_LDFLAGS = $(AM_LDFLAGS) $(LIBFUZZER_LDFLAGS)

unit += t/unit/tools_queue
t_unit_tools_queue_SOURCES = t/unit/tools_queue.c tools/queue_filter.c tools/queue_count.c
t_unit_tools_queue_LDADD = lib/libtools.a lib/libdirectory.a lib/libgate.a $(QUARANTINE_LIBS) $(JANSSON_LIBS) $(OPENSSL_LIBS) $(CMOCKA_LIBS)

unit += t/unit/tools_backup_daily
t_unit_tools_backup_daily_SOURCES = t/unit/tools_backup_daily.c tools/backup_daily.c tools/backup_daily.h
t_unit_tools_backup_daily_LDADD = lib/libtools.a $(BASE_LIBS) $(CMOCKA_LIBS)

unit += t/unit/tools_pieces t/unit/tools_files t/unit/tools_args t/unit/tools_history t/unit/tools_workers
t_unit_tools_pieces_LDADD = lib/libtools.a $(MAIL_LIBS) $(CMOCKA_LIBS)
t_unit_tools_files_LDADD = lib/libtools.a $(MAIL_LIBS) $(CMOCKA_LIBS)
t_unit_tools_history_SOURCES = t/unit/tools_history.c tools/rules_history.c tools/rules_history.h
t_unit_tools_history_LDADD = lib/libtools.a lib/libevents.a $(JOURNAL_LIBS) $(CMOCKA_LIBS)
t_unit_tools_args_LDADD = lib/libtools.a $(MAIL_LIBS) $(CMOCKA_LIBS)
t_unit_tools_workers_LDADD = lib/libtools.a $(MAIL_LIBS) $(CMOCKA_LIBS)
