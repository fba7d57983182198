/* Of each object exactly one runner is at GitLab, and of what is gone none. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "runner/names.h"
#include "tests/sim/properties.h"
#include "tests/sim/story.h"

struct count {
    struct story *story;
    int gitlab;
    unsigned of[WISHES_MAX], orphans;
    char last[200]; /* of the orphans */
};

static bool is_marked(const struct gitlab_runner *runner, struct json_object *object)
{
    const char *mark = strstr(runner->note, MARK_PREFIX), *uid = json_str_or(object, "metadata.uid", "");
    size_t len = strlen(uid);

    return mark && len && strncmp(mark + strlen(MARK_PREFIX), uid, len) == 0;
}

static void count_one(void *arg, const struct gitlab_runner *runner)
{
    struct count *count = arg;

    if (runner->by_hand)
        return;
    for (int i = 0; i < count->story->wishes_len; i++) {
        struct json_object *object = wish_object(count->story, &count->story->wishes[i]);
        if (is_marked(runner, object) && spec_gitlab(json_get(object, "spec")) == count->gitlab) {
            count->of[i]++;
            return;
        }
    }
    count->orphans++;
    snprintf(count->last, sizeof(count->last), "runner %llu (%s)", (unsigned long long)runner->id, runner->note);
}

static void check_gitlab(struct story *story, int g)
{
    struct count count = {.story = story, .gitlab = g};
    const struct seen *seen = &story->seen;
    unsigned allowed = seen->disowned[g] + seen->unheard + (seen->registers ? seen->deaths + seen->trouble : 0);

    gitlab_each(story->gitlabs[g], count_one, &count);
    for (int i = 0; i < story->wishes_len; i++)
        if (count.of[i] > 1) {
            count.orphans += count.of[i] - 1;
            snprintf(count.last, sizeof(count.last), "%u of %s", count.of[i], story->wishes[i].name);
        }
    if (count.orphans > allowed)
        sim_broken(story->sim, "no runner left behind", "%s has %u, such as %s; %u may be", gitlab_host(g),
                   count.orphans, count.last, allowed);
}

void runners_check(struct story *story)
{
    for (int g = 0; g < GITLABS; g++)
        check_gitlab(story, g);
}
