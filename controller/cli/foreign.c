#include "cli/foreign.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"

static const struct {
    const char *group; /* or what a dot and it end the group with */
    const char *kind, *owner;
} kinds[] = {
    {"apps.gitlab.com", "Runner", "GitLab's own operator"},
    {"gitlab.k8s.alekc.dev", "Runner", "alekc/gitlab-runner-operator"},
    {"gitlab.k8s.alekc.dev", "MultiRunner", "alekc/gitlab-runner-operator"},
    {"glasskube.eu", "GitlabRunner", "the Glasskube operator"},
    {"gitlab.crossplane.io", "Runner", "the Crossplane provider for GitLab"},
    {"gitlab.m.crossplane.io", "Runner", "the Crossplane provider for GitLab"},
};

static bool is_of_group(const char *version, const char *group)
{
    size_t len = strcspn(version, "/"), wanted = strlen(group);

    if (len < wanted || strncmp(version + len - wanted, group, wanted) != 0)
        return false;
    return len == wanted || version[len - wanted - 1] == '.';
}

const char *foreign_owner(struct json_object *object)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (strcmp(json_str_or(object, "kind", ""), kinds[i].kind) == 0 &&
            is_of_group(json_str_or(object, "apiVersion", ""), kinds[i].group))
            return kinds[i].owner;
    return NULL;
}

static bool has_line(const char *text, const char *begin)
{
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += strspn(line, " \t\r\n");
        if (strncmp(line, begin, strlen(begin)) == 0)
            return true;
    }
    return false;
}

/* TOML's first setting is `name = value`; in YAML a name is followed by a colon. */
static bool is_toml(const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz_";

    while (*text == '#' || *text == '\n' || *text == ' ' || *text == '\r')
        text += *text == '#' ? strcspn(text, "\n") : 1;
    const char *name = text + strspn(text, letters), *sign = name + strspn(name, " \t");
    return has_line(text, "[[runners]]") || (name != text && *sign == '=');
}

static bool are_chart_values(struct json_object *document)
{
    static const char *const names[] = {"gitlabUrl", "runnerRegistrationToken", "runnerToken",  "runners",
                                        "rbac",      "unregisterRunners",       "gitlab-runner"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (json_member(document, names[i]))
            return true;
    return false;
}

const char *foreign_document(const char *text, struct json_object *document)
{
    if (are_chart_values(document))
        return "these are values of GitLab's Helm chart, no object: `import helm` makes a GitLabRunner of them";
    if ((!document || json_string(document)[0]) && is_toml(text))
        return "this is a config.toml, no object: `import config` makes GitLabRunners of it";
    return NULL;
}
