"""The kind as the API server serves it: what it refuses and in which words, what it fills in, explains and shows."""
from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator

import pytest
import requests

from cluster import ROOT, Kube, checked, kubectl, refused, wait_for
from gitlab_admin import GitLabAdmin
from operator_pod import Operator
from places import Place
from program import run

CRD = "gitlabrunners.gitlab-runners.dev"
MINIMAL = json.loads((ROOT / "tests/data/render/minimal.json").read_text())
FULL = json.loads((ROOT / "tests/data/render/full.json").read_text())
INVALID = json.loads((ROOT / "tests/data/spec/invalid.json").read_text())
VALID = json.loads((ROOT / "tests/data/spec/valid.json").read_text())
NULL = "the API server drops a null before anyone sees it; in a file it is a value that somebody forgot"
ONLY_THE_OPERATOR_REFUSES = {
    '{"manager": {"podAnnotations": {"n": null}}}': NULL,
    '{"resources": {"requests": {"memory": null}}}': NULL,
    '{"serviceAccount": {}, "namespace": "other"}': "no rule of a kind sees in which namespace an object is",
    '{"manager": {"podSpec": {"containers": [{"name": "a", "ports": [{"containerPort": 1, "protocol": "UDP"},'
    ' {"containerPort": 1}, {"containerPort": 1, "protocol": "TCP"}]}]}}}': "what is in podSpec the kind does not know",
}
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"

TOKEN = {"registrationTokenSecretRef": {"name": "gitlab"}}
ACCESS = {"accessTokenSecretRef": {"name": "gitlab"}}
KNOWN_TO_GITLAB = "use authentication.accessTokenSecretRef, which can push them"


def volume(**entry: object) -> dict:
    return {"volumes": [{"name": "v", "mountPath": "/v"} | entry]}


