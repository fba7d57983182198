/* The one thing to do about a runner, as text and as commands. */
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "runner/explain_parts.h"
#include "runner/names.h"
#include "runner/reasons.h"

/* ---------------------------------------------------------------------------------------------------------------------
 * What a reason asks for */

/* Whom the advice is for. */
struct patient {
    const struct observed *o;
    const char *message;
    struct arena *a;
};

/* A word of a command, whatever somebody has written into the spec. */
static const char *word(const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._/";

    return *text && text[strspn(text, plain)] == '\0' ? text : "…";
}

/* json: the value as a patch has it, value: as people write it. */
static void change(const struct patient *p, const char *field, const char *value, const char *json, struct advice *ret)
{
    ret->field = field;
    ret->value = value;
    ret->edit = arena_printf(p->a, "kubectl -n %s patch glr %s --type=merge -p '{\"spec\":{\"%s\":%s}}'",
                             p->o->owner.ns, p->o->owner.name, field + strlen("spec."), json);
}

static void do_this(struct advice *ret, const char *command)
{
    size_t i = 0;

    while (i < ADVICE_COMMANDS_MAX && ret->commands[i])
        i++;
    if (i < ADVICE_COMMANDS_MAX)
        ret->commands[i] = command;
}

/* Which of the references the message is about. */
static const struct key_ref *ref_in_question(const struct patient *p)
{
    const struct spec *spec = p->o->spec;
    const struct key_ref *refs[] = {&spec->ca, &spec->client_cert, &spec->credential};

    for (size_t i = 0; i < ARRAY_LEN(refs); i++) {
        const char *name = refs[i]->name;
        const char *full = name ? arena_printf(p->a, "%s/%s", p->o->owner.ns, name) : NULL;
        const char *at = full ? strstr(p->message, full) : NULL;
        if (at && strchr(" ,;", at[strlen(full)]) && (!refs[i]->key || strstr(p->message, refs[i]->key)))
            return refs[i];
    }
    return NULL;
}

/* What `kubectl create` is told to make it. */
static const char *kubectl_source(const struct patient *p, const struct key_ref *ref)
{
    if (ref == &p->o->spec->client_cert)
        return arena_printf(p->a, "secret tls %s --cert=tls.crt --key=tls.key", word(ref->name));
    if (ref == &p->o->spec->ca)
        return arena_printf(p->a, "%s %s --from-file=%s=ca.crt",
                            p->o->spec->ca_in_config_map ? "configmap" : "secret generic", word(ref->name),
                            word(ref->key));
    return arena_printf(p->a, "secret generic %s --from-literal=%s=…", word(ref->name), word(ref->key));
}

static void create_the_object(const struct patient *p, struct advice *ret)
{
    const struct key_ref *ref = ref_in_question(p);

    if (ref)
        do_this(ret, arena_printf(p->a, "kubectl -n %s create %s", p->o->owner.ns, kubectl_source(p, ref)));
}

static void put_the_value(const struct patient *p, const struct key_ref *ref, struct advice *ret)
{
    if (ref && ref->name)
        do_this(ret, arena_printf(p->a, "kubectl -n %s patch secret %s -p '{\"stringData\":{\"%s\":\"…\"}}'",
                                  p->o->owner.ns, word(ref->name), word(ref->key)));
}

static void put_the_value_in_question(const struct patient *p, struct advice *ret)
{
    const struct key_ref *ref = ref_in_question(p);

    if (ref == &p->o->spec->credential)
        put_the_value(p, ref, ret);
    else if (ref)
        do_this(ret, arena_printf(p->a, "kubectl -n %s create %s --dry-run=client -o yaml | kubectl apply -f -",
                                  p->o->owner.ns, kubectl_source(p, ref)));
}

static void put_a_credential(const struct patient *p, struct advice *ret)
{
    put_the_value(p, &p->o->spec->credential, ret);
}

static void name_the_ca(const struct patient *p, struct advice *ret)
{
    const struct spec *spec = p->o->spec;
    const char *name = spec->ca.name ? word(spec->ca.name) : arena_printf(p->a, "%s-ca", p->o->owner.name);
    bool config_map = spec->ca.name && spec->ca_in_config_map;

    do_this(ret, arena_printf(p->a,
                              "kubectl -n %s create %s %s --from-file=%s=ca.crt --dry-run=client -o yaml | kubectl "
                              "apply -f -",
                              p->o->owner.ns, config_map ? "configmap" : "secret generic", name,
                              spec->ca.name ? word(spec->ca.key) : KEY_CA));
    if (!spec->ca.name)
        change(p, "spec.caSecretRef", arena_printf(p->a, "{name: %s}", name),
               arena_printf(p->a, "{\"name\":\"%s\"}", name), ret);
}

static void create_the_namespace(const struct patient *p, struct advice *ret)
{
    do_this(ret, arena_printf(p->a, "kubectl create namespace %s", word(p->o->spec->namespace)));
}

