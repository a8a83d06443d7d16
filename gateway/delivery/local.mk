# delivery: the client's side of SMTP and LMTP and Maildir; the queue; the program
noinst_LIBRARIES += lib/libclient.a lib/libdelivery.a
lib_libclient_a_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(OPENSSL_CFLAGS)
lib_libclient_a_SOURCES = \
    gateway/client/reply.c gateway/client/reply.h \
    gateway/client/tlsa.c gateway/client/tlsa.h \
    gateway/client/proof.c gateway/client/proof.h \
    gateway/client/login.c gateway/client/login.h \
    gateway/client/body.c gateway/client/body.h \
    gateway/client/client.c gateway/client/client.h \
    gateway/client/connection.c gateway/client/connection.h \
    gateway/client/maildir.c gateway/client/maildir.h \
    gateway/client/workers.c gateway/client/workers.h

DELIVERY_LIBS = lib/libdelivery.a lib/libbounce.a lib/liboutgoing.a lib/libdesk.a lib/libfetch.a lib/libresolver.a lib/libsender.a $(GATE_LIBS) lib/libsmtp.a lib/libclient.a lib/libtls.a lib/libreportipc.a lib/libevents.a \
    $(QUARANTINE_LIBS) $(DIRECTORY_LIBS) $(SENDER_LIBS) $(LOOP_LIBS) $(OPENSSL_LIBS)
lib_libdelivery_a_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(OPENSSL_CFLAGS)
lib_libdelivery_a_SOURCES = \
    gateway/delivery/loop.c gateway/delivery/delivery.h \
    gateway/delivery/job.c gateway/delivery/leg.c gateway/delivery/result.c gateway/delivery/settle.c \
    gateway/delivery/unwritten.c \
    gateway/delivery/hop.c gateway/delivery/waiting.c gateway/delivery/outage.c \
    gateway/delivery/line.c gateway/delivery/line.h gateway/delivery/pace.c gateway/delivery/pace.h \
    gateway/delivery/lane.c gateway/delivery/sweep.c gateway/delivery/threads.h \
    gateway/delivery/targets.c gateway/delivery/targets.h \
    gateway/delivery/sign.c gateway/delivery/sign.h \
    gateway/delivery/frozen.c gateway/delivery/frozen.h \
    gateway/delivery/orders.c gateway/delivery/orders.h \
    gateway/delivery/answers.c gateway/delivery/answers.h \
    gateway/delivery/resting.c gateway/delivery/resting.h \
    gateway/delivery/mx.c gateway/delivery/mx.h \
    gateway/delivery/policy.c gateway/delivery/policy.h \
    gateway/delivery/route.c gateway/delivery/route.h \
    gateway/delivery/sts.c gateway/delivery/sts.h \
    gateway/delivery/sts_policy.c gateway/delivery/sts_policy.h \
    gateway/delivery/sts_cache.c gateway/delivery/sts_cache.h \
    gateway/delivery/sts_refresh.c gateway/delivery/sts_refresh.h \
    gateway/delivery/outside.c gateway/delivery/outside.h gateway/delivery/outside_work.h \
    gateway/delivery/outside_lookup.c gateway/delivery/outside_share.c gateway/delivery/outside_own.c \
    gateway/delivery/journal.c gateway/delivery/tell_tls.c gateway/delivery/service.c gateway/delivery/report.c \
    gateway/delivery/vault.c gateway/delivery/decide.c gateway/delivery/released.c \
    gateway/delivery/kept.c \
    gateway/delivery/bounce.c gateway/delivery/bounce_text.c gateway/delivery/bounce_work.h

pkglibexec_PROGRAMS += gateway/poterne-delivery
gateway_poterne_delivery_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(OPENSSL_CFLAGS)
gateway_poterne_delivery_SOURCES = gateway/delivery/delivery.c
gateway_poterne_delivery_LDADD = $(DELIVERY_LIBS)

unit += t/unit/delivery_client
t_unit_delivery_client_LDADD = lib/libclient.a $(SPOOL_LIBS) $(CMOCKA_LIBS)

unit += t/unit/delivery_line t/unit/delivery_pace t/unit/delivery_threads
t_unit_delivery_threads_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
t_unit_delivery_line_LDADD = lib/libdelivery.a $(BASE_LIBS) $(CMOCKA_LIBS)
t_unit_delivery_pace_LDADD = lib/libdelivery.a $(BASE_LIBS) $(CMOCKA_LIBS)

unit += t/unit/delivery_targets
t_unit_delivery_targets_LDADD = lib/libdelivery.a $(BASE_LIBS) $(CMOCKA_LIBS)

unit += t/unit/delivery_lookup
t_unit_delivery_lookup_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(OPENSSL_CFLAGS)
t_unit_delivery_lookup_LDADD = $(DELIVERY_LIBS) $(CMOCKA_LIBS)

