"""The chart makes what manifests/ makes, but for a closed list of differences, and refuses what is misspelt. No cluster."""
from __future__ import annotations

import copy
import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from cluster import ROOT, kubectl
from operator_pod import NAME, NAMESPACE
from program import run
from release.helm import CHART, IMAGE, LINES, helm, loaded, refusal, run_helm, template

VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
LABELS = ("app.kubernetes.io/instance", "app.kubernetes.io/managed-by", "app.kubernetes.io/name", "app.kubernetes.io/part-of",
          "app.kubernetes.io/version", "helm.sh/chart")
CLUSTERS = ("ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "FlowSchema", "ValidatingAdmissionPolicy",
            "ValidatingAdmissionPolicyBinding")
KEPT = {("CustomResourceDefinition", "gitlabrunners.gitlab-runners.dev"), ("Secret", "gitlab-runner-orphans"),
        ("ClusterRole", "gitlab-runner-executor"), ("ClusterRole", "gitlab-runner-executor-autoscaler"),
        ("ClusterRole", "gitlab-runner-executor-pod-disruption-budget"),
        ("ClusterRole", "gitlab-runner-executor-suspendable-environments")}
PROXY = {"proxy": "http://proxy.example.com:3128", "noProxy": [".svc", ".cluster.local", "10.0.0.0/8"],
         "proxyAuthSecretName": "gitlab-proxy"}

BY_RELEASE = {"enabled": True, "labels": {"release": "kube-prometheus-stack"}}
WATCHED = {"podMonitor": BY_RELEASE, "prometheusRule": BY_RELEASE,
           "dashboard": {"enabled": True, "labels": {"release": "kube-prometheus-stack"}}}

# Overlay, components beside it, and the values that say the same.
SAME = [
    ("default", [], {}),
    ("ha", [], {"replicaCount": 2}),
    ("namespaced", [], {"namespaces": ["ci"]}),
    ("secrets-referenced", [], {"secrets": "referenced"}),
    ("gitlab-proxy", [], {"gitlab": PROXY}),
    ("hardened", [], {"gitlab": {"requireHTTPS": True}, "admissionPolicies": {"jobs": True, "namespaces": True}}),
    ("default", ["metrics-auth"], {"metricsAuth": True}),
    ("default", ["page-auth"], {"pageAuth": {"enabled": True}}),
    ("default+monitoring", [], WATCHED),
    ("default+monitoring", ["monitoring/service-monitor"], WATCHED | {
        "serviceMonitor": {"enabled": True, "labels": {"release": "kube-prometheus-stack"}}}),
    ("default+monitoring", ["monitoring/metrics-auth"], WATCHED | {"metricsAuth": True}),
    ("ha", ["network-policies"], {"replicaCount": 2, "networkPolicy": {"enabled": True}}),
]


def kustomized(folder: Path, overlay: str, components: list[str]) -> list[dict]:
    up = os.path.relpath(ROOT / "manifests", folder)
    resources = [f"{up}/{name}" for name in overlay.split("+")]
    (folder / "kustomization.yaml").write_text(json.dumps({
        "namespace": NAMESPACE, "resources": resources, "components": [f"{up}/{name}" for name in components]}
        if components else {"resources": resources}))
    return loaded(kubectl("kustomize", str(folder)))


def without_differences(bodies: list[dict]) -> dict[tuple[str, str, str], dict]:
    """The closed list: labels of the object itself; the Namespace, which helm makes on demand; what stays; and the namespace
    that kustomize writes into objects that have none."""
    found = {}
    for body in copy.deepcopy(bodies):
        meta, kind = body["metadata"], body["kind"]
        if kind == "Namespace":
            continue
        if kind in CLUSTERS:
            meta.pop("namespace", None)
        meta["labels"] = {name: text for name, text in meta.get("labels", {}).items() if name not in LABELS}
        meta["annotations"] = {name: text for name, text in meta.get("annotations", {}).items()
                               if name != "helm.sh/resource-policy"}
        key = kind, meta.get("namespace", ""), meta["name"]
        assert key not in found, f"{key} is there twice"
        found[key] = body
    return found


