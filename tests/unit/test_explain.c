/* What is said of a runner: each rule once, in every state of thousands of worlds, and what the decision says; the
 * remedies, which docs/conditions.md has, too; headlines and advice. */
#include "golden.h"

#include <ctype.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/time.h"
#include "runner/explain.h"
#include "runner/explain_parts.h"
#include "runner/reasons.h"
#include "runner/status.h"
#include "world.h"

#ifdef __SANITIZE_ADDRESS__
enum { EXPLAINED_WORLDS = 250 };
#else
enum { EXPLAINED_WORLDS = 1000 / SLOWNESS / SLOWNESS };
#endif

/* ------------------------------------------------------------------------------------------------------------------
 * Every state of a world.
 */
static size_t rules_of(const struct rule *table)
{
    size_t n = 0;

    for (; table->name; table++)
        n += 1 + (table->below ? rules_of(table->below) : 0);
    return n;
}

static void assert_each_rule_once(const struct observed *o, const struct explanation *e)
{
    size_t all = o->deleting ? rules_of(deletion_rules)
                             : rules_of(rights_rules) + rules_of(unseen_rules) + rules_of(registration_rules) +
                                   rules_of(manager_rules);

    assert_int_equal(e->rules_len, all);
    for (size_t i = 0; i < e->rules_len; i++)
        for (size_t k = 0; k < i; k++)
            assert_false(strcmp(e->rules[i].name, e->rules[k].name) == 0 &&
                         strcmp(e->rules[i].table, e->rules[k].table) == 0);
}

/* A mark comes with what belongs to it. */
static void assert_rules_are_whole(const struct explanation *e)
{
    for (size_t i = 0; i < e->rules_len; i++) {
        const struct explained_rule *r = &e->rules[i];
        bool waits = r->mark == MARK_WAITS || r->mark == MARK_STOP;
        assert_true(*r->says);
        assert_int_equal(r->reason != NULL, waits);
        assert_int_equal(r->why != NULL, waits || r->mark == MARK_WOULD);
        assert_int_equal(r->depth, strcmp(r->table, "registering") == 0);
    }
}

static bool is_an_effect(const struct action *act)
{
    return act->kind != ACT_WAIT && act->kind != ACT_DONE && act->kind != ACT_READ &&
           !(act->kind == ACT_STATUS && strcmp(act->rule, "status") == 0);
}

/* It waits because of a rule, not for an answer of GitLab, nor to write the status. */
static bool waits_by_rule(const struct action *act)
{
    return act->kind == ACT_WAIT && strcmp(act->rule, "answer") != 0 && strcmp(act->rule, "status") != 0;
}

/* Of what it waits for the rule and the headline say the same; of what is to be done the rule says what, unless the
 * object says that it was tried in vain. */
static void assert_decisive(const struct observed *o, const struct action *act, const struct explanation *e,
                            struct arena *a)
{
    const struct explained_rule *at = e->decisive;

    if (waits_by_rule(act)) {
        assert_non_null(at);
        assert_string_equal(at->reason, act->wait.reason);
        if (!act->wait.quiet && !o->gone)
            assert_string_equal(e->headline.reason, act->wait.reason);
    } else if (act->kind == ACT_DONE) {
        assert_null(at);
        assert_true(e->same || o->gone || (o->deleting && !o->finalizer));
    } else if (is_an_effect(act)) {
        assert_non_null(at);
        assert_true(at->mark != MARK_OK);
        assert_int_equal(at->mark, MARK_WOULD);
        assert_string_equal(at->why, action_text(act, a));
    }
}

/* When it goes on: as the decision says. */
static void assert_next(const struct observed *o, const struct action *act, const struct explanation *e)
{
    int64_t at_ms = act->kind == ACT_WAIT && act->wait.retry_at_ms ? act->wait.retry_at_ms : act->again_at_ms;

    assert_non_null(e->next);
    if (act->kind == ACT_WAIT || act->kind == ACT_DONE)
        assert_int_equal(e->next_ms, at_ms > o->now_ms ? at_ms - o->now_ms : at_ms ? 0 : -1);
    else if (is_an_effect(act))
        assert_int_equal(e->next_ms, 0);
}

