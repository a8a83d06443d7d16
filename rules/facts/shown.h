/*
 * shown: what a reader sees of the message (mail/text.h), for poterne's own evals. Who runs the
 * rules mostly has it and gives it with the input; else it is made when the first eval asks.
 */
#ifndef POTERNE_RULES_SHOWN_H
#define POTERNE_RULES_SHOWN_H

#include "rules/facts/facts.h"

const struct mail_text *facts_shown(struct facts *facts);

#endif
