"""doctor: says that all is well where it is, and finds each thing that is not, with its code and what to do.

The operator is a process, which leads, and its Deployment's pods are pretended. What needs hours (deletions that do not
end, children that were left) is tried by tests/unit/test_doctor.c."""
from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cluster import ROOT, Kube, kubectl, wait_for
from glr.desk import Desk
from operator_pod import MANIFESTS, NAME, NAMESPACE, ORPHANS
from places import Runner
from program import PROGRAM, kubeconfig

LEADS = ("--leader-elect", "true", "--leader-election-lease-duration", "3s", "--leader-election-renew-deadline", "2s",
         "--leader-election-retry-period", "1s")
CRD = "gitlabrunners.gitlab-runners.dev"
CODE = re.compile(r"GLR\d{3}")
PAGE = (ROOT / "docs/doctor.md").read_text()


@pytest.fixture(scope="module")
def deployed(kube: Kube, account: dict) -> Iterator[None]:
    """The operator's Deployment, without what a pretended node does not have."""
    kubectl("apply", "-k", MANIFESTS)
    fields = ("affinity", "containers/0/resources")
    kubectl("patch", "deployment", NAME, "-n", NAMESPACE, "--type=json", "-p",
            json.dumps([{"op": "remove", "path": f"/spec/template/spec/{field}"} for field in fields]))
    wait_for("its pod is ready", lambda: kube.get("Deployment", NAME, NAMESPACE)["status"].get("readyReplicas"), 30)
    yield
    kube.delete("Deployment", NAME, NAMESPACE)


@pytest.fixture
def runner(desk: Desk, deployed: None) -> Iterator[Runner]:
    """Its operator leads, and gives the Lease back, so that the next one need not wait for it to run out."""
    desk.operator.kill()
    desk.operator.start(*LEADS)
    desk.access_token()
    runner = desk.unmanned("accessToken")
    runner.wait()
    yield runner
    if desk.operator.process_itself():
        desk.operator.stop()


@contextmanager
def otherwise(kube: Kube, kind: str, name: str, patch: dict, back: dict, ns: str | None = None) -> Iterator[None]:
    kube.patch(kind, name, patch, ns)
    try:
        yield
    finally:
        kube.patch(kind, name, back, ns)


def examined(desk: Desk, *options: str, code: int) -> dict:
    """What it has found, by code; the same by each -o."""
    found = json.loads(desk.glr("doctor", "-o", "json", *options, code=code).stdout)["findings"]
    assert all(CODE.fullmatch(x["code"]) and f"| `{x['code']}` |" in PAGE and x["remedy"] for x in found)
    return {x["code"]: x for x in found if x["level"] != "note"}


def named(desk: Desk) -> str:
    """The findings by -o name, whatever it ends with."""
    return subprocess.run([PROGRAM, *desk.command("doctor", "-o", "name")], capture_output=True, text=True).stdout


def assert_found(desk: Desk, code: str, words: str, level: str = "error", others: tuple[str, ...] = ()) -> dict:
    found = examined(desk, "--fail-on", "warning", code=1)
    assert set(found) == {code, *others}, found
    assert words in f"{found[code].get('object')} {found[code]['message']}" and found[code]["level"] == level, found[code]
    return found[code]


def test_a_healthy_installation_says_so(desk: Desk, runner: Runner) -> None:
    said = desk.glr("doctor").stdout
    assert "all is well" in said.splitlines()[-1] and "\x1b" not in said, said
    assert "operator 0.1.0 x1 ready" in said and " leads" in said and "1 of 1 ready" in said, said
    assert re.search(r"my\.gitlab\.com +ok +seen by the operator: it answers; 1 runner\n", said), said
    seen = desk.glr("doctor", "--from-here").stdout
    assert "seen from here: it answers 401; its clock goes with the API server's" in seen, seen
    for output in ("json", "yaml", "name", "wide"):
        desk.glr("doctor", "-o", output, "--fail-on", "warning")
    assert desk.glr("doctor", "--ignore", "GLR999", code=2).stderr.startswith("doctor: --ignore GLR999: must be codes")


