# rules: pass 1, the rule language and its engine; stock rules are data in rules/stock/
noinst_LIBRARIES += lib/librules.a
lib_librules_a_CPPFLAGS = $(AM_CPPFLAGS) $(PCRE2_CFLAGS)
lib_librules_a_SOURCES = \
    rules/captures.c rules/captures.h \
    rules/captures_run.c \
    rules/compile.c rules/compile.h \
    rules/load.c rules/load.h \
    rules/metas.c \
    rules/prefilter.c rules/prefilter.h \
    rules/questions.c \
    rules/rules.h \
    rules/ruleset.h \
    rules/run.c rules/run.h \
    rules/run_headers.c \
    rules/run_raw.c \
    rules/scratch.c rules/scratch.h \
    rules/uri_detail.c rules/uri_detail.h \
    rules/wake.c rules/wake.h \
    rules/wanted.c
include rules/language/local.mk
include rules/match/local.mk
include rules/facts/local.mk
include rules/eval/local.mk
include rules/network/local.mk
include rules/fit/local.mk

unit += \
    t/unit/rules_captures \
    t/unit/rules_expr \
    t/unit/rules_files \
    t/unit/rules_automaton \
    t/unit/rules_filter \
    t/unit/rules_fold \
    t/unit/rules_hostile \
    t/unit/rules_language \
    t/unit/rules_languages \
    t/unit/rules_network \
    t/unit/rules_others \
    t/unit/rules_parse \
    t/unit/rules_regex \
    t/unit/rules_relays \
    t/unit/rules_run \
    t/unit/rules_small \
    t/unit/rules_stock \
    t/unit/rules_stock_samples \
    t/unit/rules_structure \
    t/unit/rules_texts \
    t/unit/rules_truncated \
    t/unit/rules_words
t_unit_rules_captures_LDADD = $(RULES_LIBS) $(CMOCKA_LIBS)
t_unit_rules_expr_LDADD = $(RULES_LIBS) $(CMOCKA_LIBS)
t_unit_rules_files_LDADD = $(RULES_LIBS) $(CMOCKA_LIBS)
t_unit_rules_automaton_LDADD = $(RULES_LIBS) $(CMOCKA_LIBS)
t_unit_rules_filter_LDADD = $(RULES_LIBS) $(CMOCKA_LIBS)
t_unit_rules_fold_LDADD = $(RULES_LIBS) $(CMOCKA_LIBS)
t_unit_rules_hostile_LDADD = $(RULES_LIBS) $(CMOCKA_LIBS)
t_unit_rules_language_LDADD = $(RULES_LIBS) $(CMOCKA_LIBS)
t_unit_rules_languages_LDADD = $(RULES_LIBS) $(CMOCKA_LIBS)
t_unit_rules_network_LDADD = $(RULES_LIBS) $(CMOCKA_LIBS)
t_unit_rules_others_LDADD = $(RULES_LIBS) $(CMOCKA_LIBS)
t_unit_rules_parse_LDADD = $(RULES_LIBS) $(CMOCKA_LIBS)
t_unit_rules_regex_LDADD = $(RULES_LIBS) $(CMOCKA_LIBS)
t_unit_rules_relays_LDADD = $(RULES_LIBS) $(CMOCKA_LIBS)
t_unit_rules_run_LDADD = $(RULES_LIBS) $(CMOCKA_LIBS)
t_unit_rules_small_LDADD = $(RULES_LIBS) $(CMOCKA_LIBS)
t_unit_rules_stock_LDADD = $(RULES_LIBS) $(CMOCKA_LIBS)
t_unit_rules_structure_LDADD = $(RULES_LIBS) $(CMOCKA_LIBS)
t_unit_rules_texts_LDADD = $(RULES_LIBS) $(CMOCKA_LIBS)
t_unit_rules_truncated_LDADD = $(RULES_LIBS) $(CMOCKA_LIBS)
t_unit_rules_words_LDADD = $(RULES_LIBS) $(CMOCKA_LIBS)
t_unit_rules_stock_samples_LDADD = $(RULES_LIBS) $(CMOCKA_LIBS)
t_unit_rules_stock_samples_CPPFLAGS = $(AM_CPPFLAGS) \
    -DSTOCK_RULES='"$(abs_top_srcdir)/rules/stock"' \
    -DSTOCK_SAMPLES='"$(abs_top_srcdir)/t/unit/stock"'
EXTRA_DIST += \
    t/unit/stock/README.md \
    t/unit/stock/10_structure.txt \
    t/unit/stock/20_headers.txt \
    t/unit/stock/30_html.txt \
    t/unit/stock/31_tricks.txt \
    t/unit/stock/40_links.txt \
    t/unit/stock/50_phishing.txt \
    t/unit/stock/51_logins.txt \
    t/unit/stock/52_brands.txt \
    t/unit/stock/60_money.txt \
    t/unit/stock/65_trade.txt \
    t/unit/stock/66_strangers.txt \
    t/unit/stock/70_attachments.txt \
    t/unit/stock/80_mailing.txt \
    t/unit/stock/90_english.txt \
    t/unit/stock/91_french.txt \
    t/unit/stock/92_german.txt \
    t/unit/stock/93_romance.txt \
    t/unit/stock/94_more_romance.txt
