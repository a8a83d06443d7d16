# avlink: the program that asks the outside scanners
pkglibexec_PROGRAMS += gateway/poterne-avlink
avlink_role = gateway/avlink/role.c gateway/avlink/role.h \
    gateway/antivirus/tmp.c gateway/antivirus/tmp.h
gateway_poterne_avlink_SOURCES = gateway/avlink/avlink.c $(avlink_role)
gateway_poterne_avlink_LDADD = lib/libverdict.a lib/liboutside.a lib/libavcontent.a \
    lib/libantivirus.a $(PCRE2_LIBS) $(ARCHIVE_LIBS) $(ZIP_LIBS) $(MAIL_LIBS)

unit += t/unit/gateway_avlink
t_unit_gateway_avlink_CPPFLAGS = $(AM_CPPFLAGS) \
    -DSCANNER_PROGRAM='"$(abs_top_builddir)/t/unit/outside_scanner"'
t_unit_gateway_avlink_SOURCES = t/unit/gateway_avlink.c $(avlink_role)
t_unit_gateway_avlink_LDADD = $(gateway_poterne_avlink_LDADD) $(CMOCKA_LIBS)
EXTRA_t_unit_gateway_avlink_DEPENDENCIES = t/unit/outside_scanner
