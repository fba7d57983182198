"""Edits of the spec reach the running manager and GitLab, and nothing restarts."""
from __future__ import annotations

import pytest

from cluster import wait_for
from gitlab_admin import GitLabAdmin
from places import OTHER_URL, Place, Runner

pytestmark = pytest.mark.lifecycle

LOADED = "gitlab_runner_configuration_loaded_total"


def manager_identity(runner: Runner) -> tuple[str, int]:
    """Uid and restarts of the one manager pod."""
    pod, = runner.managers()
    return pod["metadata"]["uid"], pod["status"]["containerStatuses"][0]["restartCount"]


def test_an_edit_reaches_the_running_manager_without_a_restart(ci: Place, gitlab: GitLabAdmin) -> None:
    ci.registration_token()
    runner = ci.runner(nodeSelector={"kubernetes.io/os": "linux"})
    runner.wait()
    manager, loaded, template = manager_identity(runner), runner.manager_metric(LOADED), pod_template(runner)
    runner.edit(nodeSelector={"kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}, image="busybox:latest",
                concurrent=7)
    wait_for("config.toml has the new image", lambda: runner.kubernetes()["image"] == "busybox:latest", 10)
    assert runner.kubernetes()["node_selector"] == {"kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}
    assert runner.config()["concurrent"] == 7
    wait_for("the manager has loaded it", lambda: runner.manager_metric(LOADED) > loaded)
    wait_for("and heeds it", lambda: runner.manager_metric("gitlab_runner_concurrent ") == 7)
    runner.wait()
    assert manager_identity(runner) == manager and pod_template(runner) == template
    assert len(gitlab.audit("POST", "/api/v4/runners")) == 1


def pod_template(runner: Runner) -> dict:
    return runner.child("manager")["spec"]["template"]


def test_a_field_of_the_manager_replaces_its_pod_with_a_surge(ci: Place, gitlab: GitLabAdmin) -> None:
    ci.registration_token()
    runner = ci.runner()
    runner.wait()
    before = manager_identity(runner)
    runner.edit(manager={"podAnnotations": {"reason": "a new pod"}})
    runner.wait()
    wait_for("the new pod is alone", lambda: len(runner.managers()) == 1)
    assert manager_identity(runner)[0] != before[0]
    pod, = runner.managers()
    assert pod["metadata"]["annotations"]["reason"] == "a new pod"


def test_two_replicas_are_two_managers_of_one_runner(ci: Place, gitlab: GitLabAdmin) -> None:
    ci.registration_token()
    runner = ci.runner()
    runner.wait()
    runner.edit(manager={"replicas": 2})
    runner.wait()
    assert runner.status()["managers"] == "2/2"
    number = runner.status()["runnerId"]
    wait_for("both ask for jobs", lambda: len(gitlab.runner(number)["managers"]) == 2)
    assert len(gitlab.runners()) == 1


def test_with_an_access_token_edits_are_pushed_to_gitlab(ci: Place, gitlab: GitLabAdmin) -> None:
    ci.access_token("create_runner", "manage_runner", admin=True)
    runner = ci.unmanned("accessToken", tags=["a"], description="before", maximumTimeoutSeconds=900)
    runner.wait()
    number, token = runner.status()["runnerId"], runner.token()
    runner.edit(tags=["b", "c"], description="after", paused=True, maximumTimeoutSeconds=None)
    row = wait_for("GitLab has the new tags", lambda: (r := gitlab.runner(number))["tag_list"] == ["b", "c"] and r)
    assert (row["description"], row["paused"], row["maximum_timeout"]) == ("after", True, None)
    runner.wait()
    assert (runner.status()["runnerId"], runner.token()) == (number, token)
    assert [call["method"] for call in gitlab.audit(path="/api/v4/(user/)?runners.*")] == ["POST", "GET", "PUT"]


def test_with_a_registration_token_edits_cannot_be_pushed(ci: Place, gitlab: GitLabAdmin) -> None:
    """… which is said, and undoing the edit is a remedy."""
    ci.registration_token()
    runner = ci.unmanned(tags=["a"])
    runner.wait()
    runner.edit(tags=["b"])
    message = runner.wait_refused("UpdateNeedsAccessToken")
    assert "accessTokenSecretRef" in message and "undo the edit" in message
    assert runner.conditions()["Stalled"]["status"] == "True"
    runner.edit(image="busybox:latest")
    wait_for("other edits are still applied", lambda: runner.kubernetes()["image"] == "busybox:latest")
    runner.edit(tags=["a"])
    runner.wait()
    assert len(gitlab.audit(path="/api/v4/runners.*")) == 1


def test_a_registration_token_can_give_way_to_an_access_token(ci: Place, gitlab: GitLabAdmin) -> None:
    project = ci.registration_token()
    runner = ci.unmanned()
    runner.wait()
    former = runner.status()["runnerId"]
    ci.secret("access", access_token=gitlab.add_token("create_runner", admin=True)["token"])
    runner.edit(authentication={"registrationTokenSecretRef": None, "accessTokenSecretRef": {"name": "access"}},
                scope={"type": "Project", "projectId": project["id"]})
    runner.wait()
    assert [row["id"] for row in gitlab.runners()] == [runner.status()["runnerId"]] != [former]
    assert runner.status()["authentication"] == "AccessToken"


def test_another_runner_token_takes_the_place_of_the_first(ci: Place, gitlab: GitLabAdmin, gitlab_api) -> None:
    first, second = gitlab_api.create_runner(), gitlab_api.create_runner()
    ci.secret("gitlab", runner_token=first["token"])
    runner = ci.unmanned("runnerToken")
    runner.wait()
    ci.secret("gitlab", runner_token=second["token"])
    wait_for("config.toml has it", lambda: runner.config()["runners"][0]["token"] == second["token"])
    wait_for("the status has it", lambda: runner.status().get("runnerId") == second["id"])
    assert {row["id"] for row in gitlab.runners()} == {first["id"], second["id"]}


def test_suspend_leaves_everything_as_it_is(ci: Place, gitlab: GitLabAdmin) -> None:
    ci.access_token()
    runner = ci.unmanned("accessToken", tags=["a"])
    runner.wait()
    runner.edit(suspend=True, tags=["b"], image="busybox:latest")
    runner.wait_refused("Suspended")
    ci.kube.delete("ServiceAccount", "builds-runner", ci.name)
    ci.operator.wait_idle()
    assert gitlab.runner(runner.status()["runnerId"])["tag_list"] == ["a"]
    assert runner.kubernetes()["image"] == "busybox:1.36" and runner.child("account") is None
    runner.edit(suspend=False)
    runner.wait()
    assert gitlab.runner(runner.status()["runnerId"])["tag_list"] == ["b"] and runner.child("account")


def test_a_moved_url_deregisters_at_the_old_gitlab_and_registers_at_the_new(
        ci: Place, gitlab: GitLabAdmin, other_gitlab: GitLabAdmin) -> None:
    ci.registration_token()
    runner = ci.runner()
    runner.wait()
    manager = manager_identity(runner)
    other_gitlab.settings(registration_token="another-registration-token")
    ci.secret("gitlab", runner_registration_token="another-registration-token")
    runner.edit(url=OTHER_URL)
    runner.wait()
    assert gitlab.runners() == [] and len(other_gitlab.runners()) == 1
    assert runner.status()["url"] == runner.config()["runners"][0]["url"] == OTHER_URL
    wait_for("the same manager asks there", lambda: other_gitlab.runners()[0]["managers"])
    assert manager_identity(runner) == manager
