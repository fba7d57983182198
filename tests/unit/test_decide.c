/* The rules, one by one: a world at rest, one thing that is broken, and what is done about it.
 *
 * What people read in conditions and Events is in tests/data/decide/messages.json, by the case's name; UPDATE_GOLDEN=1
 * writes it anew. */
#include "golden.h"

#include "base/mem.h"
#include "reasons.h"
#include "runner/status.h"
#include "world_broken.h"

/* ------------------------------------------------------------------------------------------------------------------
 * Cases.
 */
struct test_case {
    const char *name;
    const char *expected; /* in_a_line() of the first action that is neither a read nor the showing of a status */
    broken_fn *broken;
    int how;
    bool fresh; /* a world in which nothing has been done yet, not one at rest */
    bool first; /* reads and statuses count, too                                */
    int options[OPTIONS];
};

#define ONE "https://one.example.com"
#define TWO "https://two.example.com"

#define CASE(name_, expected_, broken_, ...)                                                                           \
    {                                                                                                                  \
        .name = name_, .expected = expected_, .broken = broken_, __VA_ARGS__                                           \
    }

static const struct test_case cases[] = {
    CASE("nothing is left to do at rest", "done", nothing, .first = true),

    /* registering_rules */
    CASE("the credential is read first", "read-credential: read", nothing, .fresh = true, .first = true),
    CASE("the finalizer is held before a runner is made", "finalizer: finalizer hold", nothing, .fresh = true),
    CASE("made by access token", "register: gitlab create at " ONE " with access, runner 0", promised, .fresh = true),
    CASE("made by registration token", "register: gitlab register at " ONE " with registration, runner 0", promised,
         .fresh = true, .options = {[OPT_MODE] = 1}),
    CASE("a runner token is verified", "register: gitlab verify at " ONE " with glrt-user, runner 0", promised,
         .fresh = true, .options = {[OPT_MODE] = 2}),
    CASE("another runner token is verified", "register: gitlab verify at " ONE " with glrt-user, runner 0",
         credential_changed, .how = AUTH_RUNNER_TOKEN, .options = {[OPT_MODE] = 2}),
    CASE("another access token is no news", "done", credential_changed, .how = AUTH_ACCESS_TOKEN, .first = true),
    CASE("no credential", "credential: wait SecretNotFound, stalled", nothing, .fresh = true,
         .options = {[OPT_CREDENTIAL] = 2 * VALUE_MISSING}),
    CASE("no key in the credential", "credential: wait KeyNotFound, stalled", nothing, .fresh = true,
         .options = {[OPT_CREDENTIAL] = 2 * VALUE_NO_KEY}),
    CASE("an empty credential", "credential: wait ValueEmpty, stalled", nothing, .fresh = true,
         .options = {[OPT_CREDENTIAL] = 2 * VALUE_EMPTY}),
    CASE("a credential that is no token", "credential: wait ValueInvalid, stalled", nothing, .fresh = true,
         .options = {[OPT_CREDENTIAL] = 2 * VALUE_INVALID}),
    CASE("a credential of another kind", "credential: wait WrongKindOfToken, stalled", nothing, .fresh = true,
         .options = {[OPT_CREDENTIAL] = 2 * VALUE_WRONG_KIND}),
    CASE("a credential for another host", "credential: wait CredentialNotForHost, stalled", nothing, .fresh = true,
         .options = {[OPT_CREDENTIAL] = 2 * VALUE_NOT_FOR_HOST}),
    CASE("no CA", "tls: wait SecretNotFound, stalled", nothing, .fresh = true,
         .options = {[OPT_CA] = 1, [OPT_CA_TROUBLE] = 2 * VALUE_MISSING}),
    CASE("no CA in a ConfigMap", "tls: wait ConfigMapNotFound, stalled", nothing, .fresh = true,
         .options = {[OPT_CA] = 2, [OPT_CA_TROUBLE] = 2 * VALUE_MISSING}),
    CASE("no key for the CA", "tls: wait KeyNotFound, stalled", nothing, .fresh = true,
         .options = {[OPT_CA] = 2, [OPT_CA_TROUBLE] = 2 * VALUE_NO_KEY}),
    CASE("an empty CA", "tls: wait ValueEmpty, stalled", nothing, .fresh = true,
         .options = {[OPT_CA] = 1, [OPT_CA_TROUBLE] = 2 * VALUE_EMPTY}),
    CASE("a CA that is none", "tls: wait InvalidCA, stalled", nothing, .fresh = true,
         .options = {[OPT_CA] = 1, [OPT_CA_TROUBLE] = 2 * VALUE_INVALID}),
    CASE("a lost token Secret is restored", "restore: gitlab restore at " ONE " with glrt-a4, runner 4", lost,
         .how = CHILD_TOKEN_SECRET),
    CASE("a dead token is not tried again", "lost: gitlab find at " ONE " with access, runner 4",
         token_secret_and_trust_lost),
    CASE("a lost runner is looked for", "lost: gitlab find at " ONE " with access, runner 4", both_secrets_lost,
         .how = DOUBT_LOST),
    CASE("another server knows neither token nor runner", "lost: gitlab find at " TWO " with access, runner 0",
         edited_and_lost, .how = CHILD_TOKEN_SECRET, .options = {[OPT_EDIT] = EDIT_URL}),
    CASE("a found runner gets a new token", "lost: gitlab reset at " ONE " with access, runner 9", both_secrets_lost,
         .how = DOUBT_SEARCHED),
    CASE("what is not lost is made", "register: gitlab create at " ONE " with access, runner 0", both_secrets_lost,
         .how = DOUBT_NONE),
    CASE("who may not look reports", "lost: report PossibleOrphan", both_secrets_lost, .how = DOUBT_UNSEARCHABLE),
    CASE("a registration token cannot look", "lost: report PossibleOrphan", both_secrets_lost, .how = DOUBT_LOST,
         .options = {[OPT_MODE] = 1}),
    CASE("a user's runner is never lost", "register: gitlab verify at " ONE " with glrt-user, runner 0",
         both_secrets_lost, .how = DOUBT_LOST, .options = {[OPT_MODE] = 2}),

    /* rights_rules */
    CASE("rights follow the spec though suspended", "role-binding: apply RoleBinding ci/ci.builds-runner",
         edited_and_drifted, .how = CHILD_ROLE_BINDING, .options = {[OPT_EDIT] = EDIT_SUSPEND}),
    CASE("rights follow the spec though unregistered", "role-binding: apply RoleBinding ci/ci.builds-runner",
         unregistered_and_drifted, .how = CHILD_ROLE_BINDING, .first = true),
    CASE("rights follow the spec while GitLab is asked", "role-binding: apply RoleBinding ci/ci.builds-runner",
         calling_and_drifted, .how = CHILD_ROLE_BINDING),
    CASE("rights follow no spec that is invalid", "spec: wait InvalidSpec, stalled", edited_and_drifted,
         .how = CHILD_ROLE_BINDING, .options = {[OPT_EDIT] = EDIT_INVALID}),

    /* registration_rules */
    CASE("an issued token is saved", "save: apply Secret ci/builds-runner-token", issued),
    CASE("a runner that was taken over is shown before it is saved", "recall: status Registering",
         never_shown_and_taken_over, .first = true),
    CASE("one that was only told something is saved", "save: apply Secret ci/builds-runner-token",
         never_shown_and_issued, .first = true),
    CASE("an issued token is saved anew", "save: apply Secret ci/builds-runner-token, new",
         issued_and_token_secret_lost),
    CASE("an issued token is saved though suspended", "save: apply Secret ci/builds-runner-token", edited_and_issued,
         .options = {[OPT_EDIT] = EDIT_SUSPEND}),
    CASE("an issued token is saved though the spec is invalid", "save: apply Secret ci/builds-runner-token",
         edited_and_issued, .options = {[OPT_EDIT] = EDIT_INVALID}),
    CASE("an issued token waits for its place", "save: wait Recreating", issued_and_pinned),
    CASE("an issued token has no place", "save: wait NameConflict, stalled", issued_and_replaced),
    CASE("an invalid spec", "spec: wait InvalidSpec, stalled", edited, .options = {[OPT_EDIT] = EDIT_INVALID}),
    CASE("suspended", "suspended: wait Suspended", edited, .options = {[OPT_EDIT] = EDIT_SUSPEND}),
    CASE("suspended, nothing is repaired", "suspended: wait Suspended", edited_and_lost, .how = CHILD_DEPLOYMENT,
         .options = {[OPT_EDIT] = EDIT_SUSPEND}),
    CASE("another url", "moved: gitlab deregister at " ONE " with glrt-a4, runner 4", edited,
         .options = {[OPT_EDIT] = EDIT_URL}),
    CASE("another mode, same GitLab", "takeover: gitlab keep at " ONE " with glrt-a4, runner 4", edited,
         .options = {[OPT_EDIT] = EDIT_MODE}),
    CASE("an access token looks before it takes over", "proof: gitlab inspect at " ONE " with access, runner 4", edited,
         .options = {[OPT_MODE] = 1, [OPT_EDIT] = EDIT_MODE_BACK}),
    CASE("a user's token takes nothing over", "moved: gitlab deregister at " ONE " with glrt-a4, runner 4", edited,
         .options = {[OPT_EDIT] = EDIT_MODE_BACK}),
    CASE("another scope", "moved: gitlab deregister at " ONE " with glrt-a4, runner 4", edited,
         .options = {[OPT_EDIT] = EDIT_SCOPE}),
    CASE("a move needs something to register with", "read-credential: read", edited, .first = true,
         .options = {[OPT_CA] = 1, [OPT_EDIT] = EDIT_URL}),
    CASE("without it the former runner stays", "moved: wait SecretNotFound, stalled", edited,
         .options = {[OPT_EDIT] = EDIT_URL, [OPT_CREDENTIAL] = 2 * VALUE_MISSING}),
    CASE("nor does it go to a host that the credential is not for", "moved: wait CredentialNotForHost, stalled", edited,
         .options = {[OPT_EDIT] = EDIT_URL, [OPT_CREDENTIAL] = 2 * VALUE_NOT_FOR_HOST}),
    CASE("a token that moved on goes", "former-token: delete Secret ci/builds-runner-token", edited_and_deregistered,
         .options = {[OPT_EDIT] = EDIT_URL}),
    CASE("a user's runner that is elsewhere is left, not removed", "former-token: delete Secret ci/builds-runner-token",
         inspected, .how = TAKEOVER_REFUSED, .options = {[OPT_MODE] = 2, [OPT_EDIT] = EDIT_MODE}),
    CASE("a user's runner becomes ours if its token is still good",
         "proof: gitlab try at " ONE " with glrt-user, runner 3", given_long_ago, .how = TAKEOVER_UNMARKED,
         .options = {[OPT_MODE] = 2, [OPT_EDIT] = EDIT_MODE}),
    CASE("… which is tried twice", "takeover: wait RunnerNotFound", given_and_refused, .how = 1,
         .options = {[OPT_MODE] = 2, [OPT_EDIT] = EDIT_MODE}),
    CASE("… and else it is another one's", "former-token: delete Secret ci/builds-runner-token", given_and_refused,
         .how = 2, .options = {[OPT_MODE] = 2, [OPT_EDIT] = EDIT_MODE}),
    CASE("… and it is where the spec says", "proof: gitlab inspect at " ONE " with access, runner 3", edited,
         .options = {[OPT_MODE] = 2, [OPT_EDIT] = EDIT_MODE}),
    CASE("… and nobody's", "takeover: gitlab update at " ONE " with access, runner 3", inspected,
         .how = TAKEOVER_UNMARKED, .options = {[OPT_MODE] = 2, [OPT_EDIT] = EDIT_MODE}),
    CASE("ours becomes the user's by its token", "takeover: gitlab keep at " ONE " with glrt-user, runner 4",
         edited_and_given_our_token, .options = {[OPT_EDIT] = EDIT_MODE_BACK}),
    CASE("a runner is looked at before it is adopted", "proof: gitlab inspect at " ONE " with access, runner 9",
         adopting, .how = TAKEOVER_UNTRIED, .fresh = true),
    CASE("one that is nobody's gets our mark first", "adopt: gitlab claim at " ONE " with access, runner 9", adopting,
         .how = TAKEOVER_UNMARKED, .fresh = true),
    CASE("one that has our mark gets a token", "adopt: gitlab reset at " ONE " with access, runner 9", adopting,
         .how = TAKEOVER_FITS, .fresh = true),
    CASE("somebody else's is not adopted", "adopt: wait RunnerNotAdopted, stalled", adopting, .how = TAKEOVER_REFUSED,
         .fresh = true),
    CASE("who has a runner adopts no other", "adopted: wait RunnerNotAdopted, stalled", told_to_adopt_too_late),
    CASE("no annotations", "moved: wait TokenSecretDamaged, stalled", bare),
    CASE("no token to move with", "moved: wait TokenMissing, stalled", edited_and_emptied,
         .options = {[OPT_EDIT] = EDIT_URL}),
    CASE("a damaged Secret that is deleted may go", "place: apply Secret ci/builds-runner-token, let go",
         bare_and_deleted),
    CASE("a deleted token Secret may go", "place: apply Secret ci/builds-runner-token, let go", terminating,
         .how = CHILD_TOKEN_SECRET),
    CASE("a deleted token Secret is still there", "place: wait Recreating", pinned, .how = CHILD_TOKEN_SECRET),
    CASE("somebody else's token Secret", "place: wait NameConflict, stalled", replaced, .how = CHILD_TOKEN_SECRET),
    CASE("the finalizer is held again", "finalizer: finalizer hold", promise_lost),
    CASE("before tags are told the runner is looked at", "proof: gitlab show at " ONE " with access, runner 4",
         edited_and_checked, .how = UNSEEN, .options = {[OPT_EDIT] = EDIT_TAGS}),
    CASE("tags are told to GitLab", "attributes: gitlab update at " ONE " with access, runner 4", edited_and_checked,
         .how = OURS, .options = {[OPT_EDIT] = EDIT_TAGS}),
    CASE("a runner without our mark must prove itself", "proof: gitlab try at " ONE " with glrt-a4, runner 4",
         edited_and_checked, .how = UNMARKED, .options = {[OPT_EDIT] = EDIT_TAGS}),
    CASE("so must one that the access token may not show", "proof: gitlab try at " ONE " with glrt-a4, runner 4",
         edited_and_not_to_be_seen, .options = {[OPT_EDIT] = EDIT_TAGS}),
    CASE("no proof is asked for a change that has to wait", "attributes: wait ServerError", edited_and_told_in_vain,
         .options = {[OPT_EDIT] = EDIT_TAGS}),
    CASE("a runner that seems to be gone is told nothing", "attributes: wait RunnerNotFound", edited_and_checked,
         .how = ABSENT_ONCE, .options = {[OPT_EDIT] = EDIT_TAGS}),
    CASE("tags cannot be told", "attributes: wait UpdateNeedsAccessToken, stalled", edited,
         .options = {[OPT_MODE] = 1, [OPT_EDIT] = EDIT_TAGS}),
    CASE("tags that somebody has set at GitLab are taken for told", "attributes: apply Secret ci/builds-runner-token",
         edited_and_set_at_gitlab, .how = 1, .options = {[OPT_MODE] = 1, [OPT_EDIT] = EDIT_TAGS}),
    CASE("… and others are not", "attributes: wait UpdateNeedsAccessToken, stalled", edited_and_set_at_gitlab, .how = 0,
         .options = {[OPT_MODE] = 1, [OPT_EDIT] = EDIT_TAGS}),
    CASE("tags are not told without a token to keep", "attributes: wait TokenMissing, stalled", edited_and_emptied,
         .options = {[OPT_EDIT] = EDIT_TAGS}),

    /* rules_server_check.c */
    CASE("a check by id", "check: gitlab show at " ONE " with access, runner 4", checked, .how = DUE),
    CASE("a check by token", "check: gitlab try at " ONE " with glrt-a4, runner 4", checked, .how = DUE,
         .options = {[OPT_MODE] = 1}),
    CASE("a check of a user's runner", "check: gitlab try at " ONE " with glrt-user, runner 3", checked, .how = DUE,
         .options = {[OPT_MODE] = 2}),
    CASE("a check by token would be a lie without managers", "done", checked, .how = DUE,
         .options = {[OPT_MODE] = 1, [OPT_REPLICAS] = 1}),
    CASE("a suspect token is tried", "check: gitlab try at " ONE " with glrt-a4, runner 4", checked,
         .how = DUE_BY_TOKEN, .options = {[OPT_REPLICAS] = 1}),
    CASE("no access token, so by token", "check: gitlab try at " ONE " with glrt-a4, runner 4", checked, .how = DUE,
         .options = {[OPT_CREDENTIAL] = 2 * VALUE_MISSING}),
    CASE("absent once is no proof", "done", checked, .how = ABSENT_ONCE),
    CASE("absent twice is proof", "gone: report RunnerLost", checked, .how = ABSENT),
    CASE("refused once is no proof", "done", checked, .how = REFUSED_ONCE, .options = {[OPT_MODE] = 1}),
    CASE("refused twice is proof", "gone: report RunnerLost", checked, .how = REFUSED, .options = {[OPT_MODE] = 1}),
    CASE("refused twice, the id is to be looked for", "done", checked, .how = REFUSED),
    CASE("a token that was reset is renewed", "dead-token: gitlab reset at " ONE " with access, runner 4", checked,
         .how = RESET),
    CASE("… when it is proven to be ours", "proof: gitlab show at " ONE " with access, runner 4", reset_long_ago),
    CASE("somebody else's runner has the number", "gone: report RunnerLost", checked, .how = REPLACED),
    CASE("who may not look registers anew", "gone: report RunnerLost", checked, .how = NOT_TO_BE_SEEN),
    CASE("a refused access token is waited for", "dead-token: wait AccessTokenRejected, stalled", checked,
         .how = NOT_TO_BE_USED),
    CASE("a user's dead token is the user's business", "dead-token: wait RunnerTokenRejected, stalled", checked,
         .how = REFUSED, .options = {[OPT_MODE] = 2}),
    CASE("what was edited at GitLab is set back", "attributes: gitlab update at " ONE " with access, runner 4", checked,
         .how = EDITED),
    CASE("GitLab's version is asked for", "version: gitlab version at " ONE " with access, runner 0", checked,
         .how = VERSION_DUE),
    CASE("a token with a quarter of its life left is rotated",
         "rotation: gitlab rotate at " ONE " with glrt-a4, runner 4", expiring, .how = 250),
    CASE("a younger token is not", "done", expiring, .how = 251),
    CASE("a token is rotated when asked for", "rotation: gitlab rotate at " ONE " with glrt-a4, runner 4",
         asked_for_a_token),
    CASE("a pause is told", "attributes: gitlab update at " ONE " with access, runner 4", paused,
         .how = PAUSE_FOR_LONG),
    CASE("… also one without an end", "attributes: gitlab update at " ONE " with access, runner 4", paused,
         .how = PAUSE_FOR_EVER),
    CASE("a word that is no time pauses nothing", "done", paused, .how = PAUSE_UNREADABLE),
    CASE("a registration token pauses nothing", "done", paused, .how = PAUSE_FOR_EVER, .options = {[OPT_MODE] = 1}),
    CASE("nor does a user's own", "done", paused, .how = PAUSE_FOR_EVER, .options = {[OPT_MODE] = 2}),
    CASE("a restart is made", "deployment: apply Deployment ci/builds-runner", restarted),
    CASE("a user's token is not rotated", "done", asked_for_a_token, .options = {[OPT_MODE] = 2}),

    /* rules_takeover.c */
    CASE("a runner that fits is told the attributes", "takeover: gitlab update at " ONE " with access, runner 4",
         inspected, .how = TAKEOVER_FITS, .options = {[OPT_MODE] = 1, [OPT_EDIT] = EDIT_MODE_BACK}),
    CASE("… as long as that is proof", "proof: gitlab inspect at " ONE " with access, runner 4", inspected_long_ago,
         .how = TAKEOVER_FITS, .options = {[OPT_MODE] = 1, [OPT_EDIT] = EDIT_MODE_BACK}),
    CASE("a runner that does not fit is left", "moved: gitlab deregister at " ONE " with glrt-a4, runner 4", inspected,
         .how = TAKEOVER_REFUSED, .options = {[OPT_MODE] = 1, [OPT_EDIT] = EDIT_MODE_BACK}),
    CASE("an inherited token is verified", "inherit: gitlab inherit at " ONE " with glrt-a4, runner 4", inherited),
    CASE("a former object's runner goes with it", "inherit: gitlab deregister at " ONE " with glrt-a4, runner 4",
         inherited_and_terminating),
    CASE("… and then its token Secret", "inherit: apply Secret ci/builds-runner-token, let go",
         inherited_terminating_and_deregistered),

    /* manager_rules */
    CASE("the runner is shown before its manager", "record: status Ready", never_shown, .first = true),
    CASE("the runner is shown as it will be with its manager", "record: status ManagerStarting",
         never_shown_and_unmanned, .first = true),
    CASE("one that has no manager yet can be found without",
         "service-account: apply ServiceAccount ci/builds-runner, new", never_shown_and_lost,
         .how = CHILD_SERVICE_ACCOUNT, .first = true),
    CASE("no namespace", "job-namespace: wait NamespaceNotFound, stalled", place_missing,
         .options = {[OPT_PLACE] = PLACE_JOBS}),
    CASE("a namespace that is not served", "job-namespace: wait NamespaceNotServed, stalled", place_not_served,
         .options = {[OPT_PLACE] = PLACE_JOBS}),
    CASE("a level of Pod Security that forbids it", "pod-security: wait PodSecurityForbids, stalled", place_baseline,
         .options = {[OPT_EDIT] = EDIT_PRIVILEGED}),
    CASE("a level of Pod Security that does not", "config: apply Secret ci/builds-runner-config", place_baseline,
         .options = {[OPT_EDIT] = EDIT_IMAGE}),
    CASE("a closed namespace", "job-namespace: wait NamespaceNotAllowed, stalled", place_closed,
         .options = {[OPT_PLACE] = PLACE_JOBS}),
    CASE("no config Secret", "config: apply Secret ci/builds-runner-config, new", lost, .how = CHILD_CONFIG_SECRET),
    CASE("no ServiceAccount", "service-account: apply ServiceAccount ci/builds-runner, new", lost,
         .how = CHILD_SERVICE_ACCOUNT),
    CASE("no RoleBinding", "role-binding: apply RoleBinding ci/ci.builds-runner, new", lost, .how = CHILD_ROLE_BINDING),
    CASE("no RoleBinding of a feature",
         "role-binding: apply RoleBinding ci/ci.builds-runner-pod-disruption-budget, new", lost,
         .how = CHILD_FEATURE_BINDING + FEATURE_POD_DISRUPTION_BUDGET, .options = {[OPT_FEATURE] = 1}),
    CASE("a feature that is not asked for any more",
         "role-binding: delete RoleBinding ci/ci.builds-runner-pod-disruption-budget", edited,
         .options = {[OPT_FEATURE] = 1, [OPT_EDIT] = EDIT_FEATURE}),
    CASE("an account that was made anew", "deployment: apply Deployment ci/builds-runner", account_made_anew),
    CASE("a Deployment that does not say of which account it is", "done", account_made_anew_long_ago),
    CASE("no PodDisruptionBudget", "disruption-budget: apply PodDisruptionBudget ci/builds-runner, new", lost,
         .how = CHILD_DISRUPTION_BUDGET),
    CASE("somebody else's PodDisruptionBudget", "disruption-budget: wait NameConflict, stalled", replaced,
         .how = CHILD_DISRUPTION_BUDGET),
    CASE("a PodDisruptionBudget that is not asked for any more", "strays: delete PodDisruptionBudget ci/builds-runner",
         edited, .options = {[OPT_EDIT] = EDIT_BUDGET}),
    CASE("no Deployment", "deployment: apply Deployment ci/builds-runner, new", lost, .how = CHILD_DEPLOYMENT),
    CASE("a drifted config Secret", "config: apply Secret ci/builds-runner-config", drifted,
         .how = CHILD_CONFIG_SECRET),
    CASE("a drifted ServiceAccount", "service-account: apply ServiceAccount ci/builds-runner", drifted,
         .how = CHILD_SERVICE_ACCOUNT),
    CASE("a drifted RoleBinding", "role-binding: apply RoleBinding ci/ci.builds-runner", drifted,
         .how = CHILD_ROLE_BINDING),
    CASE("GitLab comes before the Deployment", "attributes: gitlab update at " ONE " with access, runner 4",
         edited_and_lost, .how = CHILD_DEPLOYMENT, .options = {[OPT_EDIT] = EDIT_TAGS}),
    CASE("who waits in line for GitLab looks after its Deployment",
         "deployment: apply Deployment ci/builds-runner, new", edited_and_lost_in_line, .how = CHILD_DEPLOYMENT,
         .options = {[OPT_EDIT] = EDIT_TAGS}),
    CASE("and asks again when that is there", "attributes: gitlab update at " ONE " with access, runner 4",
         edited_and_lost_in_line, .how = CHILD_COUNT, .options = {[OPT_EDIT] = EDIT_TAGS}),
    CASE("a drifted Deployment", "deployment: apply Deployment ci/builds-runner", drifted, .how = CHILD_DEPLOYMENT),
    CASE("a drifted token Secret is precious", "done", drifted, .how = CHILD_TOKEN_SECRET, .first = true),
    CASE("another Deployment", "deployment: apply Deployment ci/builds-runner", rewritten, .how = CHILD_DEPLOYMENT),
    CASE("a Deployment on its way out", "deployment: wait Recreating", pinned, .how = CHILD_DEPLOYMENT),
    CASE("somebody else's config Secret", "config: wait NameConflict, stalled", replaced, .how = CHILD_CONFIG_SECRET),
    CASE("somebody else's RoleBinding", "role-binding: wait NameConflict, stalled", replaced,
         .how = CHILD_ROLE_BINDING),
    CASE("another token", "config: apply Secret ci/builds-runner-config", token_secret_touched),
    CASE("another CA", "config: apply Secret ci/builds-runner-config", ca_changed, .how = 0, .options = {[OPT_CA] = 1}),
    CASE("no token to configure", "config: wait TokenMissing, stalled", emptied),
    CASE("another image", "config: apply Secret ci/builds-runner-config", edited, .options = {[OPT_EDIT] = EDIT_IMAGE}),
    CASE("more managers", "deployment: apply Deployment ci/builds-runner", edited,
         .options = {[OPT_EDIT] = EDIT_REPLICAS}),
    CASE("another namespace", "config: apply Secret ci/builds-runner-config", edited,
         .options = {[OPT_EDIT] = EDIT_PLACE}),
    CASE("what the spec led to before", "strays: delete RoleBinding other/ci.builds-runner", stray, .how = PLACE_OTHER),

    /* deletion_rules */
    CASE("deleted: first the managers stop", "drain: delete Deployment ci/builds-runner, with all that it owns",
         deleted_with_its_manager),
    CASE("deleted: jobs may end", "drain: wait Draining", deleted_and_draining, .how = 3659),
    CASE("deleted: they had time enough", "drain: report ManagerNotStopped", deleted_and_draining, .how = 3660),
    CASE("deleted: a runner that is kept has no need to stop first", "keep: report RunnerKept",
         deleted_with_its_manager, .options = {[OPT_KEEP] = 1}),
    CASE("deleted: nor has a user's", "forget: apply Secret ci/builds-runner-token, let go", deleted_with_its_manager,
         .options = {[OPT_MODE] = 2}),
    CASE("deleted by force: managers are stopped", "drain: delete Deployment ci/builds-runner, with all that it owns",
         deleted_by_force),
    CASE("deleted by force: and not waited for", "drain: report ManagerNotStopped", deleted_by_force_and_draining),
    CASE("deleted: managers that cannot be deleted", "drain: wait ServerError, stalled", deleted_and_not_to_be_stopped,
         .how = 3659),
    CASE("deleted: are not waited for either", "drain: report ManagerNotStopped", deleted_and_not_to_be_stopped,
         .how = 3660),
    CASE("deleted by force: it is tried once", "deregister: gitlab deregister at " ONE " with glrt-a4, runner 4",
         deleted_by_force_and_given_up),
    CASE("deleted by force: and given up", "record: record " ONE ", runner 4: glrt-a4", deleted_by_force_and_tried),
    CASE("deleted: GitLab's time begins when the managers are gone", "deregister: wait ServerError",
         deleted_drained_and_tried, .how = 899),
    CASE("deleted: and ends", "record: record " ONE ", runner 4: glrt-a4", deleted_drained_and_tried, .how = 900),
    CASE("deleted: it has not begun before the status says so", "deregister: wait ServerError",
         deleted_drained_and_tried, .how = 0),
    CASE("deleted: what cannot be removed elsewhere is left", "elsewhere: report ObjectLeftBehind",
         deleted_elsewhere_in_vain, .options = {[OPT_PLACE] = PLACE_JOBS}),
    CASE("deleted: what was not refused there is not left", "elsewhere: wait ServerError, stalled",
         deleted_elsewhere_and_untrusted, .options = {[OPT_PLACE] = PLACE_JOBS}),
    CASE("deleted: and holds up nothing", "forget: apply Secret ci/builds-runner-token, let go",
         deleted_and_left_elsewhere, .options = {[OPT_PLACE] = PLACE_JOBS}),
    CASE("deleted: deregistered by its own token", "deregister: gitlab deregister at " ONE " with glrt-a4, runner 4",
         deleted),
    CASE("deleted: the CA is read", "read-ca: read", deleted, .first = true, .options = {[OPT_CA] = 1}),
    CASE("deleted: without a CA it is tried", "deregister: gitlab deregister at " ONE " with glrt-a4, runner 4",
         deleted, .options = {[OPT_CA] = 1, [OPT_CA_TROUBLE] = 2 * VALUE_NO_KEY}),
    CASE("deleted: though suspended", "deregister: gitlab deregister at " ONE " with glrt-a4, runner 4",
         deleted_while_suspended, .options = {[OPT_EDIT] = EDIT_SUSPEND}),
    CASE("deleted: an issued token is good for it", "deregister: gitlab deregister at " ONE " with glrt-new, runner 4",
         deleted_and_issued),
    CASE("deleted: too late, but tried once", "deregister: gitlab deregister at " ONE " with glrt-a4, runner 4",
         deleted_long_ago),
    CASE("deleted: too late", "record: record " ONE ", runner 4: glrt-a4", deleted_and_tried),
    CASE("deleted: too late, and the token is read", "read-token: read", deleted_and_tried, .first = true),
    CASE("deleted: too late, and the ledger is away", "record: wait ServerError", deleted_and_recorded_in_vain,
         .how = ERR_RETRY),
    CASE("deleted: too late, and the ledger is not ours", "deregister: report OrphanedRunner",
         deleted_and_recorded_in_vain, .how = ERR_DENIED),
    CASE("deleted: too late, and the API server is not trusted", "record: wait ServerError, stalled",
         deleted_and_recorded_untrusted),
    CASE("deleted: too late, with a token that is dead", "deregister: report OrphanedRunner",
         deleted_too_late_and_checked, .how = REFUSED),
    CASE("deleted: too late, with one that was refused often", "deregister: report OrphanedRunner",
         deleted_too_late_and_checked, .how = REFUSED_OFTEN),
    CASE("deleted: no token", "deregister: report OrphanedRunner", deleted_and_emptied),
    CASE("deleted: no annotations", "deregister: report OrphanedRunner", deleted_and_bare),
    CASE("deleted: a refused token may only be reset", "proof: gitlab show at " ONE " with access, runner 4",
         deleted_and_checked, .how = REFUSED),
    CASE("deleted: a runner with another token is removed",
         "deregister: gitlab remove at " ONE " with access, runner 4", deleted_and_checked, .how = RESET),
    CASE("deleted: somebody else's runner is not", "deregister: report OrphanedRunner", deleted_and_checked,
         .how = REPLACED),
    CASE("deleted: who may not look reports the runner", "deregister: report OrphanedRunner", deleted_and_checked,
         .how = NOT_TO_BE_SEEN),
    CASE("deleted: kept at GitLab, and said so", "keep: report RunnerKept", deleted, .options = {[OPT_KEEP] = 1}),
    CASE("deleted: it waits until that was heard", "keep: wait ServerError", deleted_and_untold,
         .options = {[OPT_KEEP] = 1}),
    CASE("deleted: a user's runner", "forget: apply Secret ci/builds-runner-token, let go", deleted,
         .options = {[OPT_MODE] = 2}),
    CASE("deleted: a lost runner is looked for", "lost: gitlab find at " ONE " with access, runner 4", deleted_and_lost,
         .how = DOUBT_LOST),
    CASE("deleted: a found runner is removed", "lost: gitlab remove at " ONE " with access, runner 9", deleted_and_lost,
         .how = DOUBT_SEARCHED),
    CASE("deleted: an unseen token is read", "read-token: read", deleted_and_lost, .how = DOUBT_SUSPECTED,
         .first = true),
    CASE("deleted: nothing was lost", "release: finalizer let go", deleted_and_lost, .how = DOUBT_NONE),
    CASE("deleted: who may not look reports", "lost: report PossibleOrphan", deleted_and_lost,
         .how = DOUBT_UNSEARCHABLE),
    CASE("deleted: late, it is looked for once", "lost: gitlab find at " ONE " with access, runner 4",
         deleted_long_ago_and_lost, .how = DOUBT_LOST),
    CASE("deleted: too late to look", "lost: report PossibleOrphan", deleted_long_ago_and_looked, .how = DOUBT_LOST),
    CASE("deleted: too late for a credential to look with", "lost: report PossibleOrphan",
         deleted_long_ago_without_credential, .how = DOUBT_LOST),
    CASE("deleted: a registration token cannot look", "lost: report PossibleOrphan", deleted_and_lost,
         .how = DOUBT_LOST, .options = {[OPT_MODE] = 1}),
    CASE("deleted: an invalid spec cannot look", "lost: report PossibleOrphan", deleted_invalid_and_lost,
         .how = DOUBT_LOST, .options = {[OPT_EDIT] = EDIT_INVALID}),
    CASE("deleted: no credential to look with", "lost: wait SecretNotFound, stalled", deleted_without_credential,
         .how = DOUBT_LOST),
    CASE("deleted: a lost runner may stay", "release: finalizer let go", deleted_and_lost, .how = DOUBT_LOST,
         .options = {[OPT_KEEP] = 1}),
    CASE("deleted: what is elsewhere goes", "elsewhere: delete RoleBinding jobs/ci.builds-runner",
         deleted_and_deregistered, .options = {[OPT_PLACE] = PLACE_JOBS}),
    CASE("deleted: the token may go", "forget: apply Secret ci/builds-runner-token, let go", deleted_and_deregistered),
    CASE("deleted: a former object's is left to who tells of its runner", "release: finalizer let go",
         inherited_and_deleted, .options = {[OPT_EDIT] = EDIT_SUSPEND}),
    CASE("deleted: unless that runner is gone", "forget: apply Secret ci/builds-runner-token, let go",
         inherited_deregistered_and_deleted, .options = {[OPT_EDIT] = EDIT_SUSPEND}),
    CASE("deleted: the object may go", "release: finalizer let go", deleted_and_forgotten),
    CASE("let go by hand: the token is kept for a successor", "done", deleted_and_let_go_by_hand, .first = true),
    CASE("gone: nothing is there to let go", "done", gone, .first = true),
    CASE("gone: its runner is not left at GitLab, and its managers are not waited for",
         "deregister: gitlab deregister at " ONE " with glrt-a4, runner 4", gone_with_its_manager),
    CASE("gone: GitLab is not waited for", "record: record " ONE ", runner 4: glrt-a4", gone_and_tried),
    CASE("deleted: somebody else holds it", "done", deleted_and_released, .first = true),
};

