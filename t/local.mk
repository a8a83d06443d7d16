# t: tests. Each unit test is one cmocka program t/unit/FOLDER_NAME.c that prints TAP.
# A folder's tests are named here by a line `unit += t/unit/FOLDER_NAME` in its own local.mk,
# with `t_unit_FOLDER_NAME_LDADD = $(FOLDER_LIBS) $(CMOCKA_LIBS)`.
# Fuzz targets: `fuzz += t/fuzz/NAME` likewise, seeds in t/fuzz/seeds/NAME/.
if CMOCKA
check_PROGRAMS += $(unit)
endif
if FUZZ
noinst_PROGRAMS += $(fuzz)
endif
LIBFUZZER_LDFLAGS = -fsanitize=fuzzer
