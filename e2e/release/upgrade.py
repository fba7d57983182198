"""A running installation of an earlier release, with runners and jobs, is upgraded to what is built now, and goes back.
For `make upgrade-test`, whose script has built that release; of no other run, since the file's name is no test's."""
from __future__ import annotations

import json
import os
import re
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster import CACHE, ROOT, Kube, kubectl, kustomized, run_kubectl, wait_for, wait_kind
from gitlab_admin import GitLabAdmin
from gitlab_users import GitLabUser
from operator_pod import NAME, NAMESPACE, Operator
from places import LABEL, Place, Runner
from standin_fixtures import Standin

EARLIER = Path(os.environ["UPGRADE_FROM"])
KIND = "CustomResourceDefinition"
PIPELINE_SECONDS = 90.0
JOB = """\
compile:
  tags: [kubernetes]
  script:
    - while ! grep -q released /etc/job/gate; do sleep 0.2; done
    - echo released
"""
GATE = [{"name": "gate", "mountPath": "/etc/job", "configMap": {"name": "gate"}}]


class Release:
    """What somebody installs: manifests, and an image under a name of its own in the cluster."""

    def __init__(self, root: Path, archive: Path, image: str) -> None:
        self.objects = kustomized(str(root / "manifests/default"))
        self._archive, self._image = archive, image

    def load(self) -> None:
        ctr("images", "import", str(self._archive))
        with tarfile.open(self._archive) as archive:
            index = json.load(archive.extractfile("index.json"))
        known_as = index["manifests"][0]["annotations"]["io.containerd.image.name"]
        ctr("images", "tag", "--force", known_as, self._image)

    def apply(self, kind: bool) -> None:
        """kind: the definition of the kind, too. Returns when its operator runs, alone."""
        objects = [body for body in self.objects if kind or body["kind"] != KIND]
        for body in objects:
            if body["kind"] == "Deployment":
                body["spec"]["template"]["spec"]["containers"][0]["image"] = self._image
        kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
        wait_kind()
        kubectl("-n", NAMESPACE, "rollout", "status", f"deployment/{NAME}", "--timeout=90s")