def image_of(bodies: list[dict]) -> dict[str, str]:
    deployment, = (body for body in bodies if body["kind"] == "Deployment")
    repository, _, tag = deployment["spec"]["template"]["spec"]["containers"][0]["image"].rpartition(":")
    return {"repository": repository.partition("@")[0], "tag": tag}


@pytest.mark.parametrize("overlay, components, values", SAME, ids=["+".join([row[0], *row[1]]) for row in SAME])
def test_the_chart_makes_what_kustomize_makes(overlay: str, components: list[str], values: dict, tmp_path: Path) -> None:
    wanted = kustomized(tmp_path, overlay, components)
    digest = {"digest": "sha256:" + tag} if len(tag := image_of(wanted)["tag"]) == 64 else {"tag": tag}
    made = template({"image": {"repository": image_of(wanted)["repository"]} | digest} | values)
    ours, theirs = without_differences(made), without_differences(wanted)
    assert sorted(ours) == sorted(theirs)
    for key, body in theirs.items():
        assert ours[key] == body, key


def test_helm_3_makes_the_same() -> None:
    assert template(EVERYTHING, line="helm3") == template(EVERYTHING)


def test_what_stays_is_said_and_nothing_else_does() -> None:
    def kept(values: dict) -> set[tuple[str, str]]:
        return {(body["kind"], body["metadata"]["name"]) for body in template(values)
                if body["metadata"].get("annotations", {}).get("helm.sh/resource-policy") == "keep"}
    assert kept({}) == KEPT
    assert kept({"crds": {"keep": False}}) == {("Secret", "gitlab-runner-orphans")}, "what it has are others' tokens"
    assert not [body for body in template({"crds": {"install": False}}) if body["kind"] == "CustomResourceDefinition"]
    ledger, = (body for body in template({}) if body["kind"] == "Secret")
    assert set(ledger) == {"apiVersion", "kind", "metadata"}, "its data is the operator's"


@pytest.mark.parametrize("line", LINES)
def test_lint_finds_nothing(line: str) -> None:
    assert "0 chart(s) failed" in helm("lint", "--strict", CHART, line=line)


@pytest.mark.parametrize("line", LINES)
def test_without_a_registry_one_sentence_says_what_to_do(line: str) -> None:
    said = refusal({}, line)
    assert "image.repository is not set: push the operator's image" in said and "--set image.repository=" in said


def test_kubernetes_without_these_policies_is_told() -> None:
    words = ["template", "runners", CHART, "--set", "image.repository=a/b", "--kube-version", "1.29.3"]
    assert "--set admissionPolicies.enabled=false" in run_helm(*words).stderr
    assert "ValidatingAdmissionPolicy" not in helm(*words, "--set", "admissionPolicies.enabled=false")


# ----------------------------------------------------------------------------------------------------------------------
# Values


SCHEMA = json.loads((CHART / "values.schema.json").read_text())
DEFINITIONS = SCHEMA["definitions"]


def schema_rows(schema: dict, at: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], dict]]:
    """Path and schema of each value that has a name."""
    for name, part in schema.get("properties", {}).items():
        part = DEFINITIONS[part["$ref"].rpartition("/")[2]] if "$ref" in part else part
        yield (*at, name), part
        yield from schema_rows(part, (*at, name))


PATHS = dict(schema_rows(SCHEMA))
OPEN = ("podSecurityContext", "securityContext", "resources")       # Kubernetes' own: the API server looks into them


