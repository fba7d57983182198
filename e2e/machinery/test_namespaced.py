"""`run --namespace`: some namespaces alone, with the rights that manifests/namespaced gives and no others."""
from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from cluster import Kube, kubectl, kustomized, run_kubectl, wait_for
from gitlab_admin import GitLabAdmin
from machinery.stage import Stage
from operator_pod import MANIFESTS, NAME, NAMESPACE, ORPHANS, USER
from places import Runner

ALLOWED = "gitlab-runners.dev/allowed-from"
OVERLAY = "manifests/namespaced"


def of_kind(objects: list[dict], kind: str) -> list[dict]:
    return [body for body in objects if body["kind"] == kind]


def binding() -> dict:
    """The RoleBinding of ci.yaml."""
    found, = [body for body in of_kind(kustomized(OVERLAY), "RoleBinding") if body["metadata"]["namespace"] == "ci"]
    return found


def bind(ns: str) -> None:
    """As a person who copies ci.yaml."""
    body = binding()
    body["metadata"]["namespace"] = ns
    kubectl("apply", "-f", "-", stdin=json.dumps(body))


def may(verb: str, resource: str, ns: str = "") -> bool:
    """Whether RBAC lets the operator; ns "": in the whole cluster."""
    where = ["-n", ns] if ns else ["-A"]
    return run_kubectl("auth", "can-i", verb, resource, "--as", USER, *where).stdout.strip() == "yes"


@pytest.fixture
def bound(kube: Kube, stage: Stage) -> Iterator[Stage]:
    """The account may work in the stage's namespace, and nowhere else."""
    kube.call("DELETE", f"apis/rbac.authorization.k8s.io/v1/clusterrolebindings/{NAME}")
    bind(stage.name)
    wait_for("the account has no rights elsewhere", lambda: not may("list", "secrets"))
    wait_for("the account has its rights", lambda: may("list", "secrets", stage.name))
    stage.audit_log.mark()
    yield stage
    stage.operator.kill()
    kubectl("apply", "-k", MANIFESTS)
    kube.delete("Deployment", NAME, NAMESPACE)
    wait_for("the account has its rights again", lambda: may("list", "secrets"))


def another(stage: Stage, ending: str, **annotations: str) -> str:
    """A namespace that is bound, too."""
    ns = stage.namespace(f"{stage.name}-{ending}", **annotations)
    bind(ns)
    wait_for("the account has its rights there", lambda: may("list", "secrets", ns))
    return ns


def unmanned_in(stage: Stage, ns: str, name: str = "builds", **spec: object) -> Runner:
    """As stage.unmanned(), in another namespace; with the credential that it needs."""
    stage.kube.create("Secret", {"metadata": {"name": "gitlab"}, "data": stage.kube.get(
        "Secret", "gitlab", stage.name)["data"]}, ns)
    body = {"apiVersion": "gitlab-runners.dev/v1beta1", "kind": "GitLabRunner", "metadata": {"name": name},
            "spec": stage.spec(manager={"replicas": 0}, **spec)}
    stage.kube.create("GitLabRunner", body, ns)
    return Runner(stage.kube, ns, name)


def requests_of_operator(stage: Stage) -> list[dict]:
    """All but those for what is its own, in its own namespace."""
    own = [{"resource": "leases", "namespace": NAMESPACE, "name": NAME},
           {"resource": "secrets", "namespace": NAMESPACE, "name": ORPHANS},
           {"resource": "events", "namespace": NAMESPACE, "name": None}]
    return [entry for entry in stage.audit_log.entries(USER) if "objectRef" in entry
            and {key: entry["objectRef"].get(key) for key in own[0]} not in own]


def assert_kept_to(stage: Stage, served: list[str]) -> None:
    """Nothing was refused, and nothing was asked of the cluster as a whole or of another namespace."""
    entries = requests_of_operator(stage)
    assert entries, "the audit log knows the operator"
    refused = [entry["requestURI"] for entry in entries if entry.get("responseStatus", {}).get("code") == 403]
    assert refused == []
    elsewhere = {entry["requestURI"] for entry in entries if entry["objectRef"].get("namespace") not in served}
    assert elsewhere == set()


@pytest.mark.usefixtures("kube")
def test_the_overlay_gives_no_right_in_the_whole_cluster() -> None:
    objects = kustomized(OVERLAY)
    assert of_kind(objects, "ClusterRoleBinding") == []
    deployment, = of_kind(objects, "Deployment")
    assert deployment["spec"]["template"]["spec"]["containers"][0]["args"][-1] == "--namespace=ci"
    assert binding()["subjects"] == [{"kind": "ServiceAccount", "name": NAME, "namespace": NAMESPACE}]


