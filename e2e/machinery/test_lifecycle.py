"""A registered runner as time goes by: what somebody does to it at GitLab, rotation, other credentials."""
from __future__ import annotations

from collections.abc import Iterator

import pytest

from cluster import wait_for
from gitlab_admin import GitLabAdmin
from gitlab_users import GitLabUser
from machinery.stage import Stage
from places import Runner

pytestmark = pytest.mark.lifecycle

PERIOD = 30         # the least that there is between two checks; the first comes after 38 s at most
PACE = 10           # … by the operator's clock, which goes faster
FOUND_OUT = (4 * PERIOD + 15) / PACE + 30   # two checks, a second look, and their jitter; and what is not the clock's
BY_TOKEN = ("POST", "/api/v4/runners/verify")


def start(stage: Stage) -> None:
    stage.operator.start(pace=PACE)


def watched(stage: Stage, by: str, **spec: object) -> Runner:
    """A runner that is looked at as often as can be."""
    start(stage)
    runner = stage.runner(by, serverCheckPeriodSeconds=PERIOD, **spec)
    stage.settled([runner])
    return runner


def numbers(gitlab: GitLabAdmin) -> list[int]:
    return [row["id"] for row in gitlab.runners()]


# ----------------------------------------------------------------------------------------------------------------------
# Deleted, edited, reset at GitLab


def test_r2_a_runner_deleted_at_gitlab_is_registered_anew(stage: Stage, gitlab: GitLabAdmin) -> None:
    """After GitLab has said twice that it does not know it: by a token of its own, while its managers run."""
    stage.registration_token()
    runner = watched(stage, "registrationToken")
    for _ in deleted(runner, gitlab):
        pass
    assert len(gitlab.audit(status=403)) == 2


def test_r2_r6_what_somebody_does_at_gitlab_is_found_out(stage: Stage, gitlab: GitLabAdmin,
                                                             gitlab_api: GitLabUser) -> None:
    """Each to a runner of its own, all at the same time, for each waits until it is looked at."""
    stage.access_token()
    start(stage)
    names = ("deleted", "edited", "hidden", "reset", "lost")
    runners = [stage.runner("accessToken", name=name, serverCheckPeriodSeconds=PERIOD, tags=["a", "b"],
                            description=f"mine: {name}") for name in names]
    stage.settled(runners)
    scenes = [scene(runner, gitlab, gitlab_api) for scene, runner in zip(
        (deleted, edited, hidden, reset, lost_in_a_rotation), runners, strict=True)]
    gone = runners[0].status()["runnerId"]
    for scene in scenes:
        next(scene)
    for scene in scenes:
        next(scene, None)
    stage.settled(runners)
    assert len(numbers(gitlab)) == len(runners)
    assert len(gitlab.audit("GET", f"/api/v4/runners/{gone}", status=404)) == 2, "GitLab has said it twice"
    tried = [call["status"] for call in gitlab.audit(*BY_TOKEN)]
    assert tried.count(403) == tried.count(400) > 0, "each refusal was made sure of"


# Each yields when it is done, and then waits until the operator has found it out.


def deleted(runner: Runner, gitlab: GitLabAdmin, *_: object) -> Iterator[None]:
    number, token = runner.status()["runnerId"], runner.token()
    gitlab.delete_runner(number)
    yield
    wait_for("another one is registered", lambda: runner.status()["runnerId"] != number, FOUND_OUT)
    runner.wait()
    wait_for("config.toml has its token", lambda: runner.config()["runners"][0]["token"] == runner.token() != token)
    assert str(number) in runner.wait_event("RunnerLost")["note"]


def edited(runner: Runner, gitlab: GitLabAdmin, *_: object) -> Iterator[None]:
    """It is set back."""
    number, token = runner.status()["runnerId"], runner.token()
    was = gitlab.runner(number)["description"]
    gitlab.change_runner(number, paused=True, tag_list=["c"], description="theirs")
    yield
    row = wait_for("it is as it was", lambda: (r := gitlab.runner(number))["description"] == was and r, FOUND_OUT)
    assert (row["paused"], sorted(row["tag_list"])) == (False, ["a", "b"])
    assert "paused" in runner.wait_event("AttributesRestored")["note"]
    assert len(gitlab.audit("PUT", f"/api/v4/runners/{number}")) == 1
    assert runner.token() == token and runner.status()["runnerId"] == number


def hidden(runner: Runner, gitlab: GitLabAdmin, *_: object) -> Iterator[None]:
    """A 404 that is not GitLab's deletes nothing."""
    number, token = runner.status()["runnerId"], runner.token()
    path = f"/api/v4/runners/{number}"
    gitlab.fault("status", "GET", path, status=404, body="<html>404</html>", count=3)
    yield
    wait_for("it was asked for again and again", lambda: len(gitlab.audit("GET", path)) == 4, FOUND_OUT)
    assert runner.status()["runnerId"] == number and runner.token() == token and number in numbers(gitlab)
    assert runner.conditions()["Ready"]["status"] == "True"


def reset(runner: Runner, gitlab: GitLabAdmin, gitlab_api: GitLabUser) -> Iterator[None]:
    """GitLab shows the runner, but has not heard of its managers: the token is tried, and a new one is got by id."""
    number, before = runner.status()["runnerId"], runner.token()
    gitlab_api.reset_token(number)
    yield
    wait_for("it has a new token", lambda: runner.token() != before, FOUND_OUT)
    wait_for("that GitLab takes", lambda: gitlab.runner(number)["token"] == runner.token())
    assert runner.status()["runnerId"] == number
    assert [call["status"] for call in gitlab.audit(*BY_TOKEN) if before in call["body"]] == [403] * 2


