/* Fingerprints and base64, by the examples of their standards. */
#include "golden.h"

#include "base/digest.h"
#include "base/mem.h"

static void makes_the_fingerprints_of_the_standard(void **state)
{
    struct arena a cleanup_arena = {0};

    (void)state;
    assert_string_equal(digest_sha256("", 0, &a), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_string_equal(digest_sha256("abc", 3, &a),
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_string_equal(digest_short("abc", 3, &a), "ba7816bf8f01cfea");
}

static void a_number_stands_for_a_text_under_its_key(void **state)
{
    struct digest_key one = {{0}}, other;

    (void)state;
    digest_key_make(&other);
    assert_true(digest_keyed(&one, "glpat-1") == digest_keyed(&one, "glpat-1"));
    assert_true(digest_keyed(&one, "glpat-1") != digest_keyed(&one, "glpat-2"));
    assert_true(digest_keyed(&one, "glpat-1") != digest_keyed(&other, "glpat-1"));
}

/* RFC 4648, 10. */
static void encodes_as_the_standard_shows(void **state)
{
    static const char *const texts[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"}};
    struct arena a cleanup_arena = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        assert_string_equal(base64_encode(texts[i][0], strlen(texts[i][0]), &a), texts[i][1]);
        assert_string_equal(base64_decode(texts[i][1], NULL, &a), texts[i][0]);
    }
}

static void decodes_what_it_encoded(void **state)
{
    unsigned char bytes[256];

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)(255 - i);
    for (size_t len = 0; len <= sizeof(bytes); len++) {
        struct arena a cleanup_arena = {0};
        size_t decoded = SIZE_MAX;
        char *back = base64_decode(base64_encode(bytes, len, &a), &decoded, &a);
        assert_int_equal(decoded, len);
        assert_memory_equal(back, bytes, len);
        assert_int_equal(back[len], '\0');
    }
}

static void refuses_what_is_not_base64(void **state)
{
    static const char *const wrong[] = {
        "Z",        "Zg",       "Zg=",          "Zm9v!",        "Zm9v====", "====", "=m9v", "Zm=v",       "Z===",
        "Zg==Zg==", " Zm9v   ", "Zg==\n\n\n\n", "Zm9v\n\n\n\n", "    ",     "Zm9-", "Zm9_", "Zm\xc3\xbc",
    };
    struct arena a cleanup_arena = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        if (base64_decode(wrong[i], NULL, &a))
            fail_msg("\"%s\" was decoded", wrong[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(makes_the_fingerprints_of_the_standard),
        cmocka_unit_test(a_number_stands_for_a_text_under_its_key),
        cmocka_unit_test(encodes_as_the_standard_shows),
        cmocka_unit_test(decodes_what_it_encoded),
        cmocka_unit_test(refuses_what_is_not_base64),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
