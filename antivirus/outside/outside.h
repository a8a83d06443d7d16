/*
 * outside: virus scanners that are programs of their own (sections `scanner` of the settings),
 * all asked about a message at the same time. Each looks at the message as it came and at each part
 * that the caller decoded.
 *
 * Whatever a scanner says or fails to say, its answer is AV_CLEAN only after it said of every one
 * of them, understandably, that it is clean.
 */
#ifndef POTERNE_ANTIVIRUS_OUTSIDE_H
#define POTERNE_ANTIVIRUS_OUTSIDE_H

#include "antivirus/engine.h"

struct outside;

/* Those that antivirus.engines names, in that order; none is fine. Nothing is asked yet. NULL: err
 * says why. conf must outlive it. */
struct outside *outside_open(const struct conf *conf, struct err *err);
void outside_close(struct outside **outside);
size_t outside_count(const struct outside *outside);
/* A folder of the asker's own (absolute path), before the first question: commands get their files
 * in it. What is left in it is removed with each message. */
int outside_use_tmp(struct outside *outside, const char *folder, struct err *err);

/* What asking takes, added to a sandbox that is complete otherwise: connections to the configured
 * scanners, exec of the configured programs, their memory. conf must live until sandbox_enter(). */
struct sandbox;
void outside_sandbox(const struct conf_antivirus *conf, struct sandbox *box);

/* answers has room for outside_count(); takes at most conf->timeout and a little more. */
void outside_scan(struct outside *outside, const struct av_message *message,
                  struct av_answer *answers);

#endif