def lost_in_a_rotation(runner: Runner, gitlab: GitLabAdmin, *_: object) -> Iterator[None]:
    """The answer is lost: the old token is dead and nobody knows the new one, so another is got by id."""
    number, before = runner.status()["runnerId"], runner.token()
    gitlab.fault("reset", "POST", "/api/v4/runners/reset_authentication_token", done=True)
    ask_for_a_token(runner, "now")
    yield
    wait_for("it has a new token", lambda: runner.token() != before, FOUND_OUT)
    wait_for("that GitLab takes", lambda: gitlab.runner(number)["token"] == runner.token())
    assert runner.status()["runnerId"] == number


# ----------------------------------------------------------------------------------------------------------------------
# Rotation


@pytest.mark.parametrize("by", ["accessToken", "registrationToken"])
def test_c11_a_token_is_rotated_when_asked_for(stage: Stage, gitlab: GitLabAdmin, by: str) -> None:
    """The runner, its pod and the annotation stay; each new value is honoured once, also after a restart."""
    stage.access_token() if by == "accessToken" else stage.registration_token()
    start(stage)
    runner = stage.runner(by)
    stage.settled([runner])
    number, pods = runner.status()["runnerId"], [pod["metadata"]["uid"] for pod in runner.managers()]
    for value in ("one", "two"):
        before = runner.token()
        ask_for_a_token(runner, value)
        wait_for("it has a new token", lambda: runner.token() != before)
        wait_for("config.toml, too", lambda: runner.config()["runners"][0]["token"] == runner.token())
        assert gitlab.runner(number)["token"] == runner.token()
    stage.wait_quiet()
    token = runner.token()
    stage.operator.stop()
    start(stage)
    stage.wait_quiet(2)
    assert runner.token() == token and numbers(gitlab) == [number]
    assert [pod["metadata"]["uid"] for pod in runner.managers()] == pods
    assert runner.object()["metadata"]["annotations"] == {"gitlab-runners.dev/rotate-token": "two"}


def ask_for_a_token(runner: Runner, value: str) -> None:
    runner.kube.patch("GitLabRunner", runner.name,
                      {"metadata": {"annotations": {"gitlab-runners.dev/rotate-token": value}}}, runner.ns)


def test_r2_killed_in_a_rotation_it_is_found_out_after_the_start(stage: Stage, gitlab: GitLabAdmin) -> None:
    stage.access_token()
    start(stage)
    runner = stage.runner("accessToken")
    stage.settled([runner])
    number, before = runner.status()["runnerId"], runner.token()
    gitlab.fault("hold", "POST", "/api/v4/runners/reset_authentication_token", done=True)
    ask_for_a_token(runner, "now")
    wait_for("GitLab has another token", lambda: gitlab.runner(number)["token"] != before)
    stage.operator.kill()
    start(stage)
    wait_for("it has a new token", lambda: runner.token() != before, FOUND_OUT)
    stage.settled([runner])
    assert gitlab.runner(number)["token"] == runner.token() and numbers(gitlab) == [number]


# ----------------------------------------------------------------------------------------------------------------------
# Another credential


def test_c11_an_access_token_takes_over_what_a_registration_token_made(stage: Stage, gitlab: GitLabAdmin) -> None:
    project = stage.registration_token()
    start(stage)
    runner = stage.runner(tags=["a"])
    stage.settled([runner])
    number, token = runner.status()["runnerId"], runner.token()
    stage.secret("access", access_token=gitlab.add_token("api", admin=True)["token"])
    runner.edit(authentication={"registrationTokenSecretRef": None, "accessTokenSecretRef": {"name": "access"}},
                scope={"type": "Project", "projectId": project["id"]}, tags=["b"])
    wait_for("GitLab has the new tags", lambda: gitlab.runner(number)["tag_list"] == ["b"])
    runner.wait()
    assert (runner.status()["runnerId"], runner.token(), numbers(gitlab)) == (number, token, [number])
    assert runner.status()["authentication"] == "AccessToken"
    runner.edit(authentication={"registrationTokenSecretRef": {"name": "gitlab"}, "accessTokenSecretRef": None},
                scope=None)
    wait_for("and back", lambda: runner.status()["authentication"] == "RegistrationToken")
    runner.wait()
    assert (runner.status()["runnerId"], runner.token(), numbers(gitlab)) == (number, token, [number])


def test_c11_a_runner_elsewhere_is_not_taken_over(stage: Stage, gitlab: GitLabAdmin) -> None:
    stage.registration_token()
    start(stage)
    runner = stage.runner()
    stage.settled([runner])
    number = runner.status()["runnerId"]
    stage.secret("access", access_token=gitlab.add_token("api", admin=True)["token"])
    runner.edit(authentication={"registrationTokenSecretRef": None, "accessTokenSecretRef": {"name": "access"}},
                scope={"type": "Instance"})
    wait_for("it is registered there", lambda: runner.status().get("scope") == "Instance")
    runner.wait()
    assert len(numbers(gitlab)) == 1 and numbers(gitlab) != [number]


# ----------------------------------------------------------------------------------------------------------------------
# Versions


def test_r6_versions_that_do_not_go_together_are_told(stage: Stage, gitlab: GitLabAdmin) -> None:
    stage.access_token()
    runner = watched(stage, "accessToken", manager={"image": "gitlab/gitlab-runner:v99.1.0"})
    message = runner.wait("VersionSkew", "True", "RunnerNewerThanGitLab", FOUND_OUT)["message"]
    assert "99.1" in message and runner.conditions()["Ready"]["status"] == "True"
    runner.edit(manager={"image": "gitlab/gitlab-runner:latest"})
    wait_for("nothing is known, and nothing said", lambda: "VersionSkew" not in runner.conditions())
