"""What the overlays of manifests/ install does its work, within the admission policies that come with each."""
from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from cluster import kubectl, kustomized, refused, wait_for
from gitlab_admin import GitLabAdmin
from operator_pod import NAME, NAMESPACE, USER, Operator, is_ready
from places import Place

pytestmark = pytest.mark.node


@contextmanager
def for_a_while(operator: Operator) -> Iterator[None]:
    """Whatever is installed meanwhile, afterwards it is what the other tests know."""
    try:
        yield
        operator.assert_never_crashed()
    finally:
        kubectl("delete", "poddisruptionbudget", NAME, "-n", NAMESPACE, "--ignore-not-found")
        operator.install()
        operator.accept()


def wait_ready(operator: Operator, count: int) -> list[dict]:
    """So many pods, all of the template of now, and no others."""
    def ready() -> list[dict] | None:
        deployment = operator.kube.get("Deployment", NAME, NAMESPACE)
        pods, status = operator.pods(), deployment["status"]
        settled = status.get("observedGeneration") == deployment["metadata"]["generation"]
        return pods if settled and len(pods) == status.get("updatedReplicas") == count and all(map(is_ready, pods)) else None
    return wait_for(f"{count} pods of the operator are ready", ready, 90)


def assert_confined(ns: str) -> None:
    """The policies are in force."""
    said = refused("create", "secret", "generic", "x", "-n", ns, "--dry-run=server", f"--as={USER}")
    assert "children of GitLabRunners only" in said
    bound = kubectl("get", "validatingadmissionpolicybindings", "-o", "jsonpath={.items[*].spec.policyName}")
    assert {NAME, f"{NAME}-accounts", "gitlab-runner-managers"} <= set(bound.split())


def test_two_replicas_serve_a_runner(ci: Place, gitlab: GitLabAdmin) -> None:
    ci.registration_token()
    with for_a_while(ci.operator):
        kubectl("apply", "-k", "manifests/ha")
        wait_ready(ci.operator, 2)
        assert_confined(ci.name)
        ci.runner().wait()
        leader = ci.kube.get("Lease", NAME, NAMESPACE)["spec"]["holderIdentity"]
        ci.kube.delete("Pod", leader.partition("_")[0], NAMESPACE)
        ci.runner(name="second").wait()         # by the other one


def test_a_runner_is_served_in_a_namespace_alone(ci: Place, gitlab: GitLabAdmin) -> None:
    ci.registration_token()
    objects = kustomized("manifests/namespaced")
    for body in objects:
        if body["metadata"].get("namespace") == "ci":
            body["metadata"]["namespace"] = ci.name
        if body["kind"] == "Deployment":
            body["spec"]["template"]["spec"]["containers"][0]["args"][-1] = f"--namespace={ci.name}"
    with for_a_while(ci.operator):
        kubectl("delete", "clusterrolebinding", NAME)
        kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
        wait_ready(ci.operator, 1)
        assert_confined(ci.name)
        assert not ci.operator.may("list", "secrets") and ci.operator.may("list", "secrets", ci.name)
        ci.runner().wait()
