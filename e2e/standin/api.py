"""How an endpoint is declared and run: guard, parameters, then the endpoint itself, as GitLab does it."""
from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from aiohttp import web

from . import auth, errors
from .clock import rfc3339
from .models import AccessToken, User
from .params import Rule, check, gather
from .state import State

STATE = web.AppKey("state", State)
ROOT = web.AppKey("root", str)  # the relative URL root, mostly empty
PREFIX = "/api/v4"


@dataclass
class Call:
    """One request, as an endpoint sees it."""
    request: web.Request
    state: State
    params: dict[str, Any]
    presented: AccessToken | None = None  # None: an endpoint that asks for a runner's or a job's token

    @property
    def token(self) -> AccessToken:
        assert self.presented is not None, "this endpoint asks for no access token"
        return self.presented

    @property
    def user(self) -> User:
        return self.state.users[self.token.user_id]

    @property
    def url(self) -> str:
        """GitLab's own address, for the links it gives out."""
        return self.state.settings.url or f"{self.request.scheme}://{self.request.host}{self.request.app[ROOT]}"


def plain(value: object) -> object:
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form here")


def reply(status: int, document: object, headers: Mapping[str, str] | None = None) -> web.Response:
    body = json.dumps(document, default=plain, separators=(",", ":"))
    return web.Response(status=status, text=body, content_type="application/json", headers=headers)


def no_content(headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(status=204, headers=headers)


class Endpoints:
    """The endpoints of one API class: what they share is who may call them."""

    def __init__(self, scopes: tuple[auth.Scope, ...] | None = None) -> None:
        self.scopes = scopes  # None: no access token, the endpoint looks at the token in its parameters
        self.routes: list[tuple[str, str, Callable]] = []

    def on(self, method: str, path: str, *rules: Rule):
        def declare(endpoint: Callable[[Call], Any]):
            async def handle(request: web.Request) -> web.StreamResponse:
                return await self._run(endpoint, rules, request)
            self.routes.append((method, path, handle))
            return endpoint
        return declare

    async def _run(self, endpoint: Callable, rules: tuple[Rule, ...], request: web.Request) -> web.StreamResponse:
        state = request.app[STATE]
        raw = await gather(request)
        token = self._guard(state, request, raw)
        answer = endpoint(Call(request, state, check(rules, raw), token))
        return await answer if inspect.isawaitable(answer) else answer

    def _guard(self, state: State, request: web.Request, raw: dict) -> AccessToken | None:
        if self.scopes is not None:
            return auth.authenticate(state, request, raw, self.scopes)
        if state.settings.executing_migrations:
            raise errors.migrating()
        return None

    def mount(self, router: web.UrlDispatcher, root: str) -> None:
        for method, path, handle in self.routes:
            router.add_route(method, root + PREFIX + path, handle)
            if method == "GET":
                router.add_route("HEAD", root + PREFIX + path, handle)
