"""What GitLab refuses, the stand-in refuses: request, status and the exact body, row by row."""
from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from gitlab_admin import GitLabAdmin
from standin_fixtures import Api, api, gitlab, standin  # noqa: F401 (fixtures)

TOO_FEW_TAGS = "can not be empty when runner is not allowed to pick untagged jobs"
TOO_MANY_TAGS = "Too many tags specified. Please limit the number of tags to 50"
TOO_SHORT = "needs to be at least 10 minutes"
TOO_LONG = "is too long (maximum is 1024 characters)"
CHANGEABLE = ("description, active, paused, tag_list, run_untagged, locked, access_level, maximum_timeout, "
              "maintenance_note")
MANY_TAGS = [f"tag-{n}" for n in range(51)]
EXPIRED = "Token is expired. You can either do re-authorization or token refresh."
REVOKED = "Token was revoked. You have to re-authorize from the user."


def scope_error(scopes: str) -> dict:
    return {"error": "insufficient_scope", "scope": scopes,
            "error_description": "The request requires higher privileges than provided by the access token."}


def note(text: str) -> dict:
    return {"message": text}


def error(text: str) -> dict:
    return {"error": text}


def invalid(**attributes: str) -> dict:
    return {"message": {name: [text] for name, text in attributes.items()}}


@dataclass(frozen=True)
class Row:
    """In path and body, {names} stand for what `world` has made; `token` names one of its access tokens."""
    what: str
    method: str
    path: str
    status: int
    answer: object
    body: dict | None = None
    token: str | None = None
    settings: dict = field(default_factory=dict)
    headers: dict = field(default_factory=dict)


POST, PUT, GET, DELETE = "POST", "PUT", "GET", "DELETE"
REG = {"token": "{registration}"}
RUNNER = {"token": "{runner_token}"}
INSTANCE = {"runner_type": "instance_type"}
GROUP = {"runner_type": "group_type", "group_id": "{group}"}
PROJECT = {"runner_type": "project_type", "project_id": "{project}"}
DENIED = note("403 Forbidden - No access granted")
BAD_TOKEN = note("403 Forbidden")
GONE = note("410 Gone - runner registration disallowed")
UNKNOWN = note("403 Forbidden - invalid token supplied")

REGISTRATION = [
    Row("no token", POST, "/runners", 400, error("token is missing"), {}),
    Row("unknown token", POST, "/runners", 403, UNKNOWN, {"token": "no-such-token"}),
    Row("empty token", POST, "/runners", 403, UNKNOWN, {"token": ""}),
    Row("registrar not allowed", POST, "/runners", 403, UNKNOWN, REG,
        settings={"valid_runner_registrars": ["group"]}),
    Row("registration disabled", POST, "/runners", 410, GONE, REG,
        settings={"allow_runner_registration_token": False}),
    Row("registration disabled, unknown token", POST, "/runners", 410, GONE, {"token": "no-such-token"},
        settings={"allow_runner_registration_token": False}),
    Row("registration disabled, empty token", POST, "/runners", 403, UNKNOWN, {"token": ""},
        settings={"allow_runner_registration_token": False}),
    Row("the top group disallows it", POST, "/runners", 410, GONE, {"token": "{closed_registration}"}),
    Row("no tags and no untagged jobs", POST, "/runners", 400, invalid(tags_list=TOO_FEW_TAGS),
        REG | {"run_untagged": False}),
    Row("too many tags", POST, "/runners", 400, invalid(tags_list=TOO_MANY_TAGS), REG | {"tag_list": MANY_TAGS}),
    Row("timeout too short", POST, "/runners", 400, invalid(maximum_timeout=TOO_SHORT), REG | {"maximum_timeout": 599}),
    Row("description too long", POST, "/runners", 400, invalid(description=TOO_LONG),
        REG | {"description": "x" * 1025}),
    Row("note too long", POST, "/runners", 400, invalid(maintenance_note=TOO_LONG),
        REG | {"maintenance_note": "x" * 1025}),
    Row("name too long", POST, "/runners", 400, invalid(name="is too long (maximum is 256 characters)"),
        REG | {"info": {"name": "x" * 257}}),
    Row("two violations", POST, "/runners", 400, invalid(tags_list=TOO_FEW_TAGS, maximum_timeout=TOO_SHORT),
        REG | {"run_untagged": False, "maximum_timeout": 1}),
    Row("project full", POST, "/runners", 400,
        {"message": {"runner_projects.base": ["Maximum number of ci registered project runners (1) exceeded"]}}, REG,
        settings={"runner_limit": 1}),
    Row("group full", POST, "/runners", 400,
        {"message": {"runner_namespaces.base": ["Maximum number of ci registered group runners (1) exceeded"]}},
        {"token": "{group_registration}"}, settings={"runner_limit": 1}),
    Row("wrong type", POST, "/runners", 400, error("maximum_timeout is invalid"), REG | {"maximum_timeout": "soon"}),
    Row("info no object", POST, "/runners", 400, error("info is invalid"), REG | {"info": "x"}),
    Row("wrong word", POST, "/runners", 400, error("access_level does not have a valid value"),
        REG | {"access_level": "x"}),
    Row("active and paused", POST, "/runners", 400, error("active, paused are mutually exclusive"),
        REG | {"active": True, "paused": False}),
    Row("both notes", POST, "/runners", 400, error("maintainer_note, maintenance_note are mutually exclusive"),
        REG | {"maintainer_note": "x", "maintenance_note": "y"}),
    Row("several complaints", POST, "/runners", 400,
        error("token is missing, locked is invalid, active, paused are mutually exclusive"),
        {"locked": "maybe", "active": True, "paused": True}),
    Row("migrations are running", POST, "/runners", 429,
        note("Executing database migrations. Please retry later."), REG, settings={"executing_migrations": True}),
]

