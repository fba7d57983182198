/* The metrics process_…, as every client library of Prometheus has them: what the kernel knows of this process. */
#ifndef WEB_METRICS_PROCESS_H
#define WEB_METRICS_PROCESS_H

struct buf;

/* start: seconds since 1970. */
void metrics_process(double start, struct buf *out);

#endif
