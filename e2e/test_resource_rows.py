"""A wrong but well-formed spec takes no manager away; what the owners of namespaces forbid stays forbidden."""
from __future__ import annotations

import json

import pytest
import yaml

from cluster import ROOT, checked, kubectl, refused, wait_for
from gitlab_admin import GitLabAdmin
from places import Place, Runner
from statuses import REASONS
from test_namespaces import ALLOWED, binding

ENFORCE = "pod-security.kubernetes.io/enforce"


def label(ci: Place, ns: str, level: str | None) -> None:
    ci.kube.patch("Namespace", ns, {"metadata": {"labels": {ENFORCE: level}}})


def manager_uid(runner: Runner) -> str | None:
    """Of the one manager pod that is ready; None while there is none."""
    found = [pod["metadata"]["uid"] for pod in runner.managers() for c in pod["status"].get("conditions", [])
             if c["type"] == "Ready" and c["status"] == "True"]
    return found[0] if found else None


# ----------------------------------------------------------------------------------------------------------------------
# Pod Security in the namespace of the jobs


PRIVILEGED = {"privileged": True}
NODE_FILES = {"volumes": [{"name": "docker", "mountPath": "/d", "hostPath": {"path": "/var/run"}}]}


@pytest.mark.parametrize("spec, field", [(PRIVILEGED, "spec.privileged"), (NODE_FILES, "spec.volumes[0].hostPath")],
                         ids=["privileged", "hostPath"])
def test_s9_what_the_namespace_forbids_is_told_and_not_done(spec: dict, field: str, ci: Place,
                                                            gitlab: GitLabAdmin) -> None:
    """The manager that runs keeps its configuration; the owner's label decides, not the object."""
    jobs = ci.namespace(ci.name + "-jobs", **{ALLOWED: ci.name})
    label(ci, jobs, "baseline")
    ci.registration_token()
    runner = ci.runner(namespace=jobs)
    runner.wait()
    config, manager = runner.config_text(), manager_uid(runner)
    runner.edit(**spec)
    message = runner.wait_refused("PodSecurityForbids")
    assert message == (f"namespace {jobs} enforces the Pod Security level baseline, which refuses the pod of every job: "
                       f"take out {field}; or name a namespace whose label {ENFORCE} lets it")
    assert runner.conditions()["Stalled"]["reason"] == "PodSecurityForbids"
    assert (runner.config_text(), manager_uid(runner)) == (config, manager)
    label(ci, jobs, "privileged")
    runner.wait(seconds=10)
    assert runner.config_text() != config and manager_uid(runner) == manager


def test_s9_what_the_namespace_lets_is_not_held_up(ci: Place, gitlab: GitLabAdmin) -> None:
    jobs = ci.namespace(ci.name + "-jobs", **{ALLOWED: ci.name})
    label(ci, jobs, "restricted")
    ci.registration_token()
    runner = ci.unmanned(namespace=jobs, podSecurity="Restricted", volumes=[{"name": "a", "mountPath": "/a", "emptyDir": {}}])
    runner.wait()
    label(ci, jobs, None)
    runner.edit(**PRIVILEGED, podSecurity=None)
    runner.wait()
    label(ci, jobs, "restricted")
    runner.wait_refused("PodSecurityForbids", seconds=10)


def test_s9_the_api_server_refuses_what_the_condition_says(ci: Place) -> None:
    """So that the message is not about something else than what would happen to the jobs."""
    label(ci, ci.name, "baseline")
    privileged = {"name": "a", "image": "a", "securityContext": {"privileged": True}}
    for what, pod in {"privileged": {"containers": [privileged]},
                      "hostPath": {"containers": [{"name": "a", "image": "a"}],
                                   "volumes": [{"name": "b", "hostPath": {"path": "/"}}]}}.items():
        body = json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "job"}, "spec": pod})
        assert what in refused("create", "-n", ci.name, "--dry-run=server", "-f", "-", stdin=body)


