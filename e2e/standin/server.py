"""The application: every call is recorded, may meet a fault, and is answered as GitLab's front answers."""
from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Awaitable, Callable
from email.utils import format_datetime

from aiohttp import web

from . import (admin, errors, faults, git_http, instance_api, jobs_api, page, runner_lists, runners_api,
               user_runners_api)
from .api import ROOT, STATE, reply
from .control import CONTROL, Control
from .record import RECORD, Record
from .state import State
from .throttle import Throttle, refuse_strangers, too_many

THROTTLE = web.AppKey("throttle", Throttle)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
LARGEST_BODY = 256 * 1024 * 1024
REQUEST_ID = re.compile(r"[\w-]{1,255}")
PAGE_404 = "<!DOCTYPE html>\n<title>The page you're looking for could not be found (404)</title>\n<h1>404</h1>\n"
log = logging.getLogger("standin")


def own_page(request: web.Request) -> bool:
    """The stand-in's own pages are no part of GitLab: no audit, no faults."""
    path = request.path.removeprefix(request.app[ROOT])
    return path == "/" or path.startswith("/-/standin/")


@web.middleware
async def recorded(request: web.Request, handler: Handler) -> web.StreamResponse:
    state, control, record = request.app[STATE], request.app[CONTROL], request.app.get(RECORD)
    if own_page(request):
        answer = await handler(request)
        if record and request.method != "GET":
            record_change(record, request, await request.text(), answer)
        return answer
    entry = await control.audit.open(request, state.now())
    state.changed.fire()
    fault = control.faults.for_call(request, entry.body)
    if fault is None:
        answer = await handler(request)
    else:
        entry.fault = fault.kind
        answer = await faults.befall(fault, request, lambda: handler(request), state.changed.fire)
    control.audit.close(entry, answer, state.now())
    if record:
        record.asked(entry, request.raw_path, answer, fault)
    state.changed.fire()
    answer.headers["X-Request-Id"] = request_id(request)
    return answer


def record_change(record: Record, request: web.Request, body: str, answer: web.StreamResponse) -> None:
    what = request.path.removeprefix(request.app[ROOT]).removeprefix("/-/standin")
    if what == "/reset":
        record.begin(request.app[STATE])
    else:
        record.made(request.app[STATE].now(), f"{request.method} {what}", body, answer)


def request_id(request: web.Request) -> str:
    given = request.headers.get("X-Request-Id", "")
    return given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


@web.middleware
async def answered(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        answer = await let_in(request, handler)
    except errors.Refusal as refusal:
        answer = reply(refusal.status, refusal.document, refusal.headers)
    except web.HTTPException as problem:
        answer = without_route(request, problem)
    except Exception:
        log.exception("%s %s", request.method, request.path)
        answer = reply(500, {"message": "500 Internal Server Error"})
    answer.headers["Date"] = format_datetime(request.app[STATE].now(), usegmt=True)
    answer.headers["Server"] = "nginx"
    answer.headers["X-Frame-Options"] = "SAMEORIGIN"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


async def let_in(request: web.Request, handler: Handler) -> web.StreamResponse:
    if not request.path.removeprefix(request.app[ROOT]).startswith("/api/"):
        return await handler(request)
    state = request.app[STATE]
    counted = request.app[THROTTLE].headers(state, request)
    if "Retry-After" in counted:
        return too_many(counted)
    try:
        refuse_strangers(state, request)
        answer = await handler(request)
    except errors.Refusal as refusal:
        answer = reply(refusal.status, refusal.document, refusal.headers)
    answer.headers.update(counted)
    return answer


def without_route(request: web.Request, problem: web.HTTPException) -> web.Response:
    """What nothing is declared for, by the part of GitLab that it would reach."""
    path = request.path.removeprefix(request.app[ROOT])
    if path.startswith("/api/v3/"):
        return reply(410, {"error": "API V3 is no longer supported. Use API V4 instead."})
    if path.startswith("/api/v4") and isinstance(problem, web.HTTPMethodNotAllowed):
        return reply(405, {"error": "405 Not Allowed"}, {"Allow": ", ".join(sorted(problem.allowed_methods))})
    if path.startswith("/api/v4"):
        return reply(problem.status, {"error": f"{problem.status} {problem.reason}"})
    return web.Response(status=problem.status, text=PAGE_404, content_type="text/html")


def application(state: State, root: str = "", record: Record | None = None) -> web.Application:
    app = web.Application(middlewares=[recorded, answered], client_max_size=LARGEST_BODY)
    app[STATE], app[ROOT], app[CONTROL], app[THROTTLE] = state, root, Control(), Throttle()
    if record:
        app[RECORD] = record
        record.begin(state)
    for endpoints in (runner_lists.lists, runners_api.endpoints, user_runners_api.creation,
                      user_runners_api.management, instance_api.metadata, instance_api.own_token,
                      jobs_api.endpoints):
        endpoints.mount(app.router, root)
    admin.mount(app.router, root)
    page.mount(app.router, root)
    git_http.mount(app.router, root)
    return app
