/* What GitLab's refusals mean and what to do about them: one table. */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/shorten.h"
#include "gitlab/api.h"
#include "net/http.h"

#define OP(name) (1u << GITLAB_OP_##name)

enum {
    MAKES = OP(REGISTER) | OP(CREATE),
    BY_RUNNER_ID = OP(RESET) | OP(UPDATE) | OP(SHOW) | OP(RUNNING),
    BY_ACCESS_TOKEN =
        OP(CREATE) | OP(REMOVE) | OP(FIND) | OP(VERSION) | OP(SELF) | OP(LIST) | OP(LIST_ALL) | BY_RUNNER_ID,
    ANY_OP = 0xffff,
};

struct refusal {
    unsigned ops;
    int first, last;  /* statuses                                                                              */
    const char *says; /* what GitLab's own JSON holds, "": whatever it is; NULL: the answer may be anybody's   */
    enum err_kind kind;
    const char *reason, *remedy;
};

#define CERTIFICATE_REMEDY                                                                                             \
    "GitLab, or the proxy before it, lets in only who shows a client certificate: name a Secret that has one "         \
    "(kubernetes.io/tls) in spec.clientCertificateSecretRef"
#define CERTIFICATE_OTHER                                                                                              \
    "put another one, of an authority that GitLab or the proxy before it trusts, into the Secret that "                \
    "spec.clientCertificateSecretRef names"

#define ROTATION_REMEDY                                                                                                \
    "the token that there is stays good, but GitLab does not let the runner replace it: set "                          \
    "spec.tokenRotation.policy to Disabled, or the annotation rotate-token to what it was"

/* Pages of nginx, which asks for a certificate before it asks GitLab anything. */
static const struct refusal pages[] = {
    {ANY_OP, 400, 400, "No required SSL certificate was sent", ERR_DENIED, "ClientCertificateRequired",
     CERTIFICATE_REMEDY},
    {ANY_OP, 400, 400, "The SSL certificate error", ERR_DENIED, "ClientCertificateRefused", CERTIFICATE_OTHER},
};

/* The first row that fits. One strange answer is no proof: what GitLab refuses, it refuses in its own JSON; a page that
 * something before it has made (a proxy, a firewall) is tried again. */
