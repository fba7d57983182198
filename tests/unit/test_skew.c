/* Which versions go together, by the tags of images and by what GitLab says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/mem.h"
#include "runner/skew.h"

static const struct {
    int major, minor; /* GitLab's; 0, 0: not known */
    const char *manager, *helper, *reason;
} cases[] = {
    {19, 3, "gitlab/gitlab-runner:v19.3.1", NULL, NULL},
    {19, 3, "gitlab/gitlab-runner:alpine-v19.0.0", NULL, NULL}, /* older, of the same major version */
    {19, 3, "gitlab/gitlab-runner:v19.4.0", NULL, "RunnerNewerThanGitLab"},
    {19, 3, "gitlab/gitlab-runner:20.0", NULL, "RunnerNewerThanGitLab"},
    {19, 3, "registry.example.com:5000/runner:alpine3.19-v18.11.0", NULL, "RunnerOlderThanGitLab"},
    {19, 3, "registry.example.com:5000/runner", NULL, NULL},
    {19, 3, "gitlab/gitlab-runner:latest", NULL, NULL},
    {19, 3, "gitlab/gitlab-runner@sha256:0123", NULL, NULL},
    {19, 3, "gitlab/gitlab-runner:v18.0.0@sha256:0123", NULL, "RunnerOlderThanGitLab"},
    {19, 3, NULL, NULL, NULL}, /* the operator's default, v19.2.0 */
    {0, 0, "gitlab/gitlab-runner:v99.0.0", NULL, NULL},
    {0, 0, "gitlab/gitlab-runner:v19.3.1", "helper:x86_64-v19.3.1", NULL},
    {0, 0, "gitlab/gitlab-runner:v19.3.1", "helper:x86_64-v19.2.0", "HelperVersionDiffers"},
    {19, 3, NULL, "helper:x86_64-v18.2.0", "HelperVersionDiffers"},
    {19, 3, "gitlab/gitlab-runner:v19.3.1", "helper:latest", NULL},
};

static void tells_what_does_not_go_together(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        cleanup_arena struct arena a = {0};
        const struct spec spec = {
            .authentication = AUTH_ACCESS_TOKEN, .manager.image = cases[i].manager, .helper_image = cases[i].helper};
        const struct memory memory = {.check = {.major = cases[i].major, .minor = cases[i].minor}};
        const struct observed o = {
            .spec = &spec, .memory = &memory, .settings.manager_image = "gitlab/gitlab-runner:v19.2.0"};
        const char *message = NULL, *reason = version_skew(&o, &a, &message);
        if (strcmp(reason ? reason : "", cases[i].reason ? cases[i].reason : "") != 0)
            fail_msg("%s, %s: %s", cases[i].manager, cases[i].helper, reason);
        assert_int_equal(message != NULL, reason != NULL);
    }
}

static const char *told_of(const char *manager, const char *helper, struct arena *a)
{
    const struct spec spec = {.authentication = AUTH_ACCESS_TOKEN, .manager.image = manager, .helper_image = helper};
    const struct memory memory = {.check = {.major = 19, .minor = 3}};
    const struct observed o = {.spec = &spec, .memory = &memory};
    const char *message = NULL;

    version_skew(&o, a, &message);
    return message;
}

static void says_which_versions_and_what_to_do(void **state)
{
    cleanup_arena struct arena a = {0};

    (void)state;
    assert_string_equal(told_of("r:v20.4.1", NULL, &a),
                        "the manager's image is of version 20.4 and GitLab of 19.3: use an image of GitLab's version");
    assert_string_equal(told_of("r:v19.2.1", "h:x86_64-v18.5.0", &a),
                        "the helper image is of version 18.5, the manager's image of 19.2: use the same for both");
}

/* Without an access token nobody hears of the next version, so none is known. */
static void only_an_access_token_is_told(void **state)
{
    cleanup_arena struct arena a = {0};
    const struct spec spec = {.authentication = AUTH_REGISTRATION_TOKEN,
                              .manager.image = "gitlab/gitlab-runner:v19.4.0"};
    const struct memory memory = {.check = {.major = 19, .minor = 3}};
    const struct observed o = {.spec = &spec, .memory = &memory};
    const char *message = NULL;

    (void)state;
    assert_null(version_skew(&o, &a, &message));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(tells_what_does_not_go_together),
                                       cmocka_unit_test(says_which_versions_and_what_to_do),
                                       cmocka_unit_test(only_an_access_token_is_told)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
