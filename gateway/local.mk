# gateway: the programs; lib/libverdict.a is what edge, content and the tools share about a verdict
VERDICT_LIBS = lib/libverdict.a $(JANSSON_LIBS)

noinst_LIBRARIES += lib/libverdict.a
lib_libverdict_a_SOURCES = \
    gateway/scan.c gateway/scan.h \
    gateway/verdict.c gateway/verdict.h

# gateway: what this folder adds to the build
unit += t/unit/gateway_verdict
t_unit_gateway_verdict_LDADD = lib/libverdict.a -lm $(BASE_LIBS) $(CMOCKA_LIBS)
