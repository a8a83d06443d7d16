# avlink: the program that asks the outside scanners
pkglibexec_PROGRAMS += gateway/poterne-avlink
avlink_role = gateway/avlink/role.c gateway/avlink/role.h \
    gateway/antivirus/tmp.c gateway/antivirus/tmp.h
gateway_poterne_avlink_SOURCES = gateway/avlink/avlink.c $(avlink_role)
gateway_poterne_avlink_LDADD = lib/libverdict.a lib/liboutside.a lib/libavcontent.a \
    lib/libantivirus.a $(PCRE2_LIBS) $(ARCHIVE_LIBS) $(ZIP_LIBS) $(MAIL_LIBS)
