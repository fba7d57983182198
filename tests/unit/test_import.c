/* import: what of a Helm template can be filled in, and that each leaf of a source is told of once. What people see of
 * it is in e2e/test_import*.py. */
#include "files.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "cli/import.h"
#include "cli/import_template.h"

static void fills_in_what_is_known(void **state)
{
    static const struct {
        const char *text, *ns, *filled, *lost;
    } cases[] = {
        {"a = \"{{ .Values.text }}\"", NULL, "a = \"x\"", "[]"},
        {"a = {{.Values.number}}", NULL, "a = 7", "[]"},
        {"a = {{ .Values.text | quote }}", NULL, "a = \"x\"", "[]"},
        {"a = \"{{- $.Values.deep.er -}}\"", NULL, "a = \"y\"", "[]"},
        {"a = \"{{ .Release.Namespace }}\"", "ci", "a = \"ci\"", "[]"},
        {"a = \"{{ .Release.Namespace }}\"", NULL, "a = \"" TEMPLATE_NAMESPACE "\"", "[]"},
        {"a = \"{{ default .Release.Namespace .Values.none }}\"", "ci", "a = \"ci\"", "[]"},
        {"a = \"{{ default .Release.Namespace .Values.text }}\"", "ci", "a = \"x\"", "[]"},
        {"a = \"{{ default \"z\" .Values.none }}\"", NULL, "a = \"z\"", "[]"},
        {"a = \"{{ .Values.table }}\"", NULL, "a = \"" TEMPLATE_UNKNOWN "\"", "[]"},
        {"a = \"{{ include \"b\" . }}/c\"", NULL, "a = \"" TEMPLATE_UNKNOWN "/c\"", "[]"},
        {"a = {{ .Values.none }}", NULL, "a = \"" TEMPLATE_UNKNOWN "\"", "[]"},
        {"a = '{{ .Values.text", NULL, "a = '{{ .Values.text", "[]"},
        {"# {{ anything }}\na = 1", NULL, "# {{ anything }}\na = 1", "[]"},
        {"{{/* said to nobody */}}\na = 1", NULL, "\na = 1", "[]"},
        {"{{ if .Values.text }}\na = 1\n{{ end }}\n", NULL, "\na = 1\n\n",
         "[{\"text\":\"{{ if .Values.text }}\",\"line\":1},{\"text\":\"{{ end }}\",\"line\":3}]"},
        {"a = 1\n  {{ .Values.text }}\nb = 2", NULL, "a = 1\n  \nb = 2",
         "[{\"text\":\"{{ .Values.text }}\",\"line\":2}]"},
        {"a = \"{{ if\n.x }}\"\nb = \"{{ y }}\"", NULL, "a = \"\n\"\nb = \"" TEMPLATE_UNKNOWN "\"",
         "[{\"text\":\"{{ if\\n.x }}\",\"line\":1}]"},
    };
    struct arena a cleanup_arena = {0};
    struct json_object *values =
                           arena_json(&a, json_build("{text: x, number: %d, deep: {er: y}, table: {}}", (int64_t)7)),
                       *lost, *used;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_string_equal(template_fill_in(cases[i].text, values, cases[i].ns, &lost, &used, &a), cases[i].filled);
        assert_string_equal(json_text(lost), cases[i].lost);
    }
}

static struct import import_text(import_read_fn *read, char *text, struct arena *a)
{
    struct import im = {.a = a,
                        .ns = "ci",
                        .report.a = a,
                        .runners = arena_json(a, json_object_new_array()),
                        .secrets = arena_json(a, json_object_new_array())};
    const struct buf whole = {.data = text, .len = strlen(text)};
    struct err err = {0};

    if (!read(&im, "file", &whole, &err))
        fail_msg("%s", err.text);
    import_prove(&im);
    return im;
}

static void each_leaf_is_told_of(void **state)
{
    static const struct {
        const char *file;
        import_read_fn *read;
        size_t runners, leaves_min;
    } cases[] = {
        {DATA "import/values-small.yaml", import_read_helm, 1, 2},
        {DATA "import/values-typical.yaml", import_read_helm, 1, 25},
        {DATA "import/values-rich.yaml", import_read_helm, 1, 100},
        {DATA "import/operator.yaml", import_read_operator, 2, 40},
        {DATA "import/alekc.yaml", import_read_alekc, 4, 40},
    };
    struct arena a cleanup_arena = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct import im = import_text(cases[i].read, read_file(cases[i].file, &a), &a);
        size_t leaves = 0;
        assert_int_equal(json_len(im.runners), cases[i].runners);
        for (size_t s = 0; s < im.report.len; s++)
            for (size_t l = 0; l < im.report.sources[s]->len; l++, leaves++) {
                const struct import_leaf *leaf = &im.report.sources[s]->leaves[l];
                if (leaf->fate == IMPORT_OPEN || leaf->fate == IMPORT_CANNOT || !leaf->line)
                    fail_msg("%s:%u %s: %s", cases[i].file, leaf->line, leaf->path, leaf->note ? leaf->note : "open");
            }
        assert_true(leaves >= cases[i].leaves_min);
    }
}

static void what_would_be_another_value_is_told(void **state)
{
    struct arena a cleanup_arena = {0};
    char *text = arena_strdup(&a, "gitlabUrl: https://gitlab.example.com\nrunnerToken: glrt-x\n"
                                  "runners: {config: \"[[runners]]\\nid = 7\\nnobody = 1\\n\"}\n");
    struct import im = import_text(import_read_helm, text, &a);
    const struct import_source *within = im.report.sources[1];

    (void)state;
    assert_int_equal(im.report.len, 2);
    assert_string_equal(within->leaves[0].path, "runners[0].id");
    assert_int_equal(within->leaves[0].fate, IMPORT_OURS);
    assert_int_equal(within->leaves[1].fate, IMPORT_MOVED);
    assert_string_equal(within->leaves[1].note, "spec.config.runners.nobody");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fills_in_what_is_known),
        cmocka_unit_test(each_leaf_is_told_of),
        cmocka_unit_test(what_would_be_another_value_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
