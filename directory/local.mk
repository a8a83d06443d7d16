# directory: recipients, from files
noinst_LIBRARIES += lib/libdirectory.a
lib_libdirectory_a_CPPFLAGS = $(AM_CPPFLAGS) $(IDN2_CFLAGS)
lib_libdirectory_a_SOURCES = \
    directory/directory.c directory/directory.h directory/sources.h \
    directory/find.c \
    directory/address.c directory/address.h \
    directory/report.c directory/report.h \
    directory/table.c directory/table.h \
    directory/file.c directory/file.h \
    directory/message.c

unit += t/unit/directory_file t/unit/directory_find t/unit/directory_report
t_unit_directory_report_LDADD = $(DIRECTORY_LIBS) $(CMOCKA_LIBS)
t_unit_directory_file_LDADD = $(DIRECTORY_LIBS) $(CMOCKA_LIBS)
t_unit_directory_find_LDADD = $(DIRECTORY_LIBS) $(CMOCKA_LIBS)

fuzz += t/fuzz/directory
t_fuzz_directory_LDADD = $(DIRECTORY_LIBS)
t_fuzz_directory_LDFLAGS = $(AM_LDFLAGS) $(LIBFUZZER_LDFLAGS)
