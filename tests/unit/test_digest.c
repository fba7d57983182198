/* Fingerprints, base64 and times, by the examples of their standards. */
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

static const struct {
    int64_t seconds;
    const char *text;
} times[] = {
    {0, "1970-01-01T00:00:00Z"},          {951782400, "2000-02-29T00:00:00Z"},  {1767323045, "2026-01-02T03:04:05Z"},
    {2147483648, "2038-01-19T03:14:08Z"}, {4102444800, "2100-01-01T00:00:00Z"}, {253402300799, "9999-12-31T23:59:59Z"},
};

static void writes_and_reads_times(void **state)
{
    struct arena a cleanup_arena = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(times); i++) {
        assert_string_equal(time_format(times[i].seconds, &a), times[i].text);
        assert_int_equal(time_parse(times[i].text), times[i].seconds);
    }
}

/* GitLab writes milliseconds, and the offset of the time zone that its administrator has set. */
static void reads_fractions_and_offsets(void **state)
{
    static const char *const same[] = {
        "2026-01-02T03:04:05.000Z",      "2026-01-02T03:04:05.999999Z", "2026-01-02T03:04:05+00:00",
        "2026-01-02T04:04:05.123+01:00", "2026-01-01T19:34:05-07:30",   "2026-01-02t03:04:05z",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(same); i++)
        if (time_parse(same[i]) != 1767323045)
            fail_msg("%s was read as %lld", same[i], (long long)time_parse(same[i]));
}

static void refuses_what_is_no_time(void **state)
{
    static const char *const wrong[] = {
        "",
        "2026-01-02",
        "2026-01-02T03:04:05",
        "2026-01-02 03:04:05 UTC",
        "2026-01-02T03:04Z",
        "2026-1-2T3:4:5Z",
        " 2026-01-02T03:04:05Z",
        "2026-01-02T03:04:05Z ",
        "2026-13-02T03:04:05Z",
        "2026-02-30T03:04:05Z",
        "2026-01-02T24:04:05Z",
        "2026-01-02T03:60:05Z",
        "2026-01-02T03:04:05.Z",
        "2026-01-02T03:04:05+0100",
        "2026-01-02T03:04:05+01:00x",
        "2026-01-02T03:04:05+99:00",
        "never",
    };

    (void)state;
    assert_int_equal(time_parse(NULL), -1);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        if (time_parse(wrong[i]) != -1)
            fail_msg("\"%s\" was read", wrong[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(makes_the_fingerprints_of_the_standard),
        cmocka_unit_test(a_number_stands_for_a_text_under_its_key),
        cmocka_unit_test(encodes_as_the_standard_shows),
        cmocka_unit_test(decodes_what_it_encoded),
        cmocka_unit_test(refuses_what_is_not_base64),
        cmocka_unit_test(writes_and_reads_times),
        cmocka_unit_test(reads_fractions_and_offsets),
        cmocka_unit_test(refuses_what_is_no_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
