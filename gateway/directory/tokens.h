/*
 * tokens: which numbers of tokens (directory/factor.h) were used, so that none is taken twice, over
 * restarts and reloads: a table of STATE_DIR/gate (gateway/gate/table.h), in which each token has
 * the step of the last one. Used by all threads that check passwords.
 */
#ifndef POTERNE_GATEWAY_DIRECTORY_TOKENS_H
#define POTERNE_GATEWAY_DIRECTORY_TOKENS_H

#include "directory/factor.h"

#define TOKENS_TABLE   "tokens"
#define TOKENS_ENTRIES 65536 /* who logged in longest ago makes room */

struct tokens;
/* Before the sandbox. NULL with err. */
struct tokens *tokens_open(const char *state_dir, struct err *err);
void tokens_close(struct tokens **tokens);
/* `data` is the tokens. */
factor_take tokens_take;

#endif