def test_s9_no_field_gives_a_job_the_hosts_network_or_capabilities() -> None:
    spec = yaml.safe_load((ROOT / "crds/gitlabrunners.yaml").read_text())["spec"]["versions"][0]["schema"][
        "openAPIV3Schema"]["properties"]["spec"]["properties"]
    assert not {"hostNetwork", "hostPID", "hostIPC", "capabilities", "securityContext"} & set(spec)


# ----------------------------------------------------------------------------------------------------------------------
# Misoperations: each of these passes the schema


MISOPERATIONS = {
    "an image that there is not": {"manager": {"image": "localhost/no-such-image:1", "imagePullPolicy": "Never"}},
    "a node that there is not": {"manager": {"nodeSelector": {"no-such": "label"}}},
    "an account that there is not": {"manager": {"serviceAccountName": "no-such-account"}},
    "a priority that there is not": {"manager": {"priorityClassName": "no-such-class"}},
    "a Secret of variables that there is not": {"manager": {"envFrom": [{"secretRef": {"name": "no-such-secret"}}]}},
    "more memory than any node has": {"manager": {"resources": {"requests": {"memory": "64Ti"}}}},
    "a limit below what is asked for": {"manager": {"resources": {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}}},
    "an affinity of no known shape": {"manager": {"affinity": {"nodeAffinity": "none"}}},
    "a namespace that there is not": {"namespace": "no-such-namespace"},
    "a namespace that is not open": {"namespace": "kube-system"},
    "a CA that there is not": {"caSecretRef": {"name": "no-such-secret"}},
    "tags that cannot be told": {"tags": ["another"]},
}
UNDO = {"namespace": None, "caSecretRef": None, "tags": None,
        "manager": {name: None for fields in MISOPERATIONS.values() for name in fields.get("manager", {})}}


def test_r18_a_misoperation_leaves_the_last_good_manager_running(ci: Place, gitlab: GitLabAdmin) -> None:
    """It is told, it is undone by undoing the edit, and until then the same pod goes on with the same runner."""
    ci.registration_token()
    runner = ci.runner()
    runner.wait()
    for name, edit in MISOPERATIONS.items():
        manager, token = settled_manager(runner), runner.token()
        runner.edit(**edit)
        not_ready(runner, name)
        assert manager_uid(runner) == manager, name
        runner.edit(**UNDO)
        runner.wait()
        assert (manager_uid(runner), runner.token()) == (manager, token), name
    assert len(gitlab.audit("POST", "/api/v4/runners")) == 1


def settled_manager(runner: Runner) -> str:
    wait_for("one manager", lambda: len(runner.managers()) == 1)
    return manager_uid(runner)


def not_ready(runner: Runner, name: str) -> None:
    """Of the spec of now; whether a person has to act or a pod may yet start is told by the other conditions."""
    c = runner.wait("Ready", "False")
    assert c["message"] and c["reason"] in REASONS, (name, c)
    assert {"Stalled", "Reconciling"} & set(runner.conditions()), name


# ----------------------------------------------------------------------------------------------------------------------
# Job namespaces


def test_runners_of_two_namespaces_share_one_for_their_jobs(ci: Place, gitlab: GitLabAdmin) -> None:
    """Each has rights of its own there, and loses them alone."""
    other = ci.namespace(ci.name + "-b")
    jobs = ci.namespace(ci.name + "-jobs", **{ALLOWED: f"{ci.name}, {other}"})
    token = ci.registration_token()["runners_token"]
    secret = {"metadata": {"name": "gitlab"}, "stringData": {"runner-registration-token": token}}
    ci.kube.create("Secret", secret, other)
    first = ci.unmanned(namespace=jobs)
    body = {"apiVersion": "gitlab-runners.dev/v1beta1", "kind": "GitLabRunner", "metadata": {"name": "builds"},
            "spec": first.object()["spec"]}
    ci.kube.create("GitLabRunner", body, other)
    second = Runner(ci.kube, other, "builds")
    for runner in (first, second):
        runner.wait()
        assert binding(runner, jobs)["subjects"][0]["namespace"] == runner.ns
    ci.kube.patch("Namespace", jobs, {"metadata": {"annotations": {ALLOWED: other}}})
    first.wait_refused("NamespaceNotAllowed")
    wait_for("its rights are gone", lambda: binding(first, jobs) is None, 10)
    assert binding(second, jobs)
    second.wait()


