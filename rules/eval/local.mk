# rules/eval: the functions of eval rules
lib_librules_a_SOURCES += \
    rules/eval/eval.c rules/eval/eval.h \
    rules/eval/header.c rules/eval/header.h \
    rules/eval/header_dates.c \
    rules/eval/header_fields.c \
    rules/eval/header_forged.c \
    rules/eval/header_senders.c \
    rules/eval/lists.c \
    rules/eval/look.c rules/eval/look.h \
    rules/eval/own.c \
    rules/eval/own.h \
    rules/eval/own_header.c \
    rules/eval/own_mime.c \
    rules/eval/own_text.c \
    rules/eval/relay.c
