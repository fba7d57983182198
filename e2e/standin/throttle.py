"""What stands before the API: which addresses it lets in, and how often a minute they and users may ask."""
from __future__ import annotations

import math
from collections import Counter
from datetime import datetime, timedelta
from email.utils import format_datetime

from aiohttp import web

from . import auth, errors
from .state import State

PERIOD = 60  # seconds


class Throttle:
    def __init__(self) -> None:
        self._period = 0
        self._seen: Counter[str] = Counter()

    def headers(self, state: State, request: web.Request) -> dict[str, str]:
        """Of an answer to a request that is counted; the last two only if it was one too many."""
        name, limit, who = asked_by(state, request)
        if not limit:
            return {}
        now = state.now().timestamp()
        if int(now) // PERIOD != self._period:
            self._period = int(now) // PERIOD
            self._seen.clear()
        self._seen[who] += 1
        end = (self._period + 1) * PERIOD
        seen = self._seen[who]
        told = {"RateLimit-Name": name, "RateLimit-Limit": str(limit), "RateLimit-Observed": str(seen),
                "RateLimit-Remaining": str(max(0, limit - seen)), "RateLimit-Reset": str(end)}
        if seen > limit:
            reset = datetime.fromtimestamp(0, state.now().tzinfo) + timedelta(seconds=end)
            told |= {"Retry-After": str(math.ceil(end - now)),
                     "RateLimit-ResetTime": format_datetime(reset, usegmt=True)}
        return told


def asked_by(state: State, request: web.Request) -> tuple[str, int, str]:
    """By which throttle it is counted, and for whom: a user, or who has shown no access token, by the address."""
    token = state.find_access_token(auth.presented_token(request, {}) or "")
    if token:
        return "throttle_authenticated_api", state.settings.throttle_authenticated, f"user {token.user_id}"
    return "throttle_unauthenticated_api", state.settings.throttle_unauthenticated, f"address {request.remote}"


def too_many(headers: dict[str, str]) -> web.Response:
    return web.Response(status=429, text="Retry later\n", headers=headers)


def refuse_strangers(state: State, request: web.Request) -> None:
    allowed = state.settings.allowed_addresses
    if allowed is not None and request.remote not in allowed:
        raise errors.forbidden()
