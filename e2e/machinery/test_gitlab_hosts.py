"""Which hosts the operator calls, with what, and what becomes of everybody else when one of them is away."""
from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator

import pytest

from cluster import PATIENCE, kubectl, wait_for
from gitlab_admin import GitLabAdmin
from machinery.stage import WRITES, Stage, scaled
from places import GITLAB_IP, HOST, TLS_URL, URL, Runner
from standin.pki import Authority
from standin_fixtures import Standin

PERIOD = 30                     # the least that there is between two checks of a runner
PACE = 6                        # of the operator's clock, where GitLab is away for long
OUTAGE = scaled(7200, 3 * PERIOD)
AWAY = "away.gitlab.com"

pytestmark = pytest.mark.lifecycle


def start(stage: Stage, *options: str) -> None:
    stage.operator.start("--leader-elect", "false", *options)


def at(ip: str, host: str = HOST) -> list[dict]:
    return [{"ip": ip, "hostnames": [host]}]


def many(stage: Stage, count: int, name: str, by: str, **spec: object) -> list[Runner]:
    """Made at once, without manager pods."""
    spec = stage.spec(by, manager={"replicas": 0}, **spec)
    bodies = [{"apiVersion": "gitlab-runners.dev/v1beta1", "kind": "GitLabRunner", "spec": spec,
               "metadata": {"name": f"{name}-{i:03}", "namespace": stage.name}} for i in range(count)]
    kubectl("create", "-f", "-", stdin="\n".join(map(json.dumps, bodies)), timeout=600)
    return [stage.runner_named(body["metadata"]["name"]) for body in bodies]


@pytest.fixture
def away(stage: Stage) -> Iterator[GitLabAdmin]:
    """A GitLab of its own, which can go away without the other."""
    with Standin("--listen", f"{GITLAB_IP}:8081", "--long-poll", "1") as running:
        stage.gitlabs.append(running.admin)
        yield running.admin


# ----------------------------------------------------------------------------------------------------------------------
# Where a credential goes


def test_s4_http_is_told_of_and_can_be_forbidden(stage: Stage, gitlab: GitLabAdmin, authority: Authority) -> None:
    stage.registration_token()
    start(stage)
    open_one = stage.unmanned(name="open")
    stage.settled([open_one])
    assert "https" in open_one.wait_event("InsecureURL")["note"]
    assert "https" in open_one.conditions()["Registered"]["message"]
    stage.operator.stop()
    known = gitlab.audit()[-1]["id"]
    start(stage, "--require-https")
    late = stage.unmanned(name="late")
    assert "--require-https" in late.wait_refused("HTTPSRequired")
    assert gitlab.audit(since=known) == [], "nothing was sent in clear text"
    stage.put("ConfigMap", "gitlab-ca", {"data": {"ca.crt": authority.ca.cert.read_text()}})
    for runner in (late, open_one):
        runner.edit(url=TLS_URL, caConfigMapRef={"name": "gitlab-ca"})
    late.wait()


@pytest.mark.parametrize("by", ["accessToken", "registrationToken"])
def test_s3_a_credential_bound_to_its_host_is_sent_nowhere_else(by: str, stage: Stage, gitlab: GitLabAdmin,
                                                                away: GitLabAdmin) -> None:
    """The runner stays where it is, and its manager keeps running, until the url is allowed."""
    stage.access_token() if by == "accessToken" else stage.registration_token()
    bind(stage, f"*.example.org, my.gitlab.com:80, {GITLAB_IP}")
    start(stage)
    runner = stage.unmanned(by)
    stage.settled([runner])
    number, token = runner.status()["runnerId"], runner.token()
    runner.edit(url=f"http://{HOST}:8081")
    message = runner.wait_refused("CredentialNotForHost")
    assert "gitlab-runners.dev/allowed-hosts" in message and f"{HOST}:8081" in message
    assert runner.conditions()["Stalled"]["status"] == "True"
    stage.wait_quiet()
    assert away.audit() == [] and runner.token() == token and [row["id"] for row in gitlab.runners()] == [number]
    assert runner.config()["runners"][0]["url"] == URL
    away.settings(registration_token="a-registration-token")
    stage.secret("gitlab", **({"access_token": away.add_token("api", admin=True)["token"]} if by == "accessToken" else
                              {"runner_registration_token": "a-registration-token"}))
    bind(stage, "my.gitlab.com")
    assert "hostAliases" in runner.wait_refused("CredentialNotForHost")
    bind(stage, f"my.gitlab.com, {GITLAB_IP}")
    runner.wait()
    assert gitlab.runners() == [] and len(away.runners()) == 1


def bind(stage: Stage, hosts: str) -> None:
    stage.kube.patch("Secret", "gitlab", {"metadata": {"annotations": {"gitlab-runners.dev/allowed-hosts": hosts}}},
                     stage.name)


