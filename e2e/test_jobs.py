"""Real CI jobs, each in a pod of its own that goes when the job ends."""
from __future__ import annotations

import json
from collections.abc import Iterable

import pytest
import yaml

from cluster import ROOT, kubectl, wait_for
from gitlab_admin import GitLabAdmin
from places import GITLAB_IP, HOST, LABEL, TLS_URL, Place, Runner
from standin.pki import Authority
from standin.seeds import SPRING_DEVOPS

PRIVATE_CA = ROOT / "manifests/samples/private-ca.yaml"
JOB_PODS = "job.runner.gitlab.com/pod"
PATIENCE = 90.0  # for a pipeline

ONE_JOB = """\
compile:
  tags: [kubernetes]
  script:
    - echo "in $(pwd), greeting $GREETING"
    - cat hello.txt
    - while ! grep -q released /etc/job/gate; do sleep 0.2; done
"""


def job_pods(ci: Place, ns: str) -> list[dict]:
    return ci.kube.list("Pod", ns, JOB_PODS)


def finished(gitlab: GitLabAdmin, pipeline: dict) -> dict:
    """The pipeline, when it has ended; it must have succeeded."""
    ended = gitlab.pipeline(pipeline["id"], wait=PATIENCE)
    traces = "\n".join(gitlab.trace(job["id"]) for job in ended["jobs"])
    stuck = [job["stuck"] for job in ended["jobs"]]
    assert ended["status"] == "success", f"the pipeline is {ended['status']}, {stuck}\n{traces}"
    return ended


def test_a_job_clones_and_runs_in_a_pod_of_its_own(ci: Place, gitlab: GitLabAdmin) -> None:
    project = ci.registration_token(files={".gitlab-ci.yml": ONE_JOB, "hello.txt": "hello from the repository\n"})
    ci.put("ConfigMap", "gate", {"data": {"gate": "closed"}})
    runner = ci.runner(
        tags=["kubernetes"], nodeSelector={"kubernetes.io/os": "linux"}, podLabels={"team": "a"},
        podAnnotations={"project": "$CI_PROJECT_NAME"}, environment=[{"name": "GREETING", "value": "good day"}],
        resources={"requests": {"cpu": "10m"}, "limits": {"memory": "128Mi"}},
        volumes=[{"name": "gate", "mountPath": "/etc/job", "configMap": {"name": "gate"}}])
    runner.wait()
    pipeline = gitlab.start_pipeline(project["id"])

    pod = wait_for("the job has a pod", lambda: next(iter(job_pods(ci, ci.name)), None))
    assert pod["spec"]["nodeSelector"]["kubernetes.io/os"] == "linux"
    assert pod["spec"]["hostAliases"] == [{"ip": GITLAB_IP, "hostnames": [HOST]}]
    assert pod["metadata"]["labels"]["team"] == "a" and pod["metadata"]["annotations"]["project"] == "app"
    build = next(c for c in pod["spec"]["containers"] if c["name"] == "build")
    assert build["image"] == "busybox:1.36" and build["imagePullPolicy"] == "IfNotPresent"
    assert build["resources"]["requests"]["cpu"] == "10m" and build["resources"]["limits"] == {"memory": "128Mi"}

    release(ci, pod)
    job = finished(gitlab, pipeline)["jobs"][0]
    trace = gitlab.trace(job["id"])
    assert "greeting good day" in trace and "hello from the repository" in trace and "Job succeeded" in trace
    wait_for("the job's pod is gone", lambda: not job_pods(ci, ci.name))
    assert gitlab.jobs()[0]["runner_id"] == runner.status()["runnerId"]


def release(ci: Place, pod: dict) -> None:
    """Lets the job end. A touch of the pod makes the kubelet look at its volumes now."""
    ci.kube.patch("ConfigMap", "gate", {"data": {"gate": "released"}}, ci.name)
    ci.kube.patch("Pod", pod["metadata"]["name"], {"metadata": {"annotations": {"touched": "1"}}}, ci.name)


def test_resource_a_running_job_survives_an_edit_and_a_roll(ci: Place, gitlab: GitLabAdmin) -> None:
    """The edit is loaded by the manager that runs the job; the roll leaves the job to that manager, and later ones to the new."""
    project = ci.registration_token(files={".gitlab-ci.yml": ONE_JOB, "hello.txt": "hello"})
    ci.put("ConfigMap", "gate", {"data": {"gate": "closed"}})
    runner = ci.runner(tags=["kubernetes"], volumes=[{"name": "gate", "mountPath": "/etc/job",
                                                      "configMap": {"name": "gate"}}])
    runner.wait()
    former, = runner.managers()
    pipeline = gitlab.start_pipeline(project["id"])
    pod = wait_for("the job has a pod", lambda: next(iter(job_pods(ci, ci.name)), None))
    runner.edit(concurrent=7)
    wait_for("the manager heeds it", lambda: runner.manager_metric("gitlab_runner_concurrent ") == 7)
    runner.edit(manager={"podAnnotations": {"reason": "a new pod"}})
    wait_for("the new manager is alone with new jobs", lambda: [
        manager["metadata"]["uid"] != former["metadata"]["uid"] for manager in runner.managers()] == [True])
    wait_for("the former has got its signal", lambda: "Starting graceful shutdown" in ci.kube.logs(former))
    release(ci, pod)
    job = finished(gitlab, pipeline)["jobs"][0]
    assert "Job succeeded" in gitlab.trace(job["id"])
    assert len(gitlab.runners()) == 1 and len(gitlab.audit("POST", "/api/v4/runners")) == 1
    finished(gitlab, gitlab.start_pipeline(project["id"]))
    runner.wait()


