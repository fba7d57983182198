/* Memory of one lifetime. */
#include "golden.h"

#include "base/buf.h"
#include "base/mem.h"

static void gives_zeroed_aligned_memory_of_its_own(void **state)
{
    enum { PIECES = 3000 };
    struct arena a cleanup_arena = {0};
    unsigned char *pieces[PIECES];

    (void)state;
    for (size_t i = 0; i < PIECES; i++) {
        size_t size = i % 97 == 0 ? 5000 + i : i % 61; /* some do not fit into a block, some are empty */
        pieces[i] = arena_alloc(&a, size + 1);
        assert_int_equal((uintptr_t)pieces[i] % _Alignof(max_align_t), 0);
        for (size_t n = 0; n <= size; n++)
            assert_int_equal(pieces[i][n], 0);
        memset(pieces[i], (int)(i & 0xff), size + 1);
    }
    for (size_t i = 0; i < PIECES; i++)
        assert_int_equal(pieces[i][0], i & 0xff);
}

static void copies_texts(void **state)
{
    struct arena a cleanup_arena = {0};
    char text[] = "text";
    char *copy = arena_strdup(&a, text), *part = arena_strndup(&a, text, 2);

    (void)state;
    text[0] = 'n';
    assert_string_equal(copy, "text");
    assert_string_equal(part, "te");
    assert_string_equal(arena_strndup(&a, "", 0), "");
    assert_null(arena_strdup(&a, NULL));
}

static void prints_texts_of_any_length(void **state)
{
    struct arena a cleanup_arena = {0};
    char text[10001];

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_string_equal(arena_printf(&a, "%d-%s", 7, "a"), "7-a");
    assert_string_equal(arena_printf(&a, "%s", ""), "");
    const char *twice = arena_printf(&a, "%s%s", text, text);
    assert_int_equal(strlen(twice), 2 * (sizeof(text) - 1));
    assert_memory_equal(twice, text, sizeof(text) - 1);
}

struct note {
    struct order {
        int numbers[3];
        size_t len;
    } * log;
    int number;
};

static void write_note(void *arg)
{
    struct note *note = arg; /* lives in the arena, so blocks must still be there */

    note->log->numbers[note->log->len++] = note->number;
}

static void releases_the_newest_first_and_before_the_memory(void **state)
{
    struct arena a = {0};
    struct order log = {0};

    (void)state;
    for (int i = 0; i < 3; i++) {
        struct note *note = arena_alloc(&a, sizeof(*note));
        *note = (struct note){&log, i};
        arena_defer(&a, write_note, note);
    }
    assert_int_equal(log.len, 0);
    arena_finish(&a);
    assert_int_equal(log.len, 3);
    assert_true(log.numbers[0] == 2 && log.numbers[1] == 1 && log.numbers[2] == 0);
}

static void count_release(void *arg)
{
    ++*(int *)arg;
}

static void is_empty_and_usable_after_its_end(void **state)
{
    struct arena a;
    int releases = 0;

    (void)state;
    arena_init(&a);
    arena_finish(&a);
    for (int i = 0; i < 3; i++) {
        assert_string_equal(arena_strdup(&a, "again"), "again");
        arena_defer(&a, count_release, &releases);
        arena_finish(&a);
        assert_int_equal(releases, i + 1);
    }
}

static void holds_one_reference_to_a_tree(void **state)
{
    struct json_object *tree = json_build("{a: 1}");
    struct arena a = {0};

    (void)state;
    assert_null(arena_json(&a, NULL));
    assert_ptr_equal(arena_json(&a, json_ref(tree)), tree);
    arena_finish(&a);
    assert_int_equal(json_object_put(tree), 1); /* ours was the last reference */
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Whoever reads the memory of the process, such as from a core dump, finds no token that is of use no more. The hook is
 * ASan's. */

#define TOKEN "glrt-cleansed-when-it-is-freed"

int __sanitizer_install_malloc_and_free_hooks(void (*)(const volatile void *, size_t), void (*)(const volatile void *))
    __attribute__((weak));
size_t __sanitizer_get_allocated_size(const volatile void *) __attribute__((weak));

static unsigned freed, left;

static void on_alloc(const volatile void *at, size_t size)
{
    (void)at, (void)size;
}

static void on_free(const volatile void *at)
{
    freed++;
    left += at && memmem((const void *)at, __sanitizer_get_allocated_size(at), TOKEN, strlen(TOKEN));
}

static void of_an_arena(void)
{
    struct arena a cleanup_arena = {0};

    arena_strdup(&a, TOKEN);
}

static void of_what_did_not_fit(void)
{
    struct arena a cleanup_arena = {0};

    arena_strdup(&a, "first");
    arena_printf(&a, "%s %04000d", TOKEN, 0);
}

static void of_a_buffer(void)
{
    struct buf b cleanup_buf;

    buf_init(&b, 1000);
    buf_adds(&b, TOKEN);
}

static void of_a_buffer_that_has_grown(void)
{
    struct buf b cleanup_buf;

    buf_init(&b, 1000);
    buf_adds(&b, TOKEN);
    buf_addf(&b, "%0500d", 0);
}

static void of_a_text(void)
{
    mem_free_secret(mem_strdup(TOKEN));
}

static void of_a_tree(void)
{
    struct json_object *tree = json_build("{data: [{token: %s}]}", TOKEN);

    json_cleanse(tree);
    json_object_put(tree);
}

static void no_token_is_left_in_what_was_freed(void **state)
{
    static void (*const users[])(void) = {
        of_an_arena, of_what_did_not_fit, of_a_buffer, of_a_buffer_that_has_grown, of_a_text, of_a_tree,
    };

    (void)state;
    if (!__sanitizer_install_malloc_and_free_hooks)
        return;
    assert_true(__sanitizer_install_malloc_and_free_hooks(on_alloc, on_free) > 0);
    for (size_t i = 0; i < ARRAY_LEN(users); i++) {
        freed = left = 0;
        users[i]();
        assert_true(freed > 0);
        assert_int_equal(left, 0);
    }
    free(mem_strdup(TOKEN));
    assert_int_equal(left, 1); /* it would have been seen */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_zeroed_aligned_memory_of_its_own),
        cmocka_unit_test(copies_texts),
        cmocka_unit_test(prints_texts_of_any_length),
        cmocka_unit_test(releases_the_newest_first_and_before_the_memory),
        cmocka_unit_test(is_empty_and_usable_after_its_end),
        cmocka_unit_test(holds_one_reference_to_a_tree),
        cmocka_unit_test(no_token_is_left_in_what_was_freed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
