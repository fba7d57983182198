/* What is true of a world, by what is observed of it. */
#include "golden.h"

#include "base/mem.h"
#include "world_broken.h"

static struct observed *at_rest(struct stage *stage, const int options[OPTIONS])
{
    stage_init(stage, options, false);
    world_observe(&stage->world);
    return &stage->world.observed;
}

static const int plain[OPTIONS];
static const int with_ca[OPTIONS] = {[OPT_CA] = 1};
static const int users_own[OPTIONS] = {[OPT_MODE] = 2};
static const int own_account[OPTIONS] = {[OPT_ACCOUNT] = 1};

/* Asked for by a setting of its own, which these specs do not have. */
static bool is_special(enum child child)
{
    return child == CHILD_JOBS_ACCOUNT || (child_is_binding(child) && child != CHILD_ROLE_BINDING);
}

static void at_rest_all_is_right(void **state)
{
    struct stage stage cleanup_stage;
    struct observed *o = at_rest(&stage, plain);
    struct arena *a = &stage.world.mem;

    (void)state;
    assert_true(registration_fits(o, a) && is_registered(o, a) && registration_is_right(o, a));
    for (enum child child = CHILD_CONFIG_SECRET; child < CHILD_COUNT; child++)
        assert_int_equal(child_is_right(o, child, a), !is_special(child));
}

/* ------------------------------------------------------------------------------------------------------------------
 * The registration.
 */
static void a_registration_fits_one_url_mode_and_scope(void **state)
{
    struct stage stage cleanup_stage;
    struct observed *o = at_rest(&stage, plain);
    const struct registration fits = o->registered;
    struct registration *r = &o->registered;

    (void)state;
    r->url = "https://two.example.com";
    assert_false(registration_fits(o, &stage.world.mem));
    *r = fits;
    r->authentication = "RegistrationToken";
    assert_false(registration_fits(o, &stage.world.mem));
    *r = fits;
    r->scope = "Project/8";
    assert_false(registration_fits(o, &stage.world.mem));
    *r = (struct registration){0};
    assert_false(registration_fits(o, &stage.world.mem));
}

static void it_is_registered_while_its_secret_stays(void **state)
{
    struct stage stage cleanup_stage;
    struct observed *o = at_rest(&stage, plain);
    struct observed_child *secret = &o->children[CHILD_TOKEN_SECRET];

    (void)state;
    secret->terminating = true;
    assert_false(is_registered(o, &stage.world.mem));
    secret->terminating = false;
    secret->exists = false;
    assert_false(is_registered(o, &stage.world.mem));
    secret->exists = stage.world.process.memory.deregistered = true;
    assert_false(is_registered(o, &stage.world.mem));
}

static void gitlab_must_have_been_told(void **state)
{
    struct stage stage cleanup_stage;
    struct observed *o = at_rest(&stage, plain);

    (void)state;
    o->registered.told_hash = "";
    assert_true(is_registered(o, &stage.world.mem));
    assert_false(registration_is_right(o, &stage.world.mem));
}

/* A user's own token is copied again when its Secret is another version; nothing is told to GitLab. */
static void a_users_token_is_the_one_of_now(void **state)
{
    struct stage stage cleanup_stage;
    struct observed *o = at_rest(&stage, users_own);

    (void)state;
    assert_true(registration_is_right(o, &stage.world.mem));
    assert_string_equal(o->registered.told_hash, "");
    o->values[READ_CREDENTIAL].version = "another";
    assert_string_equal(token_inputs_text(o, &stage.world.mem), "credential=another");
    assert_false(registration_is_right(o, &stage.world.mem));
}

static void other_credentials_may_change(void **state)
{
    struct stage stage cleanup_stage;
    struct observed *o = at_rest(&stage, plain);

    (void)state;
    o->values[READ_CREDENTIAL].version = "another";
    assert_null(token_inputs_text(o, &stage.world.mem));
    assert_true(registration_is_right(o, &stage.world.mem));
}

/* ------------------------------------------------------------------------------------------------------------------
 * Children.
 */