unit += t/unit/delivery_bounce
t_unit_delivery_bounce_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(OPENSSL_CFLAGS)
t_unit_delivery_bounce_LDADD = lib/libdelivery.a $(MAIL_LIBS) $(BASE_LIBS) $(LOOP_LIBS) $(CMOCKA_LIBS)

unit += t/unit/delivery_mx
t_unit_delivery_mx_LDADD = lib/libdelivery.a lib/libclient.a lib/libresolver.a lib/libsender.a $(GATE_LIBS) $(BASE_LIBS) $(CMOCKA_LIBS)

noinst_LIBRARIES += t/delivery/libfake.a
t_delivery_libfake_a_SOURCES = t/delivery/fake.h t/delivery/fake_hop.c t/delivery/fake_journal.c \
    t/delivery/gateway.c
DELIVERY_FAKE_LIBS = t/delivery/libfake.a $(QUARANTINE_LIBS) lib/libevents.a \
    $(MAIL_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += t/delivery/put
t_delivery_put_SOURCES = t/delivery/put.c
t_delivery_put_LDADD = $(DELIVERY_FAKE_LIBS)
check_PROGRAMS += t/delivery/fill
t_delivery_fill_SOURCES = t/delivery/fill.c
t_delivery_fill_LDADD = $(SPOOL_LIBS)
unit += t/unit/delivery_queue
t_unit_delivery_queue_LDADD = $(DELIVERY_FAKE_LIBS)
EXTRA_t_unit_delivery_queue_DEPENDENCIES = gateway/poterne-delivery$(EXEEXT)
unit += t/unit/delivery_hops
t_unit_delivery_hops_LDADD = $(DELIVERY_FAKE_LIBS)
EXTRA_t_unit_delivery_hops_DEPENDENCIES = gateway/poterne-delivery$(EXEEXT)

unit += t/unit/delivery_schedule
t_unit_delivery_schedule_LDADD = $(DELIVERY_FAKE_LIBS)
EXTRA_t_unit_delivery_schedule_DEPENDENCIES = gateway/poterne-delivery$(EXEEXT)

unit += t/unit/delivery_frozen
t_unit_delivery_frozen_LDADD = t/delivery/libfake.a $(GATE_LIBS) $(QUARANTINE_LIBS) lib/libevents.a \
    $(MAIL_LIBS) $(OPENSSL_LIBS) $(CMOCKA_LIBS)
EXTRA_t_unit_delivery_frozen_DEPENDENCIES = gateway/poterne-delivery$(EXEEXT)

unit += t/unit/delivery_resting
t_unit_delivery_resting_LDADD = lib/libdelivery.a $(SPOOL_LIBS) $(CMOCKA_LIBS)

unit += t/unit/delivery_orders
t_unit_delivery_orders_LDADD = t/delivery/libfake.a $(GATE_LIBS) $(QUARANTINE_LIBS) lib/libevents.a \
    $(MAIL_LIBS) $(OPENSSL_LIBS) $(CMOCKA_LIBS)
EXTRA_t_unit_delivery_orders_DEPENDENCIES = gateway/poterne-delivery$(EXEEXT)

unit += t/unit/delivery_policy
t_unit_delivery_policy_CPPFLAGS = $(AM_CPPFLAGS) $(OPENSSL_CFLAGS)
t_unit_delivery_policy_LDADD = lib/libdelivery.a lib/libclient.a $(BASE_LIBS) $(CMOCKA_LIBS)

unit += t/unit/delivery_sts
t_unit_delivery_sts_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS)
t_unit_delivery_sts_LDADD = lib/libdelivery.a lib/libclient.a $(BASE_LIBS) $(LOOP_LIBS) $(CMOCKA_LIBS)

fuzz += t/fuzz/sts_policy
t_fuzz_sts_policy_LDADD = lib/libdelivery.a $(BASE_LIBS)
t_fuzz_sts_policy_LDFLAGS = $(AM_LDFLAGS) $(LIBFUZZER_LDFLAGS)

unit += t/unit/delivery_proof
t_unit_delivery_proof_CPPFLAGS = $(AM_CPPFLAGS) $(OPENSSL_CFLAGS)
t_unit_delivery_proof_LDADD = lib/libclient.a lib/libtls.a $(BASE_LIBS) $(OPENSSL_LIBS) $(CMOCKA_LIBS)

fuzz += t/fuzz/tlsa
t_fuzz_tlsa_CPPFLAGS = $(AM_CPPFLAGS) $(OPENSSL_CFLAGS)
t_fuzz_tlsa_LDADD = lib/libclient.a lib/libtls.a $(BASE_LIBS) $(OPENSSL_LIBS)
t_fuzz_tlsa_LDFLAGS = $(AM_LDFLAGS) $(LIBFUZZER_LDFLAGS)

fuzz += t/fuzz/next_hop
t_fuzz_next_hop_LDADD = lib/libclient.a $(SPOOL_LIBS)
t_fuzz_next_hop_LDFLAGS = $(AM_LDFLAGS) $(LIBFUZZER_LDFLAGS)