WITH_RUNNER_TOKEN = [
    Row("delete: no token", DELETE, "/runners", 400, error("token is missing"), {}),
    Row("delete: unknown token", DELETE, "/runners", 403, BAD_TOKEN, {"token": "x"}),
    Row("delete: changed meanwhile", DELETE, "/runners", 412, note("412 Precondition Failed"), RUNNER,
        headers={"If-Unmodified-Since": "Tue, 05 Jan 2021 11:00:00 GMT"}),
    Row("delete manager: no token, no system", DELETE, "/runners/managers", 400,
        error("token is missing, system_id is missing"), {}),
    Row("delete manager: unknown token", DELETE, "/runners/managers", 403, BAD_TOKEN, {"token": "x", "system_id": "s"}),
    Row("delete manager: unknown system", DELETE, "/runners/managers", 404,
        note("404 Runner manager not found Not Found"), RUNNER | {"system_id": "s_none"}),
    Row("verify: no token", POST, "/runners/verify", 400, error("token is missing"), {}),
    Row("verify: unknown token", POST, "/runners/verify", 403, BAD_TOKEN, {"token": "x"}),
    Row("verify: null token", POST, "/runners/verify", 403, BAD_TOKEN, {"token": None}),
    Row("reset: no token", POST, "/runners/reset_authentication_token", 400, error("token is missing"), {}),
    Row("reset: unknown token", POST, "/runners/reset_authentication_token", 403, BAD_TOKEN, {"token": "x"}),
    Row("reset: not to be done by a runner", POST, "/runners/reset_authentication_token", 403,
        error("Not permitted to reset"), RUNNER, settings={"resets_itself": False}),
    Row("reset: too late", POST, "/runners/reset_authentication_token", 422, note("422 Unprocessable Entity"), RUNNER,
        settings={"rotation_deadline_passed": True}),
    Row("verify: from an address that is not let in", POST, "/runners/verify", 403, BAD_TOKEN, RUNNER,
        settings={"allowed_addresses": ["192.0.2.1"]}),
    Row("job request: no token", POST, "/jobs/request", 400, error("token is missing"), {}),
    Row("job request: unknown token", POST, "/jobs/request", 403, BAD_TOKEN, {"token": "x"}),
    Row("job request: too large", POST, "/jobs/request", 413, "Request Entity Too Large\n",
        RUNNER | {"info": {"x": "x" * 33_000}}),
    Row("router discovery", GET, "/runners/router/discovery", 501,
        note("Job Router is not available. Please contact your administrator.")),
]

