"""Lists of runners and of a runner's jobs: who may see which, filters, pages."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from aiohttp import web
from yarl import URL

from . import auth, entities, errors
from .api import Call, Endpoints, reply
from .models import LEVELS, ONLINE, STALE, Runner
from .params import Param, boolean, integer, names
from .user_runners_api import ID, find

lists = Endpoints(auth.MANAGE_RUNNER)

TYPES = ("instance_type", "group_type", "project_type")
STATUSES = ("active", "paused", "online", "offline", "never_contacted", "stale")
PAGE = (Param("page", integer, default=1), Param("per_page", integer, default=20, never=(0,)))
FILTERS = (Param("type", values=TYPES), Param("paused", boolean), Param("status", values=STATUSES),
           Param("tag_list", names), Param("version_prefix"))
SCOPE = Param("scope")

BY_STATUS: dict[str, Callable[[Runner, datetime], bool]] = {
    "active": lambda runner, now: not runner.paused,
    "paused": lambda runner, now: runner.paused,
    "online": lambda runner, now: bool(runner.online(now)),
    "offline": lambda runner, now: runner.contacted_at is not None and runner.contacted_at <= now - ONLINE,
    "never_contacted": lambda runner, now: runner.contacted_at is None,
    "stale": lambda runner, now: max(runner.created_at, runner.contacted_at or runner.created_at) <= now - STALE,
}
BY_SCOPE: dict[str, Callable[[Runner, datetime], bool]] = BY_STATUS | {
    "shared": lambda runner, now: runner.runner_type == "instance_type",
    "specific": lambda runner, now: runner.runner_type != "instance_type",
} | {kind: lambda runner, now, kind=kind: runner.runner_type == kind for kind in TYPES}

TESTS: dict[str, Callable[[Runner, Any, datetime], bool]] = {
    "scope": lambda runner, value, now: BY_SCOPE[value](runner, now),
    "type": lambda runner, value, now: runner.runner_type == value,
    "status": lambda runner, value, now: BY_STATUS[value](runner, now),
    "paused": lambda runner, value, now: runner.paused == value,
    "tag_list": lambda runner, value, now: set(value) <= set(runner.tag_list),
    "version_prefix": lambda runner, value, now: any(
        (manager.version or "").startswith(value) for manager in runner.managers.values()),
}


def selected(call: Call, runners: list[Runner]) -> list[Runner]:
    """Newest first; a client must not depend on the direction."""
    wanted, now = call.params, call.state.now()
    if wanted.get("scope") and wanted["scope"] not in BY_SCOPE:
        raise errors.message(400, "Scope contains invalid value")
    tests = [(test, wanted[name]) for name, test in TESTS.items() if wanted.get(name) is not None]
    return sorted((r for r in runners if all(test(r, value, now) for test, value in tests)), key=lambda r: -r.id)


def page(call: Call, rows: Sequence, entity: Callable) -> web.Response:
    size = max(1, min(call.params["per_page"], 100))
    number = max(1, call.params["page"])
    pages = max(1, -(-len(rows) // size))
    shown = rows[(number - 1) * size:number * size]
    following = number + 1 if number < pages else ""
    previous = number - 1 if number > 1 else ""
    headers = {"X-Page": number, "X-Per-Page": size, "X-Prev-Page": previous, "X-Next-Page": following,
               "Link": links(call, size, prev=previous, next=following, first=1, last=pages)}
    if len(rows) <= 10_000:
        headers |= {"X-Total": len(rows), "X-Total-Pages": pages}
    return reply(200, [entity(call, row) for row in shown], {name: str(value) for name, value in headers.items()})


def links(call: Call, size: int, **numbers: int | str) -> str:
    here = URL(call.url).join(call.request.rel_url)
    return ", ".join(f'<{here.update_query(page=number, per_page=size)}>; rel="{rel}"'
                     for rel, number in numbers.items() if number != "")


@lists.on("GET", "/runners", SCOPE, *FILTERS, *PAGE)
def own(call: Call) -> web.Response:
    """Those the user owns through a membership; being an administrator adds none."""
    state, user = call.state, call.user

    def owns(runner: Runner) -> bool:
        if runner.runner_type == "group_type":
            return state.group_level(user, runner.group_id) >= LEVELS["owner"]
        return any(state.project_level(user, state.projects[i]) >= LEVELS["maintainer"] for i in runner.project_ids)
    return page(call, selected(call, [r for r in state.runners.values() if owns(r)]), entities.short_runner)


@lists.on("GET", "/runners/all", SCOPE, *FILTERS, *PAGE)
def everyones(call: Call) -> web.Response:
    if not call.user.admin:
        raise errors.forbidden()
    return page(call, selected(call, list(call.state.runners.values())), entities.short_runner)


@lists.on("GET", "/groups/{id}/runners", Param("id"), *FILTERS, *PAGE)
def of_group(call: Call) -> web.Response:
    """The group's own, those of the groups above it, and the instance's."""
    state, user = call.state, call.user
    group = state.find_group(call.params["id"])
    if group is None:
        raise errors.not_found("Group")
    if not user.admin and state.group_level(user, group.id) < LEVELS["owner"]:
        raise errors.forbidden()
    owners = {g.id for g in state.with_ancestors(group.id)}
    return page(call, selected(call, [r for r in state.runners.values()
                                      if r.runner_type == "instance_type" or r.group_id in owners]),
                entities.short_runner)


@lists.on("GET", "/projects/{id}/runners", Param("id"), SCOPE, *FILTERS, *PAGE)
def of_project(call: Call) -> web.Response:
    """The project's own, those of the groups it is in, and the instance's when switched on."""
    state, user = call.state, call.user
    project = state.find_project(call.params["id"])
    if project is None:
        raise errors.not_found("Project")
    if not user.admin and state.project_level(user, project) < LEVELS["maintainer"]:
        raise errors.forbidden()
    return page(call, selected(call, [r for r in state.runners.values() if state.serves(r, project)]),
                entities.short_runner)


@lists.on("GET", "/runners/{id}/jobs", ID, Param("system_id"),
          Param("status", values=("pending", "running", "success", "failed", "canceled", "skipped")),
          Param("order_by", values=("id",)), Param("sort", values=("asc", "desc"), default="desc"), *PAGE)
def jobs(call: Call) -> web.Response:
    runner, wanted = find(call, call.state.may_read), call.params
    rows = [job for job in call.state.jobs.values() if job.runner_id == runner.id
            and wanted.get("system_id") in (None, job.system_id) and wanted.get("status") in (None, job.status)]
    rows.sort(key=lambda job: job.id, reverse=wanted["sort"] == "desc")
    return page(call, rows, entities.job)
