/* Names, labels, selectors, tolerations and annotations that no API server takes: not in the jobs' pods, whatever
 * gitlab-runner puts into them, and not in the manager's. */
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/shorten.h"
#include "runner/judge_parts.h"
#include "runner/kube_names.h"

enum kind {
    LABELS,          /* a map                                  */
    LABEL_KEYS,      /* a map, whose values are made to fit    */
    ANNOTATION_KEYS, /* a map                                  */
    NAMES,           /* a list of texts, or of {name}          */
    NAME,            /* of an object                           */
};

/* In config.toml, … */
static const struct place {
    const char *path;
    enum kind kind;
} jobs_places[] =
    {
        {"node_selector", LABELS},
        {"pod_labels", LABEL_KEYS},
        {"pod_annotations", ANNOTATION_KEYS},
        {"image_pull_secrets", NAMES},
        {"service_account", NAME},
        {"priority_class_name", NAME},
        {"runtime_class_name", NAME},
        {"autoscaler.pause_pod_image_pull_secrets", NAMES},
        {"autoscaler.pause_pod_priority_class_name", NAME},
},
  /* … and in the spec. */
    manager_places[] = {
        {"manager.nodeSelector", LABELS},
        {"manager.podLabels", LABELS},
        {"manager.podAnnotations", ANNOTATION_KEYS},
        {"manager.imagePullSecrets", NAMES},
        {"manager.serviceAccountName", NAME},
        {"manager.priorityClassName", NAME},
};

static void judge_key(const struct judged *j, const char *field, const char *key, bool annotation)
{
    if (annotation ? is_annotation_key(key) : is_label_key(key))
        return;
    judged_refuse(j, "%s: the key \"%s\" is one that no API server takes: it must have %s", field, shown(key, 80).text,
                  LABEL_WORDS);
}

static void judge_label_value(const struct judged *j, const char *field, const char *key, const char *value)
{
    if (!judged_has_variable(value) && !is_label_value(value))
        judged_refuse(j,
                      "%s: the value \"%s\" of %s is one that no API server takes: a label's value must have "
                      "at most 63 letters, digits, dashes, underscores and dots, and begin and end with a letter or "
                      "digit",
                      field, shown(value, 80).text, shown(key, 80).text);
}

static void judge_label_map(const struct judged *j, const char *field, struct json_object *map, enum kind kind)
{
    json_each (it, map) {
        const char *path = arena_printf(j->a, "%s.%s", field, shown(it.key, 80).text);
        judge_key(j, path, it.key, kind == ANNOTATION_KEYS);
        if (kind == LABELS)
            judge_label_value(j, path, it.key, json_string(it.value));
    }
}

static void judge_object_name(const struct judged *j, const char *field, const char *name)
{
    if (*name && !judged_has_variable(name) && !is_dns_subdomain(name))
        judged_refuse(j, "%s: \"%s\" is a name that no API server takes: it must have " SUBDOMAIN_WORDS, field,
                      shown(name, 80).text);
}

static void judge_object_names(const struct judged *j, const char *field, struct json_object *list)
{
    for (size_t i = 0; i < json_len(list); i++) {
        struct json_object *entry = json_at(list, i);
        const char *name = json_str(entry, "name");
        judge_object_name(j, arena_printf(j->a, "%s[%zu]", field, i), name ? name : json_string(entry));
    }
}

static void judge_named_place(const struct judged *j, const struct place *place, const char *field,
                              struct json_object *value)
{
    switch (place->kind) {
    case LABELS:
    case LABEL_KEYS:
    case ANNOTATION_KEYS:
        judge_label_map(j, field, value, place->kind);
        break;
    case NAMES:
        judge_object_names(j, field, value);
        break;
    case NAME:
        judge_object_name(j, field, json_string(value));
        break;
    }
}