@pytest.mark.parametrize("ip, what", [
    ("127.0.0.1", "loopback"), ("::1", "loopback"), ("169.254.169.254", "link-local"), ("fe80::1", "link-local"),
    ("0.0.0.0", "unspecified"), ("224.0.0.1", "multicast")])
def test_s4_an_alias_to_what_is_nobodys_gitlab_is_not_called(ip: str, what: str, stage: Stage) -> None:
    stage.secret("gitlab", runner_registration_token="a-registration-token")
    start(stage)
    message = stage.unmanned(hostAliases=at(ip)).wait_refused("AddressNotAllowed")
    assert what in message and HOST in message


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "[::1]", "localhost"])
def test_s4_a_loopback_address_is_not_called_however_it_is_written(host: str, stage: Stage) -> None:
    stage.secret("gitlab", runner_registration_token="a-registration-token")
    start(stage)
    message = stage.unmanned(url=f"http://{host}:8080", hostAliases=None).wait_refused("AddressNotAllowed")
    assert "a loopback address" in message


@pytest.mark.parametrize("url, aliases", [
    ("https://10.244.0.1:6443", None), ("http://10.244.0.1:6443", None), (f"https://{HOST}:6443", at("10.244.0.1")),
    ("https://[::ffff:10.244.0.1]:6443", None)], ids=["by address", "by http", "by alias", "mapped"])
def test_s4_the_api_server_is_never_called(url: str, aliases: list | None, stage: Stage) -> None:
    """The proxy is the server of the kubeconfig; the variable is what a pod would have."""
    stage.secret("gitlab", runner_registration_token="a-registration-token")
    stage.operator.start("--leader-elect", "false",
                         env={"KUBERNETES_SERVICE_HOST": "10.244.0.1", "KUBERNETES_SERVICE_PORT": "6443"})
    assert "API server" in stage.unmanned(url=url, hostAliases=aliases).wait_refused("AddressNotAllowed")


def test_s4_nor_is_what_stands_behind_its_service(stage: Stage) -> None:
    """The operator is told of another address only; the EndpointSlice has this one."""
    slices = json.loads(kubectl("get", "endpointslice", "kubernetes", "-n", "default", "-o", "json"))
    ip, port = slices["endpoints"][0]["addresses"][0], slices["ports"][0]["port"]
    stage.secret("gitlab", runner_registration_token="a-registration-token")
    start(stage)
    assert "API server" in stage.unmanned(url=f"https://{ip}:{port}", hostAliases=None).wait_refused("AddressNotAllowed")
    other = stage.unmanned(name="other", url=f"http://[64:ff9b::{ip}]:{port}", hostAliases=None)
    assert "API server" in other.wait_refused("AddressNotAllowed")


def test_s4_only_listed_hosts_are_called(stage: Stage, gitlab: GitLabAdmin) -> None:
    stage.registration_token()
    start(stage, "--allowed-gitlab-hosts", f"*.example.org,my.gitlab.com:80,{GITLAB_IP}:80")
    listed = stage.unmanned(name="listed")
    other = stage.unmanned(name="other", url=f"http://{AWAY}", hostAliases=at(GITLAB_IP, AWAY))
    elsewhere = stage.unmanned(name="elsewhere", hostAliases=at("192.168.99.101"))
    assert "--allowed-gitlab-hosts" in other.wait_refused("HostNotAllowed")
    assert "at 192.168.99.101" in elsewhere.wait_refused("HostNotAllowed")
    listed.wait()
    assert len(gitlab.runners()) == 1


def test_s5_a_connection_that_one_ca_has_vouched_for_serves_no_other(stage: Stage, gitlab: GitLabAdmin,
                                                                     authority: Authority, tmp_path) -> None:
    """Same host, same address, at the same time: one trusts it, the other has no reason to."""
    stage.registration_token()
    stage.put("ConfigMap", "right", {"data": {"ca.crt": authority.ca.cert.read_text()}})
    stage.put("ConfigMap", "wrong", {"data": {"ca.crt": Authority(tmp_path, "Another CA").ca.cert.read_text()}})
    start(stage)
    for i in range(3):
        good = stage.unmanned(name=f"good-{i}", url=TLS_URL, caConfigMapRef={"name": "right"})
        bad = stage.unmanned(name=f"bad-{i}", url=TLS_URL, caConfigMapRef={"name": "wrong"})
        none = stage.unmanned(name=f"none-{i}", url=TLS_URL)
        good.wait()
        for runner in (bad, none):
            runner.wait_refused("UntrustedCertificate")
    assert len(gitlab.runners()) == 3 and len(gitlab.audit("POST", "/api/v4/runners")) == 3


# ----------------------------------------------------------------------------------------------------------------------
# A host that is away


