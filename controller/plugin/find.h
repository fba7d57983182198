/* The runners that a command line names. */
#ifndef PLUGIN_FIND_H
#define PLUGIN_FIND_H

#include "plugin/command.h"

struct json_object;

/* The objects of call->args, or all those of the namespace(s) that -l wants; an array, the arena's. Names without -l
 * and -A are read one by one, which takes but the right to get them. A name that is not there, or may not be read, is
 * said on stderr, and *code is what it means. NULL: nothing could be read. */
struct json_object *find_runners(struct plugin_call *call, enum plugin_exit *code);

#endif
