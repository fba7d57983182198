/* The program without its logs. */
#include "base/log.h"

#define log_event(...) ((void)0)
