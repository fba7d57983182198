/* The program without its logs, and without what checks steps of its state machines. */
#include "base/log.h"
#include "base/machine.h"

#define log_event(...)    ((void)0)
#define machine_step(...) ((void)0)