BAD = [
    ({"namespace": "Bad_"}, "must have at most 63 lower-case letters, digits and dashes, and begin and end with a letter or digit"),
    ({"tolerations": [{"key": "a=b"}]}, "must have no '=': a taint's key and value are two fields"),
    ({"cache": {"type": "s3", "s3": {"bucketName": "b", "serverAddress": "https://x"}}},
     "must be a host, and if need be a colon and a port; without https://"),
    ({"proxy": {"httpProxy": "http://p", "noProxy": ["a b"]}},
     "must be a host, a domain (.example.com), an address or a range (10.0.0.0/8), one an item"),
    ({"hostAliases": [{"ip": "10.0.0.1", "hostnames": ["a b"]}]},
     "must be the name of a host: letters, digits, dashes and dots"),
    ({"volumes": [{"name": "a", "mountPath": "relative", "emptyDir": {}}]},
     "must be a path that begins with / and has no colon, or one of Windows, such as C:\\cache"),
    ({"volumes": [{"name": "a", "mountPath": "/a", "nfs": {"server": "s", "path": "relative"}}]},
     "must be a path that begins with /"),
    ({"environment": [{"name": "A B", "value": "x"}]}, "must be a variable's name, without '=' and blanks"),
    ({"resources": {"requests": {"cpu": "abc"}}}, "must be a quantity such as 500m or 2Gi"),
    ({"manager": {"resources": {"limits": {"cpu": "-1"}}}}, "must be a quantity such as 500m or 2Gi"),
    ({"resources": {"requests": {"cpu": 0.5}}}, "must be of type integer,string"),
    ({"manager": {"podDisruptionBudget": {"minAvailable": "half"}}},
     "must be a number of pods or a percentage of them, such as 1 or 50%"),
    ({"url": None}, "spec.url: Required value"),
    ({"url": "my.gitlab.com"}, "must be http:// or https://, a host, and if need be a port and a path; nothing else"),
    ({"url": "https://user:pass@my.gitlab.com"}, "spec.url"),
    ({"url": "https://my.gitlab.com?x=1"}, "spec.url"),
    ({"authentication": None}, "spec.authentication: Required value"),
    ({"authentication": {}}, "spec.authentication: Invalid value: must have exactly one of accessTokenSecretRef"),
    ({"authentication": TOKEN | ACCESS}, "must have exactly one of"),
    ({"authentication": TOKEN | {"adoptRunnerId": 7}}, "goes with accessTokenSecretRef only: no other token gives a right"),
    ({"authentication": {"registrationTokenSecretRef": {}}}, "registrationTokenSecretRef.name: Required value"),
    ({"authentication": {"registrationTokenSecretRef": "g-token"}}, "registrationTokenSecretRef"),
    ({"scope": {"type": "Instance"}}, "spec.scope: Invalid value: goes with authentication.accessTokenSecretRef only"),
    ({"authentication": ACCESS}, "spec.scope is required with authentication.accessTokenSecretRef: set type to"),
    ({"authentication": ACCESS, "scope": {"type": "Group"}}, "groupId is required with the type Group"),
    ({"authentication": ACCESS, "scope": {"type": "Project", "groupId": 1}}, "projectId is required with the type"),
    ({"authentication": ACCESS, "scope": {"type": "project", "projectId": 1}}, "supported values"),
    ({"caSecretRef": {"name": "a"}, "caConfigMapRef": {"name": "a"}},
     "has both caSecretRef and caConfigMapRef: keep one"),
    ({"runUntagged": False}, "spec.runUntagged: Invalid value: is false and spec.tags is empty"),
    ({"tags": ["a", "a"]}, "spec.tags[1]: Duplicate value"),
    ({"tags": ["a,b"]}, "one tag is one item of the list"),
    ({"tags": [""]}, "spec.tags[0]"),
    ({"authentication": {"runnerTokenSecretRef": {"name": "a"}}, "tags": ["a"]}, KNOWN_TO_GITLAB),
    ({"authentication": {"runnerTokenSecretRef": {"name": "a"}}, "paused": True}, KNOWN_TO_GITLAB),
    ({"maximumTimeoutSeconds": 30}, "spec.maximumTimeoutSeconds: Invalid value: 30"),
    ({"accessLevel": "protected"}, "NotProtected"),
    ({"concurrent": 0}, "spec.concurrent"),
    ({"namespace": "No_Namespace"}, "spec.namespace"),
    ({"hostAliases": [{"ip": "localhost", "hostnames": ["a"]}]}, "must be an IPv4 or IPv6 address"),
    ({"hostAliases": [{"ip": "10.0.0.1", "hostnames": []}]}, "spec.hostAliases[0].hostnames"),
    ({"tolerations": [{"operator": "Equal"}]}, "must have a key with the operator Equal"),
    ({"tolerations": [{"key": "a", "effect": "NoSchedule"}, {"key": "a", "effect": "NoExecute"}]},
     "gitlab-runner takes one effect for a key and value: leave effect out"),
    ({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
        {"matchExpressions": [{"key": "a", "operator": "In"}]}]}}}}, "values are needed with In and NotIn"),
    ({"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{
        "topologyKey": "a", "labelSelector": {"matchExpressions": [{"key": "a", "operator": "NotIn"}]}}]}}},
     "values are needed with In and NotIn, and belong to no other operator"),
    ({"affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{}]}}},
     "requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey: Required value"),
    ({"cache": {"type": "S3", "s3": {"bucketName": "b"}}}, "spec.cache.type: Unsupported value"),
    ({"cache": {"type": "s3", "gcs": {"bucketName": "b"}}}, "s3 is required with the type s3"),
    ({"cache": {"type": "gcs", "s3": {"bucketName": "b"}}}, "gcs is required with the type gcs"),
    ({"cache": {"type": "azure"}}, "azure is required with the type azure"),
    ({"cache": {"type": "s3", "s3": {}}}, "spec.cache.s3.bucketName: Required value"),
    ({"cache": {"type": "s3", "s3": {"bucketName": "b", "accessKey": "AKIA"}}}, 'unknown field "spec.cache.s3.accessKey"'),
    ({"cache": {"type": "s3", "s3": {"bucketName": "b", "authenticationType": "access-key"}}},
     "credentialsSecretRef goes with the authenticationType access-key"),
    ({"cache": {"type": "azure", "azure": {"containerName": "c"}}}, "must have either credentialsSecretRef"),
    ({"proxy": {"noProxy": ["a"]}}, "spec.proxy: Invalid value: give httpProxy, httpsProxy or both"),
    ({"proxy": {"httpProxy": "proxy:3128"}}, "must be http://, https:// or socks5://, a host and a port"),
    ({"proxy": {"httpsProxy": "http://me:secret@proxy:3128"}}, "must have neither user nor password"),
    ({"proxy": {"httpProxy": "http://proxy", "noProxy": ["a,b"]}}, "spec.proxy.noProxy[0]"),
    (volume(), "must have exactly one of hostPath, persistentVolumeClaim"),
    (volume(emptyDir={}, hostPath={"path": "/"}), "must have exactly one of hostPath"),
    (volume(name="repo", emptyDir={}), "gitlab-runner has volumes named repo, scripts and logs of its own"),
    (volume(emptyDir={}, readOnly=True), "an emptyDir begins empty, so it cannot be read-only"),
    (volume(mountPath="v", emptyDir={}), "spec.volumes[0].mountPath"),
    (volume(mountPath="C:v", emptyDir={}), "spec.volumes[0].mountPath"),
    ({"volumes": [{"name": n, "mountPath": f"/{n}", "secret": {"secretName": "s"}} for n in "ab"]},
     "two entries become one volume of the job's pod"),
    ({"resources": {"limits": {"cpu": "much"}}}, "spec.resources.limits.cpu"),
    ({"pullPolicy": ["Sometimes"]}, "spec.pullPolicy[0]"),
    ({"environment": [{"name": "A=B", "value": ""}]}, "spec.environment[0].name"),
    ({"manager": {"replicas": -1}}, "spec.manager.replicas"),
    ({"manager": {"env": [{"name": "HOME", "value": "/"}]}}, "HOME and POD_UID are set by the operator: take them out"),
    ({"manager": {"podSpec": {"containers": [{"image": "x"}]}}}, "spec.manager.podSpec.containers[0].name"),
    ({"manager": {"podSpec": {"containers": [{"name": "manager", "command": ["x"]}]}}},
     "command and args of the container manager are the operator's"),
    ({"manager": {"podSpec": {"serviceAccountName": "x"}}}, "use manager.serviceAccountName, so that it gets the rights"),
    ({"manager": {"podDisruptionBudget": {}}}, "must have either minAvailable or maxUnavailable"),
    ({"manager": {"podDisruptionBudget": {"minAvailable": "many"}}}, "spec.manager.podDisruptionBudget.minAvailable"),
    ({"deletionPolicy": "Keep"}, "Delete"),
]


