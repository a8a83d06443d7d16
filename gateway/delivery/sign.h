/*
 * sign: our own mail gets its DKIM signatures as it leaves: over the bytes that the next hop will
 * have, behind all edits of ours, as one more edit in memory, for as long as the message is loaded.
 * The bytes on disk stay as they came.
 *
 * Signed is what is ours (gateway/gate/ours.h) and whose one author (From) is of a domain of the
 * settings that names keys, or (dkim.subdomains) of one below it; d= is the domain with the keys,
 * so that it is aligned for DMARC (relaxed, of one below). Who logged in must send from an address
 * of the author's domain, too. Strangers' mail that we redirect is not. Copies differ only in lines
 * that no signature covers: one serves all.
 *
 * Where a key can't be used mail waits (dkim.unable), since a domain that publishes a DMARC policy
 * loses what goes without: others refuse it for good. Waiting costs hours, is told in log and
 * queue, and ends with SIGHUP. An RSA key that works is enough, and needed: everybody can check it.
 * What is wrong with a message itself does not mend by waiting: it goes without.
 */
#ifndef POTERNE_GATEWAY_DELIVERY_SIGN_H
#define POTERNE_GATEWAY_DELIVERY_SIGN_H

#include "base/conf.h"
#include "base/pool.h"
#include "spool/spool.h"

#define SIGN_HEADER_MAX (4 * 1024 * 1024) /* bytes of a header; a longer one is not signed */

struct signer;
/* Reads the keys; before the sandbox. Those that can't be read are told in the log and by
 * signer_sign(). *signer is NULL where no domain names one. */
int signer_load(const struct conf *conf, struct signer **signer, struct err *err);
void signer_free(struct signer **signer);

/* Once for a file that was loaded; texts live in its pool. -1: it must wait, err says why. */
int signer_sign(struct signer *signer, struct spool_file *file, struct pool *pool, struct err *err);

#endif
