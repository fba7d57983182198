"""What a person or an operator does with an access token: create runners, read, change, rotate, delete them."""
from __future__ import annotations

from aiohttp import web

from . import auth, entities, errors
from .api import Call, Endpoints, no_content, reply
from .models import Group, LEVELS, Project, Runner
from .params import AtLeastOne, Exclusive, Param, boolean, integer
from .runner_model import (ACCESS_LEVEL, ACTIVE, DESCRIPTION, LOCKED, MAXIMUM_TIMEOUT, NOTE, PAUSED, RUN_UNTAGGED,
                           TAG_LIST, attributes, limit_violations, sentence, update, violations)
from .runners_api import columns_of, credentials, refuse_if_modified, refuse_if_too_late

creation = Endpoints(auth.CREATE_RUNNER)
management = Endpoints(auth.MANAGE_RUNNER)
ID = Param("id", integer, required=True)


# Creation

@creation.on("POST", "/user/runners",
             Param("runner_type", required=True, values=("instance_type", "group_type", "project_type")),
             Param("group_id", integer, required=True, given=("runner_type", "group_type")),
             Param("project_id", integer, required=True, given=("runner_type", "project_type")),
             DESCRIPTION, NOTE, PAUSED, LOCKED, ACCESS_LEVEL, RUN_UNTAGGED, TAG_LIST, MAXIMUM_TIMEOUT)
def create(call: Call) -> web.Response:
    runner_type = call.params["runner_type"]
    owner = owner_of(call, runner_type)
    if not may_create(call, owner):
        raise errors.forbidden("Insufficient permissions")
    row = attributes(call.params)
    if found := violations(row) | limit_violations(call.state, runner_type, owner.id if owner else None):
        raise errors.bad_request(sentence(found))
    runner = call.state.add_runner(runner_type, "authenticated_user", row | columns_of(owner) | {
        "creator_id": call.user.id})
    return reply(201, credentials(runner))


def owner_of(call: Call, runner_type: str) -> Group | Project | None:
    """An owner that does not exist is refused before anyone's rights are looked at."""
    if runner_type == "instance_type":
        return None
    kind = runner_type.removesuffix("_type")
    rows = call.state.groups if kind == "group" else call.state.projects
    owner = rows.get(call.params[f"{kind}_id"])
    if owner is None:
        raise errors.bad_request(f"Missing/invalid {kind}")
    return owner


def may_create(call: Call, owner: Group | Project | None) -> bool:
    if call.user.admin or owner is None:
        return call.user.admin
    kind = "group" if isinstance(owner, Group) else "project"
    if not owner.runner_registration_enabled or kind not in call.state.settings.valid_runner_registrars:
        return False
    if isinstance(owner, Group):
        return call.state.group_level(call.user, owner.id) >= LEVELS["owner"]
    return call.state.project_level(call.user, owner) >= LEVELS["maintainer"]


# One runner, by its id

def find(call: Call, allowed) -> Runner:
    """A missing runner is 404 for everyone; whether one may see it can only be asked of one that is there."""
    runner = call.state.runners.get(call.params["id"])
    if runner is None:
        raise errors.not_found("Runner")
    if not allowed(call.user, runner):
        raise errors.forbidden("No access granted")
    return runner


@management.on("GET", "/runners/{id}", ID, Param("include_projects", boolean, default=True))
def show(call: Call) -> web.Response:
    runner = find(call, call.state.may_read)
    return reply(200, entities.detailed_runner(call, runner, call.params["include_projects"]))


@management.on("GET", "/runners/{id}/managers", ID)
def managers(call: Call) -> web.Response:
    runner = find(call, call.state.may_read)
    return reply(200, [entities.manager(call, runner, row) for row in runner.managers.values()])


@management.on("PUT", "/runners/{id}", ID, DESCRIPTION, ACTIVE, PAUSED, TAG_LIST, RUN_UNTAGGED, LOCKED, ACCESS_LEVEL,
               MAXIMUM_TIMEOUT, NOTE,
               AtLeastOne(("description", "active", "paused", "tag_list", "run_untagged", "locked", "access_level",
                           "maximum_timeout", "maintenance_note")),
               Exclusive(("active", "paused")))
def change(call: Call) -> web.Response:
    runner = find(call, call.state.may_update)
    update(call.state, runner, attributes(call.params))
    return reply(200, entities.detailed_runner(call, runner))


@management.on("DELETE", "/runners/{id}", ID)
def delete(call: Call) -> web.Response:
    runner = find(call, call.state.may_update)
    if len(runner.project_ids) > 1 and not call.user.admin:
        raise errors.forbidden("Runner associated with more than one project")
    refuse_if_modified(call, runner.updated_at)
    call.state.delete_runner(runner)
    return no_content()


@management.on("POST", "/runners/{id}/reset_authentication_token", ID)
def reset_token(call: Call) -> web.Response:
    runner = find(call, call.state.may_update)
    refuse_if_too_late(call.state)
    call.state.renew_token(runner)
    return reply(201, {"token": runner.token, "token_expires_at": runner.token_expires_at})
