# spool: what this folder adds to the build
noinst_LIBRARIES += lib/libspool.a
lib_libspool_a_SOURCES = \
    spool/spool.h \
    spool/store.c spool/store.h \
    spool/format.c spool/format.h \
    spool/id.c spool/write.c spool/read.c spool/mark.c spool/order.c spool/list.c spool/names.c spool/names.h \
    spool/notice.c spool/notice_many.c spool/notice.h

unit += t/unit/spool_file
t_unit_spool_file_LDADD = $(SPOOL_LIBS) $(CMOCKA_LIBS)

unit += t/unit/spool_order
t_unit_spool_order_LDADD = $(SPOOL_LIBS) $(CMOCKA_LIBS)

unit += t/unit/spool_store
t_unit_spool_store_LDADD = $(SPOOL_LIBS) $(CMOCKA_LIBS)

fuzz += t/fuzz/spool
t_fuzz_spool_LDADD = $(SPOOL_LIBS)
t_fuzz_spool_LDFLAGS = $(AM_LDFLAGS) $(LIBFUZZER_LDFLAGS)
