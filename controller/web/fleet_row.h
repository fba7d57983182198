/* What the fleet page shows of one GitLabRunner in its table. */
#ifndef WEB_FLEET_ROW_H
#define WEB_FLEET_ROW_H

#include <stdbool.h>
#include <stdint.h>

#include "web/fleet_text.h"

struct buf;
struct record;

/* How much somebody is needed: what is worst is shown first. */
enum fleet_severity { FLEET_FINE, FLEET_QUIET, FLEET_WARNING, FLEET_WAITING, FLEET_FAILING };
enum fleet_ready { FLEET_NOT_READY, FLEET_READY, FLEET_READY_UNKNOWN };

/* Times are seconds since 1970, 0: none. Texts NULL: none. */
struct fleet_facts {
    struct fleet_text *ns, *reason, *headline, *tags, *host, *version, *paused_by;
    struct fleet_text *jobs_ns;                           /* where its jobs run; NULL: in its own namespace */
    int64_t runner_id;                                    /* 0: none                    */
    uint32_t token_expires, created, since, paused_until; /* since: of the condition Ready */
    int32_t jobs, limit;                                  /* -1: not known              */
    uint16_t managers_ready, managers;
    uint8_t ready, severity;
    bool paused;
};

/* From the record, of the first kind. manager_image: where the spec names none; now: seconds since 1970. The texts have
 * a reference each. */
struct fleet_facts fleet_facts_of(const struct record *runner, const char *manager_image, int64_t now,
                                  struct fleet_texts *texts);
void fleet_facts_put(struct fleet_facts *facts, struct fleet_texts *texts);
bool fleet_facts_same(const struct fleet_facts *a, const struct fleet_facts *b);

#endif