CREATION = [
    Row("no access token", POST, "/user/runners", 401, note("401 Unauthorized"), {}),
    Row("unknown access token", POST, "/user/runners", 401, note("401 Unauthorized"), INSTANCE, "unknown"),
    Row("expired access token", POST, "/user/runners", 401,
        {"error": "invalid_token", "error_description": EXPIRED}, INSTANCE, "expired"),
    Row("revoked access token", POST, "/user/runners", 401,
        {"error": "invalid_token", "error_description": REVOKED}, INSTANCE, "revoked"),
    Row("scope comes before parameters", POST, "/user/runners", 403, scope_error("create_runner api read_api"),
        {}, "manager"),
    Row("read_api does not create", POST, "/user/runners", 403, scope_error("create_runner api read_api"),
        INSTANCE, "reader"),
    Row("no type", POST, "/user/runners", 400,
        error("runner_type is missing, runner_type does not have a valid value"), {}, "admin"),
    Row("wrong type", POST, "/user/runners", 400, error("runner_type does not have a valid value"),
        {"runner_type": "x"}, "admin"),
    Row("group without id", POST, "/user/runners", 400, error("group_id is missing"),
        {"runner_type": "group_type"}, "admin"),
    Row("project without id", POST, "/user/runners", 400, error("project_id is missing"),
        {"runner_type": "project_type"}, "admin"),
    Row("no such group, seen by anyone", POST, "/user/runners", 400, note("400 Bad request - Missing/invalid group"),
        {"runner_type": "group_type", "group_id": 999}, "nobody"),
    Row("no such project", POST, "/user/runners", 400, note("400 Bad request - Missing/invalid project"),
        {"runner_type": "project_type", "project_id": 999}, "admin"),
    Row("instance runner by an owner", POST, "/user/runners", 403, note("403 Forbidden - Insufficient permissions"),
        INSTANCE, "owner"),
    Row("group runner by a maintainer", POST, "/user/runners", 403, note("403 Forbidden - Insufficient permissions"),
        GROUP, "maintainer"),
    Row("project runner by a developer", POST, "/user/runners", 403, note("403 Forbidden - Insufficient permissions"),
        PROJECT, "developer"),
    Row("no registrar, but for an administrator", POST, "/user/runners", 403,
        note("403 Forbidden - Insufficient permissions"), PROJECT, "maintainer",
        settings={"valid_runner_registrars": ["group"]}),
    Row("from an address that is not let in", POST, "/user/runners", 403, BAD_TOKEN, INSTANCE, "admin",
        settings={"allowed_addresses": []}),
    Row("no tags and no untagged jobs", POST, "/user/runners", 400,
        note(f"400 Bad request - Tags list {TOO_FEW_TAGS}"), INSTANCE | {"run_untagged": False}, "admin"),
    Row("two violations in a sentence", POST, "/user/runners", 400,
        note(f"400 Bad request - Tags list {TOO_FEW_TAGS} and Maximum timeout {TOO_SHORT}"),
        INSTANCE | {"run_untagged": False, "maximum_timeout": 1}, "admin"),
    Row("three violations in a sentence", POST, "/user/runners", 400,
        note(f"400 Bad request - Tags list {TOO_FEW_TAGS}, Maximum timeout {TOO_SHORT}, and Description {TOO_LONG}"),
        INSTANCE | {"run_untagged": False, "maximum_timeout": 1, "description": "x" * 1025}, "admin"),
]

BY_ID = [
    Row("id no number", GET, "/runners/x", 400, error("id is invalid"), None, "admin"),
    Row("no such runner", GET, "/runners/999", 404, note("404 Runner Not Found"), None, "nobody"),
    Row("group runner for a stranger", GET, "/runners/{group_runner}", 403, DENIED, None, "nobody"),
    Row("group runner for a developer", GET, "/runners/{group_runner}", 403, DENIED, None, "developer"),
    Row("creating is not reading", GET, "/runners/{group_runner}", 403, scope_error("manage_runner api read_api"),
        None, "creator"),
    Row("nothing to change", PUT, "/runners/{group_runner}", 400,
        error(f"{CHANGEABLE} are missing, at least one parameter must be provided"), {}, "owner"),
    Row("change as a maintainer", PUT, "/runners/{group_runner}", 403, DENIED, {"paused": True}, "maintainer"),
    Row("change an instance runner as an owner", PUT, "/runners/{instance_runner}", 403, DENIED, {"paused": True},
        "owner"),
    Row("change with read_api", PUT, "/runners/{group_runner}", 403, scope_error("manage_runner api read_api"),
        {"paused": True}, "reader"),
    Row("change what is gone", PUT, "/runners/999", 404, note("404 Runner Not Found"), {"paused": True}, "owner"),
    Row("change to no tags", PUT, "/runners/{group_runner}", 400, invalid(tags_list=TOO_FEW_TAGS),
        {"run_untagged": False}, "owner"),
    Row("delete as a stranger", DELETE, "/runners/{group_runner}", 403, DENIED, None, "nobody"),
    Row("delete what is gone", DELETE, "/runners/999", 404, note("404 Runner Not Found"), None, "admin"),
    Row("delete what several projects use", DELETE, "/runners/{shared_runner}", 403,
        note("403 Forbidden - Runner associated with more than one project"), None, "maintainer"),
    Row("delete what has changed", DELETE, "/runners/{group_runner}", 412, note("412 Precondition Failed"),
        None, "owner", headers={"If-Unmodified-Since": "Tue, 05 Jan 2021 11:00:00 GMT"}),
    Row("reset as a stranger", POST, "/runners/{group_runner}/reset_authentication_token", 403, DENIED, None, "nobody"),
    Row("reset what is gone", POST, "/runners/999/reset_authentication_token", 404, note("404 Runner Not Found"),
        None, "admin"),
    Row("reset too late", POST, "/runners/{group_runner}/reset_authentication_token", 422,
        note("422 Unprocessable Entity"), None, "owner", settings={"rotation_deadline_passed": True}),
    Row("managers for a stranger", GET, "/runners/{group_runner}/managers", 403, DENIED, None, "nobody"),
    Row("jobs for a stranger", GET, "/runners/{group_runner}/jobs", 403, DENIED, None, "nobody"),
]