/* Who does not act knows from the status what was tried in vain, and says so. */
static void check_bystander(const struct observed *o, struct explanation *e, struct arena *a)
{
    struct observed seen = *o;

    seen.bystander = true;
    explain(&seen, e, a);
    assert_each_rule_once(o, e);
    assert_rules_are_whole(e);
}

/* What the status will say is what is seen. */
static void assert_seen(const struct observed *o, const struct action *act, const struct explanation *e)
{
    if (act->kind != ACT_STATUS || strcmp(act->rule, "status") != 0)
        return;
    assert_string_equal(e->reason, condition_get(act->status, "Ready", "reason"));
    if (!o->deleting) /* until when something is waited for depends on what the status said before */
        assert_string_equal(e->message, condition_get(act->status, "Ready", "message"));
}

static void assert_no_secret(const struct observed *o, const char *text)
{
    static const enum readable secrets[] = {READ_CREDENTIAL, READ_TOKEN, READ_CONFIG};

    for (size_t i = 0; i < ARRAY_LEN(secrets); i++) {
        const char *value = o->values[secrets[i]].value;
        if (value && strncmp(value, "glrt-", 5) == 0)
            assert_null(strstr(text, value));
    }
}

static size_t states_seen;

static void check_explained(const struct observed *o, const struct action *act)
{
    cleanup_arena struct arena a = {0};
    struct explanation *e = arena_alloc(&a, sizeof(*e));

    explain(o, e, &a);
    assert_each_rule_once(o, e);
    assert_rules_are_whole(e);
    assert_decisive(o, act, e, &a);
    assert_seen(o, act, e);
    assert_next(o, act, e);
    cleanup_json struct json_object *data = explanation_json(e);
    assert_no_secret(o, json_text(data));
    assert_int_equal(json_len(json_get(data, "rules")), e->rules_len);
    check_bystander(o, e, &a);
    states_seen++;
}

static void test_worlds(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= EXPLAINED_WORLDS; seed++) {
        int options[OPTIONS];
        struct scenario s;
        struct world w;
        scenario_draw(seed, options);
        scenario_init(&s, seed, options);
        world_init(&w, &s, (struct crash){.at = -1}, NULL);
        w.told = check_explained;
        world_run(&w);
        world_finish(&w);
        scenario_finish(&s);
    }
    assert_true(states_seen > 10 * EXPLAINED_WORLDS);
}

/* ------------------------------------------------------------------------------------------------------------------
 * Reasons and their remedies.
 */
/* Without the marks of Markdown: `code`, and of a link its text. */
static void make_plain(char *text)
{
    char *to = text;

    for (char *at = text; *at; at++) {
        if (strncmp(at, "](", 2) == 0)
            at += strcspn(at, ")");
        else if (*at != '`' && (*at != '[' || at[1] == ' '))
            *to++ = *at;
    }
    *to = '\0';
}

/* The row of the page has this reason in its first cell. */
static bool row_is_about(const char *row, const char *name)
{
    size_t cell = strcspn(row, "|"), len = strlen(name);

    for (const char *at = row; (at = strstr(at, name)) && at < row + cell; at += len)
        if (!isalpha((unsigned char)at[len]) && at[-1] == ' ')
            return true;
    return false;
}

/* The page has it with this remedy. *named: it has it at all. */
static bool is_in_page(const char *page, const struct reason *r, struct arena *a, bool *named)
{
    const char *cell = arena_printf(a, "| %s |", r->remedy ? r->remedy : "");

    for (const char *row = strstr(page, "\n| "); row; row = strstr(row + 1, "\n| ")) {
        if (!row_is_about(row + 3, r->name))
            continue;
        *named = true;
        const char *second = strchr(row + 3, '|');
        if (strncmp(second, cell, strlen(cell)) == 0)
            return true;
    }
    return false;
}