def value_paths(values: dict, at: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, value in values.items():
        yield (*at, name)
        if isinstance(value, dict) and name not in OPEN:
            yield from value_paths(value, (*at, name))


def nested(path: tuple[str, ...], value: object) -> dict:
    for name in reversed(path):
        value = {name: value}
    return value


def test_each_value_has_a_row_in_the_schema_and_each_row_a_value() -> None:
    known = {path for path in PATHS if path[0] not in ("global", "enabled", "resources", "affinity")}
    assert known == {path for path in value_paths(VALUES) if path[0] not in ("resources", "affinity")}


def refused_at(said: str) -> set[tuple[str, ...]]:
    """helm tells all that it has against the values at once: "- at '/gitlab/proxy': got number, want string"."""
    return {tuple(filter(None, at.split("/"))) for at in re.findall(r"^ *- at '(.*?)': (?!validation failed)", said, re.M)}


def merged(values: list[dict]) -> dict:
    found: dict = {}
    for each in values:
        for name, value in each.items():
            known = found.get(name)
            found[name] = merged([known, value]) if isinstance(known, dict) and isinstance(value, dict) else value
    return found


@pytest.mark.parametrize("line", LINES)
def test_a_misspelt_value_is_refused_wherever_it_stands(line: str) -> None:
    closed = {(), *(path for path, row in PATHS.items() if "properties" in row)}
    said = refusal(merged([{"image": IMAGE}, *(nested((*path, "mispelt"), True) for path in closed)]), line)
    assert "mispelt" in said and refused_at(said) == closed


WRONG = {"string": 7, "boolean": "yes", "integer": "two", "array": {"a": 1}, "object": ["a"]}


@pytest.mark.parametrize("inner", [False, True], ids=["top", "inner"])
def test_a_value_of_another_type_is_refused(inner: bool) -> None:
    rows = {path: row for path, row in PATHS.items() if (len(path) > 1) == inner}
    said = refusal(merged([{"image": IMAGE}, *(nested(path, WRONG[row.get("type", "string")]) for path, row in rows.items())]))
    assert refused_at(said) == set(rows)


REFUSED = {
    "replicaCount": -1, "namespaces": ["CI"], "secrets": "some", "extraArgs": ["require-https"], "fullnameOverride": "Not a name",
    "image": {"repository": "https://registry.example.com/x"}, "gitlab": {"proxy": "proxy.example.com:3128"},
    "networkPolicy": {"gitlabPorts": [70000]}, "imagePullSecrets": ["my-registry"], "podLabels": {"a": 1},
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_value_that_makes_no_sense_is_refused(name: str) -> None:
    assert name in refusal({"image": IMAGE} | {name: REFUSED[name]})


@pytest.mark.parametrize("proxy", ["http://user:password@proxy.example.com:3128", "socks5://proxy.example.com"])
def test_the_chart_refuses_a_proxy_that_the_operator_would(proxy: str) -> None:
    assert "/gitlab/proxy" in refusal({"image": IMAGE, "gitlab": {"proxy": proxy}})
    assert "--gitlab-proxy" in run("run", f"--gitlab-proxy={proxy}", code=2).stderr


def test_what_an_older_chart_did_not_know_may_be_missing(tmp_path: Path) -> None:
    """As after `helm upgrade --reuse-values`: the values are those of the former chart alone. The safe way is the default."""
    chart = tmp_path / "chart"
    shutil.copytree(CHART, chart)
    (chart / "values.yaml").write_text(yaml.safe_dump({name: VALUES[name] for name in OPEN}))
    ours, theirs = without_differences(template({}, chart)), without_differences(template({}))
    assert ours == theirs


def test_it_is_part_of_another_chart(tmp_path: Path) -> None:
    (tmp_path / "Chart.yaml").write_text(yaml.safe_dump({
        "apiVersion": "v2", "name": "platform", "version": "1.0.0", "dependencies": [
            {"name": NAME, "version": ">=0-0", "repository": f"file://{CHART}", "condition": f"{NAME}.enabled"}]}))
    (tmp_path / "values.yaml").write_text(yaml.safe_dump({
        "global": {"imageRegistry": "registry.example.com"}, NAME: {"enabled": True, "image": IMAGE}}))
    helm("dependency", "build", tmp_path)
    made = template({}, tmp_path)
    assert without_differences(made) == without_differences(template({}))
    assert helm("template", "x", tmp_path, "--set", f"{NAME}.enabled=false").strip() == ""
    assert "mispelt" in run_helm("template", "x", tmp_path, "--set", f"{NAME}.mispelt=1").stderr


EVERYTHING = {
    "namespaces": ["ci", "team-a"], "secrets": "referenced", "metricsAuth": True, "replicaCount": 3,
    "gitlab": PROXY | {"allowedHosts": ["gitlab.example.com", "*.example.org:8443"], "requireHTTPS": True},
}


def test_the_options_are_those_that_the_operator_knows() -> None:
    deployment, = (body for body in template(EVERYTHING) if body["kind"] == "Deployment")
    args = deployment["spec"]["template"]["spec"]["containers"][0]["args"]
    known = set(re.findall(r"^  (--[a-z-]+)", run("run", "--help").stdout, re.M))
    assert args[0] == "run" and {arg.partition("=")[0] for arg in args[1:]} <= known
    assert "--allowed-gitlab-hosts=gitlab.example.com,*.example.org:8443" in args and "--namespace=ci,team-a" in args


def test_another_account_is_held_by_the_same_policies() -> None:
    """Whatever it is called: a policy that knows another name would let it do everything."""
    for values in {"fullnameOverride": "glr"}, {"serviceAccount": {"create": False, "name": "glr"}}:
        made = template(values | {"admissionPolicies": {"namespaces": True}, "crds": {"install": False}})
        policies = [json.dumps(body) for body in made if body["kind"] == "ValidatingAdmissionPolicy"]
        assert len(policies) == 4 and all("endsWith(':glr')" in text and f":{NAME}'" not in text for text in policies)
        subjects = [subject for body in made for subject in body.get("subjects", [])]
        assert {(subject["name"], subject["namespace"]) for subject in subjects} == {("glr", NAMESPACE)}
        flow, = (body for body in made if body["kind"] == "FlowSchema")
        assert flow["spec"]["rules"][0]["subjects"][0]["serviceAccount"] == {"name": "glr", "namespace": NAMESPACE}
        names = {(body["kind"], body["metadata"]["name"]) for body in made}
        for body in made:
            if "roleRef" in body:
                assert (body["roleRef"]["kind"], body["roleRef"]["name"]) in names
            if body["kind"] == "ValidatingAdmissionPolicyBinding":
                assert ("ValidatingAdmissionPolicy", body["spec"]["policyName"]) in names


def test_what_is_said_of_the_pod_arrives_there() -> None:
    taint = [{"key": "ops", "operator": "Exists"}]
    spread = [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}]
    made = template({
        "image": {"repository": "a/b", "digest": "sha256:" + "0" * 64}, "imagePullSecrets": [{"name": "pull"}], "tolerations": taint,
        "nodeSelector": {"ops": "true"}, "priorityClassName": "high", "topologySpreadConstraints": spread,
        "podAnnotations": {"a": "b"}, "podLabels": {"team": "x", "app.kubernetes.io/name": "other"}, "commonLabels": {"cost": "7"},
        "affinity": {"podAffinity": {}}, "extraEnv": [{"name": "A", "value": "1"}], "extraArgs": ["--log-level=debug"],
        "extraVolumes": [{"name": "v", "emptyDir": {}}], "extraVolumeMounts": [{"name": "v", "mountPath": "/v"}],
        "serviceAccount": {"annotations": {"c": "d"}}, "gitlab": PROXY, "resources": {"limits": {"memory": "1Gi"}}})
    deployment, = (body for body in made if body["kind"] == "Deployment")
    meta, pod = deployment["spec"]["template"]["metadata"], deployment["spec"]["template"]["spec"]
    container, = pod["containers"]
    assert container["image"] == "a/b@sha256:" + "0" * 64
    assert meta["labels"] == {"team": "x", "app.kubernetes.io/name": NAME} and meta["annotations"] == {"a": "b"}
    assert (pod["imagePullSecrets"], pod["tolerations"], pod["nodeSelector"]) == ([{"name": "pull"}], taint, {"ops": "true"})
    assert (pod["priorityClassName"], pod["topologySpreadConstraints"]) == ("high", spread)
    assert set(pod["affinity"]) == {"nodeAffinity", "podAffinity"}
    assert [volume["name"] for volume in pod["volumes"]] == [m["name"] for m in container["volumeMounts"]] == ["gitlab-proxy", "v"]
    assert container["env"][-1] == {"name": "A", "value": "1"} and container["args"][-1] == "--log-level=debug"
    assert container["resources"]["limits"]["memory"] == "1Gi" and "runAsUser" in pod["securityContext"]
    account, = (body for body in made if body["kind"] == "ServiceAccount")
    assert account["metadata"]["annotations"] == {"c": "d"}
    assert all(body["metadata"]["labels"]["cost"] == "7" for body in made)


def test_the_charts_version_is_the_programs() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["version"] == chart["appVersion"] and chart["version"] in run("--version").stdout