static void open_the_namespace(const struct patient *p, struct advice *ret)
{
    do_this(ret, arena_printf(p->a, "kubectl annotate namespace %s %s=%s", word(p->o->spec->namespace),
                              ANNOTATION_ALLOWED_FROM, p->o->owner.ns));
}

static void delete_the_token_secret(const struct patient *p, struct advice *ret)
{
    do_this(ret, arena_printf(p->a, "kubectl -n %s delete secret %s", p->o->owner.ns,
                              child_name(CHILD_TOKEN_SECRET, &p->o->owner, p->a)));
}

static void end_the_suspension(const struct patient *p, struct advice *ret)
{
    change(p, "spec.suspend", "false", "false", ret);
}

static void create_the_account(const struct patient *p, struct advice *ret)
{
    do_this(ret, arena_printf(p->a, "kubectl -n %s create serviceaccount %s", p->o->owner.ns,
                              word(p->o->spec->manager.service_account_name)));
}

static void look_at_the_crash(const struct patient *p, struct advice *ret)
{
    do_this(ret, arena_printf(p->a, "kubectl -n %s logs deployment/%s --previous", p->o->owner.ns,
                              child_name(CHILD_DEPLOYMENT, &p->o->owner, p->a)));
}

static void describe_the_pods(const struct patient *p, struct advice *ret)
{
    do_this(ret,
            arena_printf(p->a, "kubectl -n %s describe pods -l %s", p->o->owner.ns, selector_text(&p->o->owner, p->a)));
}

static void look_for_the_operator(const struct patient *p, struct advice *ret)
{
    (void)p;
    do_this(ret, "kubectl glr doctor");
}

/* Where more than a sentence can be said. */
static const struct cure {
    const char *reason;
    void (*tell)(const struct patient *p, struct advice *ret);
} cures[] = {
    {"SecretNotFound", create_the_object},
    {"ConfigMapNotFound", create_the_object},
    {"KeyNotFound", put_the_value_in_question},
    {"ValueEmpty", put_the_value_in_question},
    {"ValueInvalid", put_the_value_in_question},
    {"InvalidCA", put_the_value_in_question},
    {"InvalidClientCertificate", put_the_value_in_question},
    {"RegistrationTokenRejected", put_a_credential},
    {"AccessTokenRejected", put_a_credential},
    {"InsufficientScope", put_a_credential},
    {"RunnerTokenRejected", put_a_credential},
    {"UntrustedCertificate", name_the_ca},
    {"NamespaceNotFound", create_the_namespace},
    {"NamespaceNotAllowed", open_the_namespace},
    {"TokenSecretDamaged", delete_the_token_secret},
    {"TokenMissing", delete_the_token_secret},
    {"Suspended", end_the_suspension},
    {"ServiceAccountNotFound", create_the_account},
    {"CrashLoopBackOff", look_at_the_crash},
    {"OOMKilled", describe_the_pods},
    {"Unschedulable", describe_the_pods},
    {"ImagePullBackOff", describe_the_pods},
    {"ContainerCreating", describe_the_pods},
    {"ManagerNotReady", describe_the_pods},
    {"RolloutFailed", describe_the_pods},
    {"WaitingForOperator", look_for_the_operator},
};

static void tell_cure(const struct observed *o, const char *reason, const char *message, struct advice *ret,
                      struct arena *a)
{
    const struct patient p = {.o = o, .message = message, .a = a};

    for (size_t i = 0; i < ARRAY_LEN(cures) && o->spec; i++)
        if (strcmp(cures[i].reason, reason) == 0)
            cures[i].tell(&p, ret);
}

static struct advice advice_for(const struct observed *o, const char *reason, const char *message, struct arena *a)
{
    const struct reason *known = reason_of(reason);
    struct advice ret = {.text = known ? known->remedy : message, .field = known ? known->field : NULL};

    tell_cure(o, reason, message, &ret, a);
    return ret;
}

static struct advice advice_for_warnings(const char *message)
{
    const char *but = strstr(message, "but: ");

    return (struct advice){.text = but ? but + strlen("but: ") : message};
}

static bool is_good_news(const char *reason)
{
    const struct reason *known = reason_of(reason);

    return known && known->group == REASON_GOOD;
}

struct advice advise(const struct observed *o, const struct explanation *e, struct arena *a)
{
    const struct explained_rule *at = e->decisive;

    if (at && at->reason)
        return advice_for(o, at->reason, at->why ? at->why : "", a);
    if (e->headline.standing == STANDING_UNSERVED)
        return advice_for(o, "WaitingForOperator", "", a);
    if (at || !e->reason)
        return (struct advice){.text = NULL};
    if (strcmp(e->reason, "ReadyWithWarnings") == 0)
        return advice_for_warnings(e->message);
    return is_good_news(e->reason) ? (struct advice){.text = NULL} : advice_for(o, e->reason, e->message, a);
}
