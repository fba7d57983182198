/* `orphans`: runners at GitLab that were this cluster's, and are nobody's any more. */
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "plugin/command.h"
#include "plugin/orphans.h"
#include "plugin/output.h"
#include "plugin/session.h"
#include "plugin/table.h"
#include "plugin/terminal.h"

enum { LOOK_MS = 60 * 1000, IDS_MAX = 100 };

struct orphans_options {
    const char *credential, *url, *uids;
    bool remove, all, yes;
    int64_t timeout_ms;
};

static const struct option_row rows[] = {
    {0, "credential", "NAMESPACE/SECRET[/KEY]", "look with this access token alone (KEY: access-token)", option_text,
     offsetof(struct orphans_options, credential), NULL},
    {0, "url", "URL", "… at this GitLab", option_text, offsetof(struct orphans_options, url), NULL},
    {0, "uid", "UID,...", "these were objects of this cluster: I know it, though nothing here does", option_text,
     offsetof(struct orphans_options, uids), NULL},
    {0, "remove", NULL, "remove the runners whose numbers are given, or --all --yes", option_flag,
     offsetof(struct orphans_options, remove), NULL},
    {0, "all", NULL, "… all that may be removed", option_flag, offsetof(struct orphans_options, all), NULL},
    {0, "yes", NULL, "… without being asked", option_flag, offsetof(struct orphans_options, yes), NULL},
    {0, "timeout", "TIME", "for all of it (default: 1m)", option_duration, offsetof(struct orphans_options, timeout_ms),
     "a time, such as 1m"},
};

/* ---------------------------------------------------------------------------------------------------------------------
 * What is printed */

static const char *ago(int64_t since, int64_t now, const char *never, struct arena *a)
{
    int64_t s = now > since ? now - since : 0;

    if (!since)
        return never;
    return s < 3600        ? arena_printf(a, "%lldm", (long long)(s / 60))
           : s < 2 * 86400 ? arena_printf(a, "%lldh", (long long)(s / 3600))
                           : arena_printf(a, "%lldd", (long long)(s / 86400));
}

static const char *jobs_text(int jobs)
{
    return jobs < 0 ? "?" : jobs ? "1+" : "0";
}

static const char *why_text(const struct orphan_runner *r, struct arena *a)
{
    if (!r->credential)
        return r->kept;
    if (r->facts.object)
        return arena_printf(a, "%s has its uid, and says that its runner is another one, or none yet", r->facts.object);
    return arena_printf(a, "no object has uid %s; %s%s%s%s", r->uid,
                        r->facts.trace     ? "this cluster's, by "
                        : r->facts.vouched ? "this cluster's, by --uid"
                                           : "whose is not known",
                        r->facts.trace ? r->facts.trace : "", r->kept ? "; kept: " : "", r->kept ? r->kept : "");
}

static void print_orphans(const struct plugin_call *call, const struct orphan_audit *found)
{
    static const struct column columns[] = {{.name = "HOST"},
                                            {.name = "RUNNER"},
                                            {.name = "CONTACT"},
                                            {.name = "JOBS"},
                                            {.name = "DESCRIPTION", .wide = true},
                                            {.name = "WHY", .flexible = true}};
    const struct terminal terminal = terminal_of(stdout);
    struct table *t = table_create(columns, ARRAY_LEN(columns), call->a);
    unsigned flags =
        (call->options->output == OUTPUT_WIDE ? TABLE_WIDE : 0) | (call->options->no_headers ? TABLE_NO_HEADERS : 0);

    for (size_t i = 0; i < found->len; i++) {
        const struct orphan_runner *r = &found->runners[i];
        table_row(t);
        table_cell(t, r->host, TONE_PLAIN);
        table_cell(t, arena_printf(call->a, "%lld", (long long)r->id), TONE_PLAIN);
        table_cell(t, r->credential ? ago(r->facts.contacted, r->facts.now, "never", call->a) : "?", TONE_PLAIN);
        table_cell(t, jobs_text(r->facts.jobs), r->facts.jobs > 0 ? TONE_WARN : TONE_PLAIN);
        table_cell(t, r->description, TONE_FAINT);
        table_cell(t, why_text(r, call->a), r->kept ? TONE_FAINT : TONE_BAD);
    }
    table_print(t, stdout, &terminal, flags);
}