LISTS = [
    Row("anonymous", GET, "/runners", 401, note("401 Unauthorized")),
    Row("everyone's, for no administrator", GET, "/runners/all", 403, BAD_TOKEN, None, "owner"),
    Row("manage_runner opens no list", GET, "/runners", 403, scope_error("manage_runner api read_api"), None,
        "manager"),
    Row("nor the group's", GET, "/groups/{group}/runners", 403, scope_error("manage_runner api read_api"), None,
        "manager"),
    Row("the group's, for a maintainer", GET, "/groups/{group}/runners", 403, BAD_TOKEN, None, "maintainer"),
    Row("the project's, for a developer", GET, "/projects/{project}/runners", 403, BAD_TOKEN, None, "developer"),
    Row("no such group", GET, "/groups/999/runners", 404, note("404 Group Not Found"), None, "admin"),
    Row("no such project", GET, "/projects/999/runners", 404, note("404 Project Not Found"), None, "admin"),
    Row("wrong type", GET, "/runners?type=x", 400, error("type does not have a valid value"), None, "admin"),
    Row("wrong status", GET, "/runners?status=x", 400, error("status does not have a valid value"), None, "admin"),
    Row("wrong scope", GET, "/runners?scope=x", 400, note("Scope contains invalid value"), None, "admin"),
    Row("wrong page", GET, "/runners?page=x", 400, error("page is invalid"), None, "admin"),
]

REST = [
    Row("version needs a token", GET, "/version", 401, note("401 Unauthorized")),
    Row("version is closed to runner scopes", GET, "/version", 403, scope_error("read_user api read_api"), None,
        "manager"),
    Row("metadata too", GET, "/metadata", 403, scope_error("read_user api read_api"), None, "creator"),
    Row("own token, unknown", GET, "/personal_access_tokens/self", 401, note("401 Unauthorized"), None, "unknown"),
    Row("no such route", GET, "/no/such/route", 404, error("404 Not Found")),
    Row("wrong method", "PATCH", "/runners", 405, error("405 Not Allowed")),
    Row("job of another token", PUT, "/jobs/1", 403, BAD_TOKEN, {"token": "x", "state": "success"}),
    Row("job without token", PUT, "/jobs/1", 400, error("token is missing"), {}),
    Row("trace without token", "PATCH", "/jobs/1/trace", 403, BAD_TOKEN),
    Row("artifacts without file", POST, "/jobs/1/artifacts", 400, error("file is missing"), {}),
    Row("artifacts of another token", GET, "/jobs/1/artifacts", 403, BAD_TOKEN, headers={"JOB-TOKEN": "x"}),
]