/* What people read of an action; NULL: nothing. */
static const char *message_of(const struct action *act)
{
    return act->kind == ACT_WAIT ? act->wait.message : act->kind == ACT_REPORT ? act->report.message : NULL;
}

static void a_case(void **state)
{
    const struct test_case *c = *state;
    struct stage stage cleanup_stage;
    struct world *w = &stage.world;

    stage_init(&stage, c->options, c->fresh);
    c->broken(w, c->how);
    struct action act = decided(w, c->first);
    assert_string_equal(in_a_line(&act, &w->mem), c->expected);
    if (act.kind == ACT_WAIT) {
        assert_string_equal(condition_get(w->observed.status, "Ready", "reason"), act.wait.reason);
        assert_string_equal(condition_get(w->observed.status, "Ready", "message"), act.wait.message);
    }
    if (message_of(&act))
        assert_true(reason_is_known(act.kind == ACT_WAIT ? act.wait.reason : act.report.reason));
}

static void messages_are_as_kept(void **state)
{
    struct arena a cleanup_arena = {0};
    struct json_object *messages = arena_json(&a, json_build("{}"));

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct stage stage cleanup_stage;
        stage_init(&stage, cases[i].options, cases[i].fresh);
        cases[i].broken(&stage.world, cases[i].how);
        struct action act = decided(&stage.world, cases[i].first);
        if (message_of(&act))
            json_put_member(messages, cases[i].name, message_of(&act));
    }
    assert_golden(DATA "decide/messages.json", pretty(messages, &a));
}

