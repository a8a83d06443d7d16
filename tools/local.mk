# tools: the command `poterne`, a file for each subcommand
bin_PROGRAMS += poterne
poterne_SOURCES = \
    tools/poterne.c tools/tool.h tools/args.c tools/settings.c tools/text.c \
    tools/files.c tools/files.h tools/mbox.c \
    tools/json.c tools/json.h tools/explain.c tools/explain.h \
    tools/spool_view.c tools/spool_view.h \
    tools/config.c tools/learn.c tools/quarantine.c tools/queue.c
poterne_LDADD = $(QUARANTINE_LIBS) $(LEDGER_LIBS) $(JANSSON_LIBS)
