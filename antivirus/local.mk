# antivirus: the engines (libclamav, libyara, the file policy)
noinst_LIBRARIES += lib/libantivirus.a
lib_libantivirus_a_CPPFLAGS = $(AM_CPPFLAGS) $(CLAMAV_CFLAGS) $(YARA_CFLAGS) $(OPENSSL_CFLAGS) \
    $(ARCHIVE_CFLAGS) $(ZIP_CFLAGS)
lib_libantivirus_a_SOURCES = \
    antivirus/engines.c antivirus/engine.h antivirus/answer.c \
    antivirus/self_test.c antivirus/self_test.h \
    antivirus/signature_files.c antivirus/signature_files.h \
    antivirus/archive_end.c antivirus/archive_end.h \
    antivirus/clamav.c \
    antivirus/clamav_common.c antivirus/clamav_common.h \
    antivirus/clamav_seen.c antivirus/clamav_seen.h \
    antivirus/clamav_watch.c antivirus/clamav_watch.h \
    antivirus/yara.c \
    antivirus/yara_rules.c antivirus/yara_rules.h \
    antivirus/files/engine.c \
    antivirus/files/claims.c antivirus/files/claims.h \
    antivirus/files/kind.c antivirus/files/kind.h \
    antivirus/files/names.c antivirus/files/names.h \
    antivirus/files/ole2.c antivirus/files/ole2.h \
    antivirus/files/policy.c antivirus/files/policy.h \
    antivirus/files/policy_syntax.c antivirus/files/policy_syntax.h \
    antivirus/files/candidates.c antivirus/files/candidates.h \
    antivirus/files/unlock.c antivirus/files/unlock.h \
    antivirus/files/unlock_zip.c antivirus/files/unlock_zip.h \
    antivirus/files/unpack.c antivirus/files/unpack.h \
    antivirus/files/walk.c antivirus/files/walk.h \
    antivirus/files/zip_names.c antivirus/files/zip_names.h

# a signature of the EICAR test file for each engine, for the demo and the tests
avclamavdir = $(pkgdatadir)/antivirus/clamav
dist_avclamav_DATA = antivirus/demo/clamav/eicar.ndb
avyaradir = $(pkgdatadir)/antivirus/yara
dist_avyara_DATA = antivirus/demo/yara/eicar.yar
# what the default settings look for, so that both engines start on a new machine
siteyaradir = $(sysconfdir)/poterne/yara
siteyara_DATA = antivirus/demo/yara/eicar.yar
sitefilesdir = $(sysconfdir)/poterne
dist_sitefiles_DATA = antivirus/files/file-policy

unit += t/unit/antivirus_engines
t_unit_antivirus_engines_CPPFLAGS = $(AM_CPPFLAGS) -DDEMO_DIR='"$(abs_top_srcdir)/antivirus/demo"'
t_unit_antivirus_engines_SOURCES = t/unit/antivirus_engines.c $(antivirus_samples)
t_unit_antivirus_engines_LDADD = $(ANTIVIRUS_LIBS) $(CMOCKA_LIBS)

antivirus_samples = t/unit/antivirus_samples.c t/unit/antivirus_samples.h

unit += t/unit/antivirus_clamav
t_unit_antivirus_clamav_LDADD = $(ANTIVIRUS_LIBS) $(CMOCKA_LIBS)
unit += t/unit/antivirus_archive_end
t_unit_antivirus_archive_end_SOURCES = t/unit/antivirus_archive_end.c $(antivirus_samples)
t_unit_antivirus_archive_end_LDADD = $(ANTIVIRUS_LIBS) $(CMOCKA_LIBS)

# outside scanners: what speaks to them takes none of the engines' libraries
noinst_LIBRARIES += lib/liboutside.a
lib_liboutside_a_SOURCES = \
    antivirus/outside/outside.c antivirus/outside/outside.h antivirus/outside/task.h \
    antivirus/outside/stream.c antivirus/outside/stream.h \
    antivirus/outside/clamd.c \
    antivirus/outside/clamd_reply.c antivirus/outside/clamd_reply.h \
    antivirus/outside/icap.c \
    antivirus/outside/icap_dialect.c antivirus/outside/icap_dialect.h \
    antivirus/outside/icap_response.c antivirus/outside/icap_response.h \
    antivirus/outside/command.c antivirus/outside/child.c antivirus/outside/child.h \
    antivirus/outside/preset.c antivirus/outside/preset.h
OUTSIDE_LIBS = lib/liboutside.a lib/libantivirus.a $(PCRE2_LIBS) $(BASE_LIBS)

outside_world = t/unit/outside_world.c t/unit/outside_world.h t/unit/antivirus_samples.h
unit += t/unit/antivirus_clamd
t_unit_antivirus_clamd_SOURCES = t/unit/antivirus_clamd.c $(outside_world)
t_unit_antivirus_clamd_LDADD = $(OUTSIDE_LIBS) $(CMOCKA_LIBS)

unit += t/unit/antivirus_signature_files
t_unit_antivirus_signature_files_LDADD = lib/libantivirus.a $(BASE_LIBS) $(CMOCKA_LIBS)

unit += t/unit/antivirus_icap
t_unit_antivirus_icap_SOURCES = t/unit/antivirus_icap.c $(outside_world)
t_unit_antivirus_icap_LDADD = $(OUTSIDE_LIBS) $(CMOCKA_LIBS)

fuzz += t/fuzz/icap
t_fuzz_icap_LDADD = $(OUTSIDE_LIBS)
t_fuzz_icap_LDFLAGS = $(AM_LDFLAGS) $(LIBFUZZER_LDFLAGS)

# a program that stands in for a command-line scanner
check_PROGRAMS += t/unit/outside_scanner
t_unit_outside_scanner_SOURCES = t/unit/outside_scanner.c t/unit/antivirus_samples.h
unit += t/unit/antivirus_command
t_unit_antivirus_command_CPPFLAGS = $(AM_CPPFLAGS) \
    -DSCANNER_PROGRAM='"$(abs_top_builddir)/t/unit/outside_scanner"'
t_unit_antivirus_command_SOURCES = t/unit/antivirus_command.c $(outside_world)
t_unit_antivirus_command_LDADD = $(OUTSIDE_LIBS) $(CMOCKA_LIBS)
EXTRA_t_unit_antivirus_command_DEPENDENCIES = t/unit/outside_scanner

files_samples = t/unit/files_samples.c t/unit/files_samples.h
unit += t/unit/antivirus_files
t_unit_antivirus_files_CPPFLAGS = $(AM_CPPFLAGS) $(ARCHIVE_CFLAGS) $(ZIP_CFLAGS) \
    -DPOLICY_FILE='"$(abs_top_srcdir)/antivirus/files/file-policy"'
t_unit_antivirus_files_SOURCES = t/unit/antivirus_files.c $(files_samples) $(antivirus_samples)
t_unit_antivirus_files_LDADD = $(ANTIVIRUS_LIBS) $(CMOCKA_LIBS)

fuzz += t/fuzz/files
t_fuzz_files_LDADD = $(ANTIVIRUS_LIBS)
t_fuzz_files_LDFLAGS = $(AM_LDFLAGS) $(LIBFUZZER_LDFLAGS)