/* What is decided when nobody has looked yet whether these are there, bits of enum readable; read in vain before: kind
 * and code. */
static const char *decided_blind_after(int code, unsigned unseen, enum err_kind failed, bool issued, int64_t deleted,
                                       char ret[static 200])
{
    struct stage stage cleanup_stage;
    struct world *w = &stage.world;

    stage_init(&stage, (const int[OPTIONS]){0}, false);
    decided(w, true);
    struct observed *o = &w->observed;
    for (enum readable what = 0; what < READ_COUNT; what++)
        if (unseen & (1u << what))
            o->values[what] = (struct observed_value){.unseen = true};
    if (unseen & (1u << READ_TOKEN))
        o->children[CHILD_TOKEN_SECRET] = (struct observed_child){.exists = false};
    const struct err err = {.kind = failed, .code = code, .reason = "Forbidden", .text = "no right"};
    if (failed)
        memory_fail(&w->process.memory, "read-token", &err, o->now_ms, 0);
    if (issued)
        memory_issue(&w->process.memory, &(struct registration){.token = "glrt-new",
                                                                .url = "https://one.example.com",
                                                                .runner_id = 9,
                                                                .authentication = "AccessToken",
                                                                .scope = "Instance",
                                                                .told_hash = ""});
    o->deleting = deleted != 0;
    o->force_delete = deleted < 0;
    struct action act = decide(o, &w->mem);
    snprintf(ret, 200, "%s", in_a_line(&act, &w->mem));
    return ret;
}

