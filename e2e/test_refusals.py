"""What stands in the way is named, with a remedy; and once the cause is gone, the rest follows by itself."""
from __future__ import annotations

from datetime import datetime

import pytest

from gitlab_admin import GitLabAdmin
from places import GITLAB_IP, HOST, TLS_URL, URL, Place, Runner
from standin.pki import Authority, Pair
from standin_fixtures import Standin

pytestmark = pytest.mark.lifecycle

SOON = 10.0     # a changed Secret, ConfigMap or spec is noticed at once
LATER = 20.0    # a change at GitLab with the next attempt


def assert_refused(runner: Runner, reason: str, *words: str) -> None:
    """The reason is in the conditions and in an Event, and the message says what can be done."""
    message = runner.wait_refused(reason)
    for word in words:
        assert word in message, message
    assert runner.conditions()["Registered"]["reason"] == reason
    event = runner.wait_event(reason)
    assert (event["type"], event["note"]) == ("Warning", message)


def assert_repaired(runner: Runner, gitlab: GitLabAdmin, seconds: float, generation: int | None = 1) -> None:
    """Ready, by one registration, and if nothing was wrong with the object, without a change of it."""
    runner.wait(seconds=seconds)
    assert generation in (None, runner.object()["metadata"]["generation"])
    assert len(gitlab.runners()) == 1


# The Secret

@pytest.mark.parametrize("content, reason, remedy", [
    (None, "SecretNotFound", "create it with the key runner-registration-token"),
    ({"token": "a-token-under-another-key"}, "KeyNotFound", "add it, or name another key"),
    ({"runner_registration_token": ""}, "ValueEmpty", "put the value there"),
    ({"runner_registration_token": " \n"}, "ValueEmpty", "put the value there"),
], ids=["missing", "without key", "empty", "blank"])
def test_a_secret_that_does_not_help(content, reason: str, remedy: str, ci: Place, gitlab: GitLabAdmin) -> None:
    if content is not None:
        ci.secret("gitlab", **content)
    runner = ci.unmanned()
    assert_refused(runner, reason, f"Secret {ci.name}/gitlab", remedy)
    assert gitlab.audit() == [] and runner.conditions()["Stalled"]["status"] == "True"
    ci.registration_token()
    assert_repaired(runner, gitlab, SOON)
    assert "Stalled" not in runner.conditions()


def test_another_key_can_be_named(ci: Place, gitlab: GitLabAdmin) -> None:
    project = gitlab.add_project("app")
    ci.secret("gitlab", their_token=project["runners_token"])
    ci.unmanned(authentication={"registrationTokenSecretRef": {"name": "gitlab", "key": "their-token"}}).wait()


@pytest.mark.parametrize("authentication, key, reason", [
    ("registrationToken", "runner_registration_token", "RegistrationTokenRejected"),
    ("accessToken", "access_token", "AccessTokenRejected"),
    ("runnerToken", "runner_token", "RunnerTokenRejected"),
])
def test_a_wrong_token(authentication: str, key: str, reason: str, ci: Place, gitlab: GitLabAdmin, gitlab_api) -> None:
    ci.secret("gitlab", **{key: "a-token-that-nobody-knows"})
    runner = ci.unmanned(authentication)
    assert_refused(runner, reason, f"{URL} answered 40", "put a valid one into the Secret")
    right = {"registrationToken": lambda: gitlab.add_project("app")["runners_token"],
             "accessToken": lambda: gitlab.add_token("create_runner", admin=True)["token"],
             "runnerToken": lambda: gitlab_api.create_runner()["token"]}[authentication]()
    ci.secret("gitlab", **{key: right})
    assert_repaired(runner, gitlab, SOON)


# GitLab's refusals

def test_registration_tokens_are_switched_off(ci: Place, gitlab: GitLabAdmin) -> None:
    gitlab.settings(allow_runner_registration_token=False)
    ci.registration_token()
    runner = ci.unmanned()
    assert_refused(runner, "RegistrationTokensDisabled", "answered 410", "use authentication.accessTokenSecretRef")
    gitlab.settings(allow_runner_registration_token=True)
    assert_repaired(runner, gitlab, LATER)