t_unit_rules_stock_CPPFLAGS = $(AM_CPPFLAGS) -DSTOCK_RULES='"$(abs_top_srcdir)/rules/stock"'

fuzz += \
    t/fuzz/image \
    t/fuzz/languages \
    t/fuzz/network \
    t/fuzz/pattern \
    t/fuzz/pdf \
    t/fuzz/relays \
    t/fuzz/rules \
    t/fuzz/sa_html \
    t/fuzz/sa_text \
    t/fuzz/uris
t_fuzz_languages_LDADD = $(RULES_LIBS)
t_fuzz_languages_LDFLAGS = $(AM_LDFLAGS) $(LIBFUZZER_LDFLAGS)
t_fuzz_network_CPPFLAGS = $(AM_CPPFLAGS) $(PCRE2_CFLAGS)
t_fuzz_network_LDADD = $(RULES_LIBS)
t_fuzz_network_LDFLAGS = $(AM_LDFLAGS) $(LIBFUZZER_LDFLAGS)
t_fuzz_pattern_CPPFLAGS = $(AM_CPPFLAGS) $(PCRE2_CFLAGS)
t_fuzz_pattern_LDADD = $(RULES_LIBS)
t_fuzz_pattern_LDFLAGS = $(AM_LDFLAGS) $(LIBFUZZER_LDFLAGS)
t_fuzz_uris_LDADD = $(RULES_LIBS)
t_fuzz_uris_LDFLAGS = $(AM_LDFLAGS) $(LIBFUZZER_LDFLAGS)
t_fuzz_image_LDADD = $(RULES_LIBS)
t_fuzz_image_LDFLAGS = $(AM_LDFLAGS) $(LIBFUZZER_LDFLAGS)
t_fuzz_pdf_LDADD = $(RULES_LIBS)
t_fuzz_pdf_LDFLAGS = $(AM_LDFLAGS) $(LIBFUZZER_LDFLAGS)
t_fuzz_rules_LDADD = $(RULES_LIBS)
t_fuzz_rules_LDFLAGS = $(AM_LDFLAGS) $(LIBFUZZER_LDFLAGS)
t_fuzz_sa_html_LDADD = $(RULES_LIBS)
t_fuzz_sa_html_LDFLAGS = $(AM_LDFLAGS) $(LIBFUZZER_LDFLAGS)
t_fuzz_relays_LDADD = $(RULES_LIBS)
t_fuzz_relays_LDFLAGS = $(AM_LDFLAGS) $(LIBFUZZER_LDFLAGS)
t_fuzz_sa_text_LDADD = $(RULES_LIBS)
t_fuzz_sa_text_LDFLAGS = $(AM_LDFLAGS) $(LIBFUZZER_LDFLAGS)

# The stock rules: data, installed to $(pkgdatadir)/rules; tests use them where they stand.
rulesdir = $(pkgdatadir)/rules
dist_rules_DATA = \
    rules/stock/10_structure.cf \
    rules/stock/20_headers.cf \
    rules/stock/30_html.cf \
    rules/stock/31_tricks.cf \
    rules/stock/40_links.cf \
    rules/stock/50_phishing.cf \
    rules/stock/51_logins.cf \
    rules/stock/52_brands.cf \
    rules/stock/60_money.cf \
    rules/stock/65_trade.cf \
    rules/stock/66_strangers.cf \
    rules/stock/70_attachments.cf \
    rules/stock/80_mailing.cf \
    rules/stock/90_english.cf \
    rules/stock/91_french.cf \
    rules/stock/92_german.cf \
    rules/stock/93_romance.cf \
    rules/stock/94_more_romance.cf \
    rules/stock/scores.cf
besidedir = $(pkgdatadir)/beside
dist_beside_DATA = rules/beside/spamassassin.cf

noinst_PROGRAMS += t/parity/facts_dump
t_parity_facts_dump_LDADD = $(RULES_LIBS)
noinst_PROGRAMS += t/parity/rules_hits
t_parity_rules_hits_SOURCES = t/parity/rules_hits.c t/parity/lists_answer.c t/parity/lists_answer.h
t_parity_rules_hits_LDADD = lib/libtools.a $(RULES_LIBS)
noinst_PROGRAMS += t/parity/header_queries
t_parity_header_queries_LDADD = lib/libtools.a $(RULES_LIBS)

noinst_PROGRAMS += t/bench/rules_bench
t_bench_rules_bench_LDADD = $(RULES_LIBS)
# Only on demand: it wants libhyperscan-dev.
EXTRA_PROGRAMS += t/bench/rules_hyperscan
t_bench_rules_hyperscan_LDADD = lib/libtools.a $(RULES_LIBS) -lhs
noinst_PROGRAMS += t/bench/rules_speed
t_bench_rules_speed_LDADD = lib/libtools.a lib/libbayes.a $(RULES_LIBS) $(OPENSSL_LIBS) -lm

noinst_PROGRAMS += t/system/regex_limits
t_system_regex_limits_SOURCES = t/system/regex_limits.c t/system/attack.c t/system/attack.h
t_system_regex_limits_LDADD = $(RULES_LIBS)
