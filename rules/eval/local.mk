# rules/eval: the functions of eval rules
lib_librules_a_SOURCES += \
    rules/eval/absent.c rules/eval/absent.h \
    rules/eval/bayes.c \
    rules/eval/body.c \
    rules/eval/eval.c rules/eval/eval.h \
    rules/eval/freemail.c rules/eval/freemail.h \
    rules/eval/fromname.c \
    rules/eval/header.c rules/eval/header.h \
    rules/eval/header_dates.c \
    rules/eval/header_fields.c \
    rules/eval/header_forged.c \
    rules/eval/header_senders.c \
    rules/eval/html.c rules/eval/html.h \
    rules/eval/image.c rules/eval/image.h \
    rules/eval/lists.c \
    rules/eval/look.c rules/eval/look.h \
    rules/eval/mime.c \
    rules/eval/network.c \
    rules/eval/own.c \
    rules/eval/own.h \
    rules/eval/own_header.c \
    rules/eval/own_mime.c \
    rules/eval/own_text.c \
    rules/eval/pdf.c rules/eval/pdf.h \
    rules/eval/relay.c \
    rules/eval/textcat.c \
    rules/eval/uri.c \
    rules/eval/vbounce.c