def test_an_access_token_without_the_scope(ci: Place, gitlab: GitLabAdmin) -> None:
    ci.access_token("read_api", admin=True)
    runner = ci.unmanned("accessToken")
    assert_refused(runner, "InsufficientScope", "the scopes create_runner, manage_runner and read_api")
    ci.access_token("create_runner", admin=True)
    assert_repaired(runner, gitlab, SOON)


def test_an_access_token_without_the_role(ci: Place, gitlab: GitLabAdmin) -> None:
    project = gitlab.add_project("app")
    ci.access_token("api", project_id=project["id"], role="developer")
    runner = ci.unmanned("accessToken", scope={"type": "Project", "projectId": project["id"]})
    assert_refused(runner, "InsufficientPermissions", "Maintainer of the project")
    ci.access_token("api", project_id=project["id"], role="maintainer")
    assert_repaired(runner, gitlab, SOON)


def test_an_expired_access_token(ci: Place, gitlab: GitLabAdmin) -> None:
    token = ci.access_token()
    gitlab.change_token(token["id"], expires_at="2020-01-01")
    runner = ci.unmanned("accessToken")
    assert_refused(runner, "AccessTokenRejected", "expired")
    gitlab.change_token(token["id"], expires_at=None)
    assert_repaired(runner, gitlab, LATER)


def test_a_project_that_does_not_exist(ci: Place, gitlab: GitLabAdmin) -> None:
    ci.access_token()
    runner = ci.unmanned("accessToken", scope={"type": "Project", "projectId": 77})
    assert_refused(runner, "RejectedByGitLab", "answered 400", "Missing/invalid project")
    project = gitlab.add_project("app")
    runner.edit(scope={"projectId": project["id"]})
    assert_repaired(runner, gitlab, SOON, generation=2)


@pytest.mark.parametrize("fault, reason, words", [
    ({"kind": "status", "status": 500}, "ServerError", ["answered 500", "it is tried again"]),
    ({"kind": "status", "status": 503}, "ServerError", ["answered 503"]),
    ({"kind": "html_502"}, "ServerError", ["answered 502"]),
    ({"kind": "reset"}, "ConnectionLost", ["my.gitlab.com:80"]),
    ({"kind": "redirect", "location": "/users/sign_in"}, "Redirected", ["put the final address into spec.url"]),
    ({"kind": "status", "status": 404, "body": "<html>", "headers": {"Content-Type": "text/html"}}, "NotGitLab",
     ["check spec.url"]),
], ids=lambda value: value.get("status", value["kind"]) if isinstance(value, dict) else "")
def test_a_gitlab_in_trouble(fault: dict, reason: str, words: list, ci: Place, gitlab: GitLabAdmin) -> None:
    ci.access_token()
    order = gitlab.fault(**fault, count=None)
    runner = ci.unmanned("accessToken")
    assert_refused(runner, reason, *words)
    gitlab.remove_fault(order["id"])
    assert_repaired(runner, gitlab, LATER)


@pytest.mark.parametrize("kind", ["plain_429", "limited"])
def test_retry_after_is_respected(kind: str, ci: Place, gitlab: GitLabAdmin) -> None:
    ci.registration_token()
    gitlab.fault(kind, "POST", seconds=4)
    runner = ci.unmanned()
    assert_refused(runner, "RateLimited", "it is tried again when GitLab allows it")
    assert_repaired(runner, gitlab, LATER)
    first, second = (datetime.fromisoformat(call["time"]) for call in gitlab.audit("POST", "/api/v4/runners"))
    assert (second - first).total_seconds() >= 4


@pytest.mark.parametrize("kind", ["garbage", "truncated"])
def test_an_answer_that_is_no_json(kind: str, ci: Place, gitlab: GitLabAdmin) -> None:
    """Nobody knows whether a runner was made: with an access token it is looked for, at once."""
    ci.access_token()
    gitlab.fault(kind, "POST", done=True)
    runner = ci.unmanned("accessToken")
    assert_repaired(runner, gitlab, LATER)
    assert len(gitlab.audit("POST", "/api/v4/user/runners")) == 1, "the runner of the spoilt answer was found"


# The way to GitLab

def test_a_host_that_nobody_knows(ci: Place, gitlab: GitLabAdmin) -> None:
    ci.registration_token()
    runner = ci.unmanned(hostAliases=None)
    assert_refused(runner, "HostNotFound", HOST, "spec.hostAliases")
    runner.edit(hostAliases=[{"ip": GITLAB_IP, "hostnames": [HOST]}])
    assert_repaired(runner, gitlab, SOON, generation=2)


