"""The operator is killed, or an answer is lost, between a registration at GitLab and the Secret that records it."""
from __future__ import annotations

from collections import Counter

import pytest

from cluster import wait_for
from gitlab_admin import GitLabAdmin
from operator_pod import USER, Operator
from places import Place, Runner

pytestmark = pytest.mark.lifecycle

POSTS = "/api/v4/(user/)?runners"


def crash_after_registration(ci: Place, gitlab: GitLabAdmin, by: str, **spec: object) -> Runner:
    """Kills the operator when GitLab has made the runner and nobody has read the answer."""
    gitlab.fault("delay", "POST", POSTS, seconds=1)
    runner = ci.unmanned(by, **spec)
    assert gitlab.audit("POST", POSTS, answered=False, count=1, wait=20)
    ci.operator.freeze()
    assert len(gitlab.runners(count=1, wait=20)) == 1
    ci.operator.crash()
    return runner


@pytest.mark.node
@pytest.mark.parametrize("scope", ["Instance", "Group", "Project"])
def test_after_a_crash_an_access_token_finds_the_runner_again(scope: str, ci: Place, gitlab: GitLabAdmin) -> None:
    group = gitlab.add_group("team")
    project = gitlab.add_project("app", group_id=group["id"])
    numbers = {"Instance": {}, "Group": {"groupId": group["id"]}, "Project": {"projectId": project["id"]}}[scope]
    ci.access_token("create_runner", "manage_runner", "read_api", admin=True)
    runner = crash_after_registration(ci, gitlab, "accessToken", scope={"type": scope} | numbers)
    runner.wait()
    row, = gitlab.runners()
    assert row["id"] == runner.status()["runnerId"] and row["token"] == runner.token()
    assert len(gitlab.audit("POST", POSTS)) == 1
    assert "PossibleOrphan" not in [event["reason"] for event in runner.events()]


@pytest.mark.node
@pytest.mark.parametrize("by", ["registrationToken", "accessToken"])
def test_after_a_crash_a_runner_that_cannot_be_looked_for_is_reported(
        by: str, ci: Place, gitlab: GitLabAdmin) -> None:
    """A registration token gives no right to look, nor does an access token without read_api."""
    if by == "registrationToken":
        ci.registration_token()
    else:
        ci.access_token("create_runner", "manage_runner", admin=True)
    runner = crash_after_registration(ci, gitlab, by)
    runner.wait()
    event = runner.wait_event("PossibleOrphan")
    assert f"gitlab-runners.dev/uid={runner.uid()}" in event["note"] and event["type"] == "Warning"
    rows = gitlab.runners()
    assert len(rows) == 2, "the lost one, and one in its place"
    lost, = [row for row in rows if row["id"] != runner.status()["runnerId"]]
    assert f"gitlab-runners.dev/uid={runner.uid()}" in lost["maintenance_note"], "where the Event says that it is"
    gitlab.delete_runner(lost["id"])            # as the Event says


@pytest.mark.node
def test_a_runner_lost_in_a_crash_is_deleted_with_its_object(ci: Place, gitlab: GitLabAdmin) -> None:
    ci.access_token("create_runner", "manage_runner", "read_api", admin=True)
    gitlab.fault("html_502", "GET", count=2)    # it is not found before the deletion
    runner = crash_after_registration(ci, gitlab, "accessToken")
    runner.delete()
    runner.wait_gone()
    assert gitlab.runners() == []


def test_a_lost_answer_leads_to_the_same_runner(ci: Place, gitlab: GitLabAdmin) -> None:
    ci.access_token()
    gitlab.fault("reset", "POST", POSTS, done=True)
    runner = ci.unmanned("accessToken")
    runner.wait()
    assert len(gitlab.runners()) == 1 and len(gitlab.audit("POST", POSTS)) == 1


def test_a_lost_answer_to_a_registration_token_is_reported(ci: Place, gitlab: GitLabAdmin) -> None:
    ci.registration_token()
    gitlab.fault("reset", "POST", POSTS, done=True)
    runner = ci.unmanned()
    runner.wait()
    runner.wait_event("PossibleOrphan")
    lost, = [row for row in gitlab.runners() if row["id"] != runner.status()["runnerId"]]
    gitlab.delete_runner(lost["id"])


def test_a_restart_with_nothing_to_do_writes_nothing(ci: Place, gitlab: GitLabAdmin) -> None:
    """One request for each kind, no call to GitLab, and the objects as they were."""
    ci.registration_token()
    runners = [ci.unmanned(name=f"builds-{i}", tags=["a"]) for i in range(5)]
    for runner in runners:
        runner.wait()
    ci.operator.wait_idle()
    before, known = [runner.object() for runner in runners], gitlab.audit()[-1]["id"]
    address = ci.operator.restart()["status"]["podIP"]
    ci.operator.wait_idle()
    wait_for("all are looked at", lambda: done(ci.operator) >= len(runners))
    assert gitlab.audit(since=known) == []
    assert [runner.object() for runner in runners] == before
    if ci.audit_log:
        assert_only_reads(ci, address)


def done(operator: Operator) -> float:
    return operator.metrics()['controller_runtime_reconcile_total{controller="gitlabrunner",result="success"}']


def assert_only_reads(ci: Place, address: str) -> None:
    """Of the new pod, but for its Lease."""
    calls = [entry for entry in ci.audit_log.entries(USER)
             if entry["sourceIPs"] == [address] and entry["objectRef"]["resource"] != "leases"]
    asked = Counter((entry["verb"], entry["objectRef"]["resource"]) for entry in calls
                    if entry["stage"] != "ResponseComplete" or entry["verb"] != "watch")
    kinds = ["gitlabrunners", "secrets", "configmaps", "namespaces", "serviceaccounts", "rolebindings", "deployments",
             "poddisruptionbudgets"]
    lists = {("watch", kind): 1 for kind in kinds}      # each goes on as the watch
    assert asked == lists | {("get", "secrets"): 1, ("get", "endpointslices"): 1}, \
        "and the ledger of runners that were left behind, and where the API server is"
