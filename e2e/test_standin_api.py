"""What GitLab grants: runners made, shown, changed, rotated and deleted, as its clients see it."""
from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from deadline import assert_in_time
from gitlab_admin import GitLabAdmin
from standin_fixtures import Api, api, gitlab, standin  # noqa: F401 (fixtures)

HOUR, DAY = 3600, 86_400


def register(api: Api, token: str, **attributes) -> dict:
    answer = api.call("POST", "/runners", {"token": token, **attributes})
    assert answer.status_code == 201, answer.text
    return answer.json()


def create(api: Api, access_token: str, **attributes) -> dict:
    answer = api.call("POST", "/user/runners", {"runner_type": "instance_type", **attributes}, access_token)
    assert answer.status_code == 201, answer.text
    return answer.json()


@pytest.fixture
def admin(gitlab: GitLabAdmin) -> str:
    return gitlab.add_token("api", admin=True)["token"]


# Making runners

@pytest.mark.parametrize("legacy, user, own", [
    (0, r"glrt-t3_[\w-]{20}", r"glrtr-t3_[\w-]{20}"),
    (20, r"glrt-[\w-]{20}", r"[\w-]{20}"),
    (30, r"glrt-[\w-]{20}", r"[0-9a-f]{30}"),
])
def test_tokens_have_the_forms_of_their_time(legacy: int, user: str, own: str, gitlab, api, admin) -> None:
    gitlab.settings(legacy_tokens=legacy)
    project = gitlab.add_project("app", registration_token="g-twenty-characters1")
    assert re.fullmatch(own, register(api, "g-twenty-characters1")["token"])
    created = create(api, admin, runner_type="project_type", project_id=project["id"])
    assert re.fullmatch(user, created["token"])


def test_a_registration_token_decides_the_runners_type_and_owner(gitlab, api) -> None:
    group = gitlab.add_group("team")
    project = gitlab.add_project("app", group_id=group["id"])
    instance = gitlab.state()["settings"]["registration_token"]
    ids = [register(api, token)["id"] for token in (instance, group["runners_token"], project["runners_token"])]
    runners = [gitlab.runner(i) for i in ids]
    assert [(r["runner_type"], r["group_id"], r["project_ids"]) for r in runners] == [
        ("instance_type", None, []), ("group_type", group["id"], []), ("project_type", None, [project["id"]])]


def test_two_equal_registrations_make_two_runners(gitlab, api) -> None:
    token = gitlab.state()["settings"]["registration_token"]
    mark = "gitlab-runners.dev/uid=7c1f"
    first, second = (register(api, token, maintenance_note=mark) for _ in range(2))
    assert first["id"] != second["id"]
    found = gitlab.invariants(living=[])
    assert found["registered_twice"] == {"7c1f": [first["id"], second["id"]]}
    assert found["leaked"] == [first["id"], second["id"]]
    assert gitlab.invariants(living=["7c1f"])["leaked"] == []


@pytest.mark.parametrize("how", ["json", "data", "params"])
def test_parameters_come_as_json_form_or_query(how: str, gitlab, api, standin) -> None:
    token = gitlab.state()["settings"]["registration_token"]
    parameters = {"token": token, "tag_list": "b, a,b", "run_untagged": "false", "maximum_timeout": "600"}
    answer = api.session.post(standin.url + "/api/v4/runners", **{how: parameters})
    runner = gitlab.runner(answer.json()["id"])
    assert (runner["tag_list"], runner["run_untagged"], runner["maximum_timeout"]) == (["b", "a"], False, 600)


