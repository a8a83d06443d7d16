# bayes: what this folder adds to the build
noinst_LIBRARIES += lib/libbayes.a lib/libledger.a lib/libimport.a
lib_libbayes_a_SOURCES = \
    bayes/bayes.h \
    bayes/features/bytes8.h bayes/features/campaign.c bayes/features/campaign.h \
    bayes/features/digest.c bayes/features/features.c bayes/features/features.h \
    bayes/features/features_header.c bayes/features/features_link.c \
    bayes/features/features_structure.c bayes/features/field.c bayes/features/field.h \
    bayes/features/grams.c bayes/features/grams.h bayes/features/grams_pack.c \
    bayes/features/grams_pack.h bayes/features/kept.c bayes/features/kept.h \
    bayes/features/known.c bayes/features/known.h bayes/features/known_table.c bayes/features/known_table.h \
    bayes/features/tokens.c bayes/features/tokens.h bayes/features/words.c \
    bayes/learn/learn.c bayes/learn/learn.h \
    bayes/model/classify.c bayes/model/combine.c bayes/model/combine.h bayes/model/fusion.c \
    bayes/model/fusion.h bayes/model/lesson.c bayes/model/lesson.h bayes/model/measure.c \
    bayes/model/measure.h bayes/model/model.c bayes/model/model.h bayes/model/model_diff.c \
    bayes/model/model_diff.h bayes/model/model_format.h bayes/model/model_write.c \
    bayes/model/online.c bayes/model/online.h bayes/model/regression.c bayes/model/regression.h \
    bayes/model/rehearsal.c bayes/model/rehearsal.h bayes/model/stream.c bayes/model/stream.h \
    bayes/transfer/import_summary.h bayes/transfer/lines.c bayes/transfer/lines.h \
    bayes/transfer/portable.c bayes/transfer/portable.h

lib_libledger_a_CPPFLAGS = $(AM_CPPFLAGS) $(DB_CFLAGS)
lib_libledger_a_SOURCES = \
    bayes/learn/learn_ask.c bayes/learn/learn_ask.h bayes/learn/learn_client.c \
    bayes/learn/learn_client.h bayes/learn/learn_hold.c bayes/learn/learn_hold.h bayes/learn/learn_orders.c bayes/learn/learn_orders.h \
    bayes/ledger/aside.c bayes/ledger/aside.h bayes/ledger/ask.c bayes/ledger/caps.c \
    bayes/ledger/counts.c bayes/ledger/counts.h bayes/ledger/db.h bayes/ledger/expire.c \
    bayes/ledger/export.c bayes/ledger/export.h bayes/ledger/held.c bayes/ledger/learn.c \
    bayes/ledger/ledger.h bayes/ledger/look.c bayes/ledger/env.c bayes/ledger/open.c bayes/ledger/publish.c \
    bayes/ledger/rebuild.c bayes/ledger/record.c bayes/ledger/record.h bayes/ledger/rehearse.c \
    bayes/ledger/salvage.c bayes/ledger/salvage.h bayes/ledger/seed.c bayes/ledger/state.c \
    bayes/ledger/teachers.c bayes/ledger/weights.c \
    bayes/publish/generation_note.c bayes/publish/generations.c bayes/publish/generations.h \
    bayes/publish/guard.c bayes/publish/guard.h bayes/publish/judge.c bayes/publish/judge.h \
    bayes/publish/note.c bayes/publish/note.h bayes/publish/publish.c bayes/publish/publish.h \
    bayes/publish/publish_compare.c bayes/publish/watcher.c

lib_libimport_a_CPPFLAGS = $(AM_CPPFLAGS) $(OPENSSL_CFLAGS)
lib_libimport_a_SOURCES = \
    bayes/transfer/import.c bayes/transfer/import.h bayes/transfer/import_bogofilter.c \
    bayes/transfer/import_spamassassin.c bayes/transfer/import_table.c \
    bayes/transfer/import_table.h

unit += t/unit/bayes_regression t/unit/bayes_rehearsal t/unit/bayes_grams t/unit/bayes_stream
t_unit_bayes_rehearsal_LDADD = $(MODEL_LIBS) $(CMOCKA_LIBS)
t_unit_bayes_regression_LDADD = $(MODEL_LIBS) $(CMOCKA_LIBS)
t_unit_bayes_grams_LDADD = $(MODEL_LIBS) $(CMOCKA_LIBS)
t_unit_bayes_stream_LDADD = $(MODEL_LIBS) $(CMOCKA_LIBS)

unit += t/unit/bayes_combine t/unit/bayes_model t/unit/bayes_features
t_unit_bayes_combine_LDADD = $(MODEL_LIBS) $(CMOCKA_LIBS)
t_unit_bayes_model_LDADD = $(MODEL_LIBS) $(CMOCKA_LIBS)
t_unit_bayes_features_LDADD = $(MODEL_LIBS) $(CMOCKA_LIBS)

unit += t/unit/bayes_known
t_unit_bayes_known_LDADD = $(MODEL_LIBS) $(CMOCKA_LIBS)

unit += t/unit/bayes_ledger t/unit/bayes_guard t/unit/bayes_generations t/unit/bayes_publish t/unit/bayes_learn_hold
t_unit_bayes_learn_hold_LDADD = $(LEDGER_LIBS) $(CMOCKA_LIBS)
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
t_unit_bayes_ledger_sources_CPPFLAGS = $(AM_CPPFLAGS) $(DB_CFLAGS)
t_unit_bayes_ledger_sources_LDADD = $(LEDGER_LIBS) $(CMOCKA_LIBS)
t_unit_bayes_ledger_exact_CPPFLAGS = $(AM_CPPFLAGS) $(DB_CFLAGS)
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
