# sender: what is known about who sent a message (DKIM by libopendkim; SPF and DMARC come later)
noinst_LIBRARIES += lib/libsender.a
lib_libsender_a_CPPFLAGS = $(AM_CPPFLAGS) $(OPENDKIM_CFLAGS)
lib_libsender_a_SOURCES = \
    sender/txt.c sender/txt.h \
    sender/field.c sender/field.h \
    sender/dkim.c sender/dkim.h \
    sender/authres.c sender/authres.h
