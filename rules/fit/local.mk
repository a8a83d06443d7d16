# rules/fit: scores out of labelled mail; for tools, not for the programs that judge mail
noinst_LIBRARIES += lib/librulesfit.a
lib_librulesfit_a_SOURCES = \
    rules/fit/fit.c rules/fit/fit.h \
    rules/fit/report.c rules/fit/report.h \
    rules/fit/samples.c rules/fit/samples.h

unit += t/unit/rules_fit
t_unit_rules_fit_LDADD = lib/librulesfit.a $(RULES_LIBS) $(CMOCKA_LIBS)