static void test_remedies_are_those_of_the_page(void **state)
{
    cleanup_arena struct arena a = {0};
    char *page = read_file("docs/conditions.md", &a);

    (void)state;
    make_plain(page);
    for (size_t i = 0; reason_at(i); i++) {
        const struct reason *r = reason_at(i);
        bool named = false, same = is_in_page(page, r, &a, &named);
        if (r->remedy && named && !same)
            fail_msg("docs/conditions.md says something else of %s than runner/reasons.c: %s", r->name, r->remedy);
        if (r->group == REASON_PERSON || r->group == REASON_AGAIN)
            assert_true(same);
    }
}

static void test_each_action_has_words(void **state)
{
    static const struct {
        struct action act;
        const char *words;
    } cases[] = {
        {{.kind = ACT_LOOK}, "look at the managers' pods"},
        {{.kind = ACT_FINALIZER, .hold_finalizer = true}, "put the finalizer on the object"},
        {{.kind = ACT_FINALIZER}, "take the finalizer off the object"},
        {{.kind = ACT_STATUS}, "write the status"},
        {{.kind = ACT_DELETE, .delete = {.kind = "Secret", .ns = "ci", .name = "x"}}, "delete Secret ci/x"},
        {{.kind = ACT_RECORD, .record = {.runner_id = 7, .why = "why"}}, "put runner 7 into the ledger: why"},
        {{.kind = ACT_REPORT, .report = {.reason = "R", .message = "m"}}, "say by an Event, R: m"},
        {{.kind = ACT_PASS}, "wait"},
        {{.kind = ACT_WAIT}, "wait"},
        {{.kind = ACT_DONE}, "wait"},
    };
    cleanup_arena struct arena a = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_string_equal(action_text(&cases[i].act, &a), cases[i].words);
    for (enum readable what = 0; what < READ_COUNT; what++) {
        const struct action act = {.kind = ACT_READ, .read = what};
        assert_memory_equal(action_text(&act, &a), "read the ", strlen("read the "));
        for (enum readable before = 0; before < what; before++)
            assert_string_not_equal(action_text(&act, &a),
                                    action_text(&(struct action){.kind = ACT_READ, .read = before}, &a));
    }
}

/* Registering is one thing by either token. */
static void test_each_call_has_words(void **state)
{
    cleanup_arena struct arena a = {0};
    const char *words[GITLAB_REMOVE + 1] = {NULL};

    (void)state;
    for (enum gitlab_call call = GITLAB_REGISTER; call <= GITLAB_REMOVE; call++) {
        words[call] =
            action_text(&(struct action){.kind = ACT_GITLAB, .gitlab = {.call = call, .url = "https://x"}}, &a);
        assert_non_null(strstr(words[call], ", at https://x"));
        assert_true(strlen(words[call]) > strlen("ask for it, at https://x"));
        assert_memory_not_equal(words[call], "call ", strlen("call "));
        for (enum gitlab_call before = GITLAB_REGISTER; before < call; before++)
            assert_int_equal(strcmp(words[call], words[before]) == 0,
                             call == GITLAB_CREATE && before == GITLAB_REGISTER);
    }
}

static void test_who_stopped_or_was_never_served_needs_somebody(void **state)
{
    (void)state;
    for (enum standing standing = 0; standing <= STANDING_GOOD; standing++)
        assert_int_equal(standing_needs_somebody(standing),
                         standing == STANDING_STOPPED || standing == STANDING_UNSERVED);
}

/* What a person has to see to comes with what to do about it. */
static void test_remedies_and_fields_are_no_others(void **state)
{
    (void)state;
    for (size_t i = 0; reason_at(i); i++) {
        const struct reason *r = reason_at(i);
        if (r->field && strncmp(r->field, "spec.", strlen("spec.")) != 0)
            fail_msg("%s: %s is no field of the spec", r->name, r->field);
        if (r->group == REASON_PERSON)
            assert_non_null(r->remedy);
        else if (r->group == REASON_GOOD)
            assert_null(r->remedy);
    }
}

static const char *group_name(enum reason_group group)
{
    static const char *const names[] = {
        [REASON_PERSON] = "person", [REASON_AGAIN] = "again",           [REASON_WORK] = "work",
        [REASON_GOOD] = "good",     [REASON_KUBERNETES] = "kubernetes",
    };
    return names[group];
}

