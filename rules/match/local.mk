# rules/match: patterns and what saves trying them
lib_librules_a_SOURCES += \
    rules/match/filter.c rules/match/filter.h \
    rules/match/literals.c rules/match/literals.h \
    rules/match/outline.c rules/match/outline.h \
    rules/match/outlines.c rules/match/outlines.h \
    rules/match/regex.c rules/match/regex.h \
    rules/match/tree.c rules/match/tree.h \
    rules/match/words.c rules/match/words.h