@pytest.mark.parametrize("fault", [{"kind": "status", "status": 503}, {"kind": "hold"}], ids=["503", "no answer"])
def test_r7_gitlab_is_down_and_nothing_happens_here(fault: dict, stage: Stage, gitlab: GitLabAdmin) -> None:
    """Two checks of each runner would be due meanwhile."""
    count = int(scaled(1_000, 60))
    stage.access_token()
    stage.operator.start(pace=PACE)
    runners = many(stage, count, "builds", "accessToken", serverCheckPeriodSeconds=PERIOD)
    wait_for("all are registered", lambda: len(gitlab.runners()) == count, 120)
    wait_for("all are ready", lambda: those_with(stage, "Ready", "True") == count, 60)
    stage.wait_quiet(method=WRITES)         # checks of GitLab go on
    before, known = children(stage), gitlab.audit()[-1]["id"]
    gitlab.fault(count=None, **fault)
    stage.mark()
    began = time.monotonic()
    wait_for("GitLab is found to be away", lambda: is_away(stage), PERIOD + 90)
    runners[0].edit(concurrent=7)
    wait_for("an edit comes to the manager all the same", lambda: runners[0].config()["concurrent"] == 7)
    runners[0].edit(concurrent=None)
    wait_for("and back", lambda: runners[0].config()["concurrent"] == 10)
    wait_for("it lasts", lambda: time.monotonic() - began > OUTAGE / PACE, OUTAGE / PACE + 30)
    calls = gitlab.audit(since=known, answered=False) + gitlab.audit(since=known)
    assert len(calls) <= 30 + OUTAGE / 300, "the breaker lets a call pass now and then, whatever the number of runners"
    assert children(stage) == before and stage.requests("POST|PUT|PATCH|DELETE", ".*/deployments.*") == []
    assert those_with(stage, "Ready", "True") == count
    gitlab.clear_faults()
    wait_for("GitLab is found to be back", lambda: not is_away(stage), PATIENCE + 5 * PERIOD)
    assert len(gitlab.runners()) == count and gitlab.audit("POST", since=known) == []


def children(stage: Stage) -> dict[str, str]:
    """Their versions, by kind and name."""
    return {f"{kind}/{item['metadata']['name']}": item["metadata"]["resourceVersion"]
            for kind in ("Deployment", "ServiceAccount", "RoleBinding")
            for item in stage.kube.list(kind, stage.name)}


def those_with(stage: Stage, kind: str, status: str) -> int:
    """How many runners have the condition so; by one request."""
    return sum((kind, status) in [(c["type"], c["status"]) for c in item.get("status", {}).get("conditions", [])]
               for item in stage.kube.list("GitLabRunner", stage.name))


def is_away(stage: Stage) -> bool:
    return those_with(stage, "GitLabReachable", "False") > 0


def test_r7_a_host_that_is_away_delays_no_other(stage: Stage, gitlab: GitLabAdmin, away: GitLabAdmin) -> None:
    """Its calls hang, and there are more of them than there may be in flight at all hosts together."""
    token = stage.registration_token()["runners_token"]
    away.settings(registration_token=token)
    away.fault("hold", count=None)
    start(stage)
    many(stage, 100, "stuck", "registrationToken", url=f"http://{AWAY}:8081", hostAliases=at(GITLAB_IP, AWAY))
    away.faults(held=8, wait=20)
    quick = many(stage, 20, "quick", "registrationToken", url=URL)
    for runner in quick:
        runner.wait(seconds=15)
    assert len(gitlab.runners()) == 20 and away.runners() == []
    away.clear_faults()


@pytest.mark.parametrize("fault", [{"status": 500}, {"status": 429, "headers": {"Retry-After": "3600"}}],
                         ids=["500", "429"])
def test_what_one_credential_is_answered_holds_up_no_other(fault: dict, stage: Stage, gitlab: GitLabAdmin) -> None:
    """In the same namespace, at the same URL."""
    token = stage.registration_token()["runners_token"]
    stage.secret("other", runner_registration_token=gitlab.add_project("other")["runners_token"])
    gitlab.fault("status", "POST", "/api/v4/runners", asked=re.escape(token), count=None, **fault)
    start(stage)
    failing = many(stage, 8, "failing", "registrationToken")
    refused = "RateLimited" if fault["status"] == 429 else "ServerError"
    for runner in failing:
        runner.wait_refused(refused, 20)
    other = {"registrationTokenSecretRef": {"name": "other"}}
    for i in range(3):
        stage.unmanned(name=f"served-{i}", authentication=other).wait(seconds=10)
    assert len(gitlab.runners()) == 3
    calls = gitlab.audit("POST", "/api/v4/runners")
    assert len(calls) <= 3 + len(failing) + 4, "all at once, and then one after each pause"