void judge_names(const struct judged *j)
{
    struct json_object *value;

    for (size_t i = 0; i < ARRAY_LEN(jobs_places); i++)
        if ((value = json_get(j->kubernetes, jobs_places[i].path)))
            judge_named_place(j, &jobs_places[i], judged_field(j, jobs_places[i].path), value);
    for (size_t i = 0; i < ARRAY_LEN(manager_places); i++)
        if ((value = json_get(j->spec->json, manager_places[i].path)))
            judge_named_place(j, &manager_places[i], arena_printf(j->a, "spec.%s", manager_places[i].path), value);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Tolerations.
 */
static bool is_effect(const char *effect)
{
    return !*effect || word_index("NoSchedule, PreferNoSchedule, NoExecute", effect) >= 0;
}

/* `ci:NoSchedule` is a taint as kubectl writes it. */
static void judge_taint(const struct judged *j, const char *field, const char *key, const char *value)
{
    const char *colon = strrchr(value, ':');

    if (*key)
        judge_key(j, field, key, false);
    if (colon && is_effect(colon + 1))
        judged_refuse(j, "%s: the value \"%s\" holds an effect: write value: \"%.*s\" and effect: %s", field,
                      shown(value, 80).text, (int)(colon - value), value, colon[1] ? colon + 1 : "NoSchedule");
    judge_label_value(j, field, key, value);
}

/* config.toml's table from "key=value" to the effect. */
static void judge_job_tolerations(const struct judged *j)
{
    struct json_object *table = json_member(j->kubernetes, "node_tolerations");
    const char *field = table ? judged_field(j, "node_tolerations") : NULL;

    json_each (it, table) {
        const char *equals = strchr(it.key, '=');
        const char *key = equals ? arena_strndup(j->a, it.key, (size_t)(equals - it.key)) : it.key;
        judge_taint(j, field, key, equals ? equals + 1 : "");
    }
}

/* As the API server has it; those of the jobs are held against what config.toml can say. */
static void judge_manager_toleration(const struct judged *j, const char *field, struct json_object *entry)
{
    const char *key = json_str_or(entry, "key", ""), *value = json_str_or(entry, "value", ""),
               *effect = json_str_or(entry, "effect", "");
    bool exists = strcmp(json_str_or(entry, "operator", ""), "Exists") == 0;

    judge_taint(j, field, key, value);
    if (exists && *value)
        judged_refuse(j, "%s.value belongs to the operator Equal: take it out, or change the operator", field);
    if (!exists && !*key)
        judged_refuse(j, "%s.key is missing: only the operator Exists goes without one", field);
    if (json_member(entry, "tolerationSeconds") && strcmp(effect, "NoExecute") != 0)
        judged_refuse(j, "%s.tolerationSeconds belongs to the effect NoExecute: take it out, or change the effect",
                      field);
}

void judge_tolerations(const struct judged *j)
{
    judge_job_tolerations(j);
    for (size_t i = 0; i < json_len(j->spec->manager.tolerations); i++)
        judge_manager_toleration(j, arena_printf(j->a, "spec.manager.tolerations[%zu]", i),
                                 json_at(j->spec->manager.tolerations, i));
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Affinity and spreading: wherever in them a label is spoken of.
 */
static void judge_label_expression(const struct judged *j, const char *field, struct json_object *expression)
{
    struct json_object *values = json_member(expression, "values");
    const char *key = json_str_or(expression, "key", ""), *op = json_str_or(expression, "operator", "");

    judge_key(j, field, key, false);
    for (size_t i = 0; i < json_len(values) && strstr(op, "In"); i++) /* those of Gt and Lt are numbers */
        judge_label_value(j, field, key, json_string(json_at(values, i)));
}

static void judge_selectors_in(const struct judged *j, const char *field, struct json_object *value);

/* As Kubernetes writes it, or gitlab-runner. */
static bool is_either(const char *key, const char *kubernetes, const char *runner)
{
    return strcmp(key, kubernetes) == 0 || strcmp(key, runner) == 0;
}

static void judge_selector_member(const struct judged *j, const char *field, const char *key, struct json_object *value)
{
    if (is_either(key, "matchFields", "match_fields"))
        return;
    if (is_either(key, "matchLabels", "match_labels"))
        judge_label_map(j, field, value, LABELS);
    else if (is_either(key, "topologyKey", "topology_key"))
        judge_key(j, field, json_string(value), false);
    else if (is_either(key, "matchExpressions", "match_expressions"))
        for (size_t i = 0; i < json_len(value); i++)
            judge_label_expression(j, arena_printf(j->a, "%s[%zu]", field, i), json_at(value, i));
    else
        judge_selectors_in(j, field, value);
}

static void judge_selectors_in(const struct judged *j, const char *field, struct json_object *value)
{
    for (size_t i = 0; i < json_len(value); i++)
        judge_selectors_in(j, arena_printf(j->a, "%s[%zu]", field, i), json_at(value, i));
    if (json_is_array(value))
        return;
    json_each (it, value)
        judge_selector_member(j, arena_printf(j->a, "%s.%s", field, shown(it.key, 60).text), it.key, it.value);
}

void judge_selectors(const struct judged *j)
{
    judge_selectors_in(j, "spec.affinity", j->spec->affinity);
    judge_selectors_in(j, "spec.config.runners.kubernetes.affinity",
                       json_get(j->spec->config, "runners.kubernetes.affinity"));
    judge_selectors_in(j, "spec.manager.affinity", j->spec->manager.affinity);
    judge_selectors_in(j, "spec.manager.topologySpreadConstraints", j->spec->manager.topology_spread_constraints);
}
