# rules/network: rules that ask the DNS
lib_librules_a_SOURCES += \
    rules/network/answers.c rules/network/answers.h \
    rules/network/calls.c \
    rules/network/finish.c \
    rules/network/job.c rules/network/job.h \
    rules/network/job_links.c \
    rules/network/job_relays.c \
    rules/network/job_senders.c \
    rules/network/links.c rules/network/links.h \
    rules/network/naming.c rules/network/naming.h \
    rules/network/network.h \
    rules/network/run.c rules/network/run.h \
    rules/network/zones.c