def test_a_namespace_of_jobs_that_is_deleted_is_missed_and_taken_up_again(ci: Place, gitlab: GitLabAdmin) -> None:
    jobs = ci.namespace(ci.name + "-jobs", **{ALLOWED: ci.name})
    ci.registration_token()
    runner = ci.runner(namespace=jobs)
    runner.wait()
    manager = manager_uid(runner)
    ci.kube.delete("Namespace", jobs)
    assert "create it" in runner.wait_refused("NamespaceNotFound")
    wait_for("it is gone", lambda: ci.kube.get("Namespace", jobs) is None)
    assert manager_uid(runner) == manager, "the manager has other jobs to finish, and may get its place back"
    ci.kube.create("Namespace", {"metadata": {"name": jobs, "annotations": {ALLOWED: ci.name}}})
    runner.wait(seconds=20)
    assert binding(runner, jobs) and manager_uid(runner) == manager
    assert len(gitlab.audit("POST", "/api/v4/runners")) == 1


def test_a_permission_withdrawn_while_nobody_looks_is_found_withdrawn(ci: Place, gitlab: GitLabAdmin) -> None:
    jobs = ci.namespace(ci.name + "-jobs", **{ALLOWED: ci.name})
    ci.registration_token()
    runner = ci.unmanned(namespace=jobs)
    runner.wait()
    kubectl("scale", "deployment/gitlab-runner-controller", "-n", "gitlab-runner-system", "--replicas=0")
    wait_for("the operator is gone", lambda: not ci.operator.pods())
    try:
        ci.kube.patch("Namespace", jobs, {"metadata": {"annotations": {ALLOWED: None}}})
    finally:
        kubectl("scale", "deployment/gitlab-runner-controller", "-n", "gitlab-runner-system", "--replicas=1")
        ci.operator.accept()
    runner.wait_refused("NamespaceNotAllowed")
    wait_for("its rights are gone", lambda: binding(runner, jobs) is None, 10)


# ----------------------------------------------------------------------------------------------------------------------
# Autoscalers and Events


def test_u9_an_autoscaler_can_read_and_set_the_scale(ci: Place, gitlab: GitLabAdmin) -> None:
    """There are no metrics here, so it says that; but the scale it has found, and its least it has set."""
    ci.registration_token()
    runner = ci.runner()
    runner.wait()
    target = {"apiVersion": "gitlab-runners.dev/v1beta1", "kind": "GitLabRunner", "name": "builds"}
    body = {"metadata": {"name": "builds"}, "spec": {"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 3,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {
                "type": "Utilization", "averageUtilization": 80}}}]}}
    path = f"apis/autoscaling/v2/namespaces/{ci.name}/horizontalpodautoscalers"
    checked(ci.kube.call("POST", path, json=body))
    wait_for("it has set its least", lambda: runner.object()["spec"]["manager"]["replicas"] == 2)
    runner.wait()
    assert runner.status()["managers"] == "2/2"
    status = checked(ci.kube.call("GET", f"{path}/builds"))["status"]
    assert {c["type"]: c["status"] for c in status["conditions"]}["AbleToScale"] == "True"


def test_u10_what_goes_on_is_one_event(ci: Place, gitlab: GitLabAdmin) -> None:
    """Twenty edits, each of which finds the same thing missing, do not make twenty Events."""
    runner = ci.unmanned()
    runner.wait_refused("SecretNotFound")
    for number in range(20):
        runner.edit(podLabels={"edit": str(number)})
    runner.wait_refused("SecretNotFound")
    ci.operator.wait_idle()
    told = [event for event in runner.events() if event["reason"] == "SecretNotFound"]
    assert len(told) == 1, told
    event, = told
    assert (event["type"], event["reportingController"]) == ("Warning", "gitlab-runners.dev/controller")
    assert event["action"] and event["reportingInstance"] and len(event["note"]) <= 1024
