#include "kube/config_user.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/mem.h"
#include "kube/exec.h"

static size_t sequence_len(const yaml_node_t *node)
{
    return node && node->type == YAML_SEQUENCE_NODE
               ? (size_t)(node->data.sequence.items.top - node->data.sequence.items.start)
               : 0;
}

static yaml_node_t *sequence_at(struct file *file, const yaml_node_t *node, size_t i)
{
    return yaml_document_get_node(&file->document, node->data.sequence.items.start[i]);
}

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
    const yaml_node_t *args = config_member(exec->file, exec->node, "args");
    size_t len = sequence_len(args);
    char **argv = mem_alloc((len + 2) * sizeof(*argv));

    argv[0] = mem_strdup(command_of(exec, r->a));
    for (size_t i = 0; i < len; i++) {
        const char *arg = config_scalar(sequence_at(exec->file, args, i));
        argv[i + 1] = mem_strdup(arg ? arg : "");
    }
    return argv;
}

static char **env_of(const struct reader *r, const struct entry *exec)
{
    const yaml_node_t *list = config_member(exec->file, exec->node, "env");
    size_t len = sequence_len(list), n = 0;
    char **env = mem_alloc((len + 1) * sizeof(*env));

    for (size_t i = 0; i < len; i++) {
        const struct entry variable = {.file = exec->file, .node = sequence_at(exec->file, list, i)};
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
    const struct entry exec = {.file = user->file, .node = config_member(user->file, user->node, "exec")};

    if (!exec.node || exec.node->type != YAML_MAPPING_NODE || r->ret->token) /* a token counts more */
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

static bool add_headers(const struct reader *r, struct file *file, const char *name, const yaml_node_t *values)
{
    for (size_t i = 0; i < sequence_len(values); i++) {
        if (!add_header(r, name, config_scalar(sequence_at(file, values, i))))
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

static bool add_extras(const struct reader *r, struct file *file, const yaml_node_t *extras)
{
    if (!extras || extras->type != YAML_MAPPING_NODE)
        return true;
    for (yaml_node_pair_t *pair = extras->data.mapping.pairs.start; pair < extras->data.mapping.pairs.top; pair++) {
        const char *key = config_scalar(yaml_document_get_node(&file->document, pair->key));
        const yaml_node_t *values = yaml_document_get_node(&file->document, pair->value);
        if (key && !add_headers(r, file, extra_name(key, r->a), values))
            return false;
    }
    return true;
}

bool config_take_impersonation(const struct reader *r, const struct entry *user)
{
    struct file *file = user->file;
    const char *as = config_field(user, "as");

    if (!add_header(r, "Impersonate-User", as) || !add_header(r, "Impersonate-Uid", config_field(user, "as-uid")) ||
        !add_headers(r, file, "Impersonate-Group", config_member(file, user->node, "as-groups")) ||
        !add_extras(r, file, config_member(file, user->node, "as-user-extra")))
        return config_refuse(r, user, "as", "or what belongs to it holds characters that no header has");
    if (!as && r->ret->impersonate)
        return config_refuse(r, user, "as", "is missing, but there is as-uid, as-groups or as-user-extra");
    return true;
}
