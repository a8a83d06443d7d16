# delivery: the client's side of SMTP and LMTP, Maildir; then the queue and its program
noinst_LIBRARIES += lib/libclient.a
lib_libclient_a_SOURCES = \
    gateway/client/reply.c gateway/client/reply.h \
    gateway/client/body.c gateway/client/body.h \
    gateway/client/client.c gateway/client/client.h

unit += t/unit/delivery_client
t_unit_delivery_client_LDADD = lib/libclient.a lib/libspool.a $(BASE_LIBS) $(CMOCKA_LIBS)
