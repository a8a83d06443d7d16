# rules/language: rule files → book
lib_librules_a_SOURCES += \
    rules/language/answer.c rules/language/answer.h \
    rules/language/book.c rules/language/book.h \
    rules/language/condition.c \
    rules/language/directive.c rules/language/directive.h \
    rules/language/directive_dns.c \
    rules/language/directive_lists.c \
    rules/language/directive_quiet.c \
    rules/language/directive_scores.c \
    rules/language/directive_tests.c \
    rules/language/directive_values.c \
    rules/language/dns_line.h \
    rules/language/domains.c \
    rules/language/expr.c rules/language/expr.h \
    rules/language/globs.c rules/language/globs.h \
    rules/language/languages.c rules/language/languages.h \
    rules/language/names.c rules/language/names.h \
    rules/language/networks.c rules/language/networks.h \
    rules/language/parse.c rules/language/parse.h \
    rules/language/plugins.c rules/language/plugins.h \
    rules/language/replace.c rules/language/replace.h \
    rules/language/query.c rules/language/query.h \
    rules/language/settings.c rules/language/settings.h \
    rules/language/settings_make.c rules/language/settings_make.h
