/* What of config.toml people see: what may be secret is masked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "web/fleet_look.h"

static const char object_text[] =
    "{\"apiVersion\":\"gitlab-runners.dev/v1beta1\",\"kind\":\"GitLabRunner\",\"metadata\":{\"namespace\":\"ci\","
    "\"name\":\"a\"},\"spec\":{\"url\":\"https://gitlab.test\",\"scope\":{\"type\":\"Project\",\"projectId\":1},"
    "\"authentication\":{\"accessTokenSecretRef\":{\"name\":\"s\"}},"
    "\"environment\":[{\"name\":\"DEPLOY_TOKEN\",\"value\":\"hunter1\"},{\"name\":\"PLAIN\",\"value\":\"seen\"},"
    "{\"name\":\"DOCKER_AUTH_CONFIG\",\"value\":\"hunter2\"},{\"name\":\"API_KEY\",\"value\":\"hunter3\"},"
    "{\"name\":\"DB_PASSWORD\",\"value\":\"hunter4\"},{\"name\":\"URL\",\"value\":\"https://u:hunter5@db.test/x\"},"
    "{\"name\":\"ALL\",\"value\":\"one://a.test/x two://u:hunter8@b.test,three://c:d@hunter9@e.test?x=y@z\"}],"
    "\"config\":{\"runners\":{\"kubernetes\":{\"poll_timeout\":600},"
    "\"clone_url\":\"https://u:hunter7@mirror.test\"}}}}";

static void what_may_be_secret_is_masked(void **state)
{
    static const char *const shown[] = {"PLAIN=seen",
                                        "poll_timeout = 600",
                                        "DEPLOY_TOKEN=<masked>",
                                        "db.test/x",
                                        "ALL=one://a.test/x two://<masked>@b.test,three://<masked>@e.test?x=y@z",
                                        "token = \"<masked>\"",
                                        "DOCKER_AUTH_CONFIG=<masked>"};
    cleanup_arena struct arena a = {0};
    struct err err = {0};
    struct spec spec;
    struct json_object *object = arena_json(&a, json_parse(object_text, strlen(object_text), &err));
    struct observed o = {.owner = owner_of(object)};

    (void)state;
    o.spec = spec_parse(object, &spec, &a, &err) ? &spec : NULL;
    assert_string_equal(err.text, "");
    const char *config = fleet_look_config(&o, &a);
    assert_null(strstr(config, "hunter"));
    for (size_t i = 0; i < ARRAY_LEN(shown); i++)
        if (!strstr(config, shown[i]))
            fail_msg("%s is not in %s", shown[i], config);
    assert_null(fleet_look_config(&(struct observed){.spec = NULL}, &a));
    assert_non_null(strstr(json_text(object), "hunter7")); /* the object itself stays as it is */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_may_be_secret_is_masked)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
