"""An operator in a namespace of the user's own, by kustomize, on a real cluster."""
from __future__ import annotations

from pathlib import Path

from cluster import Kube, kubectl, refused, wait_for, wait_kind
from gitlab_admin import GitLabAdmin
from operator_pod import NAME, NAMESPACE
from places import Place
from release.live.installation import KIND, overlay, pods, wait_ready
from test_jobs import finished

ONE_JOB = {".gitlab-ci.yml": "hello: {script: [echo hello]}"}


def flow_schema_of_a_renewal(kube: Kube, ns: str) -> str:
    """Which one the API server puts the operator's request for its Lease into."""
    user = {"Impersonate-User": f"system:serviceaccount:{ns}:{NAME}", "Impersonate-Group": "system:authenticated"}
    answer = kube.call("GET", kube.path("Lease", ns, NAME), headers=user)
    assert answer.ok, answer.text
    return answer.headers["X-Kubernetes-PF-FlowSchema-UID"]


def test_an_operator_in_my_ops_runs_a_job_and_may_be_taken_away(ops: str, bare: Kube, gitlab: GitLabAdmin, team: Place,
                                                                tmp_path: Path) -> None:
    before = bare.get("Namespace", ops)["metadata"]["labels"]
    folder = overlay(tmp_path, "base")
    kubectl("apply", "-k", "crds")
    wait_kind()
    kubectl("apply", "-k", folder)
    wait_ready(bare, ops)
    project = team.registration_token(files=ONE_JOB)
    runner = team.runner()
    runner.wait()
    finished(gitlab, gitlab.start_pipeline(project["id"]))

    account = f"system:serviceaccount:{ops}:{NAME}"
    said = refused("create", "secret", "generic", "x", "-n", team.name, "--dry-run=server", f"--as={account}")
    assert "children of GitLabRunners only" in said
    assert flow_schema_of_a_renewal(bare, ops) == bare.get("FlowSchema", f"{NAME}-lease")["metadata"]["uid"]
    assert bare.get("Namespace", NAMESPACE) is None and bare.get("Namespace", ops)["metadata"]["labels"] == before

    number, uid = runner.status()["runnerId"], runner.uid()
    managers = [pod["metadata"]["uid"] for pod in runner.managers()]
    kubectl("delete", "-k", folder)
    wait_for("the operator is gone", lambda: not pods(bare, ops))
    assert "deletionTimestamp" not in bare.get("CustomResourceDefinition", KIND)["metadata"]
    assert runner.uid() == uid and "deletionTimestamp" not in runner.object()["metadata"]
    assert [pod["metadata"]["uid"] for pod in runner.managers()] == managers
    assert bare.get("Namespace", ops)["metadata"]["labels"] == before

    kubectl("apply", "-k", folder)
    wait_ready(bare, ops)
    runner.edit(image="busybox:1.36.1")
    wait_for("the edit is in config.toml", lambda: runner.kubernetes()["image"] == "busybox:1.36.1")
    assert runner.status()["runnerId"] == number and [pod["metadata"]["uid"] for pod in runner.managers()] == managers
    runner.force()
    runner.delete()
    runner.wait_gone()
    assert gitlab.runners() == []


def test_back_from_two_replicas_a_node_can_be_drained(bare: Kube) -> None:
    kubectl("apply", "-k", "manifests/ha")
    wait_ready(bare, NAMESPACE, 2)
    kubectl("apply", "-k", "manifests/default")
    wait_ready(bare, NAMESPACE, 1)
    budget = wait_for("the budget knows its pod", lambda: (found := bare.get("PodDisruptionBudget", NAME, NAMESPACE))
                      and found["status"].get("expectedPods") == 1 and found)
    assert budget["status"]["disruptionsAllowed"] == 1
    pod, = pods(bare, NAMESPACE)
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod["metadata"]["name"]}}
    assert bare.call("POST", bare.path("Pod", NAMESPACE, pod["metadata"]["name"]) + "/eviction", json=eviction).ok
    wait_for("another one", lambda: all(x["metadata"]["uid"] != pod["metadata"]["uid"] for x in pods(bare, NAMESPACE)))
