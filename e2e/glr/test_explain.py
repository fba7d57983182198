"""What `explain` says of a runner: how it stands, why, and the one thing to do; and what `diff` says of a file."""
from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from cluster import PATIENCE, wait_for
from glr.desk import Desk
from places import TLS_URL, Runner
from program import kubeconfig


def shown(desk: Desk, name: str = "builds", code: int = 0) -> dict:
    return json.loads(desk.glr("explain", name, "-o", "json", code=code).stdout)


def stops(said: dict) -> list[tuple[str, str]]:
    """Where it stands: the rules that stop it, and why, but for those that only lead to others."""
    return [(rule["name"], rule["reason"]) for rule in said["rules"] if rule["mark"] == "STOP" and rule["name"] != "registered"]


def test_a_good_one(desk: Desk) -> None:
    desk.registration_token()
    runner = desk.runner()
    runner.wait()
    text = desk.glr("explain", "builds").stdout
    assert text.startswith(f"{desk.name}/builds: ready for ") and text.endswith("DO THIS    nothing: all is well\n")
    assert "says the same" in text and "\x1b" not in text
    said = shown(desk)
    assert said["standing"] == "good" and said["seen"]["same"] and said["managers"][0]["ready"]
    assert {rule["mark"] for rule in said["rules"]} == {"ok", "moot"}
    wide = desk.glr("explain", "builds", "-o", "wide").stdout
    for word in (text, json.dumps(said), wide, desk.glr("explain", "builds", "-o", "yaml").stdout):
        assert runner.token() not in word
    assert desk.glr("explain", "builds", "-o", "name").stdout == "gitlabrunner.gitlab-runners.dev/builds\n"


def test_what_a_person_has_to_do(desk: Desk) -> None:
    desk.secret("gitlab", runner_registration_token="wrong")
    desk.runner(name="ca", url=TLS_URL).wait_refused("UntrustedCertificate")
    desk.runner(name="token").wait_refused("RegistrationTokenRejected")
    desk.runner(name="lost", authentication={"registrationTokenSecretRef": {"name": "missing"}}).wait_refused("SecretNotFound")
    assert stops(shown(desk, "ca", 1)) == [("register", "UntrustedCertificate")]
    assert shown(desk, "ca", 1)["doThis"]["value"] == "{name: ca-ca}"
    assert stops(shown(desk, "token", 1)) == [("register", "RegistrationTokenRejected")]
    assert "wrong" not in json.dumps(shown(desk, "token", 1)["doThis"]["commands"])
    said = desk.glr("explain", "lost", code=1).stdout
    assert f"kubectl -n {desk.name} create secret generic missing --from-literal=runner-registration-token=…" in said
    assert desk.glr("explain", "nobody", code=1).stdout == ""
    assert desk.glr("explain", "lost", "--until", "ready", "--timeout", "1s", code=3).stdout


def test_git_is_where_its_field_is_changed(desk: Desk) -> None:
    desk.secret("gitlab", runner_registration_token="wrong")
    desk.applied_by("kustomize-controller", "kept", {"spec": desk.spec(url=TLS_URL)})
    Runner(desk.kube, desk.name, "kept").wait_refused("UntrustedCertificate")
    assert "spec.caSecretRef: {name: kept-ca}, in git: Flux owns it" in desk.glr("explain", "kept", code=1).stdout


def test_managers_that_do_not_start(desk: Desk) -> None:
    desk.registration_token()
    desk.runner(manager={"nodeSelector": {"there-is": "none"}}).wait("Registered")

    def unschedulable() -> dict | None:
        said = shown(desk, code=1)
        return said if [pod.get("reason") for pod in said["managers"]] == ["Unschedulable"] else None
    # Of the pod: its ReplicaSet's controller may wait for a bookmark before it makes one, which comes once a minute.
    said = wait_for("explain says that no node takes the manager", unschedulable, 2 * PATIENCE)
    assert any("describe pods" in command for command in said["doThis"]["commands"])
    assert f"{said['managers'][0]['name']} - Unschedulable: " in desk.glr("explain", "builds", code=1).stdout


