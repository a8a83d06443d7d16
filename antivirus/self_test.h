/*
 * self_test: what an engine with newly loaded signatures must show before it serves: two harmless
 * letters (one with HTML, a link and an image) are clean, for what finds them infected would
 * quarantine all mail; and the EICAR test file is found where the engine is to know it.
 */
#ifndef POTERNE_ANTIVIRUS_SELF_TEST_H
#define POTERNE_ANTIVIRUS_SELF_TEST_H

#include "antivirus/engine.h"

/* Also makes the libraries load now what they would otherwise load late, inside the sandbox. */
int self_test(struct engine *engine, struct err *err);

#endif
