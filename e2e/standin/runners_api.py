"""What a runner does with its own token: register, verify, rotate, leave."""
from __future__ import annotations

from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

from aiohttp import web

from . import errors
from .api import Call, Endpoints, no_content, reply
from .models import Group, Project, Runner
from .params import Exclusive, Param, table
from .runner_model import (ACCESS_LEVEL, ACTIVE, DESCRIPTION, LOCKED, MAXIMUM_TIMEOUT, NOTE, PAUSED, RUN_UNTAGGED,
                           TAG_LIST, attributes, limit_violations, violations)
from .state import State

endpoints = Endpoints()
TOKEN = Param("token", required=True)
INFO = Param("info", table)


def credentials(runner: Runner) -> dict:
    return {"id": runner.id, "token": runner.token, "token_expires_at": runner.token_expires_at}


@endpoints.on("POST", "/runners", TOKEN, DESCRIPTION, Param("maintainer_note"), NOTE, INFO, ACTIVE, PAUSED, LOCKED,
              ACCESS_LEVEL, RUN_UNTAGGED, TAG_LIST, MAXIMUM_TIMEOUT,
              Exclusive(("maintainer_note", "maintenance_note")), Exclusive(("active", "paused")))
def register(call: Call) -> web.Response:
    runner_type, owner = scope_of(call.state, call.params["token"])
    info = call.params.get("info") or {}
    row = attributes(call.params | ({"name": str(info["name"])} if info.get("name") else {}))
    if found := violations(row) | limit_violations(call.state, runner_type, owner.id if owner else None):
        raise errors.invalid_record(found)
    runner = call.state.add_runner(runner_type, "registration_token", row | columns_of(owner))
    return reply(201, credentials(runner))


def columns_of(owner: Group | Project | None) -> dict:
    """How a runner remembers whose it is."""
    if isinstance(owner, Project):
        return {"project_ids": [owner.id]}
    return {"group_id": owner.id} if owner else {}


def scope_of(state: State, token: str | None) -> tuple[str, Group | Project | None]:
    """The runner type that a registration token stands for, and whose it is; refuses the others."""
    settings = state.settings
    if token and token == settings.registration_token:
        refuse_if_disallowed(state, None)
        return "instance_type", None
    for project in state.projects.values():
        if token == project.runners_token and may_register("project", project, state):
            refuse_if_disallowed(state, project.group_id)
            return "project_type", project
    for group in state.groups.values():
        if token == group.runners_token and may_register("group", group, state):
            refuse_if_disallowed(state, group.id)
            return "group_type", group
    if token and not settings.allow_runner_registration_token:
        raise errors.gone("runner registration disallowed")
    raise errors.forbidden("invalid token supplied")


def may_register(registrar: str, owner: Group | Project, state: State) -> bool:
    return registrar in state.settings.valid_runner_registrars and owner.runner_registration_enabled


def refuse_if_disallowed(state: State, group_id: int | None) -> None:
    """Both the instance and the top-level group must allow registration tokens."""
    ancestors = state.with_ancestors(group_id)
    allowed = state.settings.allow_runner_registration_token
    if not allowed or (ancestors and not ancestors[-1].allow_runner_registration_token):
        raise errors.gone("runner registration disallowed")


def authenticated(call: Call) -> Runner:
    runner = call.state.find_runner(call.params["token"])
    if runner is None:
        raise errors.forbidden()
    return runner


def owned(call: Call) -> Runner:
    runner = authenticated(call)
    if call.state.settings.orphans_are_told and call.state.is_orphaned(runner):
        raise errors.orphaned()
    return runner


def heartbeat(call: Call, runner: Runner) -> None:
    info = call.params.get("info") or {}
    call.state.heartbeat(runner, call.params.get("system_id"), info, call.request.remote)


def refuse_if_modified(call: Call, updated: datetime) -> None:
    try:
        known = parsedate_to_datetime(call.request.headers.get("If-Unmodified-Since", ""))
    except ValueError:
        return
    if updated.replace(microsecond=0) > known.replace(tzinfo=known.tzinfo or timezone.utc):
        raise errors.message(412, "412 Precondition Failed")


@endpoints.on("DELETE", "/runners", TOKEN)
def unregister(call: Call) -> web.Response:
    runner = authenticated(call)
    refuse_if_modified(call, runner.updated_at)
    call.state.delete_runner(runner)
    return no_content()


@endpoints.on("DELETE", "/runners/managers", TOKEN, Param("system_id", required=True))
def unregister_manager(call: Call) -> web.Response:
    runner = authenticated(call)
    if runner.managers.pop(call.params["system_id"], None) is None:
        raise errors.not_found("Runner manager not found")
    return no_content()


@endpoints.on("POST", "/runners/verify", TOKEN, Param("system_id"), INFO)
def verify(call: Call) -> web.Response:
    runner = owned(call)
    heartbeat(call, runner)
    return reply(200, credentials(runner))


def refuse_if_too_late(state: State) -> None:
    if state.settings.rotation_deadline_passed:
        raise errors.rotation_deadline_passed()


@endpoints.on("POST", "/runners/reset_authentication_token", TOKEN)
def reset_own_token(call: Call) -> web.Response:
    runner = owned(call)
    if not call.state.settings.resets_itself:
        raise errors.error(403, "Not permitted to reset")
    refuse_if_too_late(call.state)
    heartbeat(call, runner)
    call.state.renew_token(runner)
    return reply(201, {"token": runner.token, "token_expires_at": runner.token_expires_at})


@endpoints.on("GET", "/runners/router/discovery")
def discover_router(call: Call) -> web.Response:
    raise errors.message(501, "Job Router is not available. Please contact your administrator.")
