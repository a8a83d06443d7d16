# bayes: what this folder adds to the build
noinst_LIBRARIES += lib/libbayes.a lib/libledger.a lib/libimport.a
lib_libbayes_a_SOURCES = \
    bayes/bayes.h bayes/model.h bayes/model_format.h \
    bayes/model.c bayes/model_write.c \
    bayes/combine.h bayes/combine.c bayes/classify.c \
    bayes/tokens.h bayes/tokens.c bayes/words.c \
    bayes/features.h bayes/features.c bayes/field.h bayes/field.c bayes/features_header.c \
    bayes/features_structure.c bayes/features_link.c bayes/digest.c \
    bayes/known.h bayes/known.c bayes/known_table.h bayes/known_table.c \
    bayes/grams.h bayes/grams.c bayes/campaign.h bayes/campaign.c \
    bayes/regression.h bayes/regression.c bayes/fusion.h bayes/fusion.c \
    bayes/lesson.h bayes/lesson.c bayes/online.h bayes/online.c bayes/stream.h bayes/stream.c \
    bayes/measure.h bayes/measure.c bayes/model_diff.h bayes/model_diff.c \
    bayes/learn.h bayes/learn.c bayes/grams_pack.h bayes/grams_pack.c
lib_libbayes_a_SOURCES += \
    bayes/lines.h bayes/lines.c bayes/portable.h bayes/portable.c bayes/import_summary.h

lib_libledger_a_CPPFLAGS = $(AM_CPPFLAGS) $(DB_CFLAGS)
lib_libledger_a_SOURCES = \
    bayes/ledger.h bayes/ledger_db.h \
    bayes/learn_client.h bayes/learn_client.c \
    bayes/guard.h bayes/guard.c bayes/note.h bayes/note.c \
    bayes/generations.h bayes/generations.c bayes/generation_note.c \
    bayes/judge.h bayes/judge.c bayes/publish.h bayes/publish.c bayes/publish_compare.c \
    bayes/watcher.c bayes/learn_orders.h bayes/learn_orders.c \
    bayes/ledger_ask.c bayes/learn_ask.h bayes/learn_ask.c bayes/ledger_open.c bayes/ledger_seed.c bayes/ledger_learn.c bayes/ledger_publish.c
lib_libledger_a_SOURCES += \
    bayes/ledger_export.h bayes/ledger_export.c bayes/ledger_record.h bayes/ledger_record.c \
    bayes/ledger_counts.h bayes/ledger_counts.c bayes/ledger_state.c bayes/ledger_weights.c \
    bayes/ledger_caps.c bayes/ledger_held.c bayes/ledger_look.c \
    bayes/ledger_expire.c bayes/ledger_salvage.h bayes/ledger_salvage.c \
    bayes/ledger_rebuild.c bayes/ledger_aside.h bayes/ledger_aside.c

lib_libimport_a_CPPFLAGS = $(AM_CPPFLAGS) $(OPENSSL_CFLAGS)
lib_libimport_a_SOURCES = \
    bayes/import.h bayes/import_table.h bayes/import.c bayes/import_table.c \
    bayes/import_bogofilter.c bayes/import_spamassassin.c

unit += t/unit/bayes_regression t/unit/bayes_grams t/unit/bayes_stream
t_unit_bayes_regression_LDADD = $(MODEL_LIBS) $(CMOCKA_LIBS)
t_unit_bayes_grams_LDADD = $(MODEL_LIBS) $(CMOCKA_LIBS)
t_unit_bayes_stream_LDADD = $(MODEL_LIBS) $(CMOCKA_LIBS)

unit += t/unit/bayes_combine t/unit/bayes_model t/unit/bayes_features
t_unit_bayes_combine_LDADD = $(MODEL_LIBS) $(CMOCKA_LIBS)
t_unit_bayes_model_LDADD = $(MODEL_LIBS) $(CMOCKA_LIBS)
t_unit_bayes_features_LDADD = $(MODEL_LIBS) $(CMOCKA_LIBS)

unit += t/unit/bayes_known
t_unit_bayes_known_LDADD = $(MODEL_LIBS) $(CMOCKA_LIBS)

unit += t/unit/bayes_ledger t/unit/bayes_guard t/unit/bayes_generations t/unit/bayes_publish
t_unit_bayes_ledger_LDADD = $(LEDGER_LIBS) $(CMOCKA_LIBS)
t_unit_bayes_guard_LDADD = $(LEDGER_LIBS) $(CMOCKA_LIBS)
t_unit_bayes_generations_LDADD = $(LEDGER_LIBS) $(CMOCKA_LIBS)
t_unit_bayes_publish_LDADD = $(LEDGER_LIBS) $(CMOCKA_LIBS)

unit += t/unit/bayes_ledger_exact t/unit/bayes_ledger_sources t/unit/bayes_ledger_damage \
    t/unit/bayes_ledger_kill t/unit/bayes_ledger_export t/unit/bayes_import
t_unit_bayes_ledger_export_LDADD = $(LEDGER_LIBS) $(CMOCKA_LIBS)
t_unit_bayes_import_CPPFLAGS = $(AM_CPPFLAGS) $(OPENSSL_CFLAGS)
t_unit_bayes_import_LDADD = $(IMPORT_LIBS) $(CMOCKA_LIBS)
t_unit_bayes_ledger_kill_LDADD = $(LEDGER_LIBS) $(CMOCKA_LIBS)
t_unit_bayes_ledger_damage_LDADD = $(LEDGER_LIBS) $(CMOCKA_LIBS)
t_unit_bayes_ledger_damage_CPPFLAGS = $(AM_CPPFLAGS) $(DB_CFLAGS)
t_unit_bayes_ledger_sources_LDADD = $(LEDGER_LIBS) $(CMOCKA_LIBS)
t_unit_bayes_ledger_exact_LDADD = $(LEDGER_LIBS) $(CMOCKA_LIBS)

noinst_PROGRAMS += t/bench/bayes_bench t/bench/guard_bench
t_bench_bayes_bench_LDADD = $(LEDGER_LIBS)
t_bench_guard_bench_LDADD = $(LEDGER_LIBS)

fuzz += t/fuzz/bayes_features t/fuzz/bayes_model t/fuzz/bayes_import
t_fuzz_bayes_import_LDADD = $(IMPORT_LIBS)
t_fuzz_bayes_import_LDFLAGS = $(AM_LDFLAGS) $(LIBFUZZER_LDFLAGS)
t_fuzz_bayes_features_LDADD = $(MODEL_LIBS)
t_fuzz_bayes_features_LDFLAGS = $(AM_LDFLAGS) $(LIBFUZZER_LDFLAGS)
t_fuzz_bayes_model_LDADD = $(MODEL_LIBS)
t_fuzz_bayes_model_LDFLAGS = $(AM_LDFLAGS) $(LIBFUZZER_LDFLAGS)