def ctr(*words: str) -> None:
    subprocess.run(["ctr", "-n", "k8s.io", *words], check=True, stdout=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def earlier() -> Release:
    return Release(EARLIER, EARLIER / "cache/images/controller.tar", "localhost/operator:earlier")


@pytest.fixture(scope="module")
def present() -> Release:
    return Release(ROOT, CACHE / "images/controller.tar", "localhost/operator:present")


@pytest.fixture
def place(kube: Kube, gitlab: GitLabAdmin) -> Iterator[Place]:
    place = Place(kube, Operator(kube), gitlab, "upgraded")
    yield place
    for pod in kube.list("Pod", NAMESPACE):
        print(f"----- {pod['metadata']['name']}\n{kube.logs(pod, tailLines=60)}")


# ----------------------------------------------------------------------------------------------------------------------
# What is looked at


def causes() -> set[str]:
    """Of rolls: where docs/upgrade.md says that a version's pods differ from those of the one before."""
    page = (ROOT / "docs/upgrade.md").read_text()
    table = page.partition("<!-- what rolls -->")[2].partition("<!-- end of what rolls -->")[0]
    return set(re.findall(r"^\| `([^`]+)` \|", table, re.M))


def flat(value: object, path: str = "") -> dict[str, object]:
    """{path: leaf}; items that have a name go by it."""
    if isinstance(value, list) and all(isinstance(item, dict) and "name" in item for item in value):
        value = {item["name"]: item for item in value}
    if isinstance(value, list):
        value = dict(enumerate(value))
    if not isinstance(value, dict):
        return {path: value}
    return {where: leaf for key, item in value.items() for where, leaf in flat(item, f"{path}.{key}".strip(".")).items()}


def differences(before: dict, after: dict) -> set[str]:
    one, other = flat(before), flat(after)
    return {path for path in one.keys() | other.keys() if one.get(path) != other.get(path)}


def unexplained(paths: set[str]) -> set[str]:
    return {path for path in paths if not any(path == cause or path.startswith(cause + ".") for cause in causes())}


class Look:
    """A runner as it is at one moment."""

    def __init__(self, runner: Runner) -> None:
        self.number, self.token = runner.status()["runnerId"], runner.token()
        self.template = runner.child("manager")["spec"]["template"]
        self.pods = {pod["metadata"]["uid"] for pod in runner.managers()}


def settled(place: Place, runners: list[Runner]) -> dict[str, Look]:
    """When the operator of now has nothing left to do, and each runner's managers are those that it asks for."""
    place.operator.wait_idle()
    for runner in runners:
        runner.wait(seconds=120)
        wait_for(f"{runner.name} has its managers", lambda: rolled_out(runner), 120)
    place.operator.wait_idle()
    return {runner.name: Look(runner) for runner in runners}


def rolled_out(runner: Runner) -> bool:
    deployment = runner.child("manager")
    status, wanted = deployment["status"], deployment["spec"]["replicas"]
    counts = [status.get(key, 0) for key in ("replicas", "updatedReplicas", "readyReplicas")]
    return (status["observedGeneration"] == deployment["metadata"]["generation"] and counts == [wanted] * 3
            and len(runner.managers()) == wanted)


def registrations(gitlab: GitLabAdmin) -> list[str]:
    """Calls that make, end or reset a runner, or its token."""
    calls = [*gitlab.audit("POST", r"/api/v4/(user/)?runners"), *gitlab.audit("POST", ".*/reset_authentication_token"),
             *gitlab.audit("DELETE", r"/api/v4/runners(/\d+)?")]
    return [f"{call['method']} {call['path']}" for call in calls]


def assert_only_explained_rolls(before: dict[str, Look], after: dict[str, Look]) -> None:
    for name, look in after.items():
        changed = differences(before[name].template, look.template)
        assert not unexplained(changed), f"{name}: docs/upgrade.md does not tell of {sorted(unexplained(changed))}"
        rolled = before[name].pods - look.pods
        assert rolled == (before[name].pods if changed else set()), f"{name}: {sorted(rolled)} for {sorted(changed)}"


def assert_same_runners(before: dict[str, Look], after: dict[str, Look]) -> None:
    for name, look in after.items():
        assert (look.number, look.token) == (before[name].number, before[name].token), name


# ----------------------------------------------------------------------------------------------------------------------
# The scene


def put_up(place: Place, gitlab: GitLabAdmin) -> tuple[list[Runner], dict]:
    """A runner by each kind of credential, one without managers, and one that has resources of its own."""
    project = gitlab.add_project("app", files={".gitlab-ci.yml": JOB})
    made = GitLabUser(gitlab).create_runner(description="by hand")
    place.secret("registration", runner_registration_token=project["runners_token"])
    place.secret("access", access_token=gitlab.add_token("api", admin=True)["token"])
    place.secret("ready", runner_token=made["token"])
    place.put("ConfigMap", "gate", {"data": {"gate": "closed"}})
    own = {"resources": {"requests": {"memory": "64Mi"}, "limits": {"memory": "256Mi"}}}
    return [place.runner(name="project", authentication=by("registration"), tags=["kubernetes"], volumes=GATE),
            place.runner(name="access", authentication=by("access"), scope={"type": "Instance"}, manager=own, concurrent=3),
            place.runner(name="ready", authentication={"runnerTokenSecretRef": {"name": "ready"}}, tags=None),
            place.runner(name="unmanned", authentication=by("access"), scope={"type": "Instance"},
                         manager={"replicas": 0})], project


def by(what: str) -> dict:
    return {f"{what}TokenSecretRef": {"name": what}}


def job_pod(place: Place) -> dict | None:
    pods = place.kube.list("Pod", place.name, "job.runner.gitlab.com/pod")
    return next((pod for pod in pods if pod["status"].get("phase") == "Running"), None)


def open_gate(place: Place, state: str) -> None:
    place.kube.patch("ConfigMap", "gate", {"data": {"gate": state}}, place.name)
    if pod := job_pod(place):       # a touch makes the kubelet look at its volumes now
        place.kube.patch("Pod", pod["metadata"]["name"], {"metadata": {"annotations": {"touched": "1"}}}, place.name)


def assert_succeeds(gitlab: GitLabAdmin, pipeline: dict) -> None:
    ended = gitlab.pipeline(pipeline["id"], wait=PIPELINE_SECONDS)
    assert ended["status"] == "success", [gitlab.trace(job["id"]) for job in ended["jobs"]]


def test_an_installation_is_upgraded_and_taken_back(
        place: Place, gitlab: GitLabAdmin, earlier: Release, present: Release) -> None:
    """Nobody is registered anew, nobody's token changes, and managers roll by documented causes alone."""
    earlier.load()
    earlier.apply(kind=True)
    runners, project = put_up(place, gitlab)
    before = settled(place, runners)
    calls = registrations(gitlab)
    running = gitlab.start_pipeline(project["id"])
    pod = wait_for("the job runs", lambda: job_pod(place), PIPELINE_SECONDS)

    present.load()
    present.apply(kind=True)
    upgraded = settled(place, runners)
    assert_same_runners(before, upgraded)
    assert_only_explained_rolls(before, upgraded)
    assert registrations(gitlab) == calls

    assert job_pod(place)["metadata"]["uid"] == pod["metadata"]["uid"]       # as if nothing had been
    open_gate(place, "released")
    assert_succeeds(gitlab, running)
    assert_succeeds(gitlab, gitlab.start_pipeline(project["id"]))
    place.operator.restart()
    assert {name: look.pods for name, look in settled(place, runners).items()} == {
        name: look.pods for name, look in upgraded.items()}

    earlier.load()
    earlier.apply(kind=False)
    back = settled(place, runners)
    assert_same_runners(before, back)
    assert not unexplained({path for name in back for path in differences(before[name].template, back[name].template)})
    assert registrations(gitlab) == calls
    assert_succeeds(gitlab, gitlab.start_pipeline(project["id"]))
    place.runner(name="later", authentication=by("access"), scope={"type": "Instance"}).wait()
    runners[1].delete()
    runners[1].wait_gone()
    assert before["access"].number not in [row["id"] for row in gitlab.runners()]


# ----------------------------------------------------------------------------------------------------------------------
# The kind


def merged(base: object, change: object) -> object:
    """JSON merge patch."""
    if not isinstance(change, dict):
        return change
    whole = dict(base) if isinstance(base, dict) else {}
    for key, value in change.items():
        whole[key] = merged(whole.get(key), value)
    return {key: value for key, value in whole.items() if value is not None}


def specs_of(release: Path) -> Iterator[dict]:
    """What the release's own tests call valid."""
    base = json.loads((release / "tests/data/render/minimal.json").read_text())
    for change in json.loads((release / "tests/data/spec/valid.json").read_text()):
        yield merged(base["spec"], change.get("spec", {}) | {"suspend": True})


def names_of_fields(schema: dict, path: str = "") -> Iterator[tuple[str, dict]]:
    yield path, schema
    for key, inner in schema.get("properties", {}).items():
        yield from names_of_fields(inner, f"{path}.{key}")
    if isinstance(inner := schema.get("items") or schema.get("additionalProperties"), dict):
        yield from names_of_fields(inner, path + "[]")


def schema_of(release: Release) -> dict[str, dict]:
    kind, = [body for body in release.objects if body["kind"] == KIND]
    return dict(names_of_fields(kind["spec"]["versions"][0]["schema"]["openAPIV3Schema"]))


def test_the_kind_only_grows(earlier: Release, present: Release) -> None:
    """No field goes, none becomes required, no value of a list is taken away, no type changes."""
    old, new = schema_of(earlier), schema_of(present)
    assert not old.keys() - new.keys()
    for path, schema in old.items():
        assert set(new[path].get("required", [])) <= set(schema.get("required", [])), path
        assert set(schema.get("enum", [])) <= set(new[path].get("enum", schema.get("enum", []))), path
        assert new[path].get("type") in (None, schema.get("type")), path


def test_what_was_written_before_reads_back_the_same(kube: Kube, earlier: Release, present: Release) -> None:
    """Under the kind of now, and can be written again."""
    for release in (present, earlier):      # the namespace is there; the kind is that of the earlier release at last
        kubectl("apply", "-f", "-", stdin=json.dumps(next(b for b in release.objects if b["kind"] == KIND)))
    kube.create("Namespace", {"metadata": {"name": "kept", "labels": {LABEL: "1"}}})
    written = {}
    for number, spec in enumerate(specs_of(EARLIER)):
        body = {"apiVersion": "gitlab-runners.dev/v1beta1", "kind": "GitLabRunner",
                "metadata": {"name": f"kept-{number}", "namespace": "kept"}, "spec": spec}
        if run_kubectl("create", "-f", "-", stdin=json.dumps(body)).returncode == 0:
            written[f"kept-{number}"] = kube.get("GitLabRunner", f"kept-{number}", "kept")["spec"]
    assert len(written) > 30
    kubectl("apply", "-f", "-", stdin=json.dumps(next(b for b in present.objects if b["kind"] == KIND)))
    wait_kind()
    for name, spec in written.items():
        assert kube.get("GitLabRunner", name, "kept")["spec"] == spec, name
        kube.patch("GitLabRunner", name, {"metadata": {"labels": {"touched": "1"}}}, "kept")