pytestmark = pytest.mark.usefixtures("operator")    # which installs the kind


def manifest(ns: str = "default", **spec: object) -> str:
    """Of `builds`; what is None is left out."""
    base = {"url": "https://gitlab.example.com", "authentication": TOKEN}
    return json.dumps({
        "apiVersion": "gitlab-runners.dev/v1beta1", "kind": "GitLabRunner",
        "metadata": {"name": "builds", "namespace": ns},
        "spec": {key: value for key, value in (base | spec).items() if value is not None}})


def changed(body: dict, change: dict) -> dict:
    """With a merge patch."""
    body = copy.deepcopy(body)
    for key, value in change.items():
        if isinstance(value, dict) and isinstance(body.get(key), dict):
            body[key] = changed(body[key], value)
        elif value is None:
            body.pop(key, None)
        else:
            body[key] = value
    return body


def offer(kube: Kube, body: dict, ns: str = "default", **headers: str) -> requests.Response:
    """As kubectl would create it; nothing is stored."""
    body = changed(body, {"metadata": {"namespace": None}} if "metadata" in body else {})
    return kube.call("POST", kube.path("GitLabRunner", ns), json=body,
                     params={"dryRun": "All", "fieldValidation": "Strict"}, headers=headers)


@pytest.fixture(scope="module")
def schema(kube: Kube, operator: Operator) -> dict:
    return kube.get("CustomResourceDefinition", CRD)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]


# ----------------------------------------------------------------------------------------------------------------------
# What it refuses


@pytest.mark.parametrize("spec, message", BAD, ids=[json.dumps(spec)[:60] for spec, _ in BAD])
def test_a_bad_object_is_refused_with_field_and_remedy(spec: dict, message: str, operator: Operator) -> None:
    assert message in refused("create", "--dry-run=server", "-f", "-", stdin=manifest(**spec))
    run("validate", "-f", "-", stdin=manifest(**spec), code=3)


def test_each_rule_has_a_bad_object_with_its_message(kube: Kube, schema: dict) -> None:
    objects = [json.loads(manifest(**spec)) for spec, _ in BAD] + [changed(MINIMAL, c["change"]) for c in INVALID]
    said = "\n".join(offer(kube, body).json().get("message", "") for body in objects)
    assert [message for message in rules(schema) if message not in said] == []


def rules(schema: dict) -> Iterator[str]:
    yield from (rule["message"] for rule in schema.get("x-kubernetes-validations", []))
    for _, child in children(schema):
        yield from rules(child)


def children(schema: dict) -> Iterator[tuple[str, dict]]:
    yield from schema.get("properties", {}).items()
    for word in ("items", "additionalProperties"):
        if isinstance(schema.get(word), dict):
            yield "[]", schema[word]


