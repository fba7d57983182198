/* What the operator itself knows of a GitLabRunner, as the fleet page shows it: no request is made. */
#ifndef WEB_FLEET_LOOK_H
#define WEB_FLEET_LOOK_H

#include "operator/reconcile.h"

/* Observes the runner as its next turn would, but changes nothing: what is read in turns is taken for good. The arena
 * has what is in *ret. */
void fleet_look(const struct reconciler_view *view, const struct record *runner, struct observed *ret, struct arena *a);
/* What is to be said of it: the members of fleet_runner.h up to next. The caller owns it. */
struct json_object *fleet_look_json(const struct observed *o, struct arena *a);
/* config.toml without what may be secret; NULL: the spec leads to none. */
const char *fleet_look_config(const struct observed *o, struct arena *a);

#endif
