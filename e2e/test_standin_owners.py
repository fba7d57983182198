"""Owners that go, users that are blocked, tokens of the newest form, throttles, and a call that is carried out late."""
from __future__ import annotations

import re

import pytest
import requests

from cluster import wait_for
from gitlab_admin import GitLabAdmin
from standin_fixtures import Api, api, gitlab, standin  # noqa: F401 (fixtures)


def registered(api: Api, token: str) -> str:
    answer = api.call("POST", "/runners", {"token": token})
    assert answer.status_code == 201, answer.text
    return answer.json()["token"]


@pytest.mark.parametrize("kind", ["project", "group"])
def test_without_its_owner_a_runner_is_nobodys(kind: str, gitlab: GitLabAdmin, api: Api) -> None:
    group = gitlab.add_group("team")
    project = gitlab.add_project("app", path="team/app", group_id=group["id"])
    token = registered(api, (project if kind == "project" else group)["runners_token"])
    maintainer = gitlab.add_token("api", group_id=group["id"], role="owner")["token"]
    runner, = gitlab.runners()
    gitlab.delete_project(project["id"]) if kind == "project" else gitlab.delete_group(group["id"])
    answer = api.call("POST", "/runners/verify", {"token": token})
    assert (answer.status_code, answer.json()) == (422, {"message": "Runner is orphaned"})
    assert api.call("POST", "/runners/reset_authentication_token", {"token": token}).status_code == 422
    assert api.call("GET", f"/runners/{runner['id']}", token=maintainer).status_code == 403
    admin = gitlab.add_token("api", admin=True)["token"]
    shown = api.call("GET", f"/runners/{runner['id']}", token=admin).json()
    assert shown["groups"] == shown["projects"] == []
    gitlab.settings(orphans_are_told=False)
    assert api.call("POST", "/runners/verify", {"token": token}).status_code == 200
    assert api.call("DELETE", "/runners", {"token": token}).status_code == 204


def test_a_blocked_user_may_do_nothing(gitlab: GitLabAdmin, api: Api) -> None:
    token = gitlab.add_token("api", admin=True)
    gitlab.change_user(token["user_id"], blocked=True)
    answer = api.call("GET", "/version", token=token["token"])
    assert (answer.status_code, answer.json()) == (403, {"message": "403 Forbidden - Your account has been blocked."})


@pytest.mark.parametrize("length", [60, 300])
def test_a_routable_token_has_dots_and_is_long(length: int, gitlab: GitLabAdmin, api: Api) -> None:
    gitlab.settings(routable_tokens=length)
    token = registered(api, gitlab.state()["settings"]["registration_token"])
    assert len(token) == length and re.fullmatch(r"glrtr-[\w-]+\.01\.[0-9a-z]{9}", token)
    assert api.call("POST", "/runners/verify", {"token": token}).json()["token"] == token


def test_who_asks_too_often_is_told_when_to_come_back(gitlab: GitLabAdmin, api: Api) -> None:
    gitlab.settings(throttle_unauthenticated=2, throttle_authenticated=1)
    token = gitlab.add_token("api", admin=True)["token"]
    answers = [api.call("POST", "/runners/verify", {"token": "x"}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [403, 403, 429]
    assert [answer.headers["RateLimit-Remaining"] for answer in answers] == ["1", "0", "0"]
    late = answers[-1]
    assert late.text == "Retry later\n" and late.headers["Content-Type"].startswith("text/plain")
    assert 0 < int(late.headers["Retry-After"]) <= 60 and late.headers["RateLimit-ResetTime"].endswith("GMT")
    assert late.headers["RateLimit-Name"] == "throttle_unauthenticated_api"
    own = [api.call("GET", "/version", token=token) for _ in range(2)]
    assert [answer.status_code for answer in own] == [200, 429]
    gitlab.advance_clock(60)
    assert api.call("GET", "/version", token=token).status_code == 200


def test_what_is_carried_out_late_is_not_there_yet(gitlab: GitLabAdmin, api: Api) -> None:
    gitlab.fault("late", "POST", "/api/v4/runners", seconds=0.5)
    with pytest.raises(requests.ConnectionError):
        api.call("POST", "/runners", {"token": gitlab.state()["settings"]["registration_token"]})
    assert gitlab.runners() == []
    wait_for("it is there", lambda: len(gitlab.runners()) == 1, 5)
