/*
 * stock_info: "Symbol: ABCD" lines in the first plain text, as letters that praise a share have
 * them, however the name is spelled with letters between ("S t o c k", "Stxock"): BodyEval.pm.
 */
#ifndef POTERNE_RULES_FACTS_STOCK_INFO_H
#define POTERNE_RULES_FACTS_STOCK_INFO_H

#include "rules/facts/facts.h"

#define STOCK_KINDS_MAX 32 /* different names that are told apart */
#define STOCK_NAME_MAX  30 /* characters before the colon; SpamAssassin's */

struct stock_info {
    unsigned kinds; /* different names */
    struct str names[STOCK_KINDS_MAX];
};

const struct stock_info *facts_stock_info(struct facts *facts);

#endif
