"""What manifests/ makes in a namespace of the user's own, and what a linter says of it. No cluster."""
from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml

from cluster import CACHE, ROOT, kubectl
from operator_pod import NAME, NAMESPACE
from release.helm import loaded

OVERLAYS = ("default", "ha", "hardened", "secrets-referenced", "gitlab-proxy")


def overlay(folder: Path, *resources: str, components: tuple[str, ...] = (), namespace: str = "my-ops") -> list[dict]:
    """What a user's kustomization makes."""
    up = os.path.relpath(ROOT / "manifests", folder)
    (folder / "kustomization.yaml").write_text(json.dumps({
        "namespace": namespace, "resources": [f"{up}/{name}" for name in resources],
        "components": [f"{up}/{name}" for name in components]}))
    return loaded(kubectl("kustomize", str(folder)))


def accounts(body: dict) -> list[dict]:
    """Wherever a ServiceAccount is named with its namespace."""
    flow = [subject["serviceAccount"] for rule in body.get("spec", {}).get("rules", []) for subject in rule.get("subjects", [])]
    return body.get("subjects", []) + flow


@pytest.mark.parametrize("resource", ["base", *OVERLAYS])
def test_another_namespace_is_filled_in_everywhere(resource: str, tmp_path: Path) -> None:
    made = overlay(tmp_path, resource, components=("operator-only", "metrics-auth", "network-policies"))
    assert NAMESPACE not in [word for body in made for word in words(body)]
    named = [account for body in made for account in accounts(body)]
    assert len(named) == 5, "three bindings of the operator, that of metrics-auth, the FlowSchema"
    assert {(account["name"], account["namespace"]) for account in named} == {(NAME, "my-ops")}
    assert {body["kind"] for body in made} & {"Namespace", "CustomResourceDefinition"} == set()
    homes = {body["metadata"].get("namespace") for body in made if body["kind"] in ("Deployment", "Secret", "Role", "RoleBinding")}
    assert homes == {"my-ops"}


def words(body: object) -> list[str]:
    """Each text that is in it."""
    if isinstance(body, dict):
        return [word for value in body.values() for word in words(value)]
    if isinstance(body, list):
        return [word for value in body for word in words(value)]
    return [str(body)]


def test_default_is_kind_namespace_and_base(tmp_path: Path) -> None:
    def objects(bodies: list[dict]) -> dict[tuple[str, str], dict]:
        return {(body["kind"], body["metadata"]["name"]): body for body in bodies}
    whole = objects(loaded(kubectl("kustomize", "manifests/default")))
    operator = objects(overlay(tmp_path, "base", namespace=NAMESPACE))
    assert set(whole) - set(operator) == {("Namespace", NAMESPACE),
                                          ("CustomResourceDefinition", "gitlabrunners.gitlab-runners.dev")}
    assert all(whole[key] == body for key, body in operator.items())


def test_the_served_namespaces_keep_their_bindings(tmp_path: Path) -> None:
    """manifests/namespaced, with a kustomization of one's own in the place of ../default."""
    (tmp_path / "own").mkdir()
    overlay(tmp_path / "own", "base")
    text = (ROOT / "manifests/namespaced/kustomization.yaml").read_text()
    (tmp_path / "kustomization.yaml").write_text(text.replace("- ../default", "- own"))
    (tmp_path / "ci.yaml").write_text((ROOT / "manifests/namespaced/ci.yaml").read_text())
    made = loaded(kubectl("kustomize", str(tmp_path)))
    bindings = {body["metadata"]["namespace"]: body for body in made if body["kind"] == "RoleBinding"}
    assert set(bindings) == {"ci", "my-ops"}
    assert bindings["ci"]["subjects"] == [{"kind": "ServiceAccount", "name": NAME, "namespace": "my-ops"}]
    assert not [body for body in made if body["kind"] == "ClusterRoleBinding"]


def test_a_drain_is_blocked_by_no_budget() -> None:
    """Also not on the way from two replicas to one, when the budget stays behind."""
    budget, = (body for body in loaded(kubectl("kustomize", "manifests/ha")) if body["kind"] == "PodDisruptionBudget")
    assert "minAvailable" not in budget["spec"] and budget["spec"]["maxUnavailable"] == 1


# What kube-score calls critical, and why it is so all the same.
CRITICAL = {
    ("container-resources", "CPU limit is not set"): "it would make the operator late, and protects nobody: the request is what it gets",
    ("container-image-pull-policy", "ImagePullPolicy is not set to Always"):
        "a release names its image by digest; a registry that is away must not keep the operator away",
    ("pod-networkpolicy", "The pod does not have a matching NetworkPolicy"):
        "whose ports they are only the cluster's administrator knows: manifests/network-policies",
}


def criticals(bodies: list[dict]) -> set[tuple[str, str]]:
    done = subprocess.run([CACHE / "bin/kube-score", "score", "--output-format", "json", "-"], input=yaml.dump_all(bodies, Dumper=yaml.CSafeDumper),
                          capture_output=True, text=True, timeout=60)
    return {(check["check"]["id"], comment["summary"]) for scored in json.loads(done.stdout) for check in scored["checks"]
            if check["grade"] == 1 and not check["skipped"] for comment in check["comments"] or []}


def test_kube_score_finds_what_has_a_reason_and_no_more(tmp_path: Path) -> None:
    for resource in OVERLAYS:
        assert criticals(overlay(tmp_path, resource, components=("operator-only",))) == set(CRITICAL), resource
    closed = criticals(overlay(tmp_path, "ha", components=("operator-only", "network-policies")))
    assert closed == {row for row in CRITICAL if row[0] != "pod-networkpolicy"}