def test_what_the_operator_refuses_the_api_server_refuses(kube: Kube, operator: Operator) -> None:
    accepted = []
    for case in INVALID:
        answer = offer(kube, changed(MINIMAL, case["change"]))
        if answer.ok:
            accepted.append(json.dumps(case["change"]["spec"]))
        elif field := re.match(r"(?:spec|metadata)\.(\w+)", case["error"]):
            assert field[1] in answer.json()["message"], case
    assert accepted == list(ONLY_THE_OPERATOR_REFUSES)


def test_what_the_operator_takes_the_api_server_takes(kube: Kube, ci: Place) -> None:
    """Where managers may have what the policy of the installation refuses elsewhere."""
    kube.patch("Namespace", ci.name, {"metadata": {"labels": {"gitlab-runners.dev/allow-privileged": "true"}}})
    for body in [FULL, *(changed(MINIMAL, change) for change in VALID)]:
        checked(offer(kube, body, ci.name))
        run("validate", "-f", "-", stdin=json.dumps(body))


def test_an_unknown_field_is_refused_by_name(operator: Operator) -> None:
    message = refused("create", "--dry-run=server", "-f", "-", stdin=manifest(nodeselector={"a": "b"}))
    assert 'unknown field "spec.nodeselector"' in message


def test_nobody_but_the_operator_writes_the_status(ci: Place) -> None:
    """As a user would: by applying what `kubectl get -o yaml` has shown."""
    runner = ci.unmanned()
    runner.wait_refused("SecretNotFound")
    runner.kube.patch("GitLabRunner", "builds", {"status": {"runnerId": 99}, "spec": {"paused": True}}, ci.name)
    wait_for("the edit is seen", lambda: runner.status()["observedGeneration"] == 2)
    assert "runnerId" not in runner.status()


# ----------------------------------------------------------------------------------------------------------------------
# What it fills in and explains

DEFAULTS = {"concurrent": 10, "checkIntervalSeconds": 3, "serverCheckPeriodSeconds": 600, "deletionPolicy": "Delete",
            "deregistrationDeadlineSeconds": 900, "manager": {"replicas": 1, "terminationGracePeriodSeconds": 3600}}


@pytest.mark.parametrize("by, key, more", [
    ("registrationToken", "runner-registration-token", {}),
    ("accessToken", "access-token", {"scope": {"type": "Instance"}}),
    ("runnerToken", "runner-token", {})], ids=["registrationToken", "accessToken", "runnerToken"])
def test_defaults_are_filled_in(by: str, key: str, more: dict, kube: Kube, operator: Operator) -> None:
    name = f"{by}SecretRef"
    body = json.loads(manifest(authentication={name: {"name": "gitlab"}}, caSecretRef={"name": "ca"},
                               tolerations=[{"operator": "Exists"}], **more))
    stored = checked(offer(kube, body))
    waiting, = stored["status"].pop("conditions")
    assert (waiting["type"], waiting["status"], waiting["reason"]) == ("Ready", "Unknown", "WaitingForOperator")
    assert "waiting for the operator" in waiting["message"] and stored["status"] == {"observedGeneration": -1}
    assert stored["spec"] == body["spec"] | DEFAULTS | {
        "authentication": {name: {"name": "gitlab", "key": key}}, "caSecretRef": {"name": "ca", "key": "ca.crt"},
        "tolerations": [{"key": "", "operator": "Exists", "value": ""}]}


def test_kubectl_explains_every_field(schema: dict) -> None:
    assert [path for path in unexplained(schema, "") if path != ".metadata"] == []
    shown = kubectl("explain", "glr.spec", "--recursive")
    assert [name for name in schema["properties"]["spec"]["properties"] if f"  {name}\t" not in shown] == []
    assert "must be opened by its owner" in " ".join(kubectl("explain", "glr.spec.namespace").split())


def unexplained(schema: dict, path: str) -> Iterator[str]:
    """Properties without a sentence."""
    for name, child in children(schema):
        inner = f"{path}[]" if name == "[]" else f"{path}.{name}"
        if name != "[]" and not re.fullmatch("[A-Z].*[.]", child.get("description", ""), re.DOTALL):
            yield inner
        yield from unexplained(child, inner)


def test_it_can_be_applied_by_the_client(kube: Kube, operator: Operator) -> None:
    """All annotations together may have 256 KiB, and what was applied last is one of them."""
    notes = kube.get("CustomResourceDefinition", CRD)["metadata"]["annotations"]
    assert len(notes["kubectl.kubernetes.io/last-applied-configuration"]) < 200 * 1024