static const struct refusal refusals[] = {
    {ANY_OP, 300, 399, NULL, ERR_INVALID, "Redirected",
     "a redirect is never followed with a credential; put the final address into spec.url"},

    /* What proves the right to do it. */
    {OP(REGISTER), 403, 403, "", ERR_DENIED, "RegistrationTokenRejected",
     "the registration token is wrong, or its kind is not allowed; put a valid one into the Secret"},
    {OP(REGISTER), 410, 410, "", ERR_DENIED, "RegistrationTokensDisabled",
     "registration tokens are switched off there; use authentication.accessTokenSecretRef, or have them allowed"},
    {OP(ROTATE), 403, 403, "ot permitted", ERR_DENIED, "RejectedByGitLab", ROTATION_REMEDY},
    {OP(VERIFY) | OP(ROTATE), 403, 403, "", ERR_DENIED, "RunnerTokenRejected",
     "the runner token is wrong or expired, or the runner was deleted; put a valid one into the Secret"},
    {BY_ACCESS_TOKEN, 401, 401, "", ERR_DENIED, "AccessTokenRejected",
     "the access token is wrong, expired or revoked; put a valid one into the Secret"},
    {BY_ACCESS_TOKEN, 403, 403, "insufficient_scope", ERR_DENIED, "InsufficientScope",
     "the access token needs the scopes " ACCESS_TOKEN_SCOPES},
    {BY_ACCESS_TOKEN, 403, 403, "blocked", ERR_DENIED, "AccessTokenRejected",
     "the access token's user is blocked at GitLab; have it unblocked, or put another user's token into the Secret"},
    {OP(REMOVE), 403, 403, "more than one project", ERR_DENIED, "InsufficientPermissions",
     "several projects share the runner; an administrator has to delete it"},
    {OP(CREATE), 403, 403, "", ERR_DENIED, "InsufficientPermissions",
     "the access token's user needs the Owner role of the group, Maintainer of the project, or to be an administrator; "
     "where GitLab lets nobody else make runners of groups, or of projects, only an administrator will do"},
    {BY_ACCESS_TOKEN, 403, 403, "", ERR_DENIED, "InsufficientPermissions",
     "the access token's user needs the Owner role of the group, Maintainer of the project, or to be an administrator"},

    /* What is not there. A 404 with a message is about an object, one with an error about the call, and any other means
     * that GitLab's API is elsewhere. */
    {BY_RUNNER_ID, 404, 404, "\"message\"", ERR_NOT_FOUND, "RunnerNotFound", "the runner does not exist any more"},
    {OP(FIND), 404, 404, "\"message\"", ERR_INVALID, "RejectedByGitLab",
     "check the group or project of spec.scope, and that the access token's user may see it"},
    {OP(REGISTER), 404, 404, "\"error\"", ERR_INVALID, "UnsupportedGitLab",
     "this GitLab takes no registration tokens any more, or spec.url has a path too much; use "
     "authentication.accessTokenSecretRef"},
    {OP(CREATE), 404, 404, "\"error\"", ERR_INVALID, "UnsupportedGitLab",
     "this GitLab is older than 16.0, or spec.url has a path too much; use authentication.registrationTokenSecretRef"},
    {ANY_OP, 404, 404, "\"error\"", ERR_INVALID, "UnsupportedGitLab",
     "this GitLab is too old or too new for this call, or spec.url has a path too much"},
    {ANY_OP, 404, 404, NULL, ERR_INVALID, "NotGitLab",
     "no GitLab of version 9.0 or newer answers there; check spec.url, and whether GitLab has a relative URL root"},
    {ANY_OP, 405, 405, NULL, ERR_INVALID, "NotGitLab", "no GitLab answers there; check spec.url"},

    /* What GitLab does not like. */
    {MAKES, 400, 400, "Maximum number of", ERR_INVALID, "RunnerLimitReached",
     "delete runners of this group or project that nobody needs, or have its limit raised"},
    {OP(CREATE), 400, 400, "nvalid group", ERR_INVALID, "RejectedByGitLab",
     "check spec.scope.groupId: there is no such group, or the access token's user does not see it"},
    {OP(CREATE), 400, 400, "nvalid project", ERR_INVALID, "RejectedByGitLab",
     "check spec.scope.projectId: there is no such project, or the access token's user does not see it"},
    {ANY_OP, 400, 400, "pick untagged jobs", ERR_INVALID, "RejectedByGitLab",
     "give spec.tags, or set spec.runUntagged to true"},
    {ANY_OP, 400, 400, "Too many tags", ERR_INVALID, "RejectedByGitLab", "spec.tags may have at most 50"},
    {ANY_OP, 400, 400, "at least 10 minutes", ERR_INVALID, "RejectedByGitLab",
     "spec.maximumTimeoutSeconds must be 600 or more"},
    {ANY_OP, 400, 400, "too long", ERR_INVALID, "RejectedByGitLab", "shorten spec.description or spec.maintenanceNote"},
    {ANY_OP, 400, 400, "", ERR_INVALID, "RejectedByGitLab", "correct the field that GitLab names"},
    {ANY_OP, 422, 422, "orphaned", ERR_INVALID, "RejectedByGitLab",
     "the runner's group or project is gone; register a new one"},
    {OP(ROTATE), 422, 422, "", ERR_INVALID, "RejectedByGitLab", ROTATION_REMEDY},
    {ANY_OP, 422, 422, "", ERR_INVALID, "RejectedByGitLab", "correct what GitLab names"},

    /* What may be better later. */
    {ANY_OP, 409, 409, "", ERR_RETRY, "ResourceLocked", "somebody else changes it right now; it is tried again"},
    {ANY_OP, 429, 429, NULL, ERR_RETRY, "RateLimited", "it is tried again when GitLab allows it"},
    {ANY_OP, 500, 599, NULL, ERR_RETRY, "ServerError", "it is tried again"},
    {ANY_OP, 400, 499, NULL, ERR_RETRY, "UnexpectedAnswer",
     "GitLab does not answer so, but a proxy or firewall before it may; it is tried again"},
    {ANY_OP, 0, 999, NULL, ERR_RETRY, "UnexpectedAnswer", "it is tried again; check that spec.url is a GitLab server"},
};

static bool fits_answer(const struct refusal *r, enum gitlab_op_kind op, long status, const char *body, bool own)
{
    return (r->ops & (1u << op)) && status >= r->first && status <= r->last &&
           (!r->says || (own && strstr(body, r->says)));
}

static const struct refusal *find_refusal(enum gitlab_op_kind op, long status, const char *body, bool own)
{
    for (size_t i = 0; i < ARRAY_LEN(pages) && !own; i++)
        if (fits_answer(&pages[i], op, status, body, true))
            return &pages[i];
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++)
        if (fits_answer(&refusals[i], op, status, body, own))
            return &refusals[i];
    return &refusals[ARRAY_LEN(refusals) - 1];
}

enum { WORDS_MAX = 240, ATTRIBUTES_MAX = 8, TEXTS_MAX = 4 };

static const char *text_of_value(struct json_object *value)
{
    return json_is_array(value) || !*json_string(value) ? "?" : json_string(value);
}

