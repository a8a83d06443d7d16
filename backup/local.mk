# backup: generations of all that must survive, and their way back
noinst_LIBRARIES += lib/libbackup.a
lib_libbackup_a_CPPFLAGS = $(AM_CPPFLAGS) $(OPENSSL_CFLAGS) $(SQLITE_CFLAGS)
lib_libbackup_a_SOURCES = \
    backup/manifest.c backup/manifest.h backup/shelf.c backup/shelf.h \
    backup/taking.c backup/taking.h backup/paths.c backup/paths.h \
    backup/take.c backup/take.h backup/take_work.h backup/take_settings.c \
    backup/take_ledger.c backup/take_messages.c \
    backup/verify.c backup/verify.h backup/restore.c backup/restore.h
BACKUP_LIBS = lib/libbackup.a $(LEDGER_LIBS) $(JOURNAL_LIBS) $(SPOOL_LIBS) $(OPENSSL_LIBS)