# ----------------------------------------------------------------------------------------------------------------------
# What it shows


def path_of(place: Place) -> str:
    return f"apis/gitlab-runners.dev/v1beta1/namespaces/{place.name}/gitlabrunners/builds"


def cells(answer: requests.Response) -> dict[str, object]:
    """Of the first line of a table."""
    table = checked(answer)
    return dict(zip((column["name"] for column in table["columnDefinitions"]), table["rows"][0]["cells"]))


def test_columns_of_an_object_that_nobody_has_looked_at(kube: Kube, operator: Operator) -> None:
    answer = offer(kube, json.loads(manifest(image="busybox", tags=["a"])), Accept=TABLE)
    wide = {column["name"] for column in answer.json()["columnDefinitions"] if column["priority"]}
    assert wide == {"URL", "Token-Expires", "Image"}
    shown = cells(answer)
    assert {name: shown[name] for name in shown if shown[name]} == {
        "Name": "builds", "Ready": "Unknown", "Status": "WaitingForOperator", "Age": shown["Age"],
        "URL": "https://gitlab.example.com", "Image": "busybox"}


def test_a_column_tells_when_the_token_expires(ci: Place, gitlab: GitLabAdmin) -> None:
    project = ci.registration_token()
    gitlab.change_project(project["id"], runner_token_expiration_interval=86_400)
    runner = ci.unmanned()
    runner.wait()
    shown = cells(ci.kube.call("GET", path_of(ci), headers={"Accept": TABLE}))
    assert shown["Token-Expires"] == runner.status()["tokenExpirationTime"]


def test_the_kind_has_short_names(ci: Place) -> None:
    ci.unmanned(suspend=True)
    for word in ("glr", "gitlab", "gitlabrunner", "gitlabrunners", "gitlabrunners.v1beta1.gitlab-runners.dev"):
        assert kubectl("get", word, "-n", ci.name, "-o", "name").strip() == "gitlabrunner.gitlab-runners.dev/builds"


# ----------------------------------------------------------------------------------------------------------------------
# How it is changed


def test_kubectl_scale_sets_the_number_of_managers(ci: Place, gitlab: GitLabAdmin) -> None:
    ci.registration_token()
    kubectl("apply", "-f", "-", stdin=manifest(ci.name, **ci.spec(manager={"podLabels": {"team": "a"}})))
    runner, = ci.runners()
    runner.wait()
    for replicas in (2, 0):
        kubectl("scale", "glr/builds", f"--replicas={replicas}", "-n", ci.name)
        wait_for(f"{replicas} managers", lambda: len(runner.managers()) == replicas)
        runner.wait()
        scale = checked(ci.kube.call("GET", path_of(ci) + "/scale"))
        assert scale["spec"].get("replicas", 0) == scale["status"]["replicas"] == replicas
        assert len(ci.kube.list("Pod", ci.name, scale["status"]["selector"])) >= replicas
        status = runner.status()
        assert (status["readyReplicas"], status["managers"]) == (replicas, f"{replicas}/{replicas}")
    assert len(gitlab.audit("POST", "/api/v4/runners")) == 1


def test_applying_again_keeps_what_was_scaled(ci: Place, gitlab: GitLabAdmin) -> None:
    """A manifest that does not say how many managers there are leaves that to autoscalers."""
    ci.registration_token()
    for image in ("busybox", "busybox:1.36"):
        kubectl("apply", "-f", "-", stdin=manifest(ci.name, **ci.spec(image=image)))
        kubectl("scale", "glr/builds", "--replicas=0", "-n", ci.name)
    runner, = ci.runners()
    body = runner.object()["spec"]
    assert (body["image"], body["manager"]["replicas"]) == ("busybox:1.36", 0)


def test_two_appliers_may_each_have_entries_of_a_list(ci: Place) -> None:
    """Such as a base and an overlay, each with a volume of its own."""
    for name in ("base", "overlay"):
        entry = {"name": name, "mountPath": f"/{name}", "emptyDir": {}}
        kubectl("apply", "--server-side", "--force-conflicts", f"--field-manager={name}", "-f", "-",
                stdin=manifest(ci.name, volumes=[entry], tags=[name], suspend=True))
    body = ci.runners()[0].object()["spec"]
    assert [entry["name"] for entry in body["volumes"]] == ["base", "overlay"] and body["tags"] == ["base", "overlay"]
