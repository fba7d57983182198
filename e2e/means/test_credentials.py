"""Credentials as people have them: of another kind, with something around them, about to end, or of a runner that is there."""
from __future__ import annotations

import pytest

from cluster import wait_for
from gitlab_admin import GitLabAdmin
from gitlab_users import GitLabUser
from places import Place

KEYS = {"registrationToken": "runner_registration_token", "accessToken": "access_token", "runnerToken": "runner_token"}


def test_a_token_of_another_kind_is_told_and_goes_nowhere(ci: Place, gitlab: GitLabAdmin,
                                                          gitlab_api: GitLabUser) -> None:
    """Under each reference, each of the other two; and what makes no runner at all."""
    gitlab_api.create_runner()
    given = {"registrationToken": ("GR1348941", "GR1348941AbCdEfGhIjKlMnOpQrSt"),
             "accessToken": ("glpat-", "glpat-AbCdEfGhIjKlMnOpQrSt"),
             "runnerToken": ("glrt-", "glrt-t1_AbCdEfGhIjKlMnOpQrSt"), "": ("gldt-", "gldt-AbCdEfGhIjKlMnOpQrSt")}
    since = len(gitlab.audit())
    runners = []
    for by, key in KEYS.items():
        for of, (prefix, token) in given.items():
            if of == by:
                continue
            name = f"{by}-{of or 'none'}".lower()
            ci.secret(name, **{key: token})
            runner = ci.unmanned(by, name=name, authentication={f"{by}SecretRef": {"name": name}})
            runners.append((runner, prefix, of or by))
    for runner, prefix, field in runners:
        message = runner.wait_refused("WrongKindOfToken")
        assert f"({prefix})" in message and f"authentication.{field}SecretRef" in message, message
        assert "AbCdEf" not in message
    assert len(gitlab.audit()) == since, "nothing was sent"
    runner = runners[0][0]
    ci.registration_token()
    runner.edit(authentication={"registrationTokenSecretRef": {"name": "gitlab"}})
    runner.wait()


@pytest.mark.parametrize("before, after", [(" ", ""), ("\ufeff\u00a0", "\u200b\u2028\r\n"), ("\t\r\n", "\u3000")], ids=ascii)
def test_white_space_around_a_token_does_no_harm(before: str, after: str, ci: Place, gitlab: GitLabAdmin,
                                                 gitlab_api: GitLabUser) -> None:
    token = gitlab_api.create_runner()["token"]
    ci.secret("gitlab", runner_token=before + token + after)
    runner = ci.unmanned("runnerToken")
    runner.wait()
    assert runner.config()["runners"][0]["token"] == token


def test_quotation_marks_around_a_token_are_named(ci: Place, gitlab: GitLabAdmin) -> None:
    ci.secret("gitlab", runner_token='"glrt-AbCdEfGhIjKlMnOpQrSt"')
    assert "has quotation marks around its content" in ci.unmanned("runnerToken").wait_refused("ValueInvalid")


def test_a_given_token_that_ends_is_told_of_in_time(ci: Place, gitlab: GitLabAdmin, gitlab_api: GitLabUser) -> None:
    """In STATUS, by a condition, an Event and a metric; and an access token in its place keeps the runner."""
    gitlab.settings(runner_token_expiration_interval=3 * 86400)
    made = gitlab_api.create_runner()
    ci.secret("gitlab", runner_token=made["token"])
    runner = ci.unmanned("runnerToken")
    assert runner.wait(reason="ReadyWithWarnings")["status"] == "True"
    warning = runner.conditions()["TokenExpiring"]
    assert warning["status"] == "True" and f"Secret {ci.name}/gitlab, key runner-token" in warning["message"]
    assert runner.wait_event("TokenExpiring")["type"] == "Warning"
    assert ci.operator.metrics()["gitlab_runner_controller_token_expiry_timestamp_seconds"] > 0
    ci.secret("access", access_token=gitlab.add_token("api", admin=True)["token"])
    runner.edit(authentication={"runnerTokenSecretRef": None, "accessTokenSecretRef": {"name": "access"}},
                scope={"type": "Instance"}, tags=["ours"])
    runner.wait(reason="Ready")
    assert "TokenExpiring" not in runner.conditions(), "from now on the operator replaces it"
    assert [row["id"] for row in gitlab.runners()] == [made["id"]] == [runner.status()["runnerId"]]
    assert runner.token() == made["token"] and gitlab.runner(made["id"])["tag_list"] == ["ours"]


def test_a_runner_stays_when_its_own_token_is_given(ci: Place, gitlab: GitLabAdmin) -> None:
    """From accessTokenSecretRef to runnerTokenSecretRef: no second one, no deregistration, then or later."""
    ci.access_token()
    runner = ci.unmanned("accessToken")
    runner.wait()
    number, token = runner.status()["runnerId"], runner.token()
    ci.secret("given", runner_token=token)
    runner.edit(authentication={"accessTokenSecretRef": None, "runnerTokenSecretRef": {"name": "given"}}, scope=None)
    runner.wait()
    assert (runner.status()["authentication"], runner.status()["runnerId"]) == ("RunnerToken", number)
    assert runner.token() == token and not gitlab.audit("DELETE")
    runner.delete()
    runner.wait_gone()
    assert [row["id"] for row in gitlab.runners()] == [number], "it is the user's now"
    gitlab.delete_runner(number)


def test_a_runner_that_exists_is_adopted_by_its_number(ci: Place, gitlab: GitLabAdmin, gitlab_api: GitLabUser) -> None:
    """By one object only."""
    made = gitlab_api.create_runner(description="old")
    ci.access_token()
    adopt = {"accessTokenSecretRef": {"name": "gitlab"}, "adoptRunnerId": made["id"]}
    runner = ci.unmanned("accessToken", authentication=adopt, tags=["new"])
    runner.wait()
    row = gitlab.runner(made["id"])
    assert runner.status()["runnerId"] == made["id"] and row["tag_list"] == ["new"]
    assert runner.token() == row["token"] != made["token"]
    other = ci.unmanned("accessToken", name="other", authentication=adopt)
    assert f"runner {made['id']} " in other.wait_refused("RunnerNotAdopted")
    assert gitlab.runner(made["id"])["token"] == row["token"] and len(gitlab.runners()) == 1
    for one in (other, runner):
        one.delete()
        one.wait_gone()
    assert gitlab.runners() == []


def test_tags_that_were_changed_at_gitlab_can_be_said_to_be(ci: Place, gitlab: GitLabAdmin) -> None:
    """With a registration token nobody can see that it was done; the message has the line to copy."""
    ci.registration_token()
    runner = ci.unmanned(tags=["a"])
    runner.wait()
    runner.edit(tags=["b"])
    message = runner.wait_refused("UpdateNeedsAccessToken")
    gitlab.change_runner(runner.status()["runnerId"], tag_list=["b"])
    name, _, value = message.split("--overwrite ")[1].partition("=")
    annotate = {"metadata": {"annotations": {name: value}}}
    ci.kube.patch("GitLabRunner", runner.name, annotate, ci.name)
    runner.wait(reason="Ready")
    assert len(gitlab.audit("POST", "/api/v4/runners")) == 1
    runner.edit(tags=["c"])
    runner.wait_refused("UpdateNeedsAccessToken")    # what was said was said of other tags
    runner.edit(tags=["b"])
    wait_for("the former ones are still said to be there", lambda: runner.wait(reason="Ready"))
