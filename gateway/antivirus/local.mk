# antivirus: the program, and how a message is taken apart for the engines (the tools do it too)
AVCONTENT_LIBS = lib/libavcontent.a $(ANTIVIRUS_LIBS) $(MAIL_LIBS)
noinst_LIBRARIES += lib/libavcontent.a
lib_libavcontent_a_SOURCES = gateway/antivirus/content.c gateway/antivirus/content.h \
    gateway/antivirus/loose.c gateway/antivirus/loose.h \
    gateway/antivirus/looks.c gateway/antivirus/looks.h \
    gateway/antivirus/names.c gateway/antivirus/names.h \
    gateway/antivirus/readings.c gateway/antivirus/readings.h \
    gateway/antivirus/frames.c gateway/antivirus/frames.h
# what the antivirus process says of itself: who asks it need not link the engines
noinst_LIBRARIES += lib/libavstatus.a
lib_libavstatus_a_SOURCES = \
    gateway/antivirus/status.c gateway/antivirus/status.h \
    gateway/antivirus/memory.c gateway/antivirus/memory.h
pkglibexec_PROGRAMS += gateway/poterne-antivirus
antivirus_role = gateway/antivirus/role.c gateway/antivirus/role.h \
    gateway/antivirus/generation.c gateway/antivirus/generation.h \
    gateway/antivirus/tmp.c gateway/antivirus/tmp.h
gateway_poterne_antivirus_SOURCES = gateway/antivirus/antivirus.c $(antivirus_role)
gateway_poterne_antivirus_LDADD = lib/libavstatus.a lib/libverdict.a $(AVCONTENT_LIBS) $(BASE_LIBS)

unit += t/unit/antivirus_hostile
t_unit_antivirus_hostile_CPPFLAGS = $(AM_CPPFLAGS) -DDEMO_DIR='"$(abs_top_srcdir)/antivirus/demo"'
t_unit_antivirus_hostile_SOURCES = t/unit/antivirus_hostile.c $(antivirus_samples)
t_unit_antivirus_hostile_LDADD = $(AVCONTENT_LIBS) $(CMOCKA_LIBS)

unit += t/unit/gateway_antivirus
t_unit_gateway_antivirus_CPPFLAGS = $(AM_CPPFLAGS) -DDEMO_DIR='"$(abs_top_srcdir)/antivirus/demo"' \
    -DANTIVIRUS_PROGRAM='"$(abs_top_builddir)/gateway/poterne-antivirus"'
t_unit_gateway_antivirus_SOURCES = t/unit/gateway_antivirus.c $(antivirus_samples) $(antivirus_role)
t_unit_gateway_antivirus_LDADD = lib/libavstatus.a lib/libverdict.a $(AVCONTENT_LIBS) $(BASE_LIBS) $(CMOCKA_LIBS)
EXTRA_t_unit_gateway_antivirus_DEPENDENCIES = gateway/poterne-antivirus$(EXEEXT)

noinst_PROGRAMS += t/bench/av_bench
t_bench_av_bench_LDADD = lib/libverdict.a lib/libantivirus.a $(MAIL_LIBS)

noinst_PROGRAMS += t/parity/av_scan
t_parity_av_scan_LDADD = $(AVCONTENT_LIBS)
noinst_PROGRAMS += t/parity/av_names
t_parity_av_names_LDADD = $(AVCONTENT_LIBS)

fuzz += t/fuzz/av_content
t_fuzz_av_content_LDADD = $(AVCONTENT_LIBS)
t_fuzz_av_content_LDFLAGS = $(AM_LDFLAGS) $(LIBFUZZER_LDFLAGS)

unit += t/unit/gateway_av_content
t_unit_gateway_av_content_SOURCES = t/unit/gateway_av_content.c $(antivirus_samples)
t_unit_gateway_av_content_LDADD = $(AVCONTENT_LIBS) $(CMOCKA_LIBS)

# the program with an engine that was taken over
noinst_PROGRAMS += t/system/av_prisoner
t_system_av_prisoner_SOURCES = t/system/av_prisoner.c $(antivirus_role)
t_system_av_prisoner_LDADD = lib/libavstatus.a lib/libverdict.a $(AVCONTENT_LIBS) $(BASE_LIBS)

unit += t/unit/antivirus_unlock
t_unit_antivirus_unlock_CPPFLAGS = $(AM_CPPFLAGS) $(ARCHIVE_CFLAGS) $(ZIP_CFLAGS) \
    -DDEMO_DIR='"$(abs_top_srcdir)/antivirus/demo"' \
    -DPOLICY_FILE='"$(abs_top_srcdir)/antivirus/files/file-policy"'
t_unit_antivirus_unlock_SOURCES = t/unit/antivirus_unlock.c $(files_samples) $(antivirus_samples)
t_unit_antivirus_unlock_LDADD = $(AVCONTENT_LIBS) $(CMOCKA_LIBS)
