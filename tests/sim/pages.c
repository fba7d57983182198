/* Between two pages of a list: what it began with is forgotten, connections break, somebody changes what is listed. */
#include "base/mem.h"
#include "tests/sim/deeds.h"
#include "tests/sim/network.h"
#include "tests/sim/story.h"

static void forget_history(struct story *story)
{
    sim_tell(story->sim, "history is forgotten between two pages");
    api_compact(story->api);
}

static void break_connections(struct story *story)
{
    sim_tell(story->sim, "connections break between two pages");
    for (int i = 0; i < API_HOSTS; i++)
        network_cut(story->sim, -1, api_host(i));
}

static void change_something(struct story *story)
{
    static const char *const deeds[] = {"edit", "delete", "apply", "damage a child", "label a child", "credential"};
    struct sim *sim = story->sim;
    const struct step step = {.a = sim_choose(sim, 64), .b = sim_choose(sim, 4096), .c = sim_choose(sim, 4096)};
    const char *name = deeds[sim_choose(sim, ARRAY_LEN(deeds))];

    if (!story->wishes[0].spec)
        return;
    sim_tell(sim, "between two pages: %s", name);
    deed_of(deed_named(name))->perform(story, &step);
}

static void on_time_between(void *arg)
{
    static void (*const mishaps[])(struct story * story) = {
        NULL, NULL, NULL, NULL, NULL, NULL, forget_history, break_connections, change_something, change_something};
    struct story *story = arg;
    uint32_t choice = sim_choose(story->sim, ARRAY_LEN(mishaps));

    if (!story->healed && mishaps[choice])
        mishaps[choice](story);
}

static void on_page(void *arg)
{
    struct story *story = arg;

    story->sim->figures.pages++;
    sim_later(story->sim, 0, on_time_between, story);
}

void pages_begin(struct story *story)
{
    api_page(story->api, story->plan.setup[SETUP_PAGES], on_page, story);
}