static void test_reasons_are_those_of_the_list(void **state)
{
    char name[48], group[16];
    size_t of_conditions = 0, known = 0;
    FILE *file = fopen("tests/data/reasons.txt", "r");

    (void)state;
    assert_non_null(file);
    for (char line[256]; fgets(line, sizeof(line), file);) {
        if (line[0] == '#' || sscanf(line, "%47s %15s", name, group) != 2 || strcmp(group, "event") == 0 ||
            strcmp(group, "version") == 0 || strcmp(group, "inner") == 0)
            continue;
        of_conditions++;
        if (!reason_of(name))
            fail_msg("%s is not in runner/reasons.c", name);
        assert_string_equal(group_name(reason_of(name)->group), group);
    }
    fclose(file);
    while (reason_at(known))
        known++;
    assert_int_equal(known, of_conditions);
}

/* ------------------------------------------------------------------------------------------------------------------
 * Headlines.
 */
struct headline_case {
    const char *status; /* JSON with single quotes; NULL: none */
    enum standing standing;
    const char *text;
};

#define CONDITION(type, status, reason)                                                                                \
    "{'type': '" type "', 'status': '" status "', 'reason': '" reason                                                  \
    "', 'message': 'm', 'lastTransitionTime': '2026-01-02T03:04:05Z'}"
#define STATUS(generation, ...) "{'observedGeneration': " #generation ", 'conditions': [" __VA_ARGS__ "]}"

static const struct headline_case headline_cases[] = {
    {NULL, STANDING_UNSERVED, "no operator has taken it up"},
    {STATUS(-1, CONDITION("Ready", "Unknown", "WaitingForOperator")), STANDING_UNSERVED, "no operator has taken it up"},
    {STATUS(2, CONDITION("Ready", "True", "Ready")), STANDING_GOOD, "ready for 14m"},
    {STATUS(2, CONDITION("Ready", "True", "ReadyWithWarnings")), STANDING_WARNS, "ready for 14m, with warnings"},
    {STATUS(2, CONDITION("Ready", "False", "UntrustedCertificate") ", " CONDITION("Stalled", "True", "x")),
     STANDING_STOPPED, "not ready for 14m, UntrustedCertificate"},
    {STATUS(2, CONDITION("Ready", "False", "HostNotFound") ", " CONDITION("Reconciling", "True", "x")),
     STANDING_RETRIES, "not ready for 14m, HostNotFound; it is tried again"},
    {STATUS(2, CONDITION("Ready", "False", "ManagerStarting")), STANDING_WORKS, "not ready for 14m, ManagerStarting"},
    {STATUS(2, CONDITION("Ready", "False", "Suspended")), STANDING_RESTS, "suspended for 14m"},
    {STATUS(2, CONDITION("Ready", "False", "Draining")), STANDING_LEAVES,
     "being deleted for 14m, its managers finish their jobs"},
    {STATUS(2, CONDITION("Ready", "False", "OfALaterVersion")), STANDING_RETRIES,
     "not ready for 14m, OfALaterVersion; it is tried again"},
    {STATUS(1, CONDITION("Ready", "True", "Ready")), STANDING_GOOD, "edited, and not looked at since; ready for 14m"},
    {"{'conditions': 7}", STANDING_UNSERVED, "no operator has taken it up"},
};

static void test_headlines(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(headline_cases); i++) {
        cleanup_arena struct arena a = {0};
        const struct headline_case *c = &headline_cases[i];
        struct json_object *status = c->status ? quoted_json(c->status, &a) : NULL;
        struct headline h = explain_headline(status, 2, time_parse("2026-01-02T03:18:30Z"), &a);
        assert_string_equal(h.text, c->text);
        assert_string_equal(standing_name(h.standing), standing_name(c->standing));
    }
}

/* ------------------------------------------------------------------------------------------------------------------
 * Advice.
 */