@pytest.fixture
def world(gitlab: GitLabAdmin, api: Api) -> dict:
    """One of everything: owners, runners of each type, access tokens by role and by scope."""
    group = gitlab.add_group("team")
    closed = gitlab.add_group("closed", allow_runner_registration_token=False)
    project = gitlab.add_project("app", path="team/app", group_id=group["id"])
    second = gitlab.add_project("lib", path="team/lib", group_id=group["id"])
    names = {"group": group["id"], "project": project["id"], "registration": project["runners_token"],
             "group_registration": group["runners_token"], "closed_registration": closed["runners_token"]}
    tokens = {
        "admin": gitlab.add_token("api", admin=True), "nobody": gitlab.add_token("api"),
        **{role: gitlab.add_token("api", group_id=group["id"], role=role)
           for role in ("owner", "maintainer", "developer")},
        "expired": gitlab.add_token("api", admin=True, expires_at="2020-01-31"),
        "revoked": gitlab.add_token("api", admin=True),
        "creator": gitlab.add_token("create_runner", admin=True),
        "manager": gitlab.add_token("manage_runner", admin=True),
        "reader": gitlab.add_token("read_api", admin=True)}
    gitlab.change_token(tokens["revoked"]["id"], revoked=True)
    names["tokens"] = {name: token["token"] for name, token in tokens.items()} | {"unknown": "glpat-unknown"}
    admin = names["tokens"]["admin"]
    wanted = {"instance_runner": INSTANCE, "group_runner": GROUP, "project_runner": PROJECT, "shared_runner": PROJECT}
    for name, body in wanted.items():
        created = api.call(POST, "/user/runners", filled(body, names), admin)
        assert created.status_code == 201, created.text
        names[name] = created.json()["id"]
    gitlab.change_runner(names["shared_runner"], project_ids=[project["id"], second["id"]])
    names["runner_token"] = gitlab.runner(names["project_runner"])["token"]
    return names


def filled(body: dict | None, names: dict) -> dict | None:
    """A text that is one {name} alone becomes that value, numbers stay numbers."""
    if body is None:
        return None
    known = {"{%s}" % name: value for name, value in names.items() if name != "tokens"}
    return {key: known.get(value, value) if isinstance(value, str) else value for key, value in body.items()}


ROWS = [pytest.param(row, id=f"{area}: {row.what}") for area, rows in (
    ("register", REGISTRATION), ("runner token", WITH_RUNNER_TOKEN), ("create", CREATION), ("by id", BY_ID),
    ("list", LISTS), ("rest", REST)) for row in rows]


@pytest.mark.parametrize("row", ROWS)
def test_refusal(row: Row, world: dict, gitlab: GitLabAdmin, api: Api) -> None:
    before = gitlab.runners()
    if row.settings:
        gitlab.settings(**row.settings)
    token = world["tokens"][row.token] if row.token else None
    answer = api.call(row.method, row.path.format(**world), filled(row.body, world), token, headers=dict(row.headers))
    got = answer.json() if "json" in answer.headers["Content-Type"] else answer.text
    assert (answer.status_code, got) == (row.status, row.answer)
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert answer.headers["X-Request-Id"]
    assert gitlab.runners() == before, "a refused call changed something"


def test_expired_and_revoked_tokens_carry_a_challenge(world: dict, api: Api) -> None:
    for name in ("expired", "revoked"):
        answer = api.call(GET, "/runners", token=world["tokens"][name])
        assert answer.headers["WWW-Authenticate"].startswith("Bearer realm=")


def test_a_wrong_method_tells_the_right_ones(api: Api) -> None:
    assert api.call("PATCH", "/runners").headers["Allow"] == "DELETE, GET, HEAD, POST"


def test_migrations_say_when_to_come_back(gitlab: GitLabAdmin, api: Api) -> None:
    gitlab.settings(executing_migrations=True)
    assert api.call(POST, "/runners", {"token": "x"}).headers["Retry-After"] == "60"


@pytest.mark.parametrize("path, status, text", [
    ("/ci/api/v1/runners/register.json", 404, "404"),
    ("/ci/api/v1/builds/register.json", 404, "404"),
    ("/api/v3/runners", 410, '{"error":"API V3 is no longer supported. Use API V4 instead."}'),
    ("/no-such-page", 404, "404"),
])
def test_what_is_no_api_v4(path: str, status: int, text: str, standin, api: Api) -> None:
    answer = api.session.post(standin.url + path, json={"token": "x"})
    assert answer.status_code == status
    assert text in answer.text


def test_broken_json_and_foreign_bodies(standin, api: Api) -> None:
    url = standin.url + "/api/v4/runners"
    broken = api.session.post(url, data="{", headers={"Content-Type": "application/json"})
    foreign = api.session.post(url, data="<a/>", headers={"Content-Type": "text/xml"})
    assert (broken.status_code, foreign.status_code) == (400, 415)
    assert "message body does not match declared format" in broken.json()["error"]
    assert foreign.json() == error("The provided content-type 'text/xml' is not supported.")
