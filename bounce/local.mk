# bounce: what this folder adds to the build
noinst_LIBRARIES += lib/libbounce.a
lib_libbounce_a_SOURCES = \
    bounce/decide.c bounce/decide.h \
    bounce/language.c bounce/language.h \
    bounce/reason.c bounce/reason.h \
    bounce/words.c bounce/words.h \
    bounce/compose.c bounce/compose.h
BOUNCE_LIBS = lib/libbounce.a lib/libsender.a $(DIRECTORY_LIBS) $(SPOOL_LIBS) $(OPENSSL_LIBS)

unit += t/unit/bounce_decide t/unit/bounce_compose
t_unit_bounce_decide_LDADD = $(BOUNCE_LIBS) $(CMOCKA_LIBS)
t_unit_bounce_compose_LDADD = $(BOUNCE_LIBS) $(CMOCKA_LIBS)
