"""About the instance and the one who asks."""
from __future__ import annotations

from aiohttp import web

from . import auth, entities
from .api import Call, Endpoints, reply

metadata = Endpoints(auth.READ_USER)
own_token = Endpoints(auth.ANY)


@metadata.on("GET", "/version")
@metadata.on("GET", "/metadata")
def version(call: Call) -> web.Response:
    settings = call.state.settings
    return reply(200, {
        "version": settings.version, "revision": settings.revision,
        "kas": {"enabled": False, "externalUrl": None, "version": None},
        "enterprise": settings.version.endswith("-ee")})


@metadata.on("GET", "/user")
def current_user(call: Call) -> web.Response:
    return reply(200, entities.user(call, call.user))


@own_token.on("GET", "/personal_access_tokens/self")
def token_itself(call: Call) -> web.Response:
    token = call.token
    return reply(200, {
        "id": token.id, "name": token.name, "revoked": token.revoked, "created_at": token.created_at,
        "description": None, "scopes": token.scopes, "user_id": token.user_id, "last_used_at": token.last_used_at,
        "active": True, "expires_at": token.expires_at, "expired": False, "granular": False, "last_used_ips": []})
