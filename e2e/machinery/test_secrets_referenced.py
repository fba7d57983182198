"""`run --secrets=referenced`: Secrets are read by name, with the rights that manifests/secrets-referenced gives."""
from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from cluster import Kube, kubectl, kustomized, run_kubectl, wait_for
from gitlab_admin import GitLabAdmin
from gitlab_users import GitLabUser
from machinery.stage import Stage
from operator_pod import MANIFESTS, NAME, USER

pytestmark = pytest.mark.lifecycle

OVERLAY = "manifests/secrets-referenced"
REFERENCED = ("--secrets", "referenced")
PACE = 6                    # of the operator's clock
ROUND = 75 / PACE + 15      # seconds: the longest that a Secret is not read (kube/rounds.h), and time to act on it


def overlay(kind: str) -> dict:
    found, = [body for body in kustomized(OVERLAY) if body["kind"] == kind and body["metadata"]["name"] == NAME]
    return found


def may(verb: str, resource: str, ns: str) -> bool:
    return run_kubectl("auth", "can-i", verb, resource, "--as", USER, "-n", ns).stdout.strip() == "yes"


@pytest.fixture
def confined(kube: Kube, stage: Stage) -> Iterator[Stage]:
    """The account may read Secrets by name alone."""
    kubectl("apply", "-f", "-", stdin=json.dumps(overlay("ClusterRole")))
    wait_for("the account cannot list Secrets", lambda: not may("list", "secrets", stage.name))
    stage.audit_log.mark()
    yield stage
    stage.operator.kill()
    kubectl("apply", "-k", MANIFESTS)
    kube.delete("Deployment", NAME, "gitlab-runner-system")
    wait_for("the account may list Secrets again", lambda: may("list", "secrets", stage.name))


def assert_none_was_listed(stage: Stage) -> None:
    entries = [entry for entry in stage.audit_log.entries(USER)
               if entry.get("objectRef", {}).get("resource") == "secrets"]
    assert entries, "the audit log knows the operator"
    assert {entry["verb"] for entry in entries} <= {"get", "create", "patch", "delete"}
    assert [entry["requestURI"] for entry in entries if entry.get("responseStatus", {}).get("code") == 403] == []


def test_the_overlay_lets_no_secret_be_listed(confined: Stage) -> None:
    assert overlay("Deployment")["spec"]["template"]["spec"]["containers"][0]["args"][-1] == "--secrets=referenced"
    assert [may(verb, "secrets", confined.name) for verb in ("list", "watch", "get", "patch")] == [
        False, False, True, True]


def test_a_runner_comes_and_goes(confined: Stage, gitlab: GitLabAdmin) -> None:
    confined.registration_token()
    confined.operator.start(*REFERENCED)
    runner = confined.unmanned()
    confined.settled([runner])
    assert all(runner.child(what) for what in runner.children())
    runner.edit(image="busybox:1.37")
    wait_for("config.toml has the image", lambda: runner.kubernetes()["image"] == "busybox:1.37")
    runner.delete()
    runner.wait_gone()
    assert gitlab.runners() == []
    assert_none_was_listed(confined)


def test_what_is_there_is_found_again_and_left_alone(confined: Stage, gitlab: GitLabAdmin) -> None:
    confined.registration_token()
    confined.operator.start(*REFERENCED)
    runner = confined.unmanned()
    confined.settled([runner])
    confined.operator.stop()
    confined.mark()
    confined.operator.start(*REFERENCED)
    confined.wait_quiet()
    assert confined.writes() == []
    assert len(gitlab.runners()) == 1
    assert_none_was_listed(confined)


def test_changes_of_secrets_are_seen_within_a_round(confined: Stage, gitlab: GitLabAdmin) -> None:
    """A user's, and those that the operator has made."""
    user = GitLabUser(gitlab)
    first, second = (user.create_runner(description=which)["token"] for which in ("first", "second"))
    confined.secret("gitlab", runner_token=first)
    confined.operator.start(*REFERENCED, pace=PACE)
    runner = confined.unmanned("runnerToken")
    confined.settled([runner])
    other = confined.runner("runnerToken", "another", manager={"replicas": 0})
    confined.settled([runner, other])
    assert runner.token() == first
    confined.kube.delete(*other.children()["config"])
    confined.secret("gitlab", runner_token=second)
    wait_for("the new token is in use", lambda: runner.token() == second and second in runner.config_text(), ROUND)
    wait_for("the config Secret is there again", lambda: other.child("config") and second in other.config_text(), ROUND)
    assert_none_was_listed(confined)


def test_a_secret_that_comes_later_is_found(confined: Stage, gitlab: GitLabAdmin) -> None:
    confined.operator.start(*REFERENCED, pace=PACE)
    runner = confined.unmanned()
    runner.wait_refused("SecretNotFound")
    confined.registration_token()
    runner.wait(seconds=ROUND)
    assert_none_was_listed(confined)


def test_somebody_elses_secret_of_our_name_is_left_alone(confined: Stage, gitlab: GitLabAdmin) -> None:
    confined.registration_token()
    confined.secret("builds-runner-token", theirs="content")
    confined.operator.start(*REFERENCED)
    runner = confined.unmanned()
    runner.wait_refused("NameConflict")
    assert gitlab.runners() == []
    assert confined.kube.get("Secret", "builds-runner-token", confined.name)["metadata"].get("annotations") is None
    assert_none_was_listed(confined)
