/* What is asked of the API server for the ledger, with a client of the test's own. */
#include "golden.h"

#include "base/json.h"
#include "operator/ledger.h"
#include "operator/orphans.h"

static struct {
    char what[200], type[60], body[2000];
    const char *leaving[2];
} w;

/* ---------------------------------------------------------------------------------------------------------------------
 * What ledger.c is linked with. */

uint64_t kube_start(struct kube_client *client, const struct kube_request *request)
{
    (void)client;
    snprintf(w.what, sizeof(w.what), "%s %s", request->method, request->path);
    snprintf(w.type, sizeof(w.type), "%s", request->content_type ? request->content_type : "");
    snprintf(w.body, sizeof(w.body), "%s", request->body ? request->body : "");
    return 1;
}

bool orphans_next_leaving(const struct orphans *orphans, const char *newcomer, size_t *i, const char **ret_key)
{
    (void)orphans;
    assert_string_equal(newcomer, "uid-1.7");
    *ret_key = *i < 2 ? w.leaving[*i] : NULL;
    ++*i;
    return *ret_key != NULL;
}

/* Nobody asks for these here. */
bool orphans_admit(struct orphans *orphans, const char *key, const char *ns, const char *what, size_t size,
                   struct err *err)
{
    (void)orphans, (void)key, (void)ns, (void)what, (void)size, (void)err;
    return false;
}

void orphans_written(struct orphans *orphans, const char *key, bool success)
{
    (void)orphans, (void)key, (void)success;
}

/* ------------------------------------------------------------------------------------------------------------------ */

static const struct context ctx = {.ns = "system"};

#define LEDGER "/api/v1/namespaces/system/secrets/gitlab-runner-orphans"

static int set_up(void **state)
{
    (void)state;
    memset(&w, 0, sizeof(w));
    return 0;
}

static void an_entry_is_written_alone(void **state)
{
    (void)state;
    ledger_write(&ctx, "uid-1.7", "{}", NULL, NULL);
    assert_string_equal(w.what, "PATCH " LEDGER "?fieldManager=gitlab-runner-controller");
    assert_string_equal(w.type, "application/merge-patch+json");
    assert_string_equal(w.body, "{\"data\":{\"uid-1.7\":\"e30=\"}}");
}

static void what_makes_room_goes_in_the_same_write(void **state)
{
    (void)state;
    w.leaving[0] = "uid-2.1";
    w.leaving[1] = "uid-3.4";
    ledger_write(&ctx, "uid-1.7", "{}", NULL, NULL);
    assert_string_equal(w.body, "{\"data\":{\"uid-1.7\":\"e30=\",\"uid-2.1\":null,\"uid-3.4\":null}}");
}

static void an_entry_is_taken_out_alone(void **state)
{
    (void)state;
    ledger_remove(&ctx, "uid-1.7", NULL, NULL);
    assert_string_equal(w.body, "{\"data\":{\"uid-1.7\":null}}");
}

/* Somebody may have deleted the Secret. */
static void a_ledger_that_is_missing_is_made(void **state)
{
    (void)state;
    ledger_create(&ctx, "uid-1.7", "{}", NULL, NULL);
    assert_string_equal(w.what, "POST /api/v1/namespaces/system/secrets");
    assert_string_equal(w.body, "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"namespace\":\"system\","
                                "\"name\":\"gitlab-runner-orphans\",\"labels\":{\"app.kubernetes.io/managed-by\":"
                                "\"gitlab-runner-controller\"}},\"data\":{\"uid-1.7\":\"e30=\"}}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_entry_is_written_alone, set_up),
        cmocka_unit_test_setup(what_makes_room_goes_in_the_same_write, set_up),
        cmocka_unit_test_setup(an_entry_is_taken_out_alone, set_up),
        cmocka_unit_test_setup(a_ledger_that_is_missing_is_made, set_up),
    };

    return cmocka_run_group_tests_name("ledger", tests, NULL, NULL);
}
