#include "base/metrics.h"

#include <assert.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

/* ---------------------------------------------------------------------------------------------------------------------
 * Values */

void histogram_observe(struct histogram *h, double value)
{
    assert(h->buckets && h->buckets->len <= HISTOGRAM_MAX);
    size_t i = 0;

    while (i < h->buckets->len && value > h->buckets->bounds[i])
        i++;
    h->counts[i]++;
    h->count++;
    h->sum += value;
}

static struct tally_row *row_of(struct tally *t, const char *a, const char *b)
{
    assert(t->len <= TALLY_MAX);
    for (size_t i = 0; i < t->len; i++)
        if (strncmp(t->rows[i].a, a, TALLY_LABEL_MAX - 1) == 0 && strncmp(t->rows[i].b, b, TALLY_LABEL_MAX - 1) == 0)
            return &t->rows[i];
    if (t->len == TALLY_MAX)
        return &t->rows[TALLY_MAX - 1];
    struct tally_row *row = &t->rows[t->len++];
    bool last = t->len == TALLY_MAX;
    snprintf(row->a, sizeof(row->a), "%s", last ? "other" : a);
    snprintf(row->b, sizeof(row->b), "%s", last && *b ? "other" : b);
    return row;
}

void tally_add(struct tally *t, const char *a, const char *b, uint64_t n)
{
    row_of(t, a, b)->count += n;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The page */

void metrics_show(const struct metric *table, size_t len, const void *source, struct buf *out)
{
    static const char *const types[] = {
        [METRIC_COUNTER] = "counter", [METRIC_GAUGE] = "gauge", [METRIC_HISTOGRAM] = "histogram"};

    for (const struct metric *m = table; m < table + len; m++) {
        assert((size_t)m->type < ARRAY_LEN(types) && m->show);
        const struct metric_page page = {.out = out, .name = m->name};
        buf_addf(out, "# HELP %s %s.\n# TYPE %s %s\n", m->name, m->help, m->name, types[m->type]);
        m->show(&page, source);
    }
}

/* The labels of one sample on their way. */
struct labels {
    struct buf *out;
    char next; /* '{', then ','; what comes before the next pair */
};

static struct labels begin_sample(const struct metric_page *page, const char *suffix)
{
    buf_addf(page->out, "%s%s", page->name, suffix);
    return (struct labels){.out = page->out, .next = '{'};
}

static void add_label(struct labels *l, const char *key, const char *value)
{
    buf_addf(l->out, "%c%s=\"", l->next, key);
    for (const char *c = value; *c; c++) {
        if (strchr("\\\"\n", *c))
            buf_addf(l->out, "\\%c", *c == '\n' ? 'n' : *c);
        else
            buf_add(l->out, c, 1);
    }
    buf_adds(l->out, "\"");
    l->next = ',';
}

static void add_labels(struct labels *l, va_list pairs)
{
    va_list args;

    va_copy(args, pairs);
    for (const char *key; (key = va_arg(args, const char *));)
        add_label(l, key, va_arg(args, const char *));
    va_end(args);
}

static void end_sample(const struct labels *l, double value)
{
    buf_addf(l->out, "%s %.15g\n", l->next == ',' ? "}" : "", value);
}

void metric_sample(const struct metric_page *page, double value, ...)
{
    struct labels l = begin_sample(page, "");
    va_list pairs;

    va_start(pairs, value);
    add_labels(&l, pairs);
    va_end(pairs);
    end_sample(&l, value);
}

static void show_histogram(const struct metric_page *page, const struct histogram *h, va_list pairs)
{
    uint64_t below = 0;

    for (size_t i = 0; i <= h->buckets->len; i++) {
        char bound[32] = "+Inf";
        struct labels l = begin_sample(page, "_bucket");
        if (i < h->buckets->len)
            snprintf(bound, sizeof(bound), "%.15g", h->buckets->bounds[i]);
        add_labels(&l, pairs);
        add_label(&l, "le", bound);
        end_sample(&l, (double)(below += h->counts[i]));
    }
    struct labels sum = begin_sample(page, "_sum");
    add_labels(&sum, pairs);
    end_sample(&sum, h->sum);
    struct labels count = begin_sample(page, "_count");
    add_labels(&count, pairs);
    end_sample(&count, (double)h->count);
}

void metric_histogram(const struct metric_page *page, const struct histogram *h, ...)
{
    va_list pairs;

    va_start(pairs, h);
    show_histogram(page, h, pairs);
    va_end(pairs);
}

void metric_tally(const struct metric_page *page, const struct tally *t, const char *a, const char *b, ...)
{
    va_list pairs;

    va_start(pairs, b);
    for (const struct tally_row *row = t->rows; row < t->rows + t->len; row++) {
        struct labels l = begin_sample(page, "");
        add_label(&l, a, row->a);
        if (b)
            add_label(&l, b, row->b);
        add_labels(&l, pairs);
        end_sample(&l, (double)row->count);
    }
    va_end(pairs);
}
