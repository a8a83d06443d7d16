# reports: what delivery asks of the process, and the process
noinst_LIBRARIES += lib/libreportipc.a
lib_libreportipc_a_SOURCES = gateway/reports/request.c gateway/reports/request.h
