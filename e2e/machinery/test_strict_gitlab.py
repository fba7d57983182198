"""What a GitLab may be set to refuse, and what people are told of it then."""
from __future__ import annotations

from cluster import wait_for
from gitlab_admin import GitLabAdmin
from machinery.stage import Stage
from places import Runner

ROTATE = "gitlab-runners.dev/rotate-token"


def by_a_maintainer(stage: Stage, gitlab: GitLabAdmin) -> tuple[dict, dict]:
    """An access token that is no administrator's; and the scope that goes with it."""
    project = gitlab.add_project("app")
    token = stage.access_token(project_id=project["id"], role="maintainer", name="maintainer")
    return token, {"type": "Project", "projectId": project["id"]}


def asks_for_another_token(stage: Stage, runner: Runner, value: str) -> None:
    stage.kube.patch("GitLabRunner", runner.name, {"metadata": {"annotations": {ROTATE: value}}}, stage.name)


def test_who_may_make_runners_is_told(stage: Stage, gitlab: GitLabAdmin) -> None:
    token, scope = by_a_maintainer(stage, gitlab)
    gitlab.settings(valid_runner_registrars=["group"])
    stage.operator.start()
    runner = stage.unmanned("accessToken", scope=scope)
    assert "only an administrator will do" in runner.wait_refused("InsufficientPermissions")
    gitlab.settings(valid_runner_registrars=["group", "project"])
    gitlab.change_user(token["user_id"], blocked=True)
    runner.edit(description="once more")
    assert "is blocked at GitLab" in runner.wait_refused("AccessTokenRejected")
    gitlab.change_user(token["user_id"], blocked=False)
    runner.edit(description="and again")
    stage.settled([runner])


def test_a_long_token_with_dots_is_one_as_any_other(stage: Stage, gitlab: GitLabAdmin) -> None:
    gitlab.settings(routable_tokens=300)
    stage.registration_token()
    stage.operator.start()
    runner = stage.unmanned()
    stage.settled([runner])
    former = runner.token()
    assert len(former) == 300 and runner.config()["runners"][0]["token"] == former
    asks_for_another_token(stage, runner, "1")
    wait_for("another token is in config.toml", lambda: runner.config()["runners"][0]["token"] not in ("", former))
    stage.settled([runner])
    assert runner.config()["runners"][0]["token"] == runner.token()


def test_a_token_that_may_not_be_replaced_is_not_said_to_be_bad(stage: Stage, gitlab: GitLabAdmin) -> None:
    stage.registration_token()
    stage.operator.start()
    runner = stage.unmanned()
    stage.settled([runner])
    former = runner.token()
    for number, settings in enumerate(({"resets_itself": False}, {"rotation_deadline_passed": True})):
        gitlab.settings(**{"resets_itself": True} | settings)
        asks_for_another_token(stage, runner, str(number))
        assert "stays good" in runner.wait_refused("RejectedByGitLab")
        asks_for_another_token(stage, runner, "")
        runner.wait()
    assert runner.token() == former and len(gitlab.runners()) == 1


def test_a_runner_whose_project_is_gone_is_told_of(stage: Stage, gitlab: GitLabAdmin) -> None:
    project = stage.registration_token()
    stage.operator.start()
    runner = stage.unmanned()
    stage.settled([runner])
    gitlab.delete_project(project["id"])
    asks_for_another_token(stage, runner, "1")
    assert "group or project is gone" in runner.wait_refused("RejectedByGitLab")
    runner.delete()
    runner.wait_gone()
    assert gitlab.runners() == []


def test_nothing_is_concluded_from_an_address_that_is_not_let_in(stage: Stage, gitlab: GitLabAdmin) -> None:
    stage.registration_token()
    stage.operator.start()
    runner = stage.unmanned()
    stage.settled([runner])
    gitlab.settings(allowed_addresses=[])
    asks_for_another_token(stage, runner, "1")
    runner.wait(status="False", reason="Unconfirmed")
    gitlab.settings(allowed_addresses=None)
    asks_for_another_token(stage, runner, "2")
    stage.settled([runner])
    assert len(gitlab.runners()) == 1


def test_what_gitlab_carries_out_late_is_found_all_the_same(stage: Stage, gitlab: GitLabAdmin) -> None:
    """After it was looked for once."""
    stage.access_token()
    stage.operator.start()
    gitlab.fault("late", "POST", "/api/v4/user/runners", seconds=2)
    runner = stage.unmanned("accessToken")
    stage.settled([runner])
    assert [row["id"] for row in gitlab.runners()] == [runner.status()["runnerId"]]


def test_a_throttle_is_kept_to(stage: Stage, gitlab: GitLabAdmin) -> None:
    stage.access_token()
    gitlab.settings(throttle_authenticated=1)
    stage.operator.start()
    runners = [stage.unmanned("accessToken", name=f"builds{number}") for number in range(2)]
    wait_for("one is held up", lambda: "RateLimited" in [r.conditions()["Ready"]["reason"] for r in runners
                                                         if "Ready" in r.conditions()])
    refused = len(gitlab.audit(status=429))
    gitlab.settings(throttle_authenticated=0)
    assert refused <= 2, "it asks again though it was told when to come back"