static const struct spec_refs {
    struct key_ref ca, client_cert, credential;
    bool ca_in_config_map;
} all_refs = {{"corp-ca", "ca.crt"}, {"corp-cert", NULL}, {"my-gitlab", "access-token"}, false},
  ca_in_config_map = {{"corp-ca", "ca.pem"}, {"corp-cert", NULL}, {"my-gitlab", "access-token"}, true},
  no_ca = {{NULL, NULL}, {NULL, NULL}, {"my-gitlab", "access-token"}, false},
  strange_names = {{NULL, NULL}, {NULL, NULL}, {"my-gitlab", "access token; rm -rf"}, false};

static const struct {
    const char *reason, *message;
    const struct spec_refs *refs;
    const char *command, *value, *edit;
} advices[] = {
    {"SecretNotFound", "there is no Secret ci/my-gitlab with access-token", &all_refs,
     "kubectl -n ci create secret generic my-gitlab --from-literal=access-token=…", NULL, NULL},
    {"SecretNotFound", "there is no Secret ci/corp-ca, ca.crt", &all_refs,
     "kubectl -n ci create secret generic corp-ca --from-file=ca.crt=ca.crt", NULL, NULL},
    {"SecretNotFound", "there is no Secret ci/corp-cert; make it", &all_refs,
     "kubectl -n ci create secret tls corp-cert --cert=tls.crt --key=tls.key", NULL, NULL},
    {"SecretNotFound", "there is no Secret ci/my-gitlab", &all_refs, NULL, NULL, NULL},
    {"SecretNotFound", "there is no Secret ci/my-gitlab2 with access-token", &all_refs, NULL, NULL, NULL},
    {"SecretNotFound", "there is no Secret other/my-gitlab with access-token", &all_refs, NULL, NULL, NULL},
    {"SecretNotFound", "there is no Secret ci/my-gitlab with access token; rm -rf", &strange_names,
     "kubectl -n ci create secret generic my-gitlab --from-literal=…=…", NULL, NULL},
    {"ConfigMapNotFound", "there is no ConfigMap ci/corp-ca with ca.pem", &ca_in_config_map,
     "kubectl -n ci create configmap corp-ca --from-file=ca.pem=ca.crt", NULL, NULL},
    {"KeyNotFound", "the Secret ci/my-gitlab has no key access-token", &all_refs,
     "kubectl -n ci patch secret my-gitlab -p '{\"stringData\":{\"access-token\":\"…\"}}'", NULL, NULL},
    {"InvalidCA", "ca.crt of Secret ci/corp-ca is no certificate", &all_refs,
     "kubectl -n ci create secret generic corp-ca --from-file=ca.crt=ca.crt --dry-run=client -o yaml | kubectl apply "
     "-f -",
     NULL, NULL},
    {"InvalidCA", "ca.pem of ConfigMap ci/corp-ca is no certificate", &ca_in_config_map,
     "kubectl -n ci create configmap corp-ca --from-file=ca.pem=ca.crt --dry-run=client -o yaml | kubectl apply -f -",
     NULL, NULL},
    {"AccessTokenRejected", "GitLab says no", &all_refs,
     "kubectl -n ci patch secret my-gitlab -p '{\"stringData\":{\"access-token\":\"…\"}}'", NULL, NULL},
    {"UntrustedCertificate", "of nobody we know", &all_refs,
     "kubectl -n ci create secret generic corp-ca --from-file=ca.crt=ca.crt --dry-run=client -o yaml | kubectl apply "
     "-f -",
     NULL, NULL},
    {"UntrustedCertificate", "of nobody we know", &ca_in_config_map,
     "kubectl -n ci create configmap corp-ca --from-file=ca.pem=ca.crt --dry-run=client -o yaml | kubectl apply -f -",
     NULL, NULL},
    {"UntrustedCertificate", "of nobody we know", &no_ca,
     "kubectl -n ci create secret generic builds-ca --from-file=ca.crt=ca.crt --dry-run=client -o yaml | kubectl apply "
     "-f -",
     "{name: builds-ca}",
     "kubectl -n ci patch glr builds --type=merge -p '{\"spec\":{\"caSecretRef\":{\"name\":\"builds-ca\"}}}'"},
    {"NamespaceNotFound", "m", &no_ca, "kubectl create namespace jobs", NULL, NULL},
    {"NamespaceNotAllowed", "m", &no_ca, "kubectl annotate namespace jobs gitlab-runners.dev/allowed-from=ci", NULL,
     NULL},
    {"TokenSecretDamaged", "m", &no_ca, "kubectl -n ci delete secret builds-runner-token", NULL, NULL},
    {"Suspended", "m", &no_ca, NULL, "false",
     "kubectl -n ci patch glr builds --type=merge -p '{\"spec\":{\"suspend\":false}}'"},
    {"ServiceAccountNotFound", "m", &no_ca, "kubectl -n ci create serviceaccount robot", NULL, NULL},
    {"CrashLoopBackOff", "m", &no_ca, "kubectl -n ci logs deployment/builds-runner --previous", NULL, NULL},
    {"Unschedulable", "m", &no_ca,
     "kubectl -n ci describe pods -l app.kubernetes.io/name=gitlab-runner,gitlab-runners.dev/runner=builds", NULL,
     NULL},
    {"WaitingForOperator", "m", &no_ca, "kubectl glr doctor", NULL, NULL},
    {"HostNotFound", "m", &no_ca, NULL, NULL, NULL},
};

