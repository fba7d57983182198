/* A file whose content is replaced while it is followed. */
#include "files.h"

#include <sys/stat.h>

#include "base/followed.h"
#include "base/mem.h"

/* As the kubelet does it: another file takes the name. */
static void replace(const char *path, const char *text, struct arena *a)
{
    assert_int_equal(rename(make_file(text, strlen(text), a), path), 0);
}

static void what_is_there_now_is_read(void **state)
{
    cleanup_arena struct arena a = {0};
    const char *path = make_file(" me:secret\n", 11, &a);
    struct followed *f = followed_create(path);
    struct err err = {0};

    (void)state;
    assert_string_equal(followed_text(f, &err), "me:secret");
    assert_string_equal(followed_text(f, &err), "me:secret");
    replace(path, "me:another\r\n", &a);
    assert_string_equal(followed_text(f, &err), "me:another");
    replace(path, "\n", &a);
    assert_string_equal(followed_text(f, &err), "me:another"); /* better than nothing */
    unlink(path);
    assert_string_equal(followed_text(f, &err), "me:another");
    replace(path, "me:last", &a);
    assert_string_equal(followed_text(f, &err), "me:last");
    followed_destroy(f);
}

static void what_was_never_there_is_told(void **state)
{
    cleanup_arena struct arena a = {0};
    static char long_text[FOLLOWED_MAX + 2];
    const char *paths[] = {"/nowhere/at-all", "/tmp", NULL, NULL};

    (void)state;
    memset(long_text, 'x', sizeof(long_text));
    paths[2] = make_file(" ", 1, &a);
    paths[3] = make_file(long_text, sizeof(long_text), &a);
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        struct followed *f = followed_create(paths[i]);
        struct err err = {0};
        assert_null(followed_text(f, &err));
        assert_ptr_equal(strstr(err.text, paths[i]), err.text);
        followed_destroy(f);
    }
    assert_null(followed_create(NULL));
    assert_null(followed_text(NULL, NULL));
    followed_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_there_now_is_read),
        cmocka_unit_test(what_was_never_there_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
