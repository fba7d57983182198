/* The cluster's controllers. */
#include "tests/sim/api_parts.h"

void controllers_start(struct api *api)
{
    (void)api;
}

void controllers_hold(struct api *api, bool held)
{
    (void)api, (void)held;
}

void controllers_destroy(struct api *api)
{
    (void)api;
}
