# backup: generations of all that must survive, and their way back
noinst_LIBRARIES += lib/libbackup.a
lib_libbackup_a_CPPFLAGS = $(AM_CPPFLAGS) $(OPENSSL_CFLAGS) $(SQLITE_CFLAGS)
lib_libbackup_a_SOURCES = \
    backup/manifest.c backup/manifest.h backup/shelf.c backup/shelf.h backup/shelf_name.c backup/folder.c \
    backup/note.c backup/note.h \
    backup/taking.c backup/taking.h backup/paths.c backup/paths.h \
    backup/take.c backup/take.h backup/take_work.h backup/take_settings.c \
    backup/take_ledger.c backup/take_messages.c \
    backup/verify.c backup/verify.h backup/restore.c backup/restore.h
BACKUP_LIBS = lib/libbackup.a $(LEDGER_LIBS) $(JOURNAL_LIBS) $(SPOOL_LIBS) $(OPENSSL_LIBS)

unit += t/unit/backup_manifest t/unit/backup_shelf t/unit/backup_restore t/unit/backup_elsewhere t/unit/backup_messages t/unit/backup_note
t_unit_backup_note_LDADD = lib/libbackup.a $(BASE_LIBS) $(CMOCKA_LIBS)
t_unit_backup_messages_LDADD = $(BACKUP_LIBS) $(CMOCKA_LIBS)
t_unit_backup_shelf_LDADD = $(BACKUP_LIBS) $(CMOCKA_LIBS)
t_unit_backup_manifest_LDADD = $(BACKUP_LIBS) $(CMOCKA_LIBS)
t_unit_backup_elsewhere_LDADD = $(BACKUP_LIBS) $(CMOCKA_LIBS)
t_unit_backup_restore_LDADD = $(BACKUP_LIBS) $(CMOCKA_LIBS)

fuzz += t/fuzz/backup
t_fuzz_backup_LDADD = lib/libbackup.a $(BASE_LIBS) $(OPENSSL_LIBS)
t_fuzz_backup_LDFLAGS = $(AM_LDFLAGS) $(LIBFUZZER_LDFLAGS)