/* ["text", …] as "text, text"; a text alone, or whatever it is, as it is. */
static void add_texts(struct buf *words, struct json_object *texts)
{
    if (!json_is_array(texts))
        buf_addf(words, "%s", shown(*json_string(texts) ? json_string(texts) : "?", WORDS_MAX).text);
    for (size_t i = 0; i < json_len(texts) && i < TEXTS_MAX; i++)
        buf_addf(words, "%s%s", i ? ", " : "", shown(text_of_value(json_at(texts, i)), WORDS_MAX).text);
}

/* {"attribute": ["text", …], …} as "attribute: text, text; …": of a long list its beginning. */
static void add_attributes(struct buf *words, struct json_object *message)
{
    size_t n = 0;

    json_each (it, message) {
        if (n++ == ATTRIBUTES_MAX)
            return;
        buf_addf(words, "%s%s: ", n > 1 ? "; " : "", shown(it.key, 60).text);
        add_texts(words, it.value);
    }
}

/* What GitLab itself says, from either of its two shapes of error, cut to what a message has room for. */
static const char *words_of_answer(struct json_object *answer, struct arena *a)
{
    const char *text = json_str(answer, "message");
    cleanup_buf struct buf words;

    buf_init(&words, (ATTRIBUTES_MAX + 1) * (TEXTS_MAX + 1) * (WORDS_MAX + 1));
    if (!text && json_get(answer, "message"))
        add_attributes(&words, json_get(answer, "message"));
    else
        text = text ? text : json_str_or(answer, "error_description", json_str_or(answer, "error", ""));
    return shorten(arena_strdup(a, text ? text : words.data), WORDS_MAX);
}

struct err gitlab_classify(enum gitlab_op_kind op, const char *url, long status, const char *body, size_t len,
                           int64_t retry_after_ms)
{
    cleanup_arena struct arena a = {0};
    struct err err;
    struct json_object *answer = arena_json(&a, len ? json_parse(body, len, &err) : NULL);
    bool own = json_get(answer, "message") || json_get(answer, "error");
    const struct refusal *r = find_refusal(op, status, body, own);
    const char *words = words_of_answer(answer, &a);

    err_set(&err, r->kind, r->reason, "%s answered %ld%s%s%s: %s", url, status, *words ? " (" : "", words,
            *words ? ")" : "", r->remedy);
    err.code = (int)status;
    err.retry_after_ms = retry_after_ms;
    return err;
}

void gitlab_explain(struct err *err)
{
    static const struct {
        const char *reason, *remedy;
    } remedies[] = {
        {"HostNotFound", "check spec.url; a name that DNS does not know goes into spec.hostAliases, for the managers "
                         "and for the jobs, which clone from it"},
        {"AddressNotAllowed", "spec.url or spec.hostAliases must lead to GitLab's own address"},
        {"ConnectionRefused", "check host and port of spec.url, and that GitLab is up"},
        {PROXY_UNREACHABLE, "an administrator of the operator has to look at its --gitlab-proxy, or at the proxy"},
        {"ProxyRefused", "an administrator has to have the proxy let the operator through to this host, with the "
                         "credentials in --gitlab-proxy-auth-file, or to list the host in --gitlab-no-proxy"},
        {"NetworkUnreachable", "no way leads there from where the operator runs: check routes, firewalls and network "
                               "policies, or give the host another address in spec.hostAliases"},
        {"ConnectTimeout", "check host and port of spec.url, firewalls and network policies"},
        {"UntrustedCertificate",
         "put the CA into a Secret or ConfigMap and name it in spec.caSecretRef or spec.caConfigMapRef; for a "
         "credential that is bound to hosts it is ca.crt in its own Secret"},
        {"InvalidCA", "spec.caSecretRef or spec.caConfigMapRef, or ca.crt of a bound credential's Secret, must lead to "
                      "certificates in PEM, at most 200 and 256 KiB"},
        {"CertificateExpired", "have it renewed at GitLab"},
        {"CertificateHostMismatch", "spec.url needs a name that the certificate has"},
        {"ClientCertificateRequired", CERTIFICATE_REMEDY},
        {"ClientCertificateRefused", CERTIFICATE_OTHER},
        {"TLSError", "check that the port of spec.url speaks https"},
    };

    for (size_t i = 0; i < ARRAY_LEN(remedies); i++)
        if (strcmp(err->reason, remedies[i].reason) == 0)
            err_add(err, remedies[i].remedy);
}

void gitlab_explain_proxy(struct err *err)
{
    static const char *const reasons[] = {"HostNotFound", "ConnectionRefused", "NetworkUnreachable", "ConnectTimeout"};

    for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
        if (strcmp(err->reason, reasons[i]) == 0)
            err_add(err, "the operator itself does not use spec.proxy: an administrator gives it --gitlab-proxy");
}
