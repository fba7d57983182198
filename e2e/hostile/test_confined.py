"""Whoever has stolen the operator's token gets no further than what the operator does."""
from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from cluster import MERGE_PATCH, Kube, kubectl, wait_for
from hostile.evil import EvilGitLab
from hostile.tenants import Attacker
from operator_pod import NAME, NAMESPACE, USER
from places import Place
from test_namespaces import ALLOWED

OURS = {"app.kubernetes.io/managed-by": NAME, "gitlab-runners.dev/runner": "builds"}
RBAC = "rbac.authorization.k8s.io"
POWERFUL = "powerful"           # an account bound to cluster-admin
PASS = object()                 # what a row expects of what is let


class Try(NamedTuple):
    """What is asked of the API server with the operator's token, and what it says."""
    what: str
    method: str
    kind: str
    name: str
    body: dict | None
    said: object
    ns: str = "ci"              # ci: the test's own; else one of Kubernetes or of the test by name


def child(name: str, ns: str, owner: str = "builds", uid: str = "0") -> dict:
    """The metadata of a child, as the operator writes it."""
    return {"name": name, "namespace": ns, "labels": dict(OURS),
            "annotations": {"gitlab-runners.dev/owner": f"GitLabRunner/{ns}/{owner}"},
            "ownerReferences": [{"apiVersion": "gitlab-runners.dev/v1beta1", "kind": "GitLabRunner", "name": owner,
                                 "uid": uid, "controller": True}]}


def deployment(ns: str, **pod: object) -> dict:
    container = {"name": "manager", "image": "busybox:1.36"}
    spec = {"selector": {"matchLabels": OURS}, "template": {
        "metadata": {"labels": OURS}, "spec": {"serviceAccountName": "other-runner", "containers": [container]} | pod}}
    return {"metadata": child("other-runner", ns, "other"), "spec": spec}


def binding(ns: str, owner_ns: str, role: str = "gitlab-runner-executor", subject_ns: str | None = None,
            suffix: str = "") -> dict:
    meta = child(f"{owner_ns}.other-runner{suffix}", ns, "other")
    meta["annotations"] = {"gitlab-runners.dev/owner": f"GitLabRunner/{owner_ns}/other"}
    if owner_ns != ns:
        del meta["ownerReferences"]
    return {"metadata": meta, "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": role},
            "subjects": [{"kind": "ServiceAccount", "name": "x", "namespace": subject_ns or owner_ns}]}


def secret(ns: str, type: str = "Opaque", **meta: object) -> dict:
    return {"metadata": child("other-runner-token", ns, "other") | meta, "type": type, "stringData": {"a": "x"}}


