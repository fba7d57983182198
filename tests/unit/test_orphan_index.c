/* Who makes room in a ledger that is full: the oldest entry of the namespace that takes most. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "operator/orphan_index.h"

enum { QUARTER = LEDGER_BYTES / 4 - ENTRY_OVERHEAD, TINY = 1000 };

static struct orphan_entry *put(struct orphan_index *index, const char *key, const char *ns, size_t size,
                                int64_t since_s)
{
    struct orphan_entry *entry = orphan_index_add(index, key, ns, "a runner", size);

    entry->since_s = since_s;
    return entry;
}

/* Who is not in the ledger yet. */
static struct orphan_entry *come(struct orphan_index *index, const char *key, const char *ns, size_t size)
{
    struct orphan_entry *newcomer = put(index, key, ns, size, 40);

    newcomer->recording = true;
    return newcomer;
}

static const char *leaves_for(const struct orphan_index *index, const char *key)
{
    const char *who = orphan_index_find(index, key)->leaving_for;

    return who ? who : "";
}

/* Four quarters: two of heavy, of which one is older, one of other, and one of light. */
static void begin(struct orphan_index *index)
{
    *index = (struct orphan_index){.bytes = 0};
    put(index, "heavy.new", "heavy", QUARTER, 30);
    put(index, "heavy.old", "heavy", QUARTER, 20);
    put(index, "other", "other", QUARTER, 10);
    put(index, "light", "light", QUARTER, 1);
    assert_int_equal(index->bytes, LEDGER_BYTES);
}

static void the_oldest_of_the_heaviest_leaves(void **state)
{
    struct orphan_index index;

    (void)state;
    begin(&index);
    assert_true(orphan_index_make_room(&index, orphan_index_find(&index, "light"))); /* it is full, and all fit */
    assert_string_equal(leaves_for(&index, "heavy.old"), "");
    assert_true(orphan_index_make_room(&index, come(&index, "tiny", "tiny", TINY)));
    assert_string_equal(leaves_for(&index, "heavy.old"), "tiny");
    assert_string_equal(leaves_for(&index, "heavy.new"), "");
    assert_string_equal(leaves_for(&index, "other"), "");
    assert_int_equal(index.bytes, 3 * (QUARTER + ENTRY_OVERHEAD) + TINY + ENTRY_OVERHEAD);
    assert_false(orphan_may_begin(orphan_index_find(&index, "heavy.old")));
    assert_true(orphan_may_begin(orphan_index_find(&index, "heavy.new")));
    orphan_index_drop(&index, orphan_index_find(&index, "heavy.old"));
    assert_int_equal(index.bytes, 3 * (QUARTER + ENTRY_OVERHEAD) + TINY + ENTRY_OVERHEAD);
    orphan_index_drop(&index, orphan_index_find(&index, "tiny"));
    assert_int_equal(index.bytes, 3 * (QUARTER + ENTRY_OVERHEAD));
    orphan_index_finish(&index);
}

/* Between equals the newcomer's own gives way. */
static void the_newcomers_own_leaves_among_equals(void **state)
{
    struct orphan_index index;

    (void)state;
    begin(&index);
    orphan_index_find(&index, "heavy.new")->size -= 2 * TINY + ENTRY_OVERHEAD;
    index.bytes -= 2 * TINY + ENTRY_OVERHEAD;
    put(&index, "filler", "filler", 2 * TINY, 40);
    struct orphan_entry *newcomer = come(&index, "other.2", "other", QUARTER - 2 * TINY - ENTRY_OVERHEAD);
    assert_true(orphan_index_make_room(&index, newcomer));
    assert_string_equal(leaves_for(&index, "other"), "other.2");
    assert_string_equal(leaves_for(&index, "heavy.old"), "");
    orphan_index_finish(&index);
}

/* What somebody is at cannot leave; then nothing does. */
static void who_is_busy_does_not_leave(void **state)
{
    struct orphan_index index;

    (void)state;
    begin(&index);
    orphan_index_find(&index, "heavy.old")->busy = true;
    struct orphan_entry *newcomer = come(&index, "tiny", "tiny", TINY);
    assert_true(orphan_index_make_room(&index, newcomer));
    assert_string_equal(leaves_for(&index, "heavy.new"), "tiny");
    orphan_index_stay(&index, "another");
    assert_string_equal(leaves_for(&index, "heavy.new"), "tiny");
    orphan_index_stay(&index, "tiny");
    assert_string_equal(leaves_for(&index, "heavy.new"), "");
    assert_int_equal(index.bytes, LEDGER_BYTES + TINY + ENTRY_OVERHEAD);
    orphan_index_find(&index, "heavy.new")->recording = true;
    assert_false(orphan_index_make_room(&index, newcomer));
    assert_string_equal(leaves_for(&index, "other"), "");
    assert_int_equal(index.bytes, LEDGER_BYTES + TINY + ENTRY_OVERHEAD);
    orphan_index_finish(&index);
    assert_int_equal(index.bytes, 0);
}

/* Who takes most itself finds no room, and nobody leaves for it. */
static void nobody_leaves_for_who_takes_most(void **state)
{
    struct orphan_index index;

    (void)state;
    begin(&index);
    assert_false(orphan_index_make_room(&index, come(&index, "large", "large", QUARTER + TINY)));
    assert_string_equal(leaves_for(&index, "heavy.old"), "");
    assert_int_equal(index.bytes, LEDGER_BYTES + QUARTER + TINY + ENTRY_OVERHEAD);
    orphan_index_finish(&index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_oldest_of_the_heaviest_leaves),
        cmocka_unit_test(the_newcomers_own_leaves_among_equals),
        cmocka_unit_test(who_is_busy_does_not_leave),
        cmocka_unit_test(nobody_leaves_for_who_takes_most),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
