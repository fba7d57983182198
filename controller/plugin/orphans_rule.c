/* Whether a runner may be removed. All of it has to be known: what is not counts against it. */
#include <assert.h>

#include "base/arena.h"
#include "plugin/orphans.h"

/* The mark says which object it was, and not in which cluster. A cluster that still has a trace of the uid had the
 * object; where none is left, only a person can know. */
static const char *whose(const struct orphan_facts *f, struct arena *a)
{
    if (f->object)
        return arena_printf(a, "its mark is that of %s, which is there", f->object);
    if (!f->all_seen)
        return "not all namespaces were looked at: its object may be in another one";
    if (!f->trace && !f->vouched)
        return "nothing in this cluster knows its uid: it may be another cluster's; --uid says that it is this one's";
    return NULL;
}

static const char *at_work(const struct orphan_facts *f)
{
    if (f->jobs > 0)
        return "jobs run on it";
    if (f->jobs < 0)
        return "GitLab does not say whether jobs run on it";
    if (f->contacted && f->now - f->contacted < ORPHAN_QUIET_S)
        return "it has asked for jobs within a day";
    if (!f->contacted && !f->created)
        return "it has never asked for jobs, and GitLab does not say when it was made";
    if (!f->contacted && f->now - f->created < ORPHAN_QUIET_S)
        return "it was made within a day";
    return NULL;
}

const char *orphan_is_kept(const struct orphan_facts *f, struct arena *a)
{
    assert(f->jobs >= -1 && f->jobs <= 1 && f->contacted >= 0 && f->created >= 0);
    const char *why = whose(f, a);

    if (!why && f->in_ledger)
        why = "it is in the ledger: the operator removes it";
    return why ? why : at_work(f);
}