static struct json_object *orphan_tree(const struct orphan_runner *r, struct arena *a)
{
    struct json_object *tree =
        json_build("{url: %s, runner: %d, uid: %s, description: %s, object: %s, trace: %s, inLedger: %b, mayBeRemoved: "
                   "%b, kept: %s, why: %s}",
                   r->url, r->id, r->uid, r->description, r->facts.object, r->facts.trace, r->facts.in_ledger,
                   r->credential && !r->kept, r->kept, why_text(r, a));

    if (r->facts.contacted)
        json_set_int(tree, "secondsSinceContact", r->facts.now - r->facts.contacted);
    if (r->facts.jobs >= 0)
        json_set_bool(tree, "jobsRunning", r->facts.jobs > 0);
    return tree;
}

static void print_audit(const struct plugin_call *call, const struct orphan_audit *found)
{
    unsigned output = call->options->output;
    struct json_object *list = json_object_new_array();

    for (size_t i = 0; i < found->len; i++)
        json_append(list, orphan_tree(&found->runners[i], call->a));
    cleanup_json struct json_object *tree =
        json_build("{orphans: %o, lookedAt: %d, complete: %b}", list, (int64_t)found->looked_at, !found->cut);
    if (output == OUTPUT_JSON || output == OUTPUT_YAML)
        output_tree(tree, (enum plugin_output)output);
    else if (output == OUTPUT_NAME)
        for (size_t i = 0; i < found->len; i++)
            printf("%s/%lld\n", harmless(found->runners[i].host, call->a), (long long)found->runners[i].id);
    else if (found->len)
        print_orphans(call, found);
}

static enum plugin_exit sum_up(const struct plugin_call *call, const struct orphan_audit *found, size_t tokens)
{
    if (!tokens)
        fprintf(stderr, "NOT SEEN any runner: no GitLabRunner here names an access token that was read; name one with "
                        "--credential and --url.\n");
    else if (!found->len)
        fprintf(stderr, "No orphans among %zu runners, seen by %zu access tokens.\n", found->looked_at, tokens);
    if (found->cut)
        fprintf(stderr,
                "Not all runners were looked at; --timeout gives more time, -n or --credential fewer tokens.\n");
    if (found->len)
        return EXIT_FINDING;
    return found->cut ? EXIT_DEADLINE : call->not_seen_len || !tokens ? EXIT_INCOMPLETE : EXIT_GOOD;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What is removed */

/* "38", or with several hosts "gitlab.example.com/38". */
static bool is_named_by(const struct orphan_runner *r, const char *word, struct arena *a)
{
    const char *id = arena_printf(a, "%lld", (long long)r->id);

    return strcmp(word, id) == 0 || strcmp(word, arena_printf(a, "%s/%s", r->host, id)) == 0;
}

/* NULL: nothing was found by that word, or too much, as was told. */
static struct orphan_runner *named(const struct plugin_call *call, const struct orphan_audit *found, const char *word)
{
    struct orphan_runner *one = NULL;

    for (size_t i = 0; i < found->len; i++) {
        if (!is_named_by(&found->runners[i], word, call->a))
            continue;
        if (one) {
            fprintf(stderr, "%s: several hosts have a runner of this number: say HOST/%s\n", word, word);
            return NULL;
        }
        one = &found->runners[i];
    }
    if (!one)
        fprintf(stderr, "%s: no orphan has this number\n", harmless(word, call->a));
    return one;
}

static bool remove_one(const struct plugin_call *call, struct audit *audit, struct orphan_runner *r)
{
    const char *why = r->kept ? r->kept : audit_remove(audit, r);

    if (why)
        fprintf(stderr, "%s/%lld: not removed: %s\n", harmless(r->host, call->a), (long long)r->id,
                harmless(why, call->a));
    else
        printf("%s/%lld removed\n", harmless(r->host, call->a), (long long)r->id);
    return !why;
}

static enum plugin_exit remove_named(const struct plugin_call *call, struct audit *audit,
                                     const struct orphan_audit *found)
{
    bool good = true;

    for (size_t i = 0; i < call->args_len; i++) {
        struct orphan_runner *r = named(call, found, call->args[i]);
        good &= r && remove_one(call, audit, r);
    }
    return good ? EXIT_GOOD : EXIT_FINDING;
}

static enum plugin_exit remove_all(const struct plugin_call *call, struct audit *audit, struct orphan_audit *found)
{
    bool good = true;
    size_t may = 0;

