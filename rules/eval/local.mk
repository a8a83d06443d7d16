# rules/eval: the functions of eval rules
lib_librules_a_SOURCES += \
    rules/eval/eval.c rules/eval/eval.h \
    rules/eval/own.c \
    rules/eval/own.h \
    rules/eval/own_header.c \
    rules/eval/own_mime.c \
    rules/eval/own_text.c
