"""What the operator made stays as it made it; what others made or added stays theirs."""
from __future__ import annotations

import pytest

from cluster import kubectl, wait_for
from gitlab_admin import GitLabAdmin
from places import Place, Runner

DERIVED = ["config", "account", "binding", "manager"]
FOREIGN = {
    "token": ("Secret", {"stringData": {"runner-token": "somebody-elses-token"}}),
    "config": ("Secret", {"stringData": {"config.toml": "theirs"}}),
    "account": ("ServiceAccount", {}),
    "binding": ("RoleBinding", {"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole",
                                            "name": "view"}}),
    "manager": ("Deployment", {"spec": {
        "replicas": 0, "selector": {"matchLabels": {"app": "theirs"}},
        "template": {"metadata": {"labels": {"app": "theirs"}},
                     "spec": {"containers": [{"name": "theirs", "image": "busybox:1.36"}]}}}}),
}


def essence(child: dict) -> dict:
    """A child without what differs from one birth to the next."""
    volatile = ("uid", "resourceVersion", "creationTimestamp", "managedFields", "generation")
    annotations = {k: v for k, v in child["metadata"].get("annotations", {}).items()
                   if not k.startswith("deployment.kubernetes.io/")}
    meta = {k: v for k, v in child["metadata"].items() if k not in volatile} | {"annotations": annotations}
    return {k: v for k, v in child.items() if k not in ("metadata", "status")} | {"metadata": meta}


def ready_runner(ci: Place, **spec: object) -> Runner:
    ci.registration_token()
    runner = ci.unmanned(**spec)
    runner.wait()
    return runner


def registrations(gitlab: GitLabAdmin) -> int:
    return len(gitlab.audit("POST", "/api/v4/runners"))


# Deleted

@pytest.mark.parametrize("what", DERIVED)
def test_a_deleted_child_comes_back_the_same(what: str, ci: Place, gitlab: GitLabAdmin) -> None:
    runner = ready_runner(ci)
    before = runner.child(what)
    kind, name, ns = runner.children()[what]
    kubectl("delete", kind, name, "-n", ns)
    after = wait_for("it is back", lambda: runner.child(what), 10)
    assert after["metadata"]["uid"] != before["metadata"]["uid"] and essence(after) == essence(before)
    runner.wait()
    assert len(gitlab.audit()) == 1, "GitLab was asked for nothing but the registration"


def test_a_deleted_token_secret_comes_back_with_the_same_token(ci: Place, gitlab: GitLabAdmin) -> None:
    runner = ready_runner(ci)
    token, uid = runner.token(), runner.child("token")["metadata"]["uid"]
    kubectl("delete", "secret", "builds-runner-token", "-n", ci.name)
    wait_for("it is back", lambda: (child := runner.child("token")) and child["metadata"]["uid"] != uid, 20)
    runner.wait()
    assert runner.token() == token and len(gitlab.runners()) == 1 and registrations(gitlab) == 1


def test_all_children_deleted_at_once_come_back_with_the_same_runner(ci: Place, gitlab: GitLabAdmin) -> None:
    runner = ready_runner(ci)
    token, before = runner.token(), {what: runner.child(what) for what in runner.children()}
    kubectl("delete", "secret,serviceaccount,rolebinding,deployment", "-n", ci.name,
            "-l", "gitlab-runners.dev/runner=builds", "--timeout=20s")
    for what, child in before.items():
        wait_for(f"{what} is back", lambda: (now := runner.child(what)) and now["metadata"]["uid"] != child[
            "metadata"]["uid"] and "deletionTimestamp" not in now["metadata"])
    runner.wait()
    assert runner.token() == token and len(gitlab.runners()) == 1 and registrations(gitlab) == 1


# Changed

@pytest.mark.parametrize("what, change", [
    ("manager", {"spec": {"replicas": 3}}),
    ("manager", {"spec": {"template": {"spec": {"priorityClassName": None, "containers": [
        {"name": "manager", "image": "busybox:1.36"}]}}}}),
    ("binding", {"subjects": [{"kind": "User", "name": "eve", "apiGroup": "rbac.authorization.k8s.io"}]}),
    ("binding", {"metadata": {"labels": {"gitlab-runners.dev/runner": "another"}}}),
    ("account", {"metadata": {"labels": {"app.kubernetes.io/managed-by": None}}}),
    ("account", {"metadata": {"annotations": {"gitlab-runners.dev/applied-hash": "x"}}}),
    ("config", {"data": {"config.toml": "Y29uY3VycmVudCA9IDE="}}),
    ("config", {"data": {"config.toml": None}}),
], ids=lambda value: value if isinstance(value, str) else "-".join(path_of(value)))
def test_a_changed_child_is_put_right(what: str, change: dict, ci: Place, gitlab: GitLabAdmin) -> None:
    runner = ready_runner(ci)
    before = runner.child(what)
    kind, name, ns = runner.children()[what]
    ci.kube.patch(kind, name, change, ns)
    wait_for("it is as before", lambda: essence(runner.child(what)) == essence(before), 10)
    runner.wait()
    assert runner.child(what)["metadata"]["uid"] == before["metadata"]["uid"], "it was not replaced"