@pytest.fixture
def reader(desk: Desk, tmp_path: Path) -> Iterator[str]:
    """A kubeconfig of somebody who may get GitLabRunners here, and nothing else."""
    desk.kube.create("ServiceAccount", {"metadata": {"name": "reader"}}, desk.name)
    desk.kube.create("Role", {"metadata": {"name": "reader"}, "rules": [
        {"apiGroups": ["gitlab-runners.dev"], "resources": ["gitlabrunners"], "verbs": ["get"]}]}, desk.name)
    desk.kube.create("RoleBinding", {"metadata": {"name": "reader"}, "subjects": [
        {"kind": "ServiceAccount", "name": "reader", "namespace": desk.name}],
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"}}, desk.name)
    file = tmp_path / "reader"
    file.write_text(json.dumps(kubeconfig("reader", desk.name)))
    return str(file)


def test_who_may_see_little_is_told_what_is_missing(desk: Desk, reader: str) -> None:
    desk.registration_token()
    desk.runner().wait()
    said = desk.glr("explain", "builds", "--kubeconfig", reader, code=4).stdout
    assert f"{desk.name}/builds: ready for " in said and "says the same" in said
    for right in ("get secrets", "get deployments", "list pods", "list events"):
        assert f"needs {right}" in said
    desk.runner(name="lost", authentication={"registrationTokenSecretRef": {"name": "missing"}}).wait_refused("SecretNotFound")
    said = json.loads(desk.glr("explain", "lost", "--kubeconfig", reader, "-o", "json", code=1).stdout)
    assert stops(said) == [("credential", "SecretNotFound")]


EDITS = [   # of the spec, what it changes, and whether the managers' pods are replaced
    ({"config": {"runners": {"limit": 7}}}, ("Secret", "limit", "(none)", "7"), False),
    ({"manager": {"image": "other/runner:1"}}, ("Deployment", "image", None, "other/runner:1"), True),
    ({"image": "busybox:1.37"}, ("Secret", "image", "busybox:1.36", "busybox:1.37"), False),
    ({"concurrent": 3}, ("Secret", "concurrent", "10", "3"), False),
    ({"manager": {"replicas": 2}}, ("Deployment", "replicas", "1", "2"), False),
    ({"manager": {"podDisruptionBudget": {"minAvailable": 1}}}, ("PodDisruptionBudget", None, None, None), False),
    ({"tags": ["new"]}, ("GitLab", None, None, None), False),
]


def test_what_a_file_would_change(desk: Desk, tmp_path: Path) -> None:
    desk.registration_token()
    runner = desk.runner()
    runner.wait()
    file = tmp_path / "runner.yaml"

    def diff(code: int, **edit: object) -> dict:
        file.write_text(yaml.safe_dump({"apiVersion": "gitlab-runners.dev/v1beta1", "kind": "GitLabRunner",
                                        "metadata": {"name": "builds"}, "spec": desk.spec(**edit)}))
        return json.loads(desk.glr("diff", "-f", str(file), "-o", "json", code=code).stdout)
    assert diff(0) == {"changes": []}
    for edit, (kind, path, before, after), rolls in EDITS:
        changes = diff(1, **edit)["changes"]
        assert any(change["rolls"] for change in changes) == rolls, edit
        found = next(change for change in changes if change["kind"] == kind)
        differences = [(d["path"].split(".")[-1], d["from"], d["to"]) for d in found["differences"]]
        assert path is None or any(p == path and t == after and before in (None, f) for p, f, t in differences), changes
        assert runner.token() not in json.dumps(changes)
    diff(1, manager={"image": "other/runner:1"})
    text = desk.glr("diff", "-f", str(file), code=1).stdout
    assert "Deployment builds-runner  changed, ROLLS 1 managers" in text and "-> other/runner:1" in text


def test_what_one_of_the_cluster_leads_to(desk: Desk) -> None:
    desk.registration_token()
    runner = desk.runner(config={"runners": {"limit": 7}})
    runner.wait()
    made = list(yaml.safe_load_all(desk.glr("render", "builds").stdout))
    assert {(o["kind"], o["metadata"]["name"]) for o in made} >= {("Deployment", "builds-runner"), ("Secret", "builds-runner-config")}
    assert "limit = 7" in desk.glr("render", "builds", "-o", "toml").stdout
    assert runner.token() not in json.dumps(made)
    assert "not found" in desk.glr("render", "nobody", code=1).stderr


def test_what_is_there_against_what_would_be_made(desk: Desk) -> None:
    desk.registration_token()
    desk.runner().wait()
    assert json.loads(desk.glr("diff", "builds", "-o", "json").stdout) == {"changes": []}
    desk.operator.kill()
    desk.kube.patch("GitLabRunner", "builds", {"spec": {"manager": {"image": "other/runner:1"}}}, desk.name)
    changes = json.loads(desk.glr("diff", "builds", "-o", "json", code=1).stdout)["changes"]
    assert [(change["kind"], change["rolls"]) for change in changes] == [("Deployment", True)]
    assert "other/runner:1" in json.dumps(changes)
    desk.operator.start()
