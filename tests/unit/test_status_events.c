/* What a status that was written is told by: of one that goes well a single Event, of a failure its beginning and its
 * end. The API server is here. */
#include "golden.h"

#include "base/mem.h"
#include "kube/event.h"
#include "operator/status_events.h"
#include "runner/memory.h"

static char told[200];

uint64_t event_send(struct kube_client *client, const struct event *e, const char *controller, const char *instance,
                    kube_done_fn *done, void *arg)
{
    (void)client, (void)controller, (void)instance, (void)done, (void)arg;
    assert_non_null(e->note);
    assert_true(strlen(told) + strlen(e->reason) + 3 < sizeof(told));
    sprintf(told + strlen(told), "%s%s%s", *told ? " " : "", e->warning ? "!" : "", e->reason);
    return 1;
}

/* "Ready:7": the reason of Ready, and the number of the runner that is registered, 0: none. A "!" behind it: only a
 * person can help. A "|" before it: another process writes it. */
static struct json_object *status_of(const char *step, const char *url)
{
    char reason[40], mark = '\0';
    int runner = 0;

    assert_true(sscanf(step + (*step == '|'), "%39[^:]:%d%c", reason, &runner, &mark) >= 2);
    struct json_object *conditions =
        json_build("[{type: Ready, status: %s, reason: %s, message: 'm'}, {type: Registered, status: %s, reason: 'r', "
                   "message: 'runner'}, {type: ConfigApplied, status: 'True', reason: Applied, message: 'm'}]",
                   strcmp(reason, "Ready") ? "False" : "True", reason, runner ? "True" : "False");
    struct json_object *status = json_build("{}");

    if (mark == '!')
        json_append(conditions, json_build("{type: Stalled, status: 'True', reason: 'r'}"));
    json_set(status, "conditions", conditions);
    if (runner) {
        json_set_int(status, "runnerId", runner);
        json_set_str(status, "url", url);
        json_set_str(status, "tokenSecretRef.name", "s");
    }
    return status;
}

/* One status after another, each of which is written. */
static const char *events_of(const char *url, const char *steps)
{
    static struct stats stats;
    const struct context ctx = {.stats = &stats};
    struct state kept = {0};
    struct json_object *before = NULL;
    cleanup_arena struct arena a = {0};
    char *rest = arena_strdup(&a, steps), *step;

    *told = '\0';
    while ((step = strsep(&rest, " "))) {
        struct turn turn = {.ctx = &ctx, .state = &kept};
        struct json_object *now = arena_json(&a, status_of(step, url));
        if (*step == '|')
            kept = (struct state){0};
        turn.observed.memory = &kept.memory;
        status_events_tell(&turn, before, now);
        before = now;
    }
    return told;
}

static void each_life_is_told_of_in_few_words(void **state)
{
    static const char https[] = "https://gitlab.example", http[] = "http://gitlab.example";
    static const struct {
        const char *url, *steps, *events;
    } lives[] = {
        {https, "ManagerStarting:7 Ready:7", "Registered"},
        {https, "Registering:0 Ready:7 ManagerStarting:7 Ready:7", "Registered"},
        {http, "ManagerStarting:7 Ready:7", "!InsecureURL"},
        {https, "Ready:7 Suspended:7 Ready:7", "Registered"},
        {https, "Ready:7 |ManagerStarting:7 Ready:7", "Registered"},
        {https, "SecretNotFound:0! Ready:7", "!SecretNotFound Registered Ready"},
        {https, "Ready:7 ImagePullBackOff:7! ManagerStarting:7 Ready:7 Ready:7", "Registered !ImagePullBackOff Ready"},
        {https, "Ready:7 ImagePullBackOff:7! |ManagerStarting:7 Ready:7", "Registered !ImagePullBackOff Ready"},
        {https, "Ready:7 RunnerNotFound:0! Ready:8", "Registered !RunnerNotFound Registered Ready"},
        {https, "Ready:7 Forbidden:7! ManagerStarting:7 Ready:7", "Registered !Forbidden Ready"},
        {https, "NotGitLab:0! NotGitLab:0! Redirected:0!", "!NotGitLab !Redirected"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lives); i++)
        assert_string_equal(events_of(lives[i].url, lives[i].steps), lives[i].events);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_life_is_told_of_in_few_words)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