def path_of(change: dict) -> list[str]:
    key = next(iter(change))
    rest = change[key]
    return [key, *(path_of(rest) if isinstance(rest, dict) else [])]


def test_additions_of_others_are_left_alone(ci: Place, gitlab: GitLabAdmin) -> None:
    runner = ready_runner(ci)
    for what in runner.children():
        kind, name, ns = runner.children()[what]
        added = {"metadata": {"annotations": {"note": "mine"}, "labels": {"team": "a"}}}
        ci.kube.patch(kind, name, added, ns)
    ci.kube.patch("ServiceAccount", "builds-runner", {"imagePullSecrets": [{"name": "registry"}]}, ci.name)
    ci.operator.wait_idle()
    runner.edit(image="busybox:latest")         # something is written, and still
    runner.wait()
    for what in runner.children():
        meta = runner.child(what)["metadata"]
        assert (meta["annotations"]["note"], meta["labels"]["team"]) == ("mine", "a"), what
    assert runner.child("account")["imagePullSecrets"] == [{"name": "registry"}]


def test_a_rollout_restart_replaces_the_managers_pod(ci: Place, gitlab: GitLabAdmin) -> None:
    ci.registration_token()
    runner = ci.runner()
    runner.wait()
    before, = runner.managers()
    kubectl("rollout", "restart", "deployment/builds-runner", "-n", ci.name)
    kubectl("rollout", "status", "deployment/builds-runner", "-n", ci.name, "--timeout=60s")
    after = wait_for("the new pod is alone", lambda: len(pods := runner.managers()) == 1 and pods[0])
    assert after["metadata"]["uid"] != before["metadata"]["uid"]
    assert "kubectl.kubernetes.io/restartedAt" in runner.child("manager")["spec"]["template"]["metadata"]["annotations"]


# Somebody else's

def foreign(ci: Place, what: str) -> tuple[str, str]:
    """Kind and name of an object that has a child's name before the child is there."""
    kind, body = FOREIGN[what]
    name = Runner(ci.kube, ci.name, "builds").children()[what][1]
    ci.put(kind, name, body)
    return kind, name


def assert_conflict(runner: Runner, kind: str, name: str) -> None:
    about = f"{kind} {runner.ns}/{name} exists"
    message = wait_for(f"'{about}'", lambda: about in (text := runner.wait_refused("NameConflict")) and text)
    assert "Delete or rename" in message
    assert runner.conditions()["Stalled"]["reason"] == "NameConflict"


@pytest.mark.parametrize("what", ["token", "config"])
def test_a_secret_of_somebody_else_is_not_touched(what: str, ci: Place, gitlab: GitLabAdmin) -> None:
    kind, name = foreign(ci, what)
    before = ci.kube.get(kind, name, ci.name)
    ci.registration_token()
    runner = ci.unmanned()
    assert_conflict(runner, kind, name)
    assert ci.kube.get(kind, name, ci.name) == before
    assert registrations(gitlab) == (0 if what == "token" else 1), "without a place for its token nothing registers"
    ci.kube.delete(kind, name, ci.name)
    runner.wait(seconds=10)
    assert registrations(gitlab) == 1


def test_other_objects_of_somebody_else_are_not_touched(ci: Place, gitlab: GitLabAdmin) -> None:
    """The operator does not watch them, so unless something else happens it takes a while to see that one is gone."""
    objects = {what: foreign(ci, what) for what in ("account", "binding", "manager")}
    before = {what: essence(ci.kube.get(kind, name, ci.name)) for what, (kind, name) in objects.items()}
    ci.registration_token()
    runner = ci.unmanned()
    for what, (kind, name) in objects.items():
        assert_conflict(runner, kind, name)
        assert essence(ci.kube.get(kind, name, ci.name)) == before[what]
        ci.kube.delete(kind, name, ci.name)
        if what != "manager":
            runner.edit(podLabels={"seen": what})
    runner.wait()
    assert registrations(gitlab) == 1
