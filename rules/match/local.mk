# rules/match: patterns and what saves trying them
lib_librules_a_SOURCES += \
    rules/match/literals.c rules/match/literals.h \
    rules/match/regex.c rules/match/regex.h \
    rules/match/words.c rules/match/words.h
