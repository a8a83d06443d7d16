/*
 * outside_world: a scanner that is played by a child of the test, on a Unix socket or a TCP port of
 * the loopback, and the question put to it.
 */
#ifndef POTERNE_T_UNIT_OUTSIDE_WORLD_H
#define POTERNE_T_UNIT_OUTSIDE_WORLD_H

#include "antivirus/outside/outside.h"
#include "t/unit/antivirus_samples.h"

/* Plays for one connection; the child then closes it. */
typedef void world_play(int fd, const void *script);

struct world {
    pid_t pid;
    char path[64]; /* of the Unix socket */
    uint16_t port; /* or this */
};

void world_open(struct world *world, bool tcp, world_play *play, const void *script);
void world_close(struct world *world);

/* Reads until `n` times `mark` has come; false: the other side went first. */
bool world_await(int fd, struct str mark, size_t n);
void world_say(int fd, struct str bytes);
/* Until the other side has gone. */
void world_linger(int fd);

/* Settings with one scanner, "fake", with what stands in its section beside the address. */
struct conf *world_conf(const struct world *world, const char *section, unsigned timeout);
/* A message of that many parts (0 to 2), each with `payload` and, as the message itself, ending in
 * MARK; asked of the first scanner. */
#define MARK "=END="
struct av_answer world_ask(struct outside *outside, size_t parts, const char *payload);
/* The same with an outside of its own. */
struct av_answer world_ask_once(const struct conf *conf, size_t parts, const char *payload);

#endif
