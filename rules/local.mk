# rules: pass 1, the rule language and its engine; stock rules are data in rules/stock/
noinst_LIBRARIES += lib/librules.a
lib_librules_a_CPPFLAGS = $(AM_CPPFLAGS) $(PCRE2_CFLAGS)
lib_librules_a_SOURCES = \
    rules/rules.h \
    rules/address.c rules/address.h \
    rules/book.c rules/book.h \
    rules/compile.c rules/compile.h \
    rules/condition.c \
    rules/date.c rules/date.h \
    rules/directive.c \
    rules/eval.c rules/eval.h \
    rules/eval_functions.h \
    rules/eval_header.c \
    rules/eval_mime.c \
    rules/eval_text.c \
    rules/expr.c rules/expr.h \
    rules/header.c \
    rules/load.c \
    rules/metas.c \
    rules/names.c rules/names.h \
    rules/parse.c rules/parse.h \
    rules/prefilter.c rules/prefilter.h \
    rules/query.c rules/query.h \
    rules/regex.c rules/regex.h \
    rules/ruleset.h \
    rules/run.c \
    rules/view.c rules/view.h \
    rules/wanted.c

unit += t/unit/rules_expr t/unit/rules_regex t/unit/rules_small
t_unit_rules_expr_LDADD = $(RULES_LIBS) $(CMOCKA_LIBS)
t_unit_rules_regex_LDADD = $(RULES_LIBS) $(CMOCKA_LIBS)
t_unit_rules_small_LDADD = $(RULES_LIBS) $(CMOCKA_LIBS)
