"""The tests' own JSON API under /-/standin/: look at everything, change everything. Asks for no credentials."""
from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from dataclasses import asdict, fields
from datetime import date
from typing import Any

from aiohttp import web

from . import invariants, pipelines, tokens, traces
from .api import STATE, reply
from .control import CONTROL
from .models import AccessToken, Group, Job, LEVELS, Pipeline, Project, Runner
from .repos import BRANCH, Repository
from .state import State

Endpoint = Callable[[web.Request, State, dict], Any]
ROUTES: list[tuple[str, str, Endpoint]] = []
LONGEST_WAIT = 600.0


class Wrong(Exception):
    """What the test asked for cannot be; status and reason."""


def on(method: str, path: str):
    def declare(endpoint: Endpoint) -> Endpoint:
        ROUTES.append((method, path, endpoint))
        return endpoint
    return declare


def mount(router: web.UrlDispatcher, root: str) -> None:
    for method, path, endpoint in ROUTES:
        router.add_route(method, f"{root}/-/standin{path}", handler(endpoint))


def handler(endpoint: Endpoint):
    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            body = json.loads(await request.read() or b"{}")
            answer = endpoint(request, request.app[STATE], body)
            answer = await answer if inspect.isawaitable(answer) else answer
        except Wrong as wrong:
            return reply(wrong.args[0], {"error": wrong.args[1]})
        except (ValueError, TypeError, KeyError, pipelines.InvalidConfig) as problem:
            return reply(400, {"error": f"{type(problem).__name__}: {problem}"})
        return answer if isinstance(answer, web.StreamResponse) else reply(200, answer)
    return handle


def row(rows: dict[int, Any], request: web.Request) -> Any:
    key = request.match_info["id"]
    found = rows.get(int(key)) if key.isdigit() else next((r for r in rows.values() if r.path == key), None)
    if found is None:
        raise Wrong(404, f"there is no {request.path.split('/-/standin/')[1]}")
    return found


def assign(target: Any, values: dict) -> None:
    """Sets fields by name; a name that the row does not have is a mistake in the test."""
    known = {f.name for f in fields(target)}
    if unknown := sorted(set(values) - known):
        raise Wrong(400, f"unknown: {', '.join(unknown)}; known: {', '.join(sorted(known))}")
    for name, value in values.items():
        setattr(target, name, value)


async def wait(request: web.Request, state: State, condition: Callable[[], bool]) -> None:
    """With ?wait=SECONDS in the address the answer comes when the condition holds; 408 when it does not within them."""
    seconds = min(float(request.query.get("wait", 0)), LONGEST_WAIT)
    if seconds > 0 and not await state.changed.wait(condition, seconds):
        raise Wrong(408, f"not within {seconds:.0f} s")


# The instance

@on("GET", "/state")
def show_state(request: web.Request, state: State, body: dict) -> dict:
    return state.describe()


@on("PUT", "/settings")
def change_settings(request: web.Request, state: State, body: dict) -> dict:
    assign(state.settings, body)
    state.changed.fire()
    return asdict(state.settings)


@on("POST", "/clock")
def move_clock(request: web.Request, state: State, body: dict) -> dict:
    state.clock.advance(float(body["advance"]))
    state.changed.fire()
    return {"now": state.now()}


@on("POST", "/reset")
def reset(request: web.Request, state: State, body: dict) -> dict:
    """Everything but the repositories' folder as after the start, the audit and the faults too."""
    state.reset()
    request.app[CONTROL].reset()
    return {}


@on("POST", "/backup")
def back_up(request: web.Request, state: State, body: dict) -> dict:
    state.back_up()
    return {}


@on("POST", "/restore")
def restore(request: web.Request, state: State, body: dict) -> dict:
    state.restore()
    return {}


# Who is there

@on("POST", "/groups")
def add_group(request: web.Request, state: State, body: dict) -> dict:
    name = body.pop("name")
    group = Group(id=state.next_id("group"), name=name, path=body.pop("path", name))
    group.runners_token = tokens.registration_token()
    assign(group, body)
    state.groups[group.id] = group
    return asdict(group)


@on("PUT", "/groups/{id}")
def change_group(request: web.Request, state: State, body: dict) -> dict:
    group = row(state.groups, request)
    assign(group, body)
    return asdict(group)


@on("DELETE", "/groups/{id}")
def delete_group(request: web.Request, state: State, body: dict) -> dict:
    state.delete_group(row(state.groups, request))
    return {}


@on("DELETE", "/projects/{id}")
def delete_project(request: web.Request, state: State, body: dict) -> dict:
    state.delete_project(row(state.projects, request))
    return {}