    for (size_t i = 0; i < found->len; i++)
        may += !found->runners[i].kept;
    for (size_t i = 0; i < found->len; i++)
        good &= remove_one(call, audit, &found->runners[i]);
    if (!may)
        fprintf(stderr, "No orphan may be removed.\n");
    return good ? EXIT_GOOD : EXIT_FINDING;
}

static enum plugin_exit check_wish(const struct plugin_call *call)
{
    const struct orphans_options *own = call->own;
    const char *wrong = NULL;

    if (!own->remove && (own->all || own->yes || call->args_len))
        wrong = "numbers, --all and --yes are for --remove";
    else if (own->remove && own->all && !own->yes)
        wrong = "--remove --all needs --yes, too; without --remove it says what would go";
    else if (own->remove && !own->all == !call->args_len)
        wrong = "--remove wants the numbers of runners, or --all --yes";
    else if (own->url && !own->credential)
        wrong = "--url goes with --credential";
    if (wrong)
        fprintf(stderr, "orphans: %s\n", wrong);
    return wrong ? EXIT_COULD_NOT : EXIT_GOOD;
}

/* ------------------------------------------------------------------------------------------------------------------ */

static enum plugin_exit look_and_act(struct plugin_call *call, const struct cluster_uids *uids,
                                     const struct orphan_credentials *credentials)
{
    const struct orphans_options *own = call->own;
    struct audit *audit = audit_create(call, own->timeout_ms ? own->timeout_ms : LOOK_MS);
    struct orphan_audit found;
    enum plugin_exit code;

    audit_look(audit, uids, credentials, own->uids, &found);
    if (!own->remove) {
        print_audit(call, &found);
        code = sum_up(call, &found, credentials->len);
    } else {
        code = own->all ? remove_all(call, audit, &found) : remove_named(call, audit, &found);
    }
    audit_destroy(audit);
    return code;
}

static enum plugin_exit run_orphans(struct plugin_call *call)
{
    const struct orphans_options *own = call->own;
    struct orphan_credentials credentials = {0};
    struct cluster_uids uids;
    enum plugin_exit code = check_wish(call);

    if (code != EXIT_GOOD)
        return code;
    cluster_uids_read(call, &uids);
    if (own->credential) {
        if (!orphan_credential_named(call, own->credential, own->url, &credentials))
            code = EXIT_COULD_NOT;
    } else {
        orphan_credentials_of(call, &uids, call->options->namespace, &credentials);
    }
    if (code == EXIT_GOOD && !uids.runners && !own->credential)
        code = call->not_seen_len ? EXIT_INCOMPLETE : EXIT_COULD_NOT;
    if (code == EXIT_GOOD)
        code = look_and_act(call, &uids, &credentials);
    cluster_uids_finish(&uids);
    return code;
}

const struct plugin_command orphans_command = {
    .name = "orphans",
    .args = "[RUNNER...]",
    .summary = "runners at GitLab that nobody needs any more; removes them when asked",
    .about =
        "Looks at GitLab, with the access tokens that GitLabRunners name, for runners that have the operator's mark "
        "and "
        "no\nGitLabRunner, and shows those that the operator itself still tries to deregister. Without -n, with the "
        "tokens "
        "of all\nnamespaces. With --remove it removes those that are named: never one on which jobs run, which has "
        "asked "
        "for jobs\nwithin a day, or of whose uid nothing in this cluster knows, unless --uid says that it was this "
        "one's.",
    .example = "orphans\norphans --remove 38 41\norphans --remove --all --yes\n"
               "orphans --credential ci/my-gitlab --url https://gitlab.example.com",
    .exits = "1 there are some, or one was not removed; 3 not all were looked at in time; 4 something was not seen",
    .rights = "list gitlabrunners in all namespaces; get secrets of the access tokens; list secrets, deployments, "
              "rolebindings\nand events, for traces of former objects; get secret gitlab-runner-orphans. At GitLab: "
              "read_api, manage_runner",
    .rows = rows,
    .rows_len = ARRAY_LEN(rows),
    .own_size = sizeof(struct orphans_options),
    .takes = TAKES_OUTPUT | TAKES_ALL_NAMESPACES,
    .args_max = IDS_MAX,
    .run = run_orphans,
};
