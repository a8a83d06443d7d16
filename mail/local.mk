# mail: what a message is: MIME, charsets, text, HTML, URIs, edits
noinst_LIBRARIES += lib/libmail.a
lib_libmail_a_CPPFLAGS = $(AM_CPPFLAGS) $(IDN2_CFLAGS) $(PSL_CFLAGS)
lib_libmail_a_SOURCES = \
    mail/message.c mail/message.h \
    mail/boundary.c mail/boundary.h \
    mail/header.c mail/header.h \
    mail/part.c mail/part.h \
    mail/param.c mail/param.h \
    mail/word.c mail/word.h \
    mail/transfer.c mail/transfer.h \
    mail/charset.c mail/charset.h mail/utf8.h