static void a_child_is_right_as_it_was_applied(void **state)
{
    struct stage stage cleanup_stage;
    struct observed *o = at_rest(&stage, plain);
    struct observed_child *c = &o->children[CHILD_DEPLOYMENT];
    const struct observed_child right = *c;

    (void)state;
    c->exists = false;
    assert_false(child_is_right(o, CHILD_DEPLOYMENT, &stage.world.mem));
    *c = right;
    c->terminating = true;
    assert_false(child_is_right(o, CHILD_DEPLOYMENT, &stage.world.mem));
    *c = right;
    c->drifted = true;
    assert_false(child_is_right(o, CHILD_DEPLOYMENT, &stage.world.mem));
    *c = right;
    c->hash = "another";
    assert_false(child_is_right(o, CHILD_DEPLOYMENT, &stage.world.mem));
    c->hash = NULL;
    assert_false(child_is_right(o, CHILD_DEPLOYMENT, &stage.world.mem));
}

static void inputs_matter_to_the_config_secret_alone(void **state)
{
    struct stage stage cleanup_stage;
    struct observed *o = at_rest(&stage, plain);

    (void)state;
    o->values[READ_TOKEN].version = "another";
    assert_string_equal(config_inputs_text(o, &stage.world.mem), "token=another");
    assert_false(child_is_right(o, CHILD_CONFIG_SECRET, &stage.world.mem));
    assert_true(child_is_right(o, CHILD_DEPLOYMENT, &stage.world.mem));
}

static void the_ca_is_an_input_where_there_is_one(void **state)
{
    struct stage stage cleanup_stage;
    struct observed *o = at_rest(&stage, with_ca);

    (void)state;
    o->values[READ_TOKEN].version = "1";
    o->values[READ_CA].version = "2";
    assert_string_equal(config_inputs_text(o, &stage.world.mem), "token=1 ca=2");
    o->values[READ_CA].version = NULL;
    assert_string_equal(config_inputs_text(o, &stage.world.mem), "token=1 ca=");
}

static void what_is_wanted_follows_from_the_spec(void **state)
{
    struct stage stage cleanup_stage, other cleanup_stage;
    struct observed *o = at_rest(&stage, plain), *own = at_rest(&other, own_account);

    (void)state;
    for (enum child child = CHILD_TOKEN_SECRET; child < CHILD_COUNT; child++) {
        assert_int_equal(o->wanted[child].wanted, !is_special(child));
        assert_int_equal(own->wanted[child].wanted, child != CHILD_SERVICE_ACCOUNT && !is_special(child));
        assert_int_equal(o->wanted[child].manifest != NULL, child != CHILD_TOKEN_SECRET && !is_special(child));
    }
    assert_string_not_equal(o->wanted[CHILD_DEPLOYMENT].hash, own->wanted[CHILD_DEPLOYMENT].hash);
}

static void an_invalid_spec_wants_nothing(void **state)
{
    struct observed o = {.spec = NULL};
    struct arena a cleanup_arena = {0};

    (void)state;
    observe_fingerprints(&o, &(struct fingerprints){.known = false}, &a);
    for (enum child child = CHILD_TOKEN_SECRET; child < CHILD_COUNT; child++)
        assert_false(o.wanted[child].wanted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(at_rest_all_is_right),
        cmocka_unit_test(a_registration_fits_one_url_mode_and_scope),
        cmocka_unit_test(it_is_registered_while_its_secret_stays),
        cmocka_unit_test(gitlab_must_have_been_told),
        cmocka_unit_test(a_users_token_is_the_one_of_now),
        cmocka_unit_test(other_credentials_may_change),
        cmocka_unit_test(a_child_is_right_as_it_was_applied),
        cmocka_unit_test(inputs_matter_to_the_config_secret_alone),
        cmocka_unit_test(the_ca_is_an_input_where_there_is_one),
        cmocka_unit_test(what_is_wanted_follows_from_the_spec),
        cmocka_unit_test(an_invalid_spec_wants_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
