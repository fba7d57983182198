"""Who asks: personal, group and project access tokens, and whether their scopes open an endpoint."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from . import errors
from .models import AccessToken
from .state import State


@dataclass(frozen=True)
class Scope:
    """A scope that an endpoint class accepts, when `opens` says so for the request at hand."""
    name: str
    opens: Callable[[web.Request], bool] = lambda request: True


def is_read(request: web.Request) -> bool:
    return request.method in ("GET", "HEAD")


def is_single_runner(request: web.Request) -> bool:
    """manage_runner opens what is about one runner, never a list.

    The path is compared from its start, so under a relative URL root the scope opens nothing at all.
    """
    return "id" in request.match_info and request.path.startswith("/api/v4/runners/")


EVERYWHERE = (Scope("api"), Scope("read_api", is_read))
CREATE_RUNNER = (Scope("create_runner", lambda request: request.method == "POST"), *EVERYWHERE)
MANAGE_RUNNER = (Scope("manage_runner", is_single_runner), *EVERYWHERE)
READ_USER = (Scope("read_user", is_read), *EVERYWHERE)
ANY: tuple[Scope, ...] = ()


def presented_token(request: web.Request, raw: dict) -> str | None:
    kind, _, bearer = request.headers.get("Authorization", "").partition(" ")
    return (request.headers.get("PRIVATE-TOKEN") or raw.get("private_token")
            or (bearer if kind.lower() == "bearer" else None))


def authenticate(state: State, request: web.Request, raw: dict, scopes: tuple[Scope, ...]) -> AccessToken:
    presented = presented_token(request, raw)
    token = state.find_access_token(presented) if presented else None
    if token is None:
        raise errors.unauthorized()
    if token.revoked:
        raise errors.invalid_token("Token was revoked. You have to re-authorize from the user.")
    if token.expired(state.now().date()):
        raise errors.invalid_token("Token is expired. You can either do re-authorization or token refresh.")
    if state.users[token.user_id].blocked:
        raise errors.forbidden("Your account has been blocked.")
    if scopes and not any(scope.name in token.scopes and scope.opens(request) for scope in scopes):
        raise errors.insufficient_scope([scope.name for scope in scopes])
    token.last_used_at = state.now()
    return token
