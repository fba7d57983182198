/* What the status says of the fields of children, and what is read out of it. */
#include "golden.h"

#include "runner/applied_fields.h"

static struct observed_child child_with(const char *fields)
{
    return (struct observed_child){.exists = true, .fields = fields};
}

static void only_what_is_in_order_is_told(void **state)
{
    cleanup_arena struct arena a = {0};
    struct observed o = {0};

    (void)state;
    assert_null(applied_fields_text(&o, &a));
    for (enum child child = 0; child < CHILD_COUNT; child++)
        o.children[child] = child_with("0123456789abcdef");
    o.children[CHILD_SERVICE_ACCOUNT].drifted = true;
    o.children[CHILD_ROLE_BINDING].exists = false;
    o.children[CHILD_DEPLOYMENT].fields = NULL;
    const char *text = applied_fields_text(&o, &a);
    for (enum child child = 0; child < CHILD_COUNT; child++) {
        bool told = child != CHILD_TOKEN_SECRET && child != CHILD_SERVICE_ACCOUNT && child != CHILD_ROLE_BINDING &&
                    child != CHILD_DEPLOYMENT;
        assert_int_equal(applied_fields_tell(text, child, "0123456789abcdef"), told);
        assert_false(applied_fields_tell(text, child, "1123456789abcdef"));
    }
    assert_in_range(strlen(text), 1, APPLIED_FIELDS_SIZE / 2); /* with room for more children */
}

/* The status is anybody's who may write it. */
static void what_is_no_digest_proves_nothing(void **state)
{
    static const char *const texts[] = {
        "", ",", "1", "1=", "1=0123456", "1=012345678", "11=01234567", " 1=01234567", "1=01234567 ", ",,,2=01234567"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_false(applied_fields_tell(texts[i], CHILD_CONFIG_SECRET, "0123456789abcdef"));
        assert_false(applied_fields_tell(texts[i], CHILD_CONFIG_SECRET, ""));
        assert_false(applied_fields_tell(texts[i], CHILD_CONFIG_SECRET, NULL));
    }
    assert_true(applied_fields_tell(",2=x,1=01234567,,", CHILD_CONFIG_SECRET, "0123456789abcdef"));
    assert_false(applied_fields_tell(NULL, CHILD_CONFIG_SECRET, "0123456789abcdef"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_is_in_order_is_told),
        cmocka_unit_test(what_is_no_digest_proves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
