#include "web/metrics_watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/metrics.h"
#include "operator/informers.h"
#include "operator/kinds.h"

/* Of a kind, in all namespaces that are watched one by one. */
struct watch_facts {
    struct watch_counts counts;
    double version; /* the newest */
};

static void add_facts(void *arg, const struct informer_facts *informer)
{
    struct watch_facts *facts = (struct watch_facts *)arg + kind_by_name(informer->kind);
    double version = strtod(informer->version, NULL);

    facts->counts.lists += informer->counts.lists;
    facts->counts.watches += informer->counts.watches;
    facts->counts.short_watches += informer->counts.short_watches;
    facts->counts.pauses += informer->counts.pauses;
    facts->counts.too_large += informer->counts.too_large;
    facts->version = version > facts->version ? version : facts->version;
}

#define COUNT(name)                                                                                                    \
    static void show_##name(const struct metric_page *page, const void *source)                                        \
    {                                                                                                                  \
        const struct watch_facts *facts = source;                                                                      \
        for (enum kind kind = 0; kind < KIND_COUNT; kind++)                                                            \
            metric_sample(page, (double)facts[kind].counts.name, "name", kind_resource(kind)->kind, NULL);             \
    }
COUNT(lists)
COUNT(watches)
COUNT(short_watches)
COUNT(pauses)
COUNT(too_large)

static void show_version(const struct metric_page *page, const void *source)
{
    const struct watch_facts *facts = source;

    for (enum kind kind = 0; kind < KIND_COUNT; kind++) {
        const struct kube_resource *r = kind_resource(kind);
        const char *slash = strchr(r->api_version, '/');
        char group[64] = "";
        if (slash)
            snprintf(group, sizeof(group), "%.*s", (int)(slash - r->api_version), r->api_version);
        metric_sample(page, facts[kind].version, "group", group, "version", slash ? slash + 1 : r->api_version,
                      "resource", r->plural, NULL);
    }
}

static const struct metric table[] = {
    {"reflector_lists_total", METRIC_COUNTER, "Complete lists of a kind, streamed ones included", show_lists},
    {"reflector_watches_total", METRIC_COUNTER, "Watches of a kind that were begun", show_watches},
    {"reflector_short_watches_total", METRIC_COUNTER, "Watches that ended within a second without an event",
     show_short_watches},
    {"gitlab_runner_controller_watch_pauses_total", METRIC_COUNTER,
     "How often lists or watches of a kind went wrong and were begun anew after a pause", show_pauses},
    {"gitlab_runner_controller_objects_too_large_total", METRIC_COUNTER,
     "Objects of a kind that came and were too large to be read", show_too_large},
    {"informer_store_resource_version", METRIC_GAUGE, "The resource version up to which a kind is known", show_version},
};

void metrics_watch(const struct informers *informers, struct buf *out)
{
    struct watch_facts facts[KIND_COUNT] = {0};

    informers_each(informers, add_facts, facts);
    metrics_show(table, ARRAY_LEN(table), facts, out);
}