@on("PUT", "/users/{id}")
def change_user(request: web.Request, state: State, body: dict) -> dict:
    user = row(state.users, request)
    assign(user, body)
    return asdict(user)


@on("POST", "/projects")
async def add_project(request: web.Request, state: State, body: dict) -> dict:
    files, registration = body.pop("files", None), body.pop("registration_token", None)
    project = await create_project(state, body.pop("name"), registration, files, **body)
    return asdict(project)


async def create_project(state: State, name: str, registration: str | None = None,
                         files: dict | None = None, **columns) -> Project:
    project = Project(id=state.next_id("project"), name=name, path=columns.pop("path", f"root/{name}"))
    project.runners_token = registration or tokens.registration_token()
    assign(project, columns)
    repository = Repository(state.data / "repos", project.path)
    await repository.create()
    if files:
        await repository.commit(files, "Initial commit")
    state.projects[project.id] = project
    return project


@on("PUT", "/projects/{id}")
def change_project(request: web.Request, state: State, body: dict) -> dict:
    project = row(state.projects, request)
    assign(project, body)
    return asdict(project)


@on("POST", "/tokens")
def add_token(request: web.Request, state: State, body: dict) -> dict:
    """An access token with a user of its own, who is administrator or has a role in a group or a project."""
    number = state.next_id("access_token")
    user = state.add_user(body.get("name", f"bot_{number}"), admin=body.get("admin", False))
    for kind in ("group", "project"):
        if f"{kind}_id" in body:
            members = getattr(state, f"{kind}s")[body[f"{kind}_id"]].members
            members[user.id] = LEVELS[body.get("role", "owner")]
    token = AccessToken(number, body.get("token") or tokens.access_token(), user.id, user.username,
                        list(body.get("scopes", ["api"])), state.now(), day(body.get("expires_at")))
    state.access_tokens[token.id] = token
    return asdict(token)


@on("PUT", "/tokens/{id}")
def change_token(request: web.Request, state: State, body: dict) -> dict:
    token = row(state.access_tokens, request)
    if "expires_at" in body:
        body["expires_at"] = day(body["expires_at"])
    assign(token, body)
    return asdict(token)


def day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


# Runners

def runner_document(state: State, runner: Runner) -> dict:
    """Everything about a runner, its token too."""
    now = state.now()
    columns = {f.name: getattr(runner, f.name) for f in fields(runner) if f.name not in ("ticked", "managers")}
    managers = [asdict(m) | {"status": m.status(now)} for m in runner.managers.values()]
    return columns | {"status": runner.status(now), "mark": runner.mark(), "managers": managers}


@on("GET", "/runners")
async def list_runners(request: web.Request, state: State, body: dict) -> list:
    """With ?count=N&wait=S: as soon as there are N of them, or more."""
    wanted = int(request.query.get("count", 0))
    await wait(request, state, lambda: len(state.runners) >= wanted)
    return [runner_document(state, runner) for runner in state.runners.values()]


@on("GET", "/runners/{id}")
def show_runner(request: web.Request, state: State, body: dict) -> dict:
    return runner_document(state, row(state.runners, request))


@on("PUT", "/runners/{id}")
def change_runner(request: web.Request, state: State, body: dict) -> dict:
    """As somebody does in GitLab's web pages, behind everyone's back."""
    runner = row(state.runners, request)
    assign(runner, body)
    runner.updated_at = state.now()
    state.tick(runner)
    return runner_document(state, runner)


@on("DELETE", "/runners/{id}")
def delete_runner(request: web.Request, state: State, body: dict) -> dict:
    state.delete_runner(row(state.runners, request))
    return {}


# Projects' files, pipelines, jobs

@on("POST", "/projects/{id}/files")
async def push(request: web.Request, state: State, body: dict) -> dict:
    project = row(state.projects, request)
    repository = Repository(state.data / "repos", project.path)
    sha = await repository.commit(body["files"], body.get("message", "Update files"), body.get("ref", BRANCH))
    return {"sha": sha}


@on("POST", "/projects/{id}/pipelines")
async def start_pipeline(request: web.Request, state: State, body: dict) -> dict:
    pipeline = await pipelines.start(state, row(state.projects, request), body.get("ref", BRANCH))
    return pipeline_document(state, pipeline)


