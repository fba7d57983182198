/* The words of annotations, as they are read, and what is made of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "runner/names.h"
#include "runner/spec.h"

enum { NOW = 1767352440 }; /* 2026-01-02T11:14:00Z */

static struct spec steered_by(const char *name, const char *value, enum authentication by, struct arena *a)
{
    struct json_object *annotations = arena_json(a, json_build("{}"));
    struct spec spec = {.authentication = by};

    if (value)
        json_put_member(annotations, name, value);
    steering_read(annotations, &spec, a);
    return spec;
}

static void pauses_until_the_time(void **state)
{
    static const struct {
        const char *value;
        enum authentication by;
        bool pauses, warns;
    } cases[] = {
        {"2026-01-02T11:14:01Z", AUTH_ACCESS_TOKEN, true, false},
        {"2026-01-02T12:14:01+01:00", AUTH_ACCESS_TOKEN, true, false},
        {"2026-01-02T11:14:00Z", AUTH_ACCESS_TOKEN, false, false},
        {"2025-01-02T11:14:00Z", AUTH_ACCESS_TOKEN, false, false},
        {"resumed", AUTH_ACCESS_TOKEN, true, false},
        {"", AUTH_ACCESS_TOKEN, false, false},
        {NULL, AUTH_ACCESS_TOKEN, false, false},
        {"Resumed", AUTH_ACCESS_TOKEN, false, true},
        {"2026-01-02", AUTH_ACCESS_TOKEN, false, true},
        {"\033[2Jtrue", AUTH_ACCESS_TOKEN, false, true},
        {"1969-01-02T11:14:00Z", AUTH_ACCESS_TOKEN, false, true},
        {"resumed", AUTH_REGISTRATION_TOKEN, false, true},
        {"2026-01-02T11:14:01Z", AUTH_RUNNER_TOKEN, false, true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena a cleanup_arena = {0};
        const struct spec spec = steered_by(ANNOTATION_PAUSED_UNTIL, cases[i].value, cases[i].by, &a);
        if (steering_pauses(&spec, NOW) != cases[i].pauses || (spec.warnings.len > 0) != cases[i].warns)
            fail_msg("\"%s\": %zu warnings", cases[i].value, spec.warnings.len);
    }
}

static void warns_where_nothing_is_paused(void **state)
{
    struct arena a cleanup_arena = {0};
    const struct spec unread = steered_by(ANNOTATION_PAUSED_UNTIL, "tomorrow", AUTH_ACCESS_TOKEN, &a),
                      unable = steered_by(ANNOTATION_PAUSED_UNTIL, "resumed", AUTH_RUNNER_TOKEN, &a);

    (void)state;
    assert_string_equal(warnings_text(&unread.warnings, 1000, &a),
                        "the annotation gitlab-runners.dev/paused-until is \"tomorrow\", so nothing is paused: write a "
                        "time such as 2026-01-02T11:14:00Z, or resumed");
    assert_string_equal(warnings_text(&unable.warnings, 1000, &a),
                        "the annotation gitlab-runners.dev/paused-until has no effect: only an access token gives a "
                        "right to pause a runner. Pause it at GitLab, or set spec.manager.replicas to 0, which lets "
                        "jobs end");
}

static void says_who_and_why(void **state)
{
    struct arena a cleanup_arena = {0};
    struct json_object *annotations = arena_json(&a, json_build("{}"));
    struct spec spec = {.authentication = AUTH_ACCESS_TOKEN};

    (void)state;
    json_put_member(annotations, ANNOTATION_PAUSED_UNTIL, "resumed");
    steering_read(annotations, &spec, &a);
    assert_string_equal(steering_pause_text(&spec.steering, &a), "until it is resumed");
    json_put_member(annotations, ANNOTATION_PAUSED_BY, "anna");
    steering_read(annotations, &spec, &a);
    assert_string_equal(steering_pause_text(&spec.steering, &a), "until it is resumed, by anna");
    json_put_member(annotations, ANNOTATION_PAUSED_UNTIL, "2026-01-02T12:14:00+01:00");
    json_put_member(annotations, ANNOTATION_PAUSE_REASON, "disk");
    steering_read(annotations, &spec, &a);
    assert_string_equal(steering_pause_text(&spec.steering, &a), "until 2026-01-02T11:14:00Z by anna: disk");
}

/* A time stays as it is; what could be taken for more than one word, or is long, has a digest in its place. */
static void restarts_by_a_plain_word(void **state)
{
    struct arena a cleanup_arena = {0};
    const char *time = "2026-01-02T11:14:00.000001Z";

    (void)state;
    assert_string_equal(steered_by(ANNOTATION_RESTART, time, AUTH_RUNNER_TOKEN, &a).steering.restart, time);
    assert_null(steered_by(ANNOTATION_RESTART, NULL, AUTH_RUNNER_TOKEN, &a).steering.restart);
    assert_null(steered_by(ANNOTATION_RESTART, "", AUTH_RUNNER_TOKEN, &a).steering.restart);
    const char *words[] = {"now account=another", "a\nb", "ä", arena_printf(&a, "%0100d", 1)};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        const char *word = steered_by(ANNOTATION_RESTART, words[i], AUTH_ACCESS_TOKEN, &a).steering.restart;
        assert_int_equal(strspn(word, "0123456789abcdef"), strlen(word));
        assert_in_range(strlen(word), 8, 64);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pauses_until_the_time),
        cmocka_unit_test(warns_where_nothing_is_paused),
        cmocka_unit_test(says_who_and_why),
        cmocka_unit_test(restarts_by_a_plain_word),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
