# tools: the command `poterne`, a file for each subcommand
bin_PROGRAMS += poterne
poterne_SOURCES = \
    tools/poterne.c tools/tool.h tools/args.c tools/text.c \
    tools/config.c
poterne_LDADD = $(BASE_LIBS)
