/* The intrusive list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/list.h"

enum { LEN = 5 };

struct item {
    int number;
    struct list node;
};

static void fill(struct list *l, struct item items[static LEN])
{
    list_init(l);
    for (int i = 0; i < LEN; i++) {
        items[i].number = i;
        list_append(l, &items[i].node);
    }
}

/* The numbers as the digits of a decimal number, read in both directions. */
static int forward(const struct list *l)
{
    int digits = 0;

    list_each (node, l)
        digits = digits * 10 + container_of(node, struct item, node)->number + 1;
    return digits;
}

static int backward(const struct list *l)
{
    int digits = 0;

    for (const struct list *node = l->prev; node != l; node = node->prev)
        digits = digits * 10 + container_of(node, const struct item, node)->number + 1;
    return digits;
}

static void keeps_the_order_of_arrival(void **state)
{
    struct list l;
    struct item items[LEN];

    (void)state;
    fill(&l, items);
    assert_int_equal(forward(&l), 12345);
    assert_int_equal(backward(&l), 54321);
    for (int i = 0; i < LEN; i++) {
        assert_int_equal(list_len(&l), LEN - i);
        struct list *node = list_pop(&l);
        assert_ptr_equal(node, &items[i].node);
        assert_true(list_empty(node)); /* a node that is in no list points to itself */
    }
    assert_null(list_pop(&l));
    assert_true(list_empty(&l));
}

static void takes_any_node_out(void **state)
{
    static const int left[LEN] = {2345, 1345, 1245, 1235, 1234};

    (void)state;
    for (int i = 0; i < LEN; i++) {
        struct list l;
        struct item items[LEN];
        fill(&l, items);
        list_remove(&items[i].node);
        list_remove(&items[i].node); /* once more does nothing */
        assert_int_equal(forward(&l), left[i]);
        assert_true(list_empty(&items[i].node));
        list_append(&l, &items[i].node);
        assert_int_equal(forward(&l), left[i] * 10 + i + 1);
    }
}

static void may_lose_the_current_node_while_it_is_walked(void **state)
{
    struct list l;
    struct item items[LEN];

    (void)state;
    fill(&l, items);
    list_each_safe (node, after, &l)
        if (container_of(node, struct item, node)->number % 2 == 0)
            list_remove(node);
    assert_int_equal(forward(&l), 24);
    list_each_safe (node, after, &l)
        list_remove(node);
    assert_true(list_empty(&l));
}

static void takes_its_value_from_a_variable(void **state)
{
    char *text = mem_strdup("mine");
    char *owned = take(text);

    (void)state;
    assert_null(text);
    assert_string_equal(owned, "mine");
    free(owned);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_the_order_of_arrival),
        cmocka_unit_test(takes_any_node_out),
        cmocka_unit_test(may_lose_the_current_node_while_it_is_walked),
        cmocka_unit_test(takes_its_value_from_a_variable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
