# directory: recipients, from files
noinst_LIBRARIES += lib/libdirectory.a
lib_libdirectory_a_CPPFLAGS = $(AM_CPPFLAGS) $(IDN2_CFLAGS)
lib_libdirectory_a_SOURCES = \
    directory/directory.c directory/directory.h directory/sources.h \
    directory/search.c directory/search.h \
    directory/source.c directory/source.h \
    directory/person.c directory/person.h \
    directory/cache.c directory/cache.h \
    directory/address.c directory/address.h \
    directory/report.c directory/report.h \
    directory/redirect.c directory/redirect.h \
    directory/freemail.c directory/freemail.h \
    directory/table.c directory/table.h \
    directory/file.c directory/file.h \
    directory/accounts.c directory/accounts.h \
    directory/hash.c directory/hash.h \
    directory/login.c directory/login.h \
    directory/message.c

# what is asked: linked by the directory process alone
noinst_LIBRARIES += lib/libsources.a
lib_libsources_a_CPPFLAGS = $(AM_CPPFLAGS) $(LDAP_CFLAGS) $(SQLITE_CFLAGS)
lib_libsources_a_SOURCES = \
    directory/stream.c directory/stream.h \
    directory/sqlite.c directory/sqlite.h \
    directory/quota.c directory/quota.h \
    directory/factor.c directory/factor.h \
    directory/attempt.c directory/attempt.h \
    directory/hash_crypt.c \
    directory/account_login.c directory/account_login.h \
    directory/ldap/shape.c directory/ldap/shape.h \
    directory/ldap/filter.c directory/ldap/filter.h \
    directory/ldap/entry.c directory/ldap/entry.h \
    directory/ldap/writers.c directory/ldap/writers.h \
    directory/ldap/session.c directory/ldap/session.h \
    directory/ldap/lookup.c directory/ldap/lookup.h \
    directory/ldap/login.c directory/ldap/login.h \
    directory/ldap/state.c directory/ldap/state.h \
    directory/ldap/shrink.c directory/ldap/shrink.h \
    directory/ldap/snapshot.c directory/ldap/snapshot.h

unit += t/unit/directory_factor t/unit/directory_accounts
t_unit_directory_accounts_LDADD = $(SOURCES_LIBS) $(CMOCKA_LIBS)
t_unit_directory_factor_LDADD = $(SOURCES_LIBS) $(CMOCKA_LIBS)

unit += t/unit/directory_login
t_unit_directory_login_CPPFLAGS = $(AM_CPPFLAGS) $(LDAP_CFLAGS)
t_unit_directory_login_LDADD = $(SOURCES_LIBS) $(CMOCKA_LIBS)

unit += t/unit/directory_cache t/unit/directory_ldap t/unit/directory_search t/unit/directory_shrink t/unit/directory_snapshot
t_unit_directory_cache_LDADD = $(DIRECTORY_LIBS) $(CMOCKA_LIBS)
t_unit_directory_search_LDADD = $(DIRECTORY_LIBS) $(CMOCKA_LIBS)
t_unit_directory_ldap_CPPFLAGS = $(AM_CPPFLAGS) $(LDAP_CFLAGS)
t_unit_directory_ldap_LDADD = $(SOURCES_LIBS) $(CMOCKA_LIBS)
t_unit_directory_snapshot_CPPFLAGS = $(AM_CPPFLAGS) $(LDAP_CFLAGS)
t_unit_directory_snapshot_LDADD = $(SOURCES_LIBS) $(CMOCKA_LIBS)
t_unit_directory_shrink_CPPFLAGS = $(AM_CPPFLAGS) $(LDAP_CFLAGS)
t_unit_directory_shrink_LDADD = $(SOURCES_LIBS) $(CMOCKA_LIBS)

unit += t/unit/directory_file t/unit/directory_find t/unit/directory_report t/unit/directory_redirect
t_unit_directory_redirect_LDADD = $(DIRECTORY_LIBS) $(CMOCKA_LIBS)
t_unit_directory_report_LDADD = $(DIRECTORY_LIBS) $(CMOCKA_LIBS)
t_unit_directory_file_LDADD = $(DIRECTORY_LIBS) $(CMOCKA_LIBS)
t_unit_directory_find_LDADD = $(DIRECTORY_LIBS) $(CMOCKA_LIBS)

fuzz += t/fuzz/directory t/fuzz/ldap t/fuzz/accounts
t_fuzz_accounts_LDADD = $(DIRECTORY_LIBS)
t_fuzz_accounts_LDFLAGS = $(AM_LDFLAGS) $(LIBFUZZER_LDFLAGS)
t_fuzz_ldap_LDADD = $(SOURCES_LIBS)
t_fuzz_ldap_LDFLAGS = $(AM_LDFLAGS) $(LIBFUZZER_LDFLAGS)
t_fuzz_directory_LDADD = $(DIRECTORY_LIBS)
t_fuzz_directory_LDFLAGS = $(AM_LDFLAGS) $(LIBFUZZER_LDFLAGS)