def test_it_works_in_the_namespaces_that_it_serves_and_sees_no_other(bound: Stage, gitlab: GitLabAdmin) -> None:
    second = another(bound, "b")
    third = bound.namespace(bound.name + "-c")
    bound.registration_token()
    ignored = unmanned_in(bound, third)
    bound.operator.start("--namespace", f"{bound.name},{second}")
    runners = [bound.runner(), unmanned_in(bound, second)]
    bound.settled(runners)
    for runner in runners:
        assert all(runner.child(what) for what in runner.children())
    runners[1].edit(image="busybox:1.37")
    wait_for("config.toml has the image", lambda: runners[1].kubernetes()["image"] == "busybox:1.37")
    runners[1].delete()
    runners[1].wait_gone()
    assert len(gitlab.runners()) == 1
    assert ignored.is_unserved() and "finalizers" not in ignored.object()["metadata"]
    assert_kept_to(bound, [bound.name, second])


def test_what_is_deleted_by_others_is_repaired_in_each_namespace(bound: Stage, gitlab: GitLabAdmin) -> None:
    second = another(bound, "b")
    bound.registration_token()
    bound.operator.start("--namespace", f"{second},{bound.name}")
    runners = [bound.unmanned(), unmanned_in(bound, second)]
    bound.settled(runners)
    for runner in runners:
        kind, name, ns = runner.children()["manager"]
        before = runner.child("manager")["metadata"]["uid"]
        bound.kube.delete(kind, name, ns)
        wait_for("its Deployment is made anew",
                 lambda: (now := runner.child("manager")) and now["metadata"]["uid"] != before, 10)
    assert_kept_to(bound, [bound.name, second])


def test_jobs_run_in_served_namespaces_that_are_open(bound: Stage, gitlab: GitLabAdmin) -> None:
    jobs, outside = another(bound, "jobs"), bound.namespace(bound.name + "-out", **{ALLOWED: bound.name})
    bound.registration_token()
    bound.operator.start("--namespace", f"{bound.name},{jobs}")
    runner = bound.unmanned(namespace=outside)
    message = runner.wait_refused("NamespaceNotServed")
    assert outside in message and f"({bound.name},{jobs})" in message and "--namespace" in message
    runner.edit(namespace=jobs)
    assert f"annotate namespace {jobs} {ALLOWED}={bound.name}" in runner.wait_refused("NamespaceNotAllowed")
    bound.kube.patch("Namespace", jobs, {"metadata": {"annotations": {ALLOWED: bound.name}}})
    runner.wait()
    assert runner.child("binding", jobs) and runner.child("binding") is None
    bound.kube.patch("Namespace", jobs, {"metadata": {"annotations": {ALLOWED: None}}})
    runner.wait_refused("NamespaceNotAllowed")
    wait_for("the rights are withdrawn", lambda: runner.child("binding", jobs) is None)
    assert_kept_to(bound, [bound.name, jobs])


def test_a_namespace_that_cannot_be_read_holds_up_no_other(bound: Stage, gitlab: GitLabAdmin) -> None:
    later = bound.name + "-later"
    bound.registration_token()
    bound.operator.start("--namespace", f"{bound.name},{later}")
    first = bound.unmanned(namespace=later)
    assert "create it" in first.wait_refused("NamespaceNotFound")
    assert [line["namespace"] for line in bound.operator.lines("warn") if "not served" in line["msg"]] == [later]
    another(bound, "later", **{ALLOWED: bound.name})
    second = unmanned_in(bound, later)
    bound.settled([first, second])
    assert bound.operator.is_ready()


def test_a_deleted_namespace_holds_up_no_other(bound: Stage, gitlab: GitLabAdmin) -> None:
    """Nor after a restart, when the rights in it are gone with it."""
    gone = another(bound, "gone")
    bound.registration_token()
    bound.operator.start("--namespace", f"{bound.name},{gone}")
    runner = bound.unmanned()
    bound.settled([runner])
    bound.kube.delete("Namespace", gone)
    wait_for("the namespace is gone", lambda: bound.kube.get("Namespace", gone) is None)
    bound.operator.stop()
    bound.operator.start("--namespace", f"{bound.name},{gone}")
    runner.edit(image="busybox:1.37")
    wait_for("config.toml has the image", lambda: runner.kubernetes()["image"] == "busybox:1.37", 10)


def test_a_runner_left_behind_is_in_the_ledger_beside_the_operator(bound: Stage, gitlab: GitLabAdmin) -> None:
    """The one Secret in the operator's namespace that it may read and change."""
    bound.registration_token()
    bound.operator.start("--namespace", bound.name)
    runner = bound.unmanned(deregistrationDeadlineSeconds=2)
    bound.settled([runner])
    gitlab.fault("reset", count=None)
    runner.delete()
    runner.wait_gone(20)
    assert len(bound.kube.get("Secret", ORPHANS, NAMESPACE)["data"]) == len(gitlab.runners()) == 1
    gitlab.clear_faults()
    wait_for("GitLab has let it go", lambda: gitlab.runners() == [])
    wait_for("so has the ledger", lambda: not bound.kube.get("Secret", ORPHANS, NAMESPACE).get("data"))
    wait_for("an Event says so", lambda: "OrphanDeregistered" in [
        event["reason"] for event in bound.kube.list("Event", NAMESPACE)])
    assert_kept_to(bound, [bound.name])
