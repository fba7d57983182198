/* What Prometheus reads: histograms, counters told apart by labels, and the text format that shows them.
 *
 * A value lives with whoever counts it; a table of struct metric says under which name it is shown and asks for it when
 * the page is read. Counting allocates nothing, and what a peer can grow (codes, reasons) has a maximum.
 *
 * Source: prometheus.io/docs/instrumenting/exposition_formats (text format 0.0.4). */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include <stddef.h>
#include <stdint.h>

struct buf;

/* ---------------------------------------------------------------------------------------------------------------------
 * Values. All begin as zeroes, but for the histogram's bounds. */

enum { HISTOGRAM_MAX = 40, TALLY_MAX = 64, TALLY_LABEL_MAX = 32 };

/* The upper bounds of a histogram's buckets, ascending; what is above the last one is +Inf. */
struct buckets {
    size_t len; /* ≤ HISTOGRAM_MAX */
    double bounds[HISTOGRAM_MAX];
};

struct histogram {
    const struct buckets *buckets; /* lent */
    uint64_t counts[HISTOGRAM_MAX + 1], count;
    double sum;
};

void histogram_observe(struct histogram *h, double value);

/* Counters by the values of one label or two (the second is "" then). There are at most TALLY_MAX of them, in the order
 * in which they were first counted; the last one takes what has no place any more, as "other". */
struct tally {
    struct tally_row {
        char a[TALLY_LABEL_MAX], b[TALLY_LABEL_MAX]; /* cut at their length */
        uint64_t count;
    } rows[TALLY_MAX];
    size_t len;
};

/* n may be 0: from then on the counter is shown. */
void tally_add(struct tally *t, const char *a, const char *b, uint64_t n);

/* ---------------------------------------------------------------------------------------------------------------------
 * The page */

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

/* Where the samples of one metric go. */
struct metric_page {
    struct buf *out;
    const char *name;
};

/* One metric. show() writes its samples by the functions below; source is what metrics_show() was given. */
struct metric {
    const char *name;
    enum metric_type type;
    const char *help; /* a sentence, without its full stop */
    void (*show)(const struct metric_page *page, const void *source);
};

/* Writes the help, type and samples of each metric of a table. */
void metrics_show(const struct metric *table, size_t len, const void *source, struct buf *out);

/* A sample; then pairs of label and value, ended by NULL. Values may be any text. */
void metric_sample(const struct metric_page *page, double value, ...) __attribute__((sentinel));
void metric_histogram(const struct metric_page *page, const struct histogram *h, ...) __attribute__((sentinel));
/* A sample for each counter: its labels are called a and b (NULL: it has one only), then come the same pairs for all.
 */
void metric_tally(const struct metric_page *page, const struct tally *t, const char *a, const char *b, ...)
    __attribute__((sentinel));

#endif
