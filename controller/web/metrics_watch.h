/* The metrics reflector_… and informer_…, as client-go has them: how the watches fare, by kind. */
#ifndef WEB_METRICS_WATCH_H
#define WEB_METRICS_WATCH_H

struct buf;
struct informers;

void metrics_watch(const struct informers *informers, struct buf *out);

#endif