static void assert_text(const char *text, const char *expected)
{
    if (expected && text)
        assert_string_equal(text, expected);
    assert_int_equal(text != NULL, expected != NULL);
}

static void test_advice(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(advices); i++) {
        cleanup_arena struct arena a = {0};
        const struct spec_refs *refs = advices[i].refs;
        const struct spec spec = {.namespace = "jobs",
                                  .ca = refs->ca,
                                  .ca_in_config_map = refs->ca_in_config_map,
                                  .client_cert = refs->client_cert,
                                  .credential = refs->credential,
                                  .manager.service_account_name = "robot"};
        const struct observed o = {.owner = {.ns = "ci", .name = "builds", .uid = "u"}, .spec = &spec};
        const struct explained_rule at = {.reason = advices[i].reason, .why = advices[i].message};
        const struct advice told = advise(&o, &(struct explanation){.decisive = &at}, &a);
        assert_text(told.commands[0], advices[i].command);
        assert_null(told.commands[1]);
        assert_text(told.value, advices[i].value);
        assert_text(told.edit, advices[i].edit);
        assert_text(told.text, reason_of(advices[i].reason)->remedy);
        assert_text(told.field, reason_of(advices[i].reason)->field);
    }
}

static void test_advice_without_a_rule(void **state)
{
    static const struct {
        struct explanation e;
        const char *text;
    } cases[] = {
        {{.reason = "ReadyWithWarnings", .message = "all runs, but: mend it"}, "mend it"},
        {{.reason = "ReadyWithWarnings", .message = "mend it"}, "mend it"},
        {{.reason = "Ready", .message = "m"}, NULL},
        {{.reason = "OfALaterVersion", .message = "what it says"}, "what it says"},
        {{.reason = NULL}, NULL},
    };
    cleanup_arena struct arena a = {0};
    const struct spec spec = {.namespace = "jobs"};
    const struct observed o = {.owner = {.ns = "ci", .name = "builds", .uid = "u"}, .spec = &spec};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_text(advise(&o, &cases[i].e, &a).text, cases[i].text);
    struct explanation unserved = {.headline.standing = STANDING_UNSERVED, .reason = "Ready"};
    assert_text(advise(&o, &unserved, &a).commands[0], "kubectl glr doctor");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_worlds),
        cmocka_unit_test(test_remedies_are_those_of_the_page),
        cmocka_unit_test(test_each_action_has_words),
        cmocka_unit_test(test_each_call_has_words),
        cmocka_unit_test(test_who_stopped_or_was_never_served_needs_somebody),
        cmocka_unit_test(test_remedies_and_fields_are_no_others),
        cmocka_unit_test(test_reasons_are_those_of_the_list),
        cmocka_unit_test(test_headlines),
        cmocka_unit_test(test_advice),
        cmocka_unit_test(test_advice_without_a_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
