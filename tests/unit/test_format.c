/* Texts are put together as vsnprintf() does, whatever the room. */
#include "golden.h"

#include "base/format.h"

enum { SIZE = 64 };

static __attribute__((format(printf, 1, 2))) void is_as_of_libc(const char *format, ...)
{
    for (size_t size = 0; size <= SIZE; size++) {
        char ours[SIZE + 1], theirs[SIZE + 1];
        va_list args, again;
        memset(ours, '#', sizeof(ours));
        memset(theirs, '#', sizeof(theirs));
        va_start(args, format);
        va_copy(again, args);
        assert_int_equal(format_text(ours, size, format, args), vsnprintf(theirs, size, format, again));
        va_end(again);
        va_end(args);
        assert_memory_equal(ours, theirs, sizeof(ours));
    }
}

static void is_put_together(void **state)
{
    const char *format = "%s", *volatile none = NULL;

    (void)state;
    is_as_of_libc("%s", "");
    is_as_of_libc("nothing but words");
    is_as_of_libc("%s%s", "one", "another");
    is_as_of_libc("/%s/%s: %s.", "namespaces", "", "ten bytes and more");
    is_as_of_libc("%s", format); /* one and the same text */
    is_as_of_libc("%s=%s", "A", none);
}

static void goes_where_it_is_to_go(void **state)
{
    char text[4];

    (void)state;
    assert_int_equal(format_into(text, sizeof(text), "%s-%s", "a", "bc"), 4);
    assert_string_equal(text, "a-b");
}

static void all_else_is_printed(void **state)
{
    (void)state;
    is_as_of_libc("%s: 100%%", "all");
    is_as_of_libc("%s %d %.2s %-8s|", "one", -7, "three", "four");
    is_as_of_libc("%08llx-%s", 0x1234ULL, "end");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_put_together),
        cmocka_unit_test(goes_where_it_is_to_go),
        cmocka_unit_test(all_else_is_printed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
