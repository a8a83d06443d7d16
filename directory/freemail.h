/*
 * freemail: well-known services where anybody gets a mailbox for nothing. For words alone: whether
 * mail may go there is the business of redirect_only_to, which lists what is allowed.
 */
#ifndef POTERNE_DIRECTORY_FREEMAIL_H
#define POTERNE_DIRECTORY_FREEMAIL_H

#include "base/str.h"

/* `domain` in the form of base/domain.h. */
bool freemail_is(struct str domain);

#endif
