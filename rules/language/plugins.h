/*
 * plugins: which of SpamAssassin's plugins poterne stands in for, and what `if`, `ifplugin`, can()
 * and has() are told. Nothing is ever loaded: a `loadplugin` line only says that a plugin whose
 * work poterne knows is wanted.
 */
#ifndef POTERNE_RULES_LANGUAGE_PLUGINS_H
#define POTERNE_RULES_LANGUAGE_PLUGINS_H

#include "base/str.h"

#define PLUGINS_VERSION      4.000001 /* the SpamAssassin whose language this is */
#define PLUGINS_VERSION_TEXT "4.000001"
#define PLUGINS_PERL_VERSION 5.036000
#define PLUGINS_MAX          64

/* The plugins that are on, by their number in the table. */
struct plugins {
    bool on[PLUGINS_MAX];
};

/* Those of SpamAssassin's own *.pre files, as far as poterne does their work. */
void plugins_init(struct plugins *plugins);

/* "Mail::SpamAssassin::Plugin::X", also by an older name. */
bool plugins_has(const struct plugins *plugins, struct str name);
/* can() and has(): "Mail::SpamAssassin::Plugin::X::feature"; those of a plugin need it to be on. */
bool plugins_can(const struct plugins *plugins, struct str feature);
/* What a `loadplugin` line does. NULL, or why the plugin is not there. */
const char *plugins_load(struct plugins *plugins, struct str name);

#endif