def abuses(ci: str, jobs: str) -> Iterator[Try]:
    """A row each; said: a part of the refusal."""
    token_of = {"annotations": {"gitlab-runners.dev/owner": f"GitLabRunner/{ci}/other",
                                "kubernetes.io/service-account.name": POWERFUL}}
    privileged = {"name": "manager", "image": "x", "securityContext": {"privileged": True}}
    gone = {"metadata": {"annotations": None}}
    yield Try("a token of a powerful account", "POST", "Secret", "", secret(ci, "kubernetes.io/service-account-token",
                                                                           **token_of), "type Opaque")
    yield Try("a Secret of no runner", "POST", "Secret", "", {"metadata": {"name": "x"}}, "children of GitLabRunners")
    yield Try("a Secret without labels", "POST", "Secret", "", secret(ci, labels={}), "children of GitLabRunners")
    yield Try("a Secret of another name", "POST", "Secret", "", secret(ci, name="x"), "children of GitLabRunners")
    yield Try("a generated name", "POST", "Secret", "", secret(ci, name=None, generateName="x"), "children of")
    yield Try("a Secret of another kind's", "POST", "Secret", "", secret(ci, annotations={
        "gitlab-runners.dev/owner": f"Manager/{ci}/other"}), "children of")
    yield Try("a Secret without an owner", "POST", "Secret", "", secret(ci, ownerReferences=[]), "controlled by its")
    yield Try("another's Secret, changed", "PATCH", "Secret", "gitlab", {"data": {"x": "eA=="}}, "has made only")
    yield Try("another's Secret, labelled", "PATCH", "Secret", "gitlab", {"metadata": {"labels": OURS}},
              "has made only")
    yield Try("another's Secret, deleted", "DELETE", "Secret", "gitlab", None, "has made only")
    yield Try("a Secret in kube-system", "POST", "Secret", "", secret("kube-system"), "Kubernetes itself",
              "kube-system")
    yield Try("a bootstrap token", "POST", "Secret", "", secret("kube-system", "bootstrap.kubernetes.io/token"),
              "Kubernetes itself", "kube-system")
    yield Try("a ServiceAccount of no runner", "POST", "ServiceAccount", "", {"metadata": {"name": "x"}}, "children of")
    yield Try("another's ServiceAccount", "PATCH", "ServiceAccount", "default", {"imagePullSecrets": []},
              "has made only")
    yield Try("another's ServiceAccount, deleted", "DELETE", "ServiceAccount", "default", None, "has made only")
    yield Try("a token of an account", "POST", "ServiceAccount", f"{POWERFUL}/token", {}, "cannot create resource")
    yield Try("rights of a ClusterRole", "POST", "RoleBinding", "", binding(ci, ci, "view"), "currently held")
    yield Try("rights of an account elsewhere", "POST", "RoleBinding", "", binding(ci, ci, subject_ns=jobs),
              "binds one")
    yield Try("rights in a closed namespace", "POST", "RoleBinding", "", binding(jobs, ci), "is not open", jobs)
    yield Try("rights in kube-system", "POST", "RoleBinding", "", binding("kube-system", ci), "Kubernetes",
              "kube-system")
    yield Try("rights in its own namespace", "POST", "RoleBinding", "", binding(NAMESPACE, ci), "is not open",
              NAMESPACE)
    yield Try("another's RoleBinding", "DELETE", "RoleBinding", "theirs", None, "has made only")
    yield Try("another's Deployment", "PATCH", "Deployment", "theirs", {"spec": {"replicas": 0}}, "has made only")
    yield Try("another's Deployment, deleted", "DELETE", "Deployment", "theirs", None, "has made only")
    yield Try("its own Deployment", "PATCH", "Deployment", NAME, {"spec": {     # under its own account two policies refuse it
        "template": {"spec": {"serviceAccountName": "default"}}}}, "has made only", NAMESPACE)
    yield Try("rights of a feature under the name of another", "POST", "RoleBinding", "", binding(
        ci, ci, "gitlab-runner-executor-autoscaler"), "binds one ServiceAccount")
    yield Try("a pod in kube-system", "POST", "Deployment", "", deployment("kube-system"), "Kubernetes", "kube-system")
    yield Try("a pod under a powerful account", "POST", "Deployment", "", deployment(ci, serviceAccountName=POWERFUL),
              "power over the cluster")
    yield Try("a pod under an account with rights in kube-system", "POST", "Deployment", "", deployment(
        ci, serviceAccountName="reader"), "power over the cluster: it may read Secrets")
    yield Try("a privileged pod", "POST", "Deployment", "", deployment(ci, containers=[privileged]), "level baseline")
    yield Try("the node's files", "POST", "Deployment", "", deployment(ci, volumes=[
        {"name": "a", "hostPath": {"path": "/"}}]), "level baseline")
    yield Try("the node's network", "POST", "Deployment", "", deployment(ci, hostNetwork=True), "level baseline")
    yield Try("a runner's manager made privileged", "PATCH", "Deployment", "builds-runner", {"spec": {"template": {
        "spec": {"hostPID": True}}}}, "level baseline")
    yield Try("a runner's manager that is nobody's", "PATCH", "Deployment", "builds-runner", {"metadata": {
        "ownerReferences": None}}, "controlled by its GitLabRunner")
    yield Try("a runner's manager unlabelled", "PATCH", "Deployment", "builds-runner", {"metadata": {"labels": None}},
              "children of GitLabRunners only")
    yield Try("a scale", "PATCH", "Deployment", "builds-runner/scale", {"spec": {"replicas": 9}},
              "cannot patch resource")
    yield Try("others' pods kept from eviction", "POST", "PodDisruptionBudget", "", {
        "metadata": child("other-runner", ci, "other"), "spec": {"maxUnavailable": 0, "selector": {}}}, "managers only")
    yield Try("a runner's url", "PATCH", "GitLabRunner", "builds", {"spec": {"url": "http://x"}}, "own finalizer only")
    yield Try("a runner's labels", "PATCH", "GitLabRunner", "builds", {"metadata": {"labels": {"a": "b"}}}, "own final")
    yield Try("a runner's annotations", "PATCH", "GitLabRunner", "builds", {"metadata": {"annotations": {"a": "b"}}},
              "own finalizer only")
    yield Try("another's finalizer", "PATCH", "GitLabRunner", "builds", {"metadata": {"finalizers": [
        "gitlab-runners.dev/deregister", "a.b/c"]}}, "own finalizer only")
    yield Try("a runner deleted", "DELETE", "GitLabRunner", "builds", None, "cannot delete resource")
    yield Try("its ledger as another kind of Secret", "DELETE", "Secret", "theirs", None, "has made only", NAMESPACE)
    yield Try("a namespace's consent", "PATCH", "Namespace", jobs, gone, "cannot patch resource", "")
    yield Try("an Event changed", "PATCH", "Event", "x", {"note": "x"}, "cannot patch resource")

    # and what it does itself, so that no row is refused for another reason than its own
    yield Try("a token Secret", "POST", "Secret", "", secret(ci), PASS)
    yield Try("a token Secret by 0.1.0", "POST", "Secret", "", secret(ci, annotations={
        "gitlab-runners.dev/owner": f"{ci}/other"}), PASS)
    yield Try("a manager", "POST", "Deployment", "", deployment(ci), PASS)
    yield Try("an executor", "POST", "RoleBinding", "", binding(ci, ci), PASS)
    yield Try("an executor with a feature", "POST", "RoleBinding", "", binding(
        ci, ci, "gitlab-runner-executor-autoscaler", suffix="-autoscaler"), PASS)
    yield Try("its finalizer", "PATCH", "GitLabRunner", "builds", {"metadata": {"finalizers": None}}, PASS)
    yield Try("its child", "DELETE", "Deployment", "builds-runner", None, PASS)


