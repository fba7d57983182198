"""Clones over http: git's own http-backend behind GitLab's refusals."""
from __future__ import annotations

import asyncio
import base64
import binascii

from aiohttp import web

from .api import ROOT, STATE
from .models import Project
from .repos import ENVIRONMENT
from .state import State

DENIED = "HTTP Basic: Access denied. If a password was provided for Git authentication, the password was incorrect.\n"
MISSING = "The project you were looking for could not be found or you don't have permission to view it.\n"
READ_ONLY = "You are not allowed to upload code.\n"


def mount(router: web.UrlDispatcher, root: str) -> None:
    router.add_get(root + "/{project:.+}.git/{service:info/refs}", serve)
    router.add_post(root + "/{project:.+}.git/{service:git-upload-pack|git-receive-pack}", serve)


async def serve(request: web.Request) -> web.Response:
    state = request.app[STATE]
    password = password_of(request)
    allowed = projects_opened_by(state, *password) if password else None
    if allowed is None:
        return web.Response(status=401, text=DENIED, headers={"WWW-Authenticate": 'Basic realm="GitLab"'})
    project = state.find_project(request.match_info["project"])
    if project is None or project not in allowed:
        return web.Response(status=404, text=MISSING)
    if "git-receive-pack" in (request.query.get("service"), request.match_info["service"]):
        return web.Response(status=403, text=READ_ONLY)
    return await backend(request, state)


def password_of(request: web.Request) -> tuple[str, str] | None:
    kind, _, value = request.headers.get("Authorization", "").partition(" ")
    try:
        user, colon, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (user, password) if kind.lower() == "basic" and colon else None


def projects_opened_by(state: State, user: str, password: str) -> list[Project] | None:
    """A running job's token opens its project, an access token all that its user may read; None: unknown."""
    if user == "gitlab-ci-token":
        return next(([state.projects[job.project_id]] for job in state.jobs.values()
                     if job.token == password and job.status == "running"), None)
    token = state.find_access_token(password)
    if token is None or token.revoked or token.expired(state.now().date()):
        return None
    if not {"api", "read_repository", "write_repository"} & set(token.scopes):
        return None
    owner = state.users[token.user_id]
    return [p for p in state.projects.values() if owner.admin or state.project_level(owner, p)]


async def backend(request: web.Request, state: State) -> web.Response:
    """http-backend is a CGI program; the request's body has been unpacked already."""
    body = await request.read()
    environment = ENVIRONMENT | {
        "GIT_PROJECT_ROOT": str(state.data / "repos"), "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": request.path.removeprefix(request.app[ROOT]), "QUERY_STRING": request.query_string,
        "REQUEST_METHOD": request.method, "CONTENT_LENGTH": str(len(body)),
        "CONTENT_TYPE": request.headers.get("Content-Type", ""),
        "GIT_PROTOCOL": request.headers.get("Git-Protocol", "")}
    process = await asyncio.create_subprocess_exec(
        "git", "http-backend", env=environment, stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
    output, complaint = await process.communicate(body)
    head, separator, content = output.partition(b"\r\n\r\n")
    if not separator:
        raise RuntimeError(f"git http-backend: {complaint.decode(errors='replace').strip()}")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
    status = int(headers.pop("Status", "200").split()[0])
    return web.Response(status=status, body=content, headers=headers)
