"""The kind as the API server serves it: what it refuses and in which words, what it fills in, what it explains."""
from __future__ import annotations

import json

import pytest

from cluster import ROOT, kubectl, refused, wait_for
from gitlab_admin import GitLabAdmin
from places import Place

TOKEN = {"registrationTokenSecretRef": {"name": "gitlab"}}
ACCESS = {"accessTokenSecretRef": {"name": "gitlab"}}
KNOWN_TO_GITLAB = "use authentication.accessTokenSecretRef, which can push them"


def volume(**entry: object) -> dict:
    return {"volumes": [{"name": "v", "mountPath": "/v"} | entry]}


BAD = [
    ({"url": None}, "spec.url: Required value"),
    ({"url": "my.gitlab.com"}, "must be http:// or https://, a host, and if need be a port and a path; nothing else"),
    ({"url": "https://user:pass@my.gitlab.com"}, "spec.url"),
    ({"url": "https://my.gitlab.com?x=1"}, "spec.url"),
    ({"authentication": None}, "spec.authentication: Required value"),
    ({"authentication": {}}, "spec.authentication: Invalid value: must have exactly one of accessTokenSecretRef"),
    ({"authentication": TOKEN | ACCESS}, "must have exactly one of"),
    ({"authentication": {"registrationTokenSecretRef": {}}}, "registrationTokenSecretRef.name: Required value"),
    ({"authentication": {"registrationTokenSecretRef": "g-token"}}, "registrationTokenSecretRef"),
    ({"scope": {"type": "Instance"}}, "spec.scope: Invalid value: goes with authentication.accessTokenSecretRef only"),
    ({"authentication": ACCESS}, "spec.scope is required with authentication.accessTokenSecretRef: set type to"),
    ({"authentication": ACCESS, "scope": {"type": "Group"}}, "groupId is required with the type Group"),
    ({"authentication": ACCESS, "scope": {"type": "Project", "groupId": 1}}, "projectId is required with the type"),
    ({"authentication": ACCESS, "scope": {"type": "project", "projectId": 1}}, "supported values"),
    ({"caSecretRef": {"name": "a"}, "caConfigMapRef": {"name": "a"}}, "has both caSecretRef and caConfigMapRef: keep one"),
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
    (volume(), "must have exactly one of hostPath, persistentVolumeClaim"),
    (volume(emptyDir={}, hostPath={"path": "/"}), "must have exactly one of hostPath"),
    (volume(name="repo", emptyDir={}), "gitlab-runner has volumes named repo, scripts and logs of its own"),
    (volume(emptyDir={}, readOnly=True), "an emptyDir begins empty, so it cannot be read-only"),
    (volume(mountPath="v", emptyDir={}), "spec.volumes[0].mountPath"),
    ({"volumes": [{"name": n, "mountPath": f"/{n}", "secret": {"secretName": "s"}} for n in "ab"]},
     "two entries become one volume of the job's pod"),
    ({"resources": {"limits": {"cpu": "much"}}}, "spec.resources.limits.cpu"),
    ({"pullPolicy": ["Sometimes"]}, "spec.pullPolicy[0]"),
    ({"environment": [{"name": "A=B", "value": ""}]}, "spec.environment[0].name"),
    ({"manager": {"replicas": -1}}, "spec.manager.replicas"),
    ({"manager": {"env": [{"name": "HOME", "value": "/"}]}}, "HOME and POD_UID are set by the operator: take them out"),
    ({"deletionPolicy": "Keep"}, "Delete"),
]


pytestmark = pytest.mark.usefixtures("operator")    # which installs the kind


def manifest(**spec: object) -> str:
    """For what is refused, or only tried: nothing is stored."""
    base = {"url": "https://gitlab.example.com", "authentication": TOKEN}
    return json.dumps({
        "apiVersion": "gitlab-runners.dev/v1beta1", "kind": "GitLabRunner",
        "metadata": {"name": "builds", "namespace": "default"},
        "spec": {key: value for key, value in (base | spec).items() if value is not None}})