def test_the_installation_is_looked_at(desk: Desk, runner: Runner, kube: Kube) -> None:
    def finds(code: str, words: str, level: str = "error", others: tuple[str, ...] = ()) -> None:
        assert_found(desk, code, words, level, others)

    label = "app.kubernetes.io/name"
    with otherwise(kube, "Deployment", NAME, {"metadata": {"labels": {label: "x"}}}, {"metadata": {"labels": {label: NAME}}},
                   NAMESPACE):
        assert "an operator outside of the cluster, with the Lease" in desk.glr("doctor").stdout

    other = {"metadata": {"name": "other", "labels": {"app.kubernetes.io/name": NAME}}, "spec": {
        "replicas": 1, "selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}}, "spec": {
            "serviceAccountName": "default", "containers": [
                {"name": "c", "image": "r/op:0.5.0", "args": ["run", "--leader-elect=false"]}]}}}}
    kube.create("Deployment", other, desk.name)
    found = wait_for("its pod is there", lambda: (x := examined(desk, code=1)) and "GLR005" not in x and x)
    assert set(found) == {"GLR006", "GLR008", "GLR009"}
    assert "list secrets" in found["GLR009"]["message"] and "0.5.0" in found["GLR008"]["message"]
    kube.delete("Deployment", "other", desk.name)

    rules = kube.get("ClusterRole", "gitlab-runner-executor")["rules"]
    with otherwise(kube, "ClusterRole", "gitlab-runner-executor", {"rules": rules[1:]}, {"rules": rules}):
        finds("GLR021", "it lacks: list,watch events", "warning")
    kube.delete("ClusterRole", "gitlab-runner-executor")
    try:
        finds("GLR020", "no job can run")
    finally:
        kube.create("ClusterRole", {"metadata": {"name": "gitlab-runner-executor"}, "rules": rules})
    rules = kube.get("ClusterRole", NAME)["rules"]
    fewer = [rule for rule in rules if "poddisruptionbudgets" not in rule["resources"]]
    with otherwise(kube, "ClusterRole", NAME, {"rules": fewer}, {"rules": rules}):
        finds("GLR009", "list poddisruptionbudgets")

    entry = {"url": "https://gone.example", "runnerId": 5, "uid": "u", "namespace": "ci", "name": "old", "token": "glrt-secret",
             "reason": "no answer", "time": "2026-01-01T00:00:00Z"}
    with otherwise(kube, "Secret", ORPHANS, {"stringData": {"u.5": json.dumps(entry)}}, {"data": None}, NAMESPACE):
        finds("GLR022", "runner 5 at https://gone.example, of ci/old", "warning")
        assert "glrt-" not in desk.glr("doctor", "-o", "yaml").stdout

    hue = {"path": "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/hue"}
    kubectl("patch", "crd", CRD, "--type=json", "-p", json.dumps([hue | {"op": "add", "value": {"type": "string"}}]))
    try:
        finds("GLR003", "spec.hue", "warning")
    finally:
        kubectl("patch", "crd", CRD, "--type=json", "-p", json.dumps([hue | {"op": "remove"}]))

    desk.operator.kill()
    wait_for("its Lease has run out", lambda: "GLR007" in named(desk), 15)
    with otherwise(kube, "Deployment", NAME, {"spec": {"replicas": 0}}, {"spec": {"replicas": 1}}, NAMESPACE):
        finds("GLR005", "scaled to no pods")


@pytest.mark.misled     # by the test itself, which says what an operator would have said
def test_hosts_and_runners_are_told_of_as_the_operator_sees_them(desk: Desk, runner: Runner, kube: Kube) -> None:
    desk.operator.stop()
    base = runner.status()

    def told(code: str, words: str, level: str, *conditions: tuple[str, str, str, str]) -> dict:
        since = "2026-01-02T03:04:05Z"
        shown = [c for c in base["conditions"] if c["type"] not in {x[0] for x in conditions}]
        shown += [{"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": since,
                   "observedGeneration": 1} for kind, status, reason, message in conditions]
        kube.patch("GitLabRunner", "builds", {"status": {"conditions": shown}}, desk.name, "/status")
        found = examined(desk, "--fail-on", "warning", "--ignore", "GLR007", code=1)
        assert set(found) == {code} and words in found[code]["message"] and found[code]["level"] == level, found
        return found[code]

    expires = "the access token expires at {}: put another one into Secret x/gitlab, key access-token"
    now = time.time()
    soon, later = (time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now + days * 86400)) for days in (1, 5))
    down = told("GLR010", "seen by the operator since 2026-01-02T03:04:05Z: ConnectionRefused: no way", "error",
                ("GitLabReachable", "False", "ConnectionRefused", "no way"))
    assert down["place"] == "my.gitlab.com" and down["object"] == f"{desk.name}/builds"
    told("GLR011", "AccessTokenRejected", "error", ("GitLabReachable", "True", "AccessTokenRejected", "wrong"))
    token = told("GLR012", "1 runner uses it", "error", ("TokenExpiring", "True", "TokenExpiring", expires.format(soon)))
    assert token["object"] == f"Secret {desk.name}/gitlab"
    told("GLR012", later, "warning", ("TokenExpiring", "True", "TokenExpiring", expires.format(later)))
    told("GLR013", "expires", "warning", ("TokenExpiring", "True", "TokenExpiring", "the runner's token expires"))
    told("GLR014", "RunnerNewerThanGitLab: newer", "warning", ("VersionSkew", "True", "RunnerNewerThanGitLab", "newer"))
    told("GLR040", "NamespaceNotFound: none", "error", ("Ready", "False", "NamespaceNotFound", "none"),
         ("Stalled", "True", "NamespaceNotFound", "none"))
    told("GLR046", "taken", "error", *((kind, status, "NameConflict", "taken") for kind, status in
                                        (("Ready", "False"), ("ManagerAvailable", "False"), ("Stalled", "True"))))
    told("GLR047", "ManagerStarting: 0 of 1", "warning", *((kind, status, "ManagerStarting", "0 of 1") for kind, status in
                                                           (("Ready", "False"), ("Reconciling", "True"))))
    told("GLR048", "odd", "warning", ("ConfigApplied", "True", "Warnings", "odd"))
    said = desk.glr("doctor", "--ignore", "GLR007", "--fail-on", "warning", code=1).stdout
    assert said.splitlines()[-1] == "0 errors, 1 warning, 0 not checked", said


