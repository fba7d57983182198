/* The metrics of runners: what all of them add up to, and where that is asked for, some of each (fleet.h). */
#ifndef WEB_METRICS_FLEET_H
#define WEB_METRICS_FLEET_H

#include <stdint.h>

struct buf;
struct states;
struct tally;

/* reasons: stats.h. now: seconds since 1970. */
void metrics_fleet(const struct states *states, const struct tally *reasons, int64_t now, struct buf *out);

#endif
