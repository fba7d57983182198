"""Objects that are too large to be read: they are known by name and version, told of, and hide nobody else's."""
from __future__ import annotations

import json
import random
from collections.abc import Callable

import pytest
import requests

from cluster import MERGE_PATCH, Kube, wait_for
from hostile.chaos import tree
from hostile.evil import EvilGitLab
from hostile.siege import Siege
from hostile.tenants import Attacker
from operator_pod import Operator
from places import Place, Runner

LARGEST = 1_430_000         # bytes of one object, as etcd takes it; "<" has six times as many where it is watched
OURS = {"app.kubernetes.io/managed-by": "gitlab-runner-controller"}


def owner(name: str, size: int = LARGEST) -> dict:
    """Metadata that nothing else bounds."""
    return {"metadata": {"name": name, "ownerReferences": [
        {"apiVersion": "v1", "kind": "Secret", "name": "<" * size, "uid": "0e8fb1c0-2a70-4f9d-9d33-1d6bb7b2a111"}]}}


def owners(name: str) -> dict:
    """The same by number: a tree that takes far more than its text."""
    references = [{"apiVersion": "v", "kind": "k", "name": "n", "uid": f"{i}"} for i in range(20_000)]
    return {"metadata": {"name": name, "ownerReferences": references}}


def finalizers(name: str) -> dict:
    return {"metadata": {"name": name, "finalizers": [f"example.com/{i:050}" for i in range(12_000)]}}


def labels(name: str) -> dict:
    return {"metadata": {"name": name, "labels": {f"example.com/{i}": "x" * 60 for i in range(12_000)}}}


def created(answer: requests.Response) -> bool:
    assert answer.ok or answer.status_code in (400, 413, 422, 500), answer.text
    return answer.ok


def told_of(kube: Kube, ns: str, name: str) -> bool:
    return any(e["regarding"]["name"] == name and e["reason"] == "TooLarge" and "KiB" in e["note"]
               for e in kube.list("Event", ns))


def too_large(operator: Operator, kind: str) -> float:
    return operator.metrics()[f'gitlab_runner_controller_objects_too_large_total{{name="{kind}"}}']


def assert_sees_config_maps(ci: Place, name: str) -> None:
    """The watch goes on: what is made now is known."""
    runner = ci.runner(name=name, manager={"replicas": 0}, caConfigMapRef={"name": name})
    runner.wait_refused("ConfigMapNotFound", 20)
    ci.kube.create("ConfigMap", {"metadata": {"name": name}, "data": {"ca.crt": "none"}}, ci.name)
    wait_for("the ConfigMap is known", lambda: "ConfigMapNotFound" not in json.dumps(runner.status()), 20)
    runner.delete()
    runner.wait_gone()


def test_a_config_map_that_is_too_large(attacker: Attacker, ci: Place, siege: Siege) -> None:
    assert attacker.config_map(owner("owner")).ok
    assert sum(created(attacker.config_map(make(make.__name__))) for make in (owners, finalizers, labels)) > 0
    wait_for("it is told of", lambda: told_of(attacker.kube, attacker.name, "owner"), 20)
    assert too_large(ci.operator, "ConfigMap") >= 2
    assert_sees_config_maps(ci, "after")
    with siege.truce():         # and nothing keeps a new process from knowing everything
        ci.operator.restart()
    assert_sees_config_maps(ci, "restarted")
    siege.hold()
    attacker.kube.call("PATCH", attacker.kube.path("ConfigMap", attacker.name, "finalizers"),
                       data='{"metadata":{"finalizers":null}}', headers={"Content-Type": MERGE_PATCH})