@on("GET", "/pipelines/{id}")
async def show_pipeline(request: web.Request, state: State, body: dict) -> dict:
    """With ?wait=S: as soon as it has ended, or with &seen=running,created: as its jobs' states are no longer these."""
    pipeline = row(state.pipelines, request)
    seen = request.query.get("seen")
    await wait(request, state, lambda: all(job.finished() for job in pipeline.jobs)
               or seen not in (None, ",".join(job.status for job in pipeline.jobs)))
    return pipeline_document(state, pipeline)


def pipeline_document(state: State, pipeline: Pipeline) -> dict:
    return {"id": pipeline.id, "project_id": pipeline.project_id, "ref": pipeline.ref, "sha": pipeline.sha,
            "status": pipelines.status(pipeline), "created_at": pipeline.created_at,
            "jobs": [job_document(state, job) for job in pipeline.jobs]}


def job_document(state: State, job: Job) -> dict:
    names = ("id", "pipeline_id", "project_id", "name", "stage", "status", "tags", "runner_id", "system_id",
             "failure_reason", "exit_code", "created_at", "queued_at", "started_at", "finished_at", "token")
    return {name: getattr(job, name) for name in names} | {
        "stuck": pipelines.stuck(state, job), "trace_size": len(job.trace),
        "artifacts_size": None if job.archive is None else len(job.archive)}


@on("GET", "/jobs")
def list_jobs(request: web.Request, state: State, body: dict) -> list:
    return [job_document(state, job) for job in state.jobs.values()]


@on("GET", "/jobs/{id}")
async def show_job(request: web.Request, state: State, body: dict) -> dict:
    """With ?status=NAME&wait=S: as soon as it is that, or has ended."""
    job = row(state.jobs, request)
    await wait(request, state, lambda: job.finished() or job.status == request.query.get("status"))
    return job_document(state, job)


@on("GET", "/jobs/{id}/trace")
def show_trace(request: web.Request, state: State, body: dict) -> web.Response:
    job = row(state.jobs, request)
    text = job.trace.decode(errors="replace") if "raw" in request.query else traces.readable(bytes(job.trace))
    return web.Response(text=text)


@on("GET", "/jobs/{id}/artifacts")
def show_artifacts(request: web.Request, state: State, body: dict) -> web.Response:
    job = row(state.jobs, request)
    if job.archive is None:
        raise Wrong(404, f"job {job.id} has no artifacts")
    return web.Response(body=job.archive, content_type="application/zip")


@on("POST", "/jobs/{id}/cancel")
def cancel(request: web.Request, state: State, body: dict) -> dict:
    job = row(state.jobs, request)
    if not job.finished():
        pipelines.finish(state, job, "canceled")
    return job_document(state, job)


# What was called, what shall go wrong, what must hold

@on("GET", "/audit")
async def show_audit(request: web.Request, state: State, body: dict) -> list:
    """?method= ?path= ?status= ?since= ?peer= choose, ?answered=0 the calls that still wait for their answer;
    with ?count=N&wait=S: as soon as there are N."""
    query, audit = request.query, request.app[CONTROL].audit
    status = int(query["status"]) if "status" in query else None
    choice: dict[str, Any] = {"method": query.get("method", ""), "path": query.get("path", ""), "status": status,
              "since": int(query.get("since", 0)), "peer": query.get("peer", ""),
                              "answered": query.get("answered") != "0"}
    wanted = int(query.get("count", 0))
    await wait(request, state, lambda: len(list(audit.find(**choice))) >= wanted)
    return [asdict(entry) for entry in audit.find(**choice)]


@on("GET", "/faults")
async def list_faults(request: web.Request, state: State, body: dict) -> list:
    """?held=N&wait=S: as soon as so many calls are held."""
    orders, wanted = request.app[CONTROL].faults.orders, int(request.query.get("held", 0))
    await wait(request, state, lambda: sum(fault.held for fault in orders.values()) >= wanted)
    return [asdict(fault) for fault in orders.values()]


@on("POST", "/faults")
def add_fault(request: web.Request, state: State, body: dict) -> dict:
    return asdict(request.app[CONTROL].faults.add(**body))


@on("DELETE", "/faults")
def clear_faults(request: web.Request, state: State, body: dict) -> dict:
    request.app[CONTROL].faults.orders.clear()
    return {}


@on("DELETE", "/faults/{id}")
def remove_fault(request: web.Request, state: State, body: dict) -> dict:
    row(request.app[CONTROL].faults.orders, request)
    del request.app[CONTROL].faults.orders[int(request.match_info["id"])]
    return {}


@on("POST", "/invariants")
def show_invariants(request: web.Request, state: State, body: dict) -> dict:
    """{"living": [uids]} also finds the runners that nobody's object stands for."""
    return invariants.report(state, body.get("living"))