@pytest.mark.parametrize("spec, message", BAD, ids=[json.dumps(spec)[:60] for spec, _ in BAD])
def test_a_bad_object_is_refused_with_field_and_remedy(spec: dict, message: str) -> None:
    assert message in refused("create", "--dry-run=server", "-f", "-", stdin=manifest(**spec))


def test_an_unknown_field_is_refused_by_name() -> None:
    message = refused("create", "--dry-run=server", "-f", "-", stdin=manifest(nodeselector={"a": "b"}))
    assert 'unknown field "spec.nodeselector"' in message


def test_a_name_that_is_too_long_is_refused() -> None:
    body = json.loads(manifest())
    body["metadata"]["name"] = "a" * 201
    assert "may have 200 characters at most" in refused("create", "--dry-run=server", "-f", "-", stdin=json.dumps(body))


def test_defaults_are_filled_in() -> None:
    stored = json.loads(kubectl("create", "--dry-run=server", "-o", "json", "-f", "-", stdin=manifest()))
    spec = stored["spec"]
    assert spec["authentication"]["registrationTokenSecretRef"]["key"] == "runner-registration-token"
    assert (spec["concurrent"], spec["checkIntervalSeconds"], spec["deletionPolicy"]) == (10, 3, "Delete")
    assert spec["manager"] == {"replicas": 1, "terminationGracePeriodSeconds": 3600}
    assert stored["status"] == {"observedGeneration": -1}


def test_kubectl_explains_every_field() -> None:
    text = kubectl("explain", "glr.spec", "--recursive")
    assert "nodeSelector" in text and "deregistrationDeadlineSeconds" in text
    assert "must be opened by its owner" in " ".join(kubectl("explain", "glr.spec.namespace").split())
    crd = json.loads(kubectl("get", "crd", "gitlabrunners.gitlab-runners.dev", "-o", "json"))
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    assert list(undescribed(schema["properties"]["spec"], "spec")) == []


def undescribed(schema: dict, path: str):
    """Paths of the properties without a description, apart from PodSpec shapes' plain maps."""
    for name, child in schema.get("properties", {}).items():
        if "description" not in child:
            yield f"{path}.{name}"
        yield from undescribed(child, f"{path}.{name}")
    if "properties" in schema.get("items", {}):
        yield from undescribed(schema["items"], path + "[]")


def test_it_is_small_enough_for_client_side_apply() -> None:
    assert (ROOT / "crds/gitlabrunners.yaml").stat().st_size < 200 * 1024


def test_kubectl_scale_sets_the_number_of_managers(ci: Place, gitlab: GitLabAdmin) -> None:
    ci.registration_token()
    runner = ci.unmanned()
    runner.wait()
    kubectl("scale", "glr/builds", "--replicas=2", "-n", ci.name)
    wait_for("the Deployment follows", lambda: runner.child("manager")["spec"]["replicas"] == 2, 10)
    scale = ci.kube.call("GET", f"apis/gitlab-runners.dev/v1beta1/namespaces/{ci.name}/gitlabrunners/builds/scale").json()
    assert scale["spec"]["replicas"] == 2
    assert scale["status"]["selector"] == "app.kubernetes.io/name=gitlab-runner,gitlab-runners.dev/runner=builds"
    runner.wait()
    assert runner.status()["replicas"] == runner.status()["readyReplicas"] == 2
    pods = ci.kube.list("Pod", ci.name, scale["status"]["selector"])
    assert len(pods) == 2


def test_an_edit_that_breaks_a_rule_leaves_the_object_as_it_was(ci: Place, gitlab: GitLabAdmin) -> None:
    ci.registration_token()
    runner = ci.unmanned()
    message = refused("patch", "glr", "builds", "-n", ci.name, "--type=merge", "-p", '{"spec": {"url": "gitlab"}}')
    assert "must be http:// or https://" in message
    runner.wait()


def test_users_cannot_write_the_status_by_apply(ci: Place, gitlab: GitLabAdmin) -> None:
    ci.registration_token()
    runner = ci.unmanned()
    runner.wait()
    before = runner.status()
    ci.kube.patch("GitLabRunner", "builds", {"status": {"runnerId": 77}}, ci.name)
    assert runner.status() == before