def test_others_that_are_too_large(attacker: Attacker, ci: Place, siege: Siege) -> None:
    """Of all kinds that are watched, by somebody who may write them."""
    kube, ns = attacker.kube, attacker.name
    pod = {"selector": {"matchLabels": {"a": "b"}}, "replicas": 0, "template": {
        "metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "a", "image": "a"}]}}}
    more: dict[str, dict] = {"Secret": {}, "ServiceAccount": {}, "Deployment": {"spec": pod}, "RoleBinding": {
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "none"}}, "PodDisruptionBudget": {
        "spec": {"maxUnavailable": 1}}}
    for kind, rest in more.items():
        body = owner("large", LARGEST - 5000) | rest
        body["metadata"]["labels"] = OURS
        kube.create(kind, body, ns)
    for kind in more:
        wait_for(f"a {kind} is counted", lambda kind=kind: too_large(ci.operator, kind) >= 1, 20)
    secret = {"metadata": {"name": "gitlab-large", "annotations": {"a": "<" * 250_000}},
              "data": kube.get("Secret", "gitlab", ci.name)["data"]}
    kube.create("Secret", secret, ci.name)      # one that somebody needs is used all the same
    runner = ci.runner(name="with-a-large-secret", manager={"replicas": 0},
                       authentication={"registrationTokenSecretRef": {"name": "gitlab-large"}})
    runner.wait()
    siege.hold()
    runner.delete()
    runner.wait_gone()


def bomb(count: int) -> dict:
    return {"config": {"a": [{}] * count}}


def much_text(count: int) -> dict:
    return {"config": {"a": ["x" * 50] * count}}


@pytest.mark.parametrize("content", [bomb(430_000), much_text(24_000)], ids=["many mappings", "much text"])
def test_a_runner_that_is_too_large(
        content: dict, attacker: Attacker, evil: EvilGitLab, ci: Place, siege: Siege) -> None:
    large = attacker.runner("large", evil.at("good"))
    large.wait()
    children = [large.child(what)["metadata"]["uid"] for what in ("token", "config", "manager")]
    edit(attacker, large, content)
    message = large.wait_refused("TooLarge")
    assert "KiB" in message and "spec.config" in message
    siege.hold()
    with siege.truce():
        ci.operator.restart()
    assert [large.child(what)["metadata"]["uid"] for what in ("token", "config", "manager")] == children
    edit(attacker, large, {"config": None})     # small again, it goes on
    large.wait()
    edit(attacker, large, content)              # and it can be deleted
    large.wait_refused("TooLarge")
    large.delete()
    large.wait_gone()
    calls = [call for call in evil.all_calls() if call["mode"] == "good"]
    assert [call["method"] for call in calls].count("DELETE") == 1, "it is deregistered"
    siege.hold()


def edit(attacker: Attacker, runner: Runner, spec: dict) -> None:
    answer = attacker.mallory.call("PATCH", attacker.kube.path("GitLabRunner", attacker.name, runner.name),
                                   data=json.dumps({"spec": spec}), headers={"Content-Type": MERGE_PATCH})
    assert answer.ok, answer.text


def test_random_objects(attacker: Attacker, ci: Place, siege: Siege) -> None:
    """Large, deep, wide and odd ones, by both who may write."""
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    rng = random.Random(seed)

    def annotated(name: str) -> dict:
        text = json.dumps(tree(rng, 200_000))[:200_000]
        return {"metadata": {"name": name, "annotations": {f"example.com/{i}": text[i::3] for i in range(3)}}}

    makers: list[Callable[[str], dict]] = [lambda name: owner(name, rng.randrange(LARGEST)), owners, labels, annotated]
    taken = 0
    for i in range(12):
        taken += created(attacker.config_map(rng.choice(makers)(f"random-{i}")))
        spec = {"config": {"a": tree(rng, 1 << 19)}}
        body = attacker.body(f"random-{i}", "https://gitlab.invalid", **spec)
        taken += created(attacker.mallory.call("POST", attacker.kube.path("GitLabRunner", attacker.name),
                                               data=json.dumps(body, allow_nan=False),
                                               headers={"Content-Type": "application/json"}))
    assert taken > 5
    siege.hold()
    assert_sees_config_maps(ci, "beside")