def test_tokens_expire_after_the_smallest_interval_and_are_then_unknown(gitlab, api, admin) -> None:
    group = gitlab.add_group("team", runner_token_expiration_interval=2 * HOUR)
    project = gitlab.add_project("app", group_id=group["id"], runner_token_expiration_interval=3 * HOUR)
    runner = create(api, admin, runner_type="project_type", project_id=project["id"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", runner["token_expires_at"])
    assert api.call("POST", "/runners/verify", {"token": runner["token"]}).status_code == 200
    gitlab.advance_clock(2 * HOUR)
    assert api.call("POST", "/runners/verify", {"token": runner["token"]}).status_code == 403
    assert gitlab.invariants()["refused_tokens"] == {runner["token"]: 1}


# Showing and changing them

def test_a_runner_is_shown_in_full_but_for_its_token(gitlab, api, admin) -> None:
    runner = create(api, admin, description="d", tag_list="a,b", maintenance_note="n")
    shown = api.call("GET", f"/runners/{runner['id']}", token=admin).json()
    assert list(shown) == [
        "id", "description", "ip_address", "active", "paused", "is_shared", "runner_type", "name", "online", "status",
        "job_execution_status", "created_at", "created_by", "tag_list", "run_untagged", "locked", "maximum_timeout",
        "access_level", "version", "revision", "platform", "architecture", "contacted_at", "maintenance_note",
        "projects", "groups"]
    assert (shown["online"], shown["status"], shown["maintenance_note"]) == (None, "never_contacted", "n")
    assert runner["token"] not in str(shown)


def test_the_note_is_for_those_who_may_change_the_runner(gitlab, api, admin) -> None:
    runner = create(api, admin, maintenance_note="n")
    stranger = gitlab.add_token("read_api")["token"]
    assert api.call("GET", f"/runners/{runner['id']}", token=stranger).json()["maintenance_note"] is None


def test_an_update_merges_and_replaces_the_tags(gitlab, api, admin) -> None:
    runner = create(api, admin, description="d", tag_list="a,b")
    changed = api.call("PUT", f"/runners/{runner['id']}", {"tag_list": ["c"], "active": False}, admin).json()
    assert (changed["description"], changed["tag_list"], changed["paused"]) == ("d", ["c"], True)


def test_a_deleted_runner_is_forbidden_by_token_and_missing_by_id(gitlab, api, admin) -> None:
    runner = create(api, admin)
    by_token = [api.call("DELETE", "/runners", {"token": runner["token"]}) for _ in range(2)]
    assert [a.status_code for a in by_token] == [204, 403]
    assert by_token[0].content == b""
    runner = create(api, admin)
    by_id = [api.call("DELETE", f"/runners/{runner['id']}", token=admin).status_code for _ in range(2)]
    assert by_id == [204, 404]


def test_a_reset_kills_the_old_token_at_once(gitlab, api, admin) -> None:
    runner = create(api, admin)
    by_id = api.call("POST", f"/runners/{runner['id']}/reset_authentication_token", token=admin)
    by_token = api.call("POST", "/runners/reset_authentication_token", {"token": by_id.json()["token"]})
    assert (by_id.status_code, by_token.status_code) == (201, 201)
    tokens = [runner["token"], by_id.json()["token"], by_token.json()["token"]]
    assert [api.call("POST", "/runners/verify", {"token": t}).status_code for t in tokens] == [403, 403, 200]


# Managers and statuses

def test_verify_makes_a_runner_look_online_for_two_hours(gitlab, api, admin) -> None:
    runner = create(api, admin)
    api.call("POST", "/runners/verify", {"token": runner["token"]})
    api.call("POST", "/runners/verify", {"token": runner["token"], "system_id": "s_1", "info": {"version": "19.4.0"}})

    def shown() -> tuple[str, bool, str]:
        row = api.call("GET", f"/runners/{runner['id']}", token=admin).json()
        managers = api.call("GET", f"/runners/{runner['id']}/managers", token=admin).json()
        assert [m["system_id"] for m in managers] == ["<legacy>", "s_1"]
        return row["status"], row["online"], managers[1]["status"]
    assert shown() == ("online", True, "online")
    gitlab.advance_clock(2 * HOUR)
    assert shown() == ("offline", False, "offline")
    gitlab.advance_clock(7 * DAY)
    assert shown() == ("stale", False, "stale")


def test_a_manager_can_be_deleted_alone(gitlab, api, admin) -> None:
    runner = create(api, admin)
    for system in ("s_1", "s_2"):
        api.call("POST", "/runners/verify", {"token": runner["token"], "system_id": system})
    answer = api.call("DELETE", "/runners/managers", {"token": runner["token"], "system_id": "s_1"})
    assert answer.status_code == 204
    assert [m["system_id"] for m in gitlab.runner(runner["id"])["managers"]] == ["s_2"]


# Lists

def test_lists_come_in_pages(gitlab, api, admin) -> None:
    ids = [create(api, admin)["id"] for _ in range(5)]
    seen, page = [], "1"
    while page:
        answer = api.call("GET", f"/runners/all?per_page=2&page={page}", token=admin)
        seen += [runner["id"] for runner in answer.json()]
        assert (answer.headers["X-Total"], answer.headers["X-Total-Pages"]) == ("5", "3")
        assert ('rel="next"' in answer.headers["Link"]) == bool(answer.headers["X-Next-Page"])
        page = answer.headers["X-Next-Page"]
    assert sorted(seen) == ids


def test_lists_show_what_their_owner_inherits(gitlab, api, admin) -> None:
    top = gitlab.add_group("top")
    team = gitlab.add_group("team", path="top/team", parent_id=top["id"])
    project = gitlab.add_project("app", path="top/team/app", group_id=team["id"])
    instance = create(api, admin)["id"]
    of_top = create(api, admin, runner_type="group_type", group_id=top["id"])["id"]
    of_team = create(api, admin, runner_type="group_type", group_id=team["id"])["id"]
    own = create(api, admin, runner_type="project_type", project_id=project["id"])["id"]
    owner = gitlab.add_token("read_api", group_id=team["id"], role="owner")["token"]

    def listed(path: str) -> set[int]:
        return {runner["id"] for runner in api.call("GET", path, token=owner).json()}
    assert listed("/runners") == {of_team, own}
    assert listed("/groups/top%2Fteam/runners") == {instance, of_top, of_team}
    assert listed(f"/projects/{project['id']}/runners") == {instance, of_top, of_team, own}


@pytest.mark.parametrize("query, wanted", [
    ("", {"quiet", "tagged", "paused"}),
    ("?status=never_contacted", {"quiet", "paused"}), ("?status=online", {"tagged"}),
    ("?paused=true", {"paused"}), ("?tag_list=a", {"tagged"}), ("?tag_list=a,c", set()), ("?tag_list=b,a", {"tagged"}),
    ("?version_prefix=19.", {"tagged"}), ("?version_prefix=18.", set()), ("?type=group_type", set()),
    ("?scope=shared", {"quiet", "tagged", "paused"}),
])
def test_lists_can_be_filtered(query: str, wanted: set, gitlab, api, admin) -> None:
    create(api, admin, description="quiet")
    create(api, admin, description="paused", paused=True)
    token = create(api, admin, description="tagged", tag_list="a,b")["token"]
    api.call("POST", "/runners/verify", {"token": token, "system_id": "s_1", "info": {"version": "19.4.0"}})
    assert {r["description"] for r in api.call("GET", f"/runners/all{query}", token=admin).json()} == wanted


# About the instance and the token

def test_version_and_own_token(gitlab, api) -> None:
    token = gitlab.add_token("create_runner", "read_user", admin=True, expires_at="2099-12-31")
    assert api.call("GET", "/version", token=token["token"]).json()["version"] == "19.3.1-ee"
    own = api.call("GET", "/personal_access_tokens/self", headers={"Authorization": f"Bearer {token['token']}"}).json()
    assert (own["scopes"], own["expires_at"], own["active"]) == (["create_runner", "read_user"], "2099-12-31", True)


# The long poll

def poll(api: Api, token: str, last_update: str | None = None) -> tuple[int, str | None, float]:
    start = time.monotonic()
    body = {"token": token, "system_id": "s_1"} | ({"last_update": last_update} if last_update else {})
    answer = api.call("POST", "/jobs/request", body)
    assert answer.headers["Gitlab-Ci-Builds-Polling"] == "yes"
    return answer.status_code, answer.headers.get("X-GitLab-Last-Update"), time.monotonic() - start


def test_a_poll_is_held_from_the_second_time_on(gitlab, api, admin) -> None:
    gitlab.settings(long_poll_seconds=1)
    token = create(api, admin)["token"]
    status, value, took = poll(api, token)
    assert status == 204 and re.fullmatch("[0-9a-f]{32}", value)
    assert_in_time("an answer", took, 1)
    status, again, took = poll(api, token, value)
    assert status == 204 and again is None and took >= 1


def test_a_change_ends_a_held_poll(gitlab, api, admin) -> None:
    gitlab.settings(long_poll_seconds=20)
    runner = create(api, admin)
    _, value, _ = poll(api, runner["token"])
    with ThreadPoolExecutor() as pool:
        held = pool.submit(poll, api, runner["token"], value)
        assert gitlab.audit(path="/api/v4/jobs/request", answered=False, count=1, wait=5)
        api.call("PUT", f"/runners/{runner['id']}", {"description": "new"}, admin)
        status, again, took = held.result()
    assert (status, again) == (204, None)
    assert_in_time("an answer", took, 10)


def test_a_paused_runner_gets_no_job(gitlab, api, admin) -> None:
    project = gitlab.add_project("app", files={".gitlab-ci.yml": "test: {script: ok}"})
    runner = create(api, admin, paused=True)
    gitlab.start_pipeline(project["id"])
    status, value, _ = poll(api, runner["token"])
    assert status == 204 and value
    api.call("PUT", f"/runners/{runner['id']}", {"paused": False}, admin)
    assert poll(api, runner["token"], value)[0] == 201
