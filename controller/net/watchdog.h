/* A loop that stands still cannot say so: the kubelet's probe gets no answer and the process is restarted, and nobody
 * knows why. The watchdog, a signal that each turn of a timer puts off, writes the reason first, and ends the process
 * where no kubelet does. */
#ifndef NET_WATCHDOG_H
#define NET_WATCHDOG_H

struct loop;
struct watchdog;

/* After 30 s without a turn of the loop it complains on standard error, after another 30 s it aborts. */
struct watchdog *watchdog_create(struct loop *loop);
/* NULL is fine. */
void watchdog_destroy(struct watchdog *dog);

#endif