def test_nobody_listens(ci: Place, gitlab: GitLabAdmin) -> None:
    """… until somebody does."""
    ci.secret("gitlab", runner_registration_token="a-registration-token")
    runner = ci.unmanned(url=f"{URL}:8082")
    assert_refused(runner, "ConnectionRefused", f"{HOST}:8082", GITLAB_IP)
    with Standin("--listen", f"{GITLAB_IP}:8082") as late:
        late.admin.settings(registration_token="a-registration-token")
        ci.gitlabs.append(late.admin)
        assert_repaired(runner, late.admin, LATER)
        ci.check()
        ci.clear()
        ci.gitlabs.remove(late.admin)


def test_a_path_where_no_gitlab_is(ci: Place, gitlab: GitLabAdmin) -> None:
    ci.registration_token()
    runner = ci.unmanned(url=f"{URL}/nowhere")
    assert_refused(runner, "NotGitLab", "answered 404", "check spec.url")
    runner.edit(url=URL)
    assert_repaired(runner, gitlab, SOON, generation=2)


# Certificates

def test_a_certificate_of_an_unknown_authority(ci: Place, gitlab: GitLabAdmin, authority: Authority) -> None:
    ci.registration_token()
    runner = ci.unmanned(url=TLS_URL)
    assert_refused(runner, "UntrustedCertificate", "caSecretRef", "caConfigMapRef")
    assert gitlab.audit() == [], "no token was sent there"
    ci.put("ConfigMap", "gitlab-ca", {"data": {"ca.crt": authority.ca.cert.read_text()}})
    runner.edit(caConfigMapRef={"name": "gitlab-ca"})
    assert_repaired(runner, gitlab, SOON, generation=2)


@pytest.mark.parametrize("content, reason", [
    (None, "ConfigMapNotFound"), ({"other": "x"}, "KeyNotFound"), ({"ca.crt": ""}, "ValueEmpty"),
    ({"ca.crt": "not a certificate"}, "InvalidCA"), ({"ca.crt": "another authority"}, "UntrustedCertificate"),
], ids=["missing", "without key", "empty", "no PEM", "wrong"])
def test_a_ca_that_does_not_help(content, reason: str, ci: Place, gitlab: GitLabAdmin, authority: Authority,
                                 tmp_path) -> None:
    if content == {"ca.crt": "another authority"}:
        content = {"ca.crt": Authority(tmp_path, "Another CA").ca.cert.read_text()}
    ci.registration_token()
    if content is not None:
        ci.put("ConfigMap", "gitlab-ca", {"data": content})
    runner = ci.unmanned(url=TLS_URL, caConfigMapRef={"name": "gitlab-ca"})
    assert_refused(runner, reason)
    ci.put("ConfigMap", "gitlab-ca", {"data": {"ca.crt": authority.ca.cert.read_text()}})
    assert_repaired(runner, gitlab, SOON)


@pytest.mark.parametrize("flaw, reason", [("wrong_host", "CertificateHostMismatch"), ("expired", "CertificateExpired")])
def test_a_bad_certificate(flaw: str, reason: str, ci: Place, authority: Authority) -> None:
    """… that GitLab's administrator replaces."""
    ci.secret("gitlab", runner_registration_token="a-registration-token")
    ci.put("ConfigMap", "gitlab-ca", {"data": {"ca.crt": authority.ca.cert.read_text()}})
    with tls_gitlab(getattr(authority, flaw)()) as bad:
        runner = ci.unmanned(url=f"{TLS_URL}:8443", caConfigMapRef={"name": "gitlab-ca"})
        assert_refused(runner, reason, f"{HOST}:8443")
        assert bad.admin.audit() == [], "no token was sent there"
    with tls_gitlab(authority.server(HOST)) as good:
        good.admin.settings(registration_token="a-registration-token")
        ci.gitlabs.append(good.admin)
        assert_repaired(runner, good.admin, LATER)
        ci.check()
        ci.clear()
        ci.gitlabs.remove(good.admin)


def tls_gitlab(pair: Pair) -> Standin:
    return Standin("--listen", f"{GITLAB_IP}:8082", "--tls-listen", f"{GITLAB_IP}:8443", "--tls-cert", str(pair.cert),
                   "--tls-key", str(pair.key))