def test_namespaces_and_objects_are_looked_at(desk: Desk, runner: Runner, kube: Kube) -> None:
    def finds(code: str, words: str, level: str = "error", *others: str) -> dict:
        found = examined(desk, "--fail-on", "warning", "--ignore", "GLR014,GLR040,GLR047", code=1)
        assert set(found) == {code, *others}, found
        assert words in found[code]["message"] and found[code]["level"] == level, found[code]
        return found[code]

    jobs = f"{desk.name}-jobs"
    runner.edit(namespace=jobs)
    finds("GLR031", f"namespace {jobs}, where its jobs are to run, does not exist")
    desk.namespace(jobs)
    assert f"kubectl annotate namespace {jobs} gitlab-runners.dev/allowed-from={desk.name}" in \
        finds("GLR032", "not open")["remedy"]
    kubectl("label", "namespace", jobs, "pod-security.kubernetes.io/enforce=restricted")
    kubectl("annotate", "namespace", jobs, f"gitlab-runners.dev/allowed-from={desk.name}")
    assert finds("GLR030", "restricted")["place"] == jobs
    runner.edit(namespace=None)
    runner.wait()
    desk.annotate("builds", paused_until="resumed", paused_at="2026-01-01T00:00:00Z", paused_by="an\x1b[31mna")
    finds("GLR043", " days by an", "warning")
    assert "\x1b" not in desk.glr("doctor").stdout
    desk.annotate("builds", paused_until=None, paused_at=None, paused_by=None)
    runner.wait(reason="Ready")
    runner.edit(suspend=True)
    assert "GLR042" in desk.glr("doctor").stdout


def test_who_may_see_little_is_told_what_was_not_looked_at(desk: Desk, runner: Runner, kube: Kube,
                                                           tmp_path: Path) -> None:
    kube.create("ServiceAccount", {"metadata": {"name": "few"}}, desk.name)
    file = tmp_path / "few"
    file.write_text(json.dumps(kubeconfig("few", desk.name)))
    few = ("--kubeconfig", str(file))

    nothing = examined(desk, *few, code=4)
    assert {x["level"] for x in nothing.values()} == {"skip"} and len(nothing) >= 29
    assert nothing["GLR040"]["message"] == "you may not list gitlabrunners"
    kube.create("Role", {"metadata": {"name": "few"}, "rules": [
        {"apiGroups": ["gitlab-runners.dev"], "resources": ["gitlabrunners"], "verbs": ["get", "list"]},
        {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get"]}]}, desk.name)
    kube.create("RoleBinding", {"metadata": {"name": "few"}, "subjects": [{"kind": "ServiceAccount", "name": "few"}],
                                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "few"}}, desk.name)
    wait_for("it may", lambda: "GLR010" not in examined(desk, *few, code=4))
    said = desk.glr("doctor", *few, code=4).stdout
    assert "1 of 1 ready" in said and "GLR001,GLR002,GLR003: you may not get customresourcedefinitions" in said, said
    assert "GLR030" not in said and "get pods/log (logs)" in said, said


def test_many_runners_take_few_calls(desk: Desk, deployed: None, kube: Kube) -> None:
    """What it takes with a thousand is printed; what is held against a bound is the number of requests."""
    desk.operator.kill()
    spec = desk.spec("accessToken", manager={"replicas": 0})
    items = [{"apiVersion": "gitlab-runners.dev/v1beta1", "kind": "GitLabRunner", "spec": spec,
              "metadata": {"name": f"r{i}", "namespace": desk.name}} for i in range(1000)]
    for part in range(0, 1000, 250):
        kubectl("create", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": items[part:part + 250]}))
    began = time.monotonic()
    tree = json.loads(desk.glr("doctor", "-o", "json", code=1).stdout)
    print(f"doctor with 1000 runners: {time.monotonic() - began:.2f} s, {tree['calls']} requests")
    assert tree["calls"] < 110
