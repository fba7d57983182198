"""Every bound of every field is kept by the API server, which says where and why: tried for each, by the schema."""
from __future__ import annotations

import copy
import json
from collections.abc import Iterator

import pytest
import yaml

from cluster import ROOT, Kube, checked, kubectl, refused, wait_for
from schema_values import SAYS, Bad, bad_values, dotted, put
from test_crd import CRD, MINIMAL, children, manifest, offer

DEFINITION = yaml.safe_load((ROOT / "crds/gitlabrunners.yaml").read_text())
SCHEMA = DEFINITION["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
ALL_BAD = list(bad_values(SCHEMA["properties"]["spec"], ("spec",)))

pytestmark = pytest.mark.usefixtures("operator")    # which installs the kind


# ----------------------------------------------------------------------------------------------------------------------
# Values


def test_each_bound_of_each_field_has_its_message(kube: Kube) -> None:
    """A value that breaks it, and nothing else has to be wrong with the object than what is around that value."""
    wrong = [(str(bad), message) for bad in ALL_BAD if (message := not_as_told(kube, bad))]
    assert wrong == [], f"{len(wrong)} of {len(ALL_BAD)}"


def not_as_told(kube: Kube, bad: Bad) -> str | None:
    """What the API server says, unless it names the field and the bound."""
    answer = offer(kube, put(MINIMAL, bad))
    said = answer.json().get("message", "")
    _, field, rest = said.partition(f"{dotted(bad.path)}: ")
    told = answer.status_code == 422 and field and SAYS[bad.word].format(bad.bound) in rest
    return None if told else f"{answer.status_code} {said[:300]}"


def test_the_table_has_every_field(kube: Kube) -> None:
    """Of the type alone there is a bad value for each."""
    tried = {bad.path for bad in ALL_BAD if bad.word == "type"}
    assert {path for path in paths(SCHEMA["properties"]["spec"], ("spec",))} == tried
    assert len(ALL_BAD) > 350, "rows of the table"


def paths(schema: dict, path: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    if "type" in schema:
        yield path
    for name, child in schema.get("properties", {}).items():
        yield from paths(child, (*path, name))
    for word, step in (("items", 0), ("additionalProperties", "key")):
        if isinstance(schema.get(word), dict):
            yield from paths(schema[word], (*path, step))


def test_every_value_has_a_bound() -> None:
    """Text a length, a list its entries, a map its keys, a number its least; else rules cost what nobody can tell, and
    one object what nobody has. What is free-form has its first level bounded here, and the rest in the operator."""
    for part in ("spec", "status"):
        assert list(unbounded(SCHEMA["properties"][part], part)) == []
    assert sorted(free_form(SCHEMA["properties"]["spec"], "spec")) == FREE_FORM


FREE_FORM = [               # GitLab's own settings, and parts of PodSpec that the API server checks in the Deployment
    "spec.config", "spec.manager.affinity", "spec.manager.env.[].valueFrom", "spec.manager.envFrom.[]",
    "spec.manager.podSpec", "spec.manager.topologySpreadConstraints.[]",
]


def free_form(schema: dict, path: str) -> Iterator[str]:
    if schema.get("x-kubernetes-preserve-unknown-fields"):
        yield path
        return
    for name, child in children(schema):
        yield from free_form(child, f"{path}.{name}")


BOUND = {"string": ("maxLength", "enum"), "array": ("maxItems",), "integer": ("minimum",)}


def unbounded(schema: dict, path: str) -> Iterator[str]:
    if not any(word in schema for word in BOUND.get(schema.get("type", ""), schema)):
        yield path
    is_map = isinstance(schema.get("additionalProperties"), dict) or schema.get("x-kubernetes-preserve-unknown-fields")
    if is_map and "maxProperties" not in schema:
        yield path
    for name, child in children(schema):
        yield from unbounded(child, f"{path}.{name}")


# ----------------------------------------------------------------------------------------------------------------------
# Rules


def rules(schema: dict) -> Iterator[dict]:
    yield from schema.get("x-kubernetes-validations", [])
    for _, child in children(schema):
        yield from rules(child)


def test_the_rules_cost_a_tenth_of_what_they_may(kube: Kube) -> None:
    """The API server adds up what the rules can cost at most; with ten times each of them it still takes the kind."""
    more = copy.deepcopy(DEFINITION)
    for schema in ruled(more["spec"]["versions"][0]["schema"]["openAPIV3Schema"]):
        for rule in schema["x-kubernetes-validations"]:
            rule["rule"] = " && ".join([f"({rule['rule']})"] * 10)
    assert checked(dry_update(kube, more))


def test_lists_may_grow_and_the_rules_stay_affordable(kube: Kube) -> None:
    """Twice as many entries of each list and map, twice as long texts."""
    more = copy.deepcopy(DEFINITION)
    double(more["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"])
    assert checked(dry_update(kube, more))


def ruled(schema: dict) -> Iterator[dict]:
    if "x-kubernetes-validations" in schema:
        yield schema
    for _, child in children(schema):
        yield from ruled(child)


def double(schema: dict) -> None:
    for word in ("maxItems", "maxProperties", "maxLength"):
        if word in schema:
            schema[word] *= 2
    for _, child in children(schema):
        double(child)


def dry_update(kube: Kube, definition: dict):
    """As an update, since a kind of that name is there."""
    current = kube.get("CustomResourceDefinition", CRD)
    body = definition | {"metadata": {"name": CRD, "resourceVersion": current["metadata"]["resourceVersion"]}}
    return kube.call("PUT", kube.path("CustomResourceDefinition", None, CRD), json=body, params={"dryRun": "All"})


def test_the_field_of_a_rule_is_in_its_message() -> None:
    """Whoever reads it in a log without the rest knows what to do."""
    for rule in rules(SCHEMA):
        assert len(rule["message"].split()) > 2, rule


# ----------------------------------------------------------------------------------------------------------------------
# What may change: everything, so no object has to be made anew


@pytest.mark.parametrize("change, message", [
    ({"authentication": {"registrationTokenSecretRef": None}}, "must have exactly one of"),
    ({"manager": {"replicas": -1}}, "spec.manager.replicas"),
    ({"url": "gitlab"}, "must be http:// or https://"),
])
def test_an_edit_is_checked_as_a_new_object_is(change: dict, message: str, kube: Kube, ci) -> None:
    ci.unmanned(suspend=True)
    said = refused("patch", "glr", "builds", "-n", ci.name, "--type=merge", "-p", json.dumps({"spec": change}))
    assert message in said


def test_an_object_of_former_days_can_still_be_edited(kube: Kube, ci) -> None:
    """A value that was let in before its bound was there does not stand in the way of other edits."""
    kind = kube.get("CustomResourceDefinition", CRD)
    loose = copy.deepcopy(kind)
    spec = loose["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    spec["properties"]["concurrent"]["maximum"] *= 2
    try:
        checked(kube.call("PUT", kube.path("CustomResourceDefinition", None, CRD), json=loose))
        wait_for("a larger value is let in", lambda: offer(kube, json.loads(manifest(concurrent=100_001))).ok)
        runner = ci.unmanned(concurrent=100_001)
    finally:
        kubectl("apply", "-f", "crds/gitlabrunners.yaml")
    wait_for("it is not any more", lambda: not offer(kube, json.loads(manifest(concurrent=100_001))).ok)
    assert "spec.concurrent" in refused("patch", "glr", "builds", "-n", ci.name, "--type=merge", "-p",
                                        json.dumps({"spec": {"concurrent": 100_002}}))
    runner.edit(image="busybox:latest")
    assert "spec.concurrent must be from 1 to 100000" in runner.wait_refused("InvalidSpec")
    runner.edit(concurrent=1, suspend=True)
    runner.wait_refused("Suspended")