static const char *decided_blind(unsigned unseen, enum err_kind failed, bool issued, int64_t deleted,
                                 char ret[static 200])
{
    return decided_blind_after(403, unseen, failed, issued, deleted, ret);
}

static void nothing_is_decided_about_what_nobody_has_looked_at(void **state)
{
    enum { TOKEN = 1 << READ_TOKEN, CREDENTIAL = 1 << READ_CREDENTIAL, CA = 1 << READ_CA, ALL = (1 << READ_COUNT) - 1 };
    static const int unheard[] = {0, 429, 502, 503, 504};
    char line[200];

    (void)state;
    assert_string_equal(decided_blind(0, ERR_NONE, false, 0, line), "done");
    assert_string_equal(decided_blind(TOKEN, ERR_NONE, false, 0, line), "read-token: read");
    assert_string_equal(decided_blind(CA, ERR_NONE, false, 0, line), "read-ca: read");
    assert_string_equal(decided_blind(ALL, ERR_NONE, false, 0, line), "read-credential: read");
    assert_string_equal(decided_blind(TOKEN, ERR_RETRY, false, 0, line), "read-token: wait Forbidden");
    assert_string_equal(decided_blind(TOKEN, ERR_DENIED, false, 0, line), "status: status Forbidden");
    /* a token that nobody else has is saved before */
    assert_string_equal(decided_blind(TOKEN, ERR_DENIED, true, 0, line),
                        "save: apply Secret ci/builds-runner-token, new");
    assert_string_equal(decided_blind(ALL, ERR_NONE, false, 1, line), "read-token: read");
    assert_string_equal(decided_blind(TOKEN, ERR_DENIED, false, 1, line), "status: status Forbidden");
    /* by force, what cannot be read is not waited for */
    assert_string_equal(decided_blind(TOKEN, ERR_DENIED, false, -1, line), "release: finalizer let go");
    assert_string_equal(decided_blind_after(500, TOKEN, ERR_RETRY, false, -1, line), "release: finalizer let go");
    /* but what was not heard is waited for, and people are told */
    for (size_t i = 0; i < ARRAY_LEN(unheard); i++)
        assert_string_equal(decided_blind_after(unheard[i], TOKEN, ERR_RETRY, false, -1, line),
                            "status: status Forbidden");
    /* which it was not where the API server's certificate is not trusted */
    assert_string_equal(decided_blind_after(0, TOKEN, ERR_DENIED, false, -1, line), "status: status Forbidden");
}

/* What happened is known by name in logs and metrics. */
static void every_action_and_call_has_a_name(void **state)
{
    (void)state;
    for (enum act_kind kind = ACT_PASS; kind <= ACT_DONE; kind++)
        assert_true(strlen(act_kind_name(kind)) > 0);
    for (enum gitlab_call call = GITLAB_REGISTER; call <= GITLAB_REMOVE; call++)
        assert_true(strlen(gitlab_call_name(call)) > 0);
}

int main(void)
{
    static const struct CMUnitTest others[] = {
        cmocka_unit_test(messages_are_as_kept),
        cmocka_unit_test(nothing_is_decided_about_what_nobody_has_looked_at),
        cmocka_unit_test(every_action_and_call_has_a_name),
    };
    struct CMUnitTest tests[ARRAY_LEN(cases) + ARRAY_LEN(others)];

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        tests[i] = (struct CMUnitTest){.name = cases[i].name, .test_func = a_case, .initial_state = (void *)&cases[i]};
    memcpy(&tests[ARRAY_LEN(cases)], others, sizeof(others));
    return cmocka_run_group_tests_name("decide", tests, NULL, NULL);
}
