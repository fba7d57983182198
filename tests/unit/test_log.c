/* Log lines, read back from standard error. */
#include "files.h"

#include "base/log.h"

static struct capture captured;

static void capture(void)
{
    captured = capture_begin(stderr);
}

/* The one line, read as JSON. */
static struct json_object *captured_json(struct arena *a)
{
    char *text = capture_end(&captured, a);
    struct err err = {0};

    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
    struct json_object *line = arena_json(a, json_parse(text, strlen(text), &err));
    if (!line)
        fail_msg("%s: %s", err.text, text);
    return line;
}

static void writes_a_json_object_a_line(void **state)
{
    struct arena a cleanup_arena = {0};

    (void)state;
    log_setup(LOG_INFO, true);
    capture();
    log_event(LOG_WARN, "watch", "interrupted", "kind", "Secret", "left out", NULL, "error", "none", NULL);
    struct json_object *line = captured_json(&a);
    assert_string_equal(json_str(line, "level"), "warn");
    assert_string_equal(json_str(line, "logger"), "watch");
    assert_string_equal(json_str(line, "msg"), "interrupted");
    assert_string_equal(json_str(line, "kind"), "Secret");
    assert_string_equal(json_str(line, "error"), "none");
    assert_int_equal(strlen(json_str(line, "ts")), strlen("2026-01-02T03:04:05.678Z"));
    assert_int_equal(json_object_object_length(line), 6);
}

static void stays_one_line_whatever_a_server_sent(void **state)
{
    char every[256] = "";
    struct arena a cleanup_arena = {0};

    (void)state;
    for (int c = 1; c < 128; c++)
        every[c - 1] = (char)c;
    log_setup(LOG_INFO, true);
    capture();
    log_event(LOG_ERROR, "x", "message", "value", every, "euro", "\xe2\x82\xac\xff", NULL);
    struct json_object *line = captured_json(&a);
    assert_string_equal(json_str(line, "value"), every);
    assert_string_equal(json_str(line, "euro"), "\xe2\x82\xac");
}

static void stays_json_when_a_value_is_too_long(void **state)
{
    char giant[20000];
    struct arena a cleanup_arena = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(giant); i++)
        giant[i] = i % 2 ? '\n' : 'x';
    giant[sizeof(giant) - 1] = '\0';
    log_setup(LOG_INFO, true);
    for (size_t cut = 0; cut < 8; cut++) { /* the end falls into each part of an escape sequence */
        capture();
        log_event(LOG_ERROR, "x", "message", "value", giant + cut, "after", "y", NULL);
        struct json_object *line = captured_json(&a);
        const char *value = json_str(line, "value");
        assert_true(strlen(value) > 100);
        assert_memory_equal(value, giant + cut, strlen(value));
    }
}

static void writes_text_for_people(void **state)
{
    struct arena a cleanup_arena = {0};

    (void)state;
    log_setup(LOG_INFO, false);
    capture();
    log_event(LOG_INFO, "run", "starting", "version", "0.1 \"x\"\n", NULL);
    char *line = capture_end(&captured, &a);
    assert_non_null(strstr(line, "Z info  run: starting version=\"0.1 \\\"x\\\"\\u000a\"\n"));
}

static void leaves_out_what_is_below_the_level(void **state)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};

    (void)state;
    log_setup(LOG_INFO, false);
    for (int threshold = LOG_ERROR; threshold <= LOG_DEBUG; threshold++) {
        struct arena a cleanup_arena = {0};
        struct log_levels levels;
        assert_true(log_levels_parse(names[threshold], &levels));
        log_set_levels(&levels);
        capture();
        for (enum log_level l = LOG_ERROR; l <= LOG_DEBUG; l++) {
            assert_int_equal(log_enabled(l, "x"), (int)l <= threshold);
            log_event(l, "x", "m", NULL);
        }
        int lines = 0;
        for (const char *c = capture_end(&captured, &a); *c; c++)
            lines += *c == '\n';
        assert_int_equal(lines, threshold + 1);
    }
}

static void tells_components_apart(void **state)
{
    struct log_levels levels;

    (void)state;
    assert_true(log_levels_parse("warn,watch=debug,run=error", &levels));
    log_set_levels(&levels);
    assert_true(log_enabled(LOG_DEBUG, "watch"));
    assert_false(log_enabled(LOG_WARN, "run"));
    assert_true(log_enabled(LOG_WARN, "reconcile"));
    assert_false(log_enabled(LOG_INFO, "reconcile"));
    assert_true(log_levels_parse("watch=debug", &levels));
    log_set_levels(&levels);
    assert_true(log_enabled(LOG_INFO, "reconcile"));
    log_setup(LOG_INFO, true);
    assert_false(log_enabled(LOG_DEBUG, "watch"));
}

static void refuses_what_is_no_level(void **state)
{
    static const char *const wrong[] = {
        "",      "loud",       "info,",     ",info", "watch", "watch=", "watch=loud", "watsch=info", "wat=debug",
        "=info", "info,watch", "info;warn", "INFO",  "infoo", "inf",    "run, watch", "watch=info=1"};
    struct log_levels levels;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        if (log_levels_parse(wrong[i], &levels))
            fail_msg("\"%s\" is taken", wrong[i]);
}

static void remembers_the_last_problems(void **state)
{
    struct arena a cleanup_arena = {0};
    char number[16];

    (void)state;
    log_setup(LOG_DEBUG, true);
    capture();
    for (int i = 0; i < LOG_RECENT_MAX + 5; i++) {
        snprintf(number, sizeof(number), "%d", i);
        log_event(i % 2 ? LOG_WARN : LOG_ERROR, "watch", "interrupted", "number", number, NULL);
        log_event(LOG_INFO, "watch", "listed", NULL);
    }
    capture_end(&captured, &a);
    assert_non_null(strstr(log_recent(0), "\"number\":\"5\"}"));
    assert_non_null(strstr(log_recent(LOG_RECENT_MAX - 1), "\"number\":\"36\"}"));
    assert_null(log_recent(LOG_RECENT_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_a_json_object_a_line),
        cmocka_unit_test(stays_one_line_whatever_a_server_sent),
        cmocka_unit_test(stays_json_when_a_value_is_too_long),
        cmocka_unit_test(writes_text_for_people),
        cmocka_unit_test(leaves_out_what_is_below_the_level),
        cmocka_unit_test(tells_components_apart),
        cmocka_unit_test(refuses_what_is_no_level),
        cmocka_unit_test(remembers_the_last_problems),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