def test_the_demos_runner_runs_its_pipeline(ci: Place, namespace_ci: str, gitlab: GitLabAdmin) -> None:
    """One file and one Secret, of 2018; runner tokens of the old kind."""
    gitlab.settings(legacy_tokens=30)
    project = gitlab.add_project("spring-devops", registration_token="g-1YUWB4_JoLgshuPJ6y", files=SPRING_DEVOPS)
    runner = applied(ci, yaml.safe_load_all((ROOT / "hack/demo-runner.yaml").read_text()))
    kubectl("-n", "ci", "create", "secret", "generic", "my-gitlab",
            "--from-literal=runner-registration-token=g-1YUWB4_JoLgshuPJ6y")
    runner.wait()
    assert_pipeline_runs(ci, gitlab, project)


def test_the_sample_with_a_private_ca_runs_its_pipeline(
        ci: Place, namespace_ci: str, gitlab: GitLabAdmin, authority: Authority) -> None:
    """https all the way: registration, manager, clone."""
    project = gitlab.add_project("spring-devops", files=SPRING_DEVOPS)
    token = gitlab.add_token("create_runner", "manage_runner", project_id=project["id"], role="maintainer")
    sample = yaml.safe_load(PRIVATE_CA.read_text())
    sample["spec"] |= {"url": TLS_URL, "hostAliases": [{"ip": GITLAB_IP, "hostnames": [HOST]}]}
    sample["spec"]["scope"]["projectId"] = project["id"]
    runner = applied(ci, [sample])
    kubectl("-n", "ci", "create", "secret", "generic", "gitlab-access", f"--from-literal=access-token={token['token']}")
    kubectl("-n", "ci", "create", "configmap", "gitlab-ca", f"--from-file=ca.crt={authority.ca.cert}")
    runner.wait()
    assert_pipeline_runs(ci, gitlab, project)
    clones = gitlab.audit("POST", ".*/git-upload-pack")
    assert clones and all(call["tls"] for call in clones)


@pytest.fixture
def namespace_ci(ci: Place) -> str:
    """The samples live in a namespace of this name."""
    wait_for("an earlier namespace ci is gone", lambda: ci.kube.get("Namespace", "ci") is None)
    kubectl("create", "namespace", "ci")
    kubectl("label", "namespace", "ci", f"{LABEL}=1")
    return ci.adopt("ci")


def applied(ci: Place, objects: Iterable[dict]) -> Runner:
    """The last of them is a GitLabRunner."""
    items = list(objects)
    kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    return Runner(ci.kube, "ci", items[-1]["metadata"]["name"])


def assert_pipeline_runs(ci: Place, gitlab: GitLabAdmin, project: dict) -> None:
    pipeline = finished(gitlab, gitlab.start_pipeline(project["id"]))
    assert [(job["name"], job["status"]) for job in pipeline["jobs"]] == [("compile", "success"), ("verify", "success")]
    for job in pipeline["jobs"]:
        assert "[INFO] BUILD SUCCESS" in gitlab.trace(job["id"])
    assert gitlab.artifacts(pipeline["jobs"][1]["id"]).startswith(b"PK")
    wait_for("the jobs' pods go", lambda: all("deletionTimestamp" in pod["metadata"] for pod in job_pods(ci, "ci")))


def test_a_job_whose_tag_no_runner_has_stays_stuck(ci: Place, gitlab: GitLabAdmin) -> None:
    project = ci.registration_token(files={".gitlab-ci.yml": "rare: {script: [echo], tags: [gpu]}"})
    runner = ci.runner(tags=["kubernetes"])
    runner.wait()
    job = gitlab.start_pipeline(project["id"])["jobs"][0]
    wait_for("the manager asks for jobs", lambda: gitlab.runner(runner.status()["runnerId"])["managers"])
    assert "stuck" in gitlab.job(job["id"])["stuck"]
    assert gitlab.job(job["id"])["status"] == "pending"


@pytest.mark.parametrize("tags, untagged_runs", [([], True), (["kubernetes"], False)])
def test_untagged_jobs_run_where_the_runner_has_no_tags(
        tags: list, untagged_runs: bool, ci: Place, gitlab: GitLabAdmin) -> None:
    ci.registration_token()
    runner = ci.unmanned(tags=tags)
    runner.wait()
    assert gitlab.runner(runner.status()["runnerId"])["run_untagged"] is untagged_runs
