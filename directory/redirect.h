/*
 * redirect: where the mail of somebody goes who redirects it. What a source says is a wish: mail
 * leaves our domains only for those that redirect_only_to of the person's domain lists; a target
 * of ours is looked up as any recipient is, and may redirect again.
 *
 *   search_step() … SEARCH_DONE ─► redirect_step() ─► false: search->answer is the answer
 *                        ▲                └─────────► true: the next one is to be searched for
 *                        └──────────────────────────┘
 *
 * It ends in a mailbox of ours, with the reason in `how`: whose redirection is forbidden
 * (redirect_refused says otherwise: DIRECTORY_NO_REDIRECT), who closes a circle, who is one too
 * many (REDIRECT_HOPS_MAX), whose target is not known or takes no mail. Where that mailbox is full
 * it goes to the one before. A target of which nothing is known now is DIRECTORY_UNAVAILABLE.
 * Whoever is full and keeps no copy still redirects.
 */
#ifndef POTERNE_DIRECTORY_REDIRECT_H
#define POTERNE_DIRECTORY_REDIRECT_H

#include "directory/search.h"

struct redirect {
    struct directory_answer first; /* what was found of the recipient itself */
    struct redirect_way way;
    bool full[REDIRECT_HOPS_MAX]; /* the mailbox of a hop takes nothing */
    bool leaves;                  /* the last hop is not ours */
    bool postmaster;              /* it is for him, who always takes mail */
    char sender[ADDRESS_MAX + 1];
    char target[ADDRESS_MAX + 1]; /* that is searched for */
    char why[REDIRECT_RULE_SIZE]; /* it goes no farther; or empty */
    char whose[ADDRESS_MAX + 1];  /* … to there */
};

/* Begins zeroed. */
bool redirect_step(struct redirect *redirect, struct search *search);

#endif
