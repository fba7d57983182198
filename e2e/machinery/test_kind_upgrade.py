"""Who owns what of an object, when the kind says other than before what is owned as one; and on the way back.

By a copy of the kind in a group of its own, so that nobody else sees it.
"""
from __future__ import annotations

import copy
import json
from collections.abc import Iterator

import pytest
import yaml

from cluster import ROOT, Kube, checked, kubectl, wait_for

GROUP = "ownership.gitlab-runners.test"
NAME = f"gitlabrunners.{GROUP}"
PATH = f"apis/{GROUP}/v1beta1/namespaces/default/gitlabrunners/builds"
APPLY = {"Content-Type": "application/apply-patch+yaml"}
OPERATOR = "gitlab-runner-controller"
SPEC = json.loads((ROOT / "tests/data/render/full.json").read_text())["spec"]
PARTS = "environment", "nodeSelector", "volumes", "cache", "affinity", "config"
EDITED = SPEC | {"environment": [{"name": "B", "value": ""}], "nodeSelector": {"another": "label"}, "volumes": SPEC["volumes"][:1]}


def kind(schema_of=lambda schema: schema) -> dict:
    """Without descriptions."""
    body = yaml.safe_load((ROOT / "crds/gitlabrunners.yaml").read_text())
    version, = body["spec"]["versions"]
    body["metadata"] = {"name": NAME}
    body["spec"] |= {"group": GROUP, "names": {"plural": "gitlabrunners", "kind": "GitLabRunner"}}
    schema = version["schema"]["openAPIV3Schema"]
    version["schema"]["openAPIV3Schema"] = schema_of(schema)
    return body


def as_0_1_0_had_it(schema: dict) -> dict:
    """Nothing is owned as one but lists."""
    def granular(node: object) -> object:
        if isinstance(node, dict):
            return {key: granular(value) for key, value in node.items() if (key, value) != ("x-kubernetes-map-type", "atomic")}
        return [granular(each) for each in node] if isinstance(node, list) else node
    former = copy.deepcopy(granular(schema))
    former["properties"]["status"]["properties"]["conditions"] |= {
        "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]}
    return former


def serve(body: dict) -> None:
    kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=json.dumps(body))


@pytest.fixture
def former_kind(kube: Kube) -> Iterator[None]:
    serve(kind(as_0_1_0_had_it))
    wait_for("the kind is served", lambda: kube.call("GET", PATH.removesuffix("/builds")).ok)
    yield
    kubectl("delete", "crd", NAME)


def runner(**more) -> dict:
    return {"apiVersion": f"{GROUP}/v1beta1", "kind": "GitLabRunner", "metadata": {"name": "builds", "namespace": "default"}} | more


def apply(kube: Kube, who: str, body: dict, subresource: str = "", force: bool = True) -> dict:
    return checked(kube.call("PATCH", PATH + subresource, data=json.dumps(body), headers=APPLY,
                             params={"fieldManager": who, "force": str(force).lower()}))


def status(ready: str, *others: str) -> dict:
    conditions = [{"type": kind, "status": word, "reason": "Reason", "message": "…", "lastTransitionTime": "2026-01-01T00:00:00Z"}
                  for kind, word in [("Ready", ready), *((other, "True") for other in others)]]
    return runner(status={"observedGeneration": 1, "conditions": conditions, "runnerId": 12, "tokenSecretRef": {"name": "t"}})


def fields(body: dict, who: str) -> dict:
    entry, = (entry for entry in body["metadata"]["managedFields"] if entry["manager"] == who)
    return entry["fieldsV1"]


def serve_and_wait(kube: Kube, body: dict, owned_as_one: bool) -> None:
    """The first writes of a status, as the operator writes them, after the kind has changed."""
    def is_known() -> bool:
        written = apply(kube, OPERATOR, status("False", "Registered", "Reconciling"), "/status")
        return (fields(written, OPERATOR) == {"f:status": {}}) == owned_as_one
    serve(body)
    wait_for("the API server goes by the kind as it is now", is_known)


def write_status(kube: Kube) -> None:
    """A condition goes; what is there already is not written."""
    changed = apply(kube, OPERATOR, status("True", "Registered"), "/status")
    assert [each["type"] for each in changed["status"]["conditions"]] == ["Ready", "Registered"]
    again = apply(kube, OPERATOR, status("True", "Registered"), "/status")
    assert again["metadata"]["resourceVersion"] == changed["metadata"]["resourceVersion"]


def write_spec(kube: Kube, spec: dict) -> dict:
    """By the one who has applied it, who need not force it."""
    return apply(kube, "user", runner(spec=spec), force=False)["spec"]


def test_the_kind_is_upgraded_and_taken_back(kube: Kube, former_kind: None) -> None:
    """An upgrade is as if it had always been so. The API server knows no way back: what the first write leaves out stays, so
    the newer kind should stay (docs/upgrade.md); but every write succeeds, and the newer kind puts it right again."""
    write_spec(kube, SPEC)
    before = fields(apply(kube, OPERATOR, status("False", "Registered"), "/status"), "user")["f:spec"]
    assert before["f:nodeSelector"] != {} and before["f:cache"] != {}
    for body, owned_as_one in (kind(), True), (kind(as_0_1_0_had_it), False), (kind(), True):
        serve_and_wait(kube, body, owned_as_one)
        write_status(kube)
        for spec in EDITED, SPEC:
            now = write_spec(kube, spec)
            assert not owned_as_one or [now[part] for part in PARTS] == [spec[part] for part in PARTS]
        assert fields(checked(kube.call("GET", PATH)), "user")["f:spec"]["f:cache"] == {} or not owned_as_one
