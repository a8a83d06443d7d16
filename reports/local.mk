# reports: what a report mail is, and what waits for a manager
noinst_LIBRARIES += lib/libreports.a
lib_libreports_a_CPPFLAGS = $(AM_CPPFLAGS) $(OPENSSL_CFLAGS)
lib_libreports_a_SOURCES = \
    reports/key.c reports/key.h \
    reports/signature.c reports/signature.h \
    reports/fingerprint.c reports/fingerprint.h \
    reports/subject.c reports/subject.h
# what signs and checks (edge, content): no journal, no zip file
SIGNATURE_LIBS = lib/libreports.a $(MAIL_LIBS) $(OPENSSL_LIBS)

unit += t/unit/reports_signature
t_unit_reports_signature_CPPFLAGS = $(AM_CPPFLAGS) $(OPENSSL_CFLAGS)
t_unit_reports_signature_LDADD = $(SIGNATURE_LIBS) $(CMOCKA_LIBS)
