# t: tests. Each unit test is one cmocka program t/unit/FOLDER_THING.c that prints TAP.
# A folder's tests are named in its own local.mk by a line `unit += t/unit/FOLDER_THING`,
# with `t_unit_FOLDER_THING_LDADD = $(FOLDER_LIBS) $(CMOCKA_LIBS)`.
# Fuzz targets: `fuzz += t/fuzz/NAME` likewise, seeds in t/fuzz/seeds/NAME/.
if CMOCKA
check_PROGRAMS += $(unit)
endif
if FUZZ
noinst_PROGRAMS += $(fuzz)
endif

# what a start finds after a cut of power: t/fault/power_cut.t
check_PROGRAMS += t/fault/state_check
t_fault_state_check_SOURCES = t/fault/state_check.c
t_fault_state_check_LDADD = $(QUARANTINE_LIBS) $(LEDGER_LIBS) $(BASE_LIBS)

# Loaded before others into what is to meet faults (t/lib/Poterne/Faults.pm).
check_PROGRAMS += t/fault/faults.so
t_fault_faults_so_SOURCES = t/fault/faults.c
t_fault_faults_so_CFLAGS = -std=gnu11 $(WARN_CFLAGS) -fPIC
t_fault_faults_so_LDFLAGS = -shared

.PHONY: check-programs fuzz fuzz-programs lint bench bench-antivirus bench-audit bench-bayes bench-dns bench-hops bench-queue bench-rules bench-soak list-unit list-fuzz list-flags
check-programs: $(check_PROGRAMS)
fuzz-programs: $(fuzz)

check-local: check-programs
	cd $(top_srcdir) && t/lib/prove $(unit:%=$(abs_builddir)/%)

lint:
	cd $(top_srcdir) && POTERNE_BUILD=$(abs_builddir) t/lib/prove t/lint/*.t

bench: all t/delivery/fill$(EXEEXT)
	cd $(top_srcdir) && POTERNE_BUILD=$(abs_builddir) t/bench/bench

bench-bayes: poterne
	cd $(top_srcdir) && POTERNE_BUILD=$(abs_builddir) t/bench/bayes

bench-antivirus: all
	cd $(top_srcdir) && POTERNE_BUILD=$(abs_builddir) t/bench/antivirus

bench-audit: all t/delivery/fill$(EXEEXT)
	cd $(top_srcdir) && POTERNE_BUILD=$(abs_builddir) t/bench/audit

bench-dns: all
	cd $(top_srcdir) && POTERNE_BUILD=$(abs_builddir) t/bench/dns

bench-soak: all
	cd $(top_srcdir) && POTERNE_BUILD=$(abs_builddir) t/bench/soak

# every fuzz target for a long while, in a build of its own
fuzz:
	cd $(top_srcdir) && env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL t/fuzz/nightly

bench-hops: all t/delivery/put$(EXEEXT)
	cd $(top_srcdir) && POTERNE_BUILD=$(abs_builddir) t/bench/hops

bench-queue: all t/delivery/fill$(EXEEXT)
	cd $(top_srcdir) && POTERNE_BUILD=$(abs_builddir) t/bench/queue

bench-rules: t/bench/rules_speed
	cd $(top_srcdir) && POTERNE_BUILD=$(abs_builddir) t/bench/rules

# For ./check and t/lint/.
list-unit:
	@:$(info $(unit))
list-fuzz:
	@:$(info $(fuzz))
list-flags:
	@:$(info $(DEFS) -I. $(DEFAULT_INCLUDES) $(AM_CPPFLAGS) -std=gnu11 $(WARN_CFLAGS) \
	    $(ARCHIVE_CFLAGS) $(CLAMAV_CFLAGS) $(CMOCKA_CFLAGS) $(CURL_CFLAGS) $(CONFUSE_CFLAGS) $(DB_CFLAGS) $(EVENT_CFLAGS) \
	    $(IDN2_CFLAGS) $(JANSSON_CFLAGS) $(OPENDKIM_CFLAGS) $(OPENSSL_CFLAGS) $(PCRE2_CFLAGS) \
	    $(PSL_CFLAGS) $(SECCOMP_CFLAGS) $(SQLITE_CFLAGS) $(YARA_CFLAGS))
