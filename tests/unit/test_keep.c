#include "base/keep.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

enum { BLOCKS = 3000, ROUNDS = 60000, SIZE_MAX_TRIED = 14000 };

struct kept {
    unsigned char *at;
    size_t size;
    unsigned char mark;
};

static void assert_kept(const struct kept *k)
{
    for (size_t i = 0; i < k->size; i++)
        if (k->at[i] != k->mark)
            fail_msg("byte %zu of a block of %zu was overwritten", i, k->size);
}

static void keep(struct kept *k, size_t size, unsigned char mark)
{
    *k = (struct kept){keep_alloc(size), size, 0};
    assert_int_equal((uintptr_t)k->at % 8, 0);
    assert_kept(k); /* zeroed */
    k->mark = mark;
    memset(k->at, mark, size);
}

/* Of all sizes, in any order, each is its owner's alone. */
static void blocks_do_not_meet(void **state)
{
    static struct kept blocks[BLOCKS];

    (void)state;
    srand(1);
    for (int round = 0; round < ROUNDS; round++) {
        struct kept *k = &blocks[rand() % BLOCKS];
        if (k->at) {
            assert_kept(k);
            keep_free(k->at, k->size);
            k->at = NULL;
        } else {
            keep(k, (size_t)(rand() % (round % 7 ? 200 : SIZE_MAX_TRIED)), (unsigned char)(1 + rand() % 255));
        }
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        if (blocks[i].at)
            assert_kept(&blocks[i]);
        keep_free(blocks[i].at, blocks[i].size);
    }
}

static void every_size_has_room(void **state)
{
    (void)state;
    for (size_t size = 0; size <= SIZE_MAX_TRIED; size++) {
        struct kept two[2];
        keep(&two[0], size, 1);
        keep(&two[1], size, 2);
        assert_kept(&two[0]);
        assert_kept(&two[1]);
        keep_free(two[0].at, size);
        keep_free(two[1].at, size);
    }
}

static void texts_are_copied(void **state)
{
    (void)state;
    char *text = keep_strdup("ci/builds");
    assert_string_equal(text, "ci/builds");
    keep_free_text(text);
    keep_free_text(NULL);
    keep_free(NULL, 7);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_do_not_meet),
        cmocka_unit_test(every_size_has_room),
        cmocka_unit_test(texts_are_copied),
    };

    return cmocka_run_group_tests_name("keep", tests, NULL, NULL);
}