class Spoils(NamedTuple):
    """What a thief would go for."""
    kube: Kube
    ns: str                     # of a runner, and of others' objects beside it
    other: str                  # another team's namespace

    def said(self, row: Try) -> str:
        """By the API server, to a request that changes nothing in any case."""
        name, _, subresource = row.name.partition("/")
        ns = {"ci": self.ns, "": None}.get(row.ns, row.ns)
        path = "/".join(filter(None, [self.kube.path(row.kind, ns, name), subresource]))
        headers = {"Impersonate-User": USER, "Impersonate-Group": "system:serviceaccounts",
                   "Content-Type": MERGE_PATCH if row.method == "PATCH" else "application/json"}
        answer = self.kube.call(row.method, path, json=row.body, headers=headers, params={"dryRun": "All"})
        return "" if answer.ok else answer.json()["message"]


@pytest.fixture
def spoils(ci: Place, attacker: Attacker, evil: EvilGitLab) -> Iterator[Spoils]:
    ns = attacker.name
    attacker.runner("builds", evil.at("good")).wait()
    theirs = {"metadata": {"name": "theirs"}}
    ci.kube.create("ServiceAccount", {"metadata": {"name": POWERFUL}}, ns)
    ci.kube.create("Deployment", theirs | {"spec": {
        "replicas": 0, "selector": {"matchLabels": {"app": "theirs"}}, "template": {
            "metadata": {"labels": {"app": "theirs"}}, "spec": {"containers": [{"name": "a", "image": "a"}]}}}}, ns)
    view = {"apiGroup": RBAC, "kind": "ClusterRole", "name": "view"}
    ci.kube.create("RoleBinding", theirs | {"roleRef": view}, ns)
    ci.kube.create("Secret", theirs, NAMESPACE)
    kubectl("create", "clusterrolebinding", ns, "--clusterrole=cluster-admin", f"--serviceaccount={ns}:{POWERFUL}")
    kubectl("create", "role", ns, "-n", "kube-system", "--verb=get", "--resource=secrets")
    kubectl("create", "rolebinding", ns, "-n", "kube-system", f"--role={ns}", f"--serviceaccount={ns}:reader")
    yield Spoils(ci.kube, ns, ci.namespace(ci.name + "-b"))
    kubectl("delete", "clusterrolebinding", ns)
    kubectl("delete", "role,rolebinding", ns, "-n", "kube-system")
    ci.kube.delete("Secret", "theirs", NAMESPACE)


def test_a_stolen_token_does_what_the_operator_does_and_no_more(spoils: Spoils) -> None:
    said = [(row.what, row.said, spoils.said(row)) for row in abuses(spoils.ns, spoils.other)]
    assert [row for row in said if (row[2] if row[1] is PASS else row[1] not in row[2])] == []


def test_consent_is_asked_of_the_namespace_itself(spoils: Spoils) -> None:
    """In the same words as the operator reads it: names and shell patterns."""
    ns, row = spoils.ns, Try("", "POST", "RoleBinding", "", binding(spoils.other, spoils.ns), None, spoils.other)
    for allowed, let in {"other": False, ns: True, f"a, {ns[:-1]}?": True, "*": True, "x*": False, "": False,
                         ns[:-1]: False, f"x {ns[0]}*": True, f"[!{ns[0]}]*": False}.items():
        spoils.kube.patch("Namespace", spoils.other, {"metadata": {"annotations": {ALLOWED: allowed}}})
        wait_for(f"{allowed!r} is judged", lambda: (spoils.said(row) == "") == let, 10)


def test_no_expression_of_the_policies_has_a_fault() -> None:
    """One that the API server would meet with the first request only."""
    found = kubectl("get", "validatingadmissionpolicies", "-o", "jsonpath={.items[*].status.typeChecking}")
    assert "{" in found and "expressionWarnings" not in found
