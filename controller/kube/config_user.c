#include "kube/config_user.h"

#include <ctype.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "kube/exec.h"

/* ---------------------------------------------------------------------------------------------------------------------
 * exec */

/* A name without a slash is looked for in PATH. */
static const char *command_of(const struct entry *exec, struct arena *a)
{
    const char *command = config_field(exec, "command");

    return command && strchr(command, '/') ? config_beside(exec, command, a) : command;
}

static char **argv_of(const struct reader *r, const struct entry *exec)
{
    struct json_object *args = json_member(exec->node, "args");
    size_t len = json_len(args);
    char **argv = mem_alloc((len + 2) * sizeof(*argv));

    argv[0] = mem_strdup(command_of(exec, r->a));
    for (size_t i = 0; i < len; i++)
        argv[i + 1] = mem_strdup(json_string(json_at(args, i)));
    return argv;
}

static char **env_of(const struct reader *r, const struct entry *exec)
{
    struct json_object *list = json_member(exec->node, "env");
    size_t len = json_len(list), n = 0;
    char **env = mem_alloc((len + 1) * sizeof(*env));

    for (size_t i = 0; i < len; i++) {
        const struct entry variable = {.file = exec->file, .node = json_at(list, i)};
        const char *name = config_field(&variable, "name"), *value = config_field(&variable, "value");
        if (name)
            env[n++] = mem_strdup(arena_printf(r->a, "%s=%s", name, value ? value : ""));
    }
    return env;
}

static const char *const versions[] = {"client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"};

static bool check_exec(const struct reader *r, const struct entry *user, const struct entry *exec)
{
    const char *version = config_field(exec, "apiVersion"), *mode = config_field(exec, "interactiveMode");

    if (!config_field(exec, "command"))
        return config_refuse(r, user, "exec.command", "is missing");
    if (!version || (strcmp(version, versions[0]) != 0 && strcmp(version, versions[1]) != 0))
        return config_refuse(r, user, "exec.apiVersion", arena_printf(r->a, "must be %s", versions[0]));
    if (!mode && strcmp(version, versions[0]) == 0)
        return config_refuse(r, user, "exec.interactiveMode", "is missing: Never, IfAvailable or Always");
    if (mode && strcmp(mode, "Always") == 0)
        return config_refuse(r, user, "exec.interactiveMode", "is Always, but there is nobody to be asked");
    if (mode && strcmp(mode, "Never") != 0 && strcmp(mode, "IfAvailable") != 0)
        return config_refuse(r, user, "exec.interactiveMode", "must be Never, IfAvailable or Always");
    return true;
}

bool config_take_exec(const struct reader *r, const struct entry *user)
{
    const struct entry exec = {.file = user->file, .node = json_member(user->node, "exec")};

    if (!json_object_is_type(exec.node, json_type_object) || r->ret->token) /* a token counts more */
        return true;
    if (!check_exec(r, user, &exec))
        return false;
    const char *told = config_field(&exec, "provideClusterInfo");
    struct exec_spec *spec = r->ret->exec = mem_alloc(sizeof(*spec));
    *spec = (struct exec_spec){
        .api_version = config_copy(&exec, "apiVersion"),
        .argv = argv_of(r, &exec),
        .env = env_of(r, &exec),
        .install_hint = config_copy(&exec, "installHint"),
        .provide_cluster_info = told && strcasecmp(told, "true") == 0,
    };
    return true;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Impersonation: headers (kubernetes.io/docs/reference/access-authn-authz/user-impersonation). */

static bool add_header(const struct reader *r, const char *name, const char *value)
{
    struct kube_config *ret = r->ret;
    size_t len = 0;

    if (!value)
        return true;
    for (const char *c = value; *c; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            return false;
    }
    while (ret->impersonate && ret->impersonate[len])
        len++;
    ret->impersonate = mem_resize(ret->impersonate, (len + 2) * sizeof(*ret->impersonate));
    ret->impersonate[len] = mem_strdup(arena_printf(r->a, "%s: %s", name, value));
    ret->impersonate[len + 1] = NULL;
    return true;
}

static bool add_headers(const struct reader *r, const char *name, struct json_object *values)
{
    for (size_t i = 0; i < json_len(values); i++) {
        struct json_object *value = json_at(values, i);
        if (json_object_is_type(value, json_type_string) && !add_header(r, name, json_string(value)))
            return false;
    }
    return true;
}

/* The key becomes a part of the header's name: in lower case, and as %XX what may not be in one. */
static const char *extra_name(const char *key, struct arena *a)
{
    char *name = arena_alloc(a, sizeof("Impersonate-Extra-") + 3 * strlen(key)), *at = name;

    at += sprintf(at, "Impersonate-Extra-");
    for (; *key; key++) {
        unsigned char c = (unsigned char)tolower((unsigned char)*key);
        at += sprintf(at, isalnum(c) || strchr("!#$&'*+-.^_`|~", c) ? "%c" : "%%%02X", c);
    }
    return name;
}

static bool add_extras(const struct reader *r, struct json_object *extras)
{
    json_each (it, extras)
        if (!add_headers(r, extra_name(it.key, r->a), it.value))
            return false;
    return true;
}

bool config_take_impersonation(const struct reader *r, const struct entry *user)
{
    const char *as = config_field(user, "as");

    if (!add_header(r, "Impersonate-User", as) || !add_header(r, "Impersonate-Uid", config_field(user, "as-uid")) ||
        !add_headers(r, "Impersonate-Group", json_member(user->node, "as-groups")) ||
        !add_extras(r, json_member(user->node, "as-user-extra")))
        return config_refuse(r, user, "as", "or what belongs to it holds characters that no header has");
    if (!as && r->ret->impersonate)
        return config_refuse(r, user, "as", "is missing, but there is as-uid, as-groups or as-user-extra");
    return true;
}

static void forget_headers(struct kube_config *ret)
{
    for (size_t i = 0; ret->impersonate && ret->impersonate[i]; i++)
        free(ret->impersonate[i]);
    free(take(ret->impersonate));
}

bool config_impersonate(struct kube_config *ret, const struct kube_choice *choice, struct err *err)
{
    cleanup_arena struct arena a = {0};
    const struct reader r = {.ret = ret, .a = &a, .err = err};
    bool good = true;

    if (!choice->as && choice->groups_len)
        return err_set(err, ERR_INVALID, "InvalidKubeconfig",
                       "a group to act for is of no use without a user: --as NAME");
    if (choice->as)
        forget_headers(ret);
    good = add_header(&r, "Impersonate-User", choice->as);
    for (size_t i = 0; i < choice->groups_len && good; i++)
        good = add_header(&r, "Impersonate-Group", choice->groups[i]);
    return good ||
           err_set(err, ERR_INVALID, "InvalidKubeconfig", "whom to act for holds characters that no header has");
}
