# rules/match: patterns and what saves trying them
lib_librules_a_SOURCES += \
    rules/match/automaton.c rules/match/automaton.h \
    rules/match/automaton_make.c rules/match/automaton_parts.h \
    rules/match/dialect.c rules/match/dialect.h \
    rules/match/filter.c rules/match/filter.h \
    rules/match/fold.c rules/match/fold.h \
    rules/match/literals.c rules/match/literals.h \
    rules/match/local.c rules/match/local.h \
    rules/match/outline.c rules/match/outline.h \
    rules/match/outlines.c rules/match/outlines.h \
    rules/match/regex.c rules/match/regex.h \
    rules/match/regex_literal.c \
    rules/match/template.c rules/match/template.h \
    rules/match/tree.c rules/match/tree.h \
    rules/match/words.c rules/match/words.h
