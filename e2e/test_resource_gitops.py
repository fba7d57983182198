"""Tools that deploy from Git see how a GitLabRunner fares, from its first moment to its last."""
from __future__ import annotations

import json
import subprocess

import pytest
import yaml

from cluster import ROOT, Kube, kubectl, run_kubectl, wait_for
from gitlab_admin import GitLabAdmin
from operator_pod import USER, Operator
from places import FINALIZER, Place, Runner
from recording import GITOPS, Recording, verdicts, words
from test_crd import manifest, offer

STAGES = json.loads((ROOT / "tests/data/status/stages.json").read_text())
PAGE = (GITOPS / "README.md").read_text()
WAITING = ("InProgress", "Progressing", "InProgress")
READY = ("Current", "Healthy", "Current")
FAILED = ("Failed", "Degraded", "Failed")


def table() -> dict[str, tuple[str, ...]]:
    """Of manifests/gitops/README.md."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if line[:2] == "| "]
    return {row[0]: tuple(row[1:]) for row in rows if len(row) == 4 and row[0] != "when"}


# ----------------------------------------------------------------------------------------------------------------------
# What they say, by the page that people read


def stages(kube: Kube) -> dict[str, dict]:
    """By name: two as the API server makes them, the others as the status code does in its unit tests."""
    new = offer(kube, json.loads(manifest())).json()
    edited = STAGES["at rest"] | {"metadata": STAGES["at rest"]["metadata"] | {"generation": 2}}
    return {"the object is new, nobody has looked at it": new, "an edit that nobody has looked at": edited} | STAGES


def test_each_stage_is_told_as_the_page_says(kube: Kube, operator: Operator) -> None:
    known = stages(kube)
    said = {name: words(verdict) for name, verdict in zip(known, verdicts(known.values()))}
    assert said == table()


def test_the_message_says_what_to_do() -> None:
    """Whatever tool one looks with, one sees the message of Ready."""
    for name, verdict in zip(STAGES, verdicts(STAGES.values())):
        ready = next(c for c in STAGES[name]["status"]["conditions"] if c["type"] == "Ready")
        assert verdict["argo"]["message"].endswith(ready["message"]), name
        if verdict["kstatus"] == "Failed":
            assert verdict["message"] == ready["message"], name


def test_argo_cd_takes_the_health_check_besides_what_it_has(ci: Place) -> None:
    """By the very command of the page."""
    ci.kube.create("ConfigMap", {"metadata": {"name": "argocd-cm"}, "data": {"url": "https://argo"}}, ci.name)
    command = PAGE.partition("## Argo CD")[2].partition("This adds")[0].replace("-n argocd", f"-n {ci.name}")
    subprocess.run(["bash", "-euo", "pipefail", "-c", command], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    data = ci.kube.get("ConfigMap", "argocd-cm", ci.name)["data"]
    assert data == {"url": "https://argo", "resource.customizations.health.gitlab-runners.dev_GitLabRunner":
                    (GITOPS / "health.lua").read_text()}


def test_the_sample_for_flux_is_about_this_kind() -> None:
    check, = yaml.safe_load((GITOPS / "flux-kustomization.yaml").read_text())["spec"]["healthCheckExprs"]
    assert (check["apiVersion"], check["kind"]) == ("gitlab-runners.dev/v1beta1", "GitLabRunner")
    assert {"current", "failed", "inProgress"} <= set(check)


# ----------------------------------------------------------------------------------------------------------------------
# Real objects, in each of their versions


def verdict_now(runner: Runner) -> tuple[str, str, str]:
    return words(verdicts([runner.object()])[0])


@pytest.mark.node
def test_u1_a_new_object_is_in_progress_before_the_operator_has_seen_it(ci: Place, gitlab: GitLabAdmin) -> None:
    ci.registration_token()
    ci.operator.freeze()
    try:
        runner = ci.unmanned()
        assert runner.status()["observedGeneration"] == -1 and verdict_now(runner) == WAITING
        assert "waiting for the operator" in runner.conditions()["Ready"]["message"]
        late = run_kubectl("wait", "--for=condition=Ready", "glr/builds", "-n", ci.name, "--timeout=1s")
        assert late.returncode != 0 and "timed out" in late.stderr
    finally:
        ci.operator.thaw()
    runner.wait()
    assert verdict_now(runner) == READY


def test_u2_a_life_is_told_version_by_version(ci: Place, gitlab: GitLabAdmin) -> None:
    """Created before its Secret, repaired, edited, spoilt, undone, suspended, deleted."""
    with Recording(ci.kube, ci.name) as recording:
        runner = ci.runner()
        runner.wait_refused("SecretNotFound")
        assert verdict_now(runner) == FAILED
        ci.registration_token()
        runner.wait()
        assert verdict_now(runner) == READY
        runner.edit(manager={"podAnnotations": {"edit": "1"}})
        runner.wait()
        runner.edit(namespace="nowhere-at-all")
        runner.wait_refused("NamespaceNotFound")
        assert verdict_now(runner) == FAILED
        runner.edit(namespace=None)
        runner.wait()
        runner.edit(suspend=True)
        runner.wait_refused("Suspended")
        assert verdict_now(runner) == ("InProgress", "Suspended", "Current")
        runner.edit(suspend=False)
        runner.wait()
        runner.delete()
        runner.wait_gone()
        wait_for("the watch shows that it is gone", lambda: recording.gone)
    recording.check()
    assert without_terminating(recording.story()) == [
        "InProgress", "Failed", "InProgress", "Current",    # made
        "InProgress", "Current",                            # edited
        "InProgress", "Failed", "InProgress", "Current",    # spoilt and undone
        "InProgress", "Current"]                            # suspended, and not any more
    assert recording.story()[-1] in ("Terminating", "Current"), "what is deleted at once may show no version of it"


def without_terminating(story: list[str]) -> list[str]:
    return [word for word in story if word != "Terminating"]


def test_u3_c12_ready_is_never_early(ci: Place, gitlab: GitLabAdmin) -> None:
    """kubectl waits for each edit: when it returns, what was edited runs, and GitLab knows the runner."""
    ci.registration_token()
    runner = ci.runner()
    for number in range(1, 4):
        runner.edit(manager={"podAnnotations": {"edit": str(number)}})
        if number % 2:
            wait(ci, "condition=Ready")
        else:                                       # which knows nothing of generations by itself
            wait(ci, f"jsonpath={{.status.observedGeneration}}={runner.object()['metadata']['generation']}")
            wait(ci, 'jsonpath={.status.conditions[?(@.type=="Ready")].status}=True')
        deployment = runner.child("manager")
        status = deployment["status"]
        assert deployment["spec"]["template"]["metadata"]["annotations"]["edit"] == str(number)
        assert status["observedGeneration"] == deployment["metadata"]["generation"]
        assert status["availableReplicas"] == status["updatedReplicas"] == status["replicas"] == 1
        assert gitlab.runner(runner.status()["runnerId"])["token"] == runner.token()


def wait(ci: Place, what: str) -> None:
    kubectl("wait", f"--for={what}", "glr/builds", "-n", ci.name, "--timeout=60s")


def test_u6_a_git_tool_sees_no_difference(ci: Place, gitlab: GitLabAdmin) -> None:
    """Through edits, a rotation, a repair and a restart; no label or annotation is added, none is taken away."""
    ci.access_token()
    git = yaml.safe_load(manifest(ci.name, **ci.spec("accessToken", manager={"replicas": 0})))
    git["metadata"] |= {"labels": {"team": "a"}, "annotations": {"note": "from Git"}}
    applied = json.dumps(git)
    with Recording(ci.kube, ci.name) as recording:
        kubectl("apply", "-f", "-", stdin=applied)
        runner, = ci.runners()
        runner.wait()
        kubectl("delete", "secret", "builds-runner-config", "-n", ci.name)
        wait_for("the Secret is back", lambda: runner.child("config"))
        git["spec"]["tags"] = ["b"]
        git["metadata"]["annotations"]["gitlab-runners.dev/rotate-token"] = "1"
        applied = json.dumps(git)
        kubectl("apply", "-f", "-", stdin=applied)
        runner.wait()
        runner.wait_event("TokenRotated")
        ci.operator.restart()
        ci.operator.wait_idle()
        assert kubectl("diff", "-f", "-", stdin=applied) == ""
        recording.wait_for_version(runner.object()["metadata"]["resourceVersion"])
    recording.check()
    for body in recording.versions:
        meta = body["metadata"]
        assert meta["labels"] == {"team": "a"} and meta.get("finalizers", []) in ([], [FINALIZER])
        assert set(meta["annotations"]) <= {"note", "gitlab-runners.dev/rotate-token",
                                            "kubectl.kubernetes.io/last-applied-configuration"}
    specs = [json.dumps(body["spec"], sort_keys=True) for body in recording.versions]
    assert len(set(specs)) == 2, "the spec is what was applied, twice"


def test_u6_what_the_operator_asks_of_the_object(ci: Place, gitlab: GitLabAdmin) -> None:
    """By the API server's audit: the finalizer comes once and goes once, all else is the status."""
    if ci.audit_log is None:
        pytest.skip("the audit log is on another machine")
    ci.registration_token()
    runner = ci.unmanned()
    runner.wait()
    runner.edit(image="busybox:latest")
    runner.wait()
    runner.delete()
    runner.wait_gone()
    said = [(entry["verb"], entry["objectRef"].get("subresource", "")) for entry in ci.audit_log.entries(USER)
            if entry["objectRef"].get("resource") == "gitlabrunners" and entry["objectRef"].get("namespace") == ci.name]
    assert [verb for verb in said if verb[1] != "status"] == [("patch", ""), ("patch", "")]
    assert {verb for verb, _ in said} == {"patch"}



def test_a_table_that_a_restore_had_and_git_has_no_more_is_none(ci: Place, gitlab: GitLabAdmin) -> None:
    """Who restores it owns the table, who applies what is in it: server-side apply leaves null when that goes."""
    ci.registration_token()
    runner = ci.unmanned(config={"runners": {"limit": 1}})
    git = yaml.safe_load(manifest(ci.name, **ci.spec(manager={"replicas": 0})))
    for config in ({"config": {"runners": {"limit": 2}}}, {}):
        applied = json.dumps(git | {"spec": git["spec"] | config})
        kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=applied)
    assert runner.object()["spec"]["config"] == {"runners": None}
    runner.wait()
    assert "limit" not in runner.config()["runners"][0]
