/* The metrics process_…, as every client library of Prometheus has them: what the kernel knows of this process. */
#ifndef BASE_METRICS_PROCESS_H
#define BASE_METRICS_PROCESS_H

struct buf;

/* start: seconds since 1970. */
void metrics_process(double start, struct buf *out);

#endif
