/*
 * language: in which one somebody is written to: what the message names (Accept-Language of RFC
 * 4021 2.1.9 in the syntax of RFC 9110 12.5.4, else Content-Language), else what the settings say
 * of its sender's domain, else what they say of all.
 */
#ifndef POTERNE_BOUNCE_LANGUAGE_H
#define POTERNE_BOUNCE_LANGUAGE_H

#include "base/conf.h"
#include "mail/message.h"

/* The one of ours that the list likes best; LANGUAGE_DEFAULT: none of them. */
enum conf_language language_of_list(struct str list);
/* message may be NULL. */
enum conf_language language_for(const struct conf *conf, const struct message *message,
                                struct pool *pool, struct str address);
/* "en" */
const char *language_tag(enum conf_language language);

#endif
