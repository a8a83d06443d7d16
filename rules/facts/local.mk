# rules/facts: a message as the rule language sees it
lib_librules_a_SOURCES += \
    rules/facts/address.c rules/facts/address.h \
    rules/facts/body.h \
    rules/facts/date.c rules/facts/date.h \
    rules/facts/facts.c rules/facts/facts.h \
    rules/facts/header.c rules/facts/header.h \
    rules/facts/header_cut.c rules/facts/header_cut.h \
    rules/facts/header_decode.c \
    rules/facts/header_get.c \
    rules/facts/html_facts.h \
    rules/facts/ip.c rules/facts/ip.h \
    rules/facts/mailbox.c rules/facts/mailbox.h \
    rules/facts/parts.h \
    rules/facts/received.c rules/facts/received.h \
    rules/facts/received_shapes.c \
    rules/facts/relays.c rules/facts/relays.h \
    rules/facts/senders.c \
    rules/facts/shape.c rules/facts/shape.h \
    rules/facts/uris.h \
    rules/facts/view.c rules/facts/view.h
# what the functions of eval rules find out
lib_librules_a_SOURCES += \
    rules/facts/image_size.c rules/facts/image_size.h \
    rules/facts/locales.c rules/facts/locales.h \
    rules/facts/md5.c rules/facts/md5.h \
    rules/facts/pdf.c rules/facts/pdf.h
