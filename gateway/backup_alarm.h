/*
 * backup_alarm: the managers hear that no backup was made, by mail of our own: from `poterne backup
 * --daily`, and from poterne-reports where that could not say it (backup/note.h).
 */
#ifndef POTERNE_GATEWAY_BACKUP_ALARM_H
#define POTERNE_GATEWAY_BACKUP_ALARM_H

#include "gateway/outgoing.h"

/* folder: of the generations. In the queue when it returns 1. 0: there is no manager whom mail can
 * be sent to. -1: try again. */
int backup_alarm(const struct post *post, const char *folder, const char *why, struct err *err);

#endif
