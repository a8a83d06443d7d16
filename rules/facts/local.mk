# rules/facts: a message as the rule language sees it
lib_librules_a_SOURCES += \
    rules/facts/address.c rules/facts/address.h \
    rules/facts/body.h \
    rules/facts/date.c rules/facts/date.h \
    rules/facts/facts.c rules/facts/facts.h \
    rules/facts/header.c rules/facts/header.h \
    rules/facts/html_facts.h \
    rules/facts/parts.h \
    rules/facts/relays.h \
    rules/facts/uris.h \
    rules/facts/view.c rules/facts/view.h
# what the functions of eval rules find out
lib_librules_a_SOURCES += \
    rules/facts/image_size.c rules/facts/image_size.h \
    rules/facts/locales.c rules/facts/locales.h \
    rules/facts/md5.c rules/facts/md5.h \
    rules/facts/pdf.c rules/facts/pdf.h
