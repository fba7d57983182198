"""GitLab's refusals, in its words. A client has to read two keys, `error` and `message`."""
from __future__ import annotations

from collections.abc import Mapping


class Refusal(Exception):
    """Ends the request with this answer."""

    def __init__(self, status: int, document: object, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, document)
        self.status = status
        self.document = document
        self.headers = dict(headers or {})


def error(status: int, text: str) -> Refusal:
    """What the API framework itself refuses."""
    return Refusal(status, {"error": text})


def message(status: int, text: str, headers: Mapping[str, str] | None = None) -> Refusal:
    """What an endpoint refuses."""
    return Refusal(status, {"message": text}, headers)


def bad_request(reason: str) -> Refusal:
    return message(400, f"400 Bad request - {reason}")


def invalid_record(errors: dict[str, list[str]]) -> Refusal:
    return Refusal(400, {"message": errors})


def unauthorized() -> Refusal:
    return message(401, "401 Unauthorized")


def invalid_token(description: str) -> Refusal:
    document = {"error": "invalid_token", "error_description": description}
    challenge = f'Bearer realm="Protected by OAuth 2.0", error="invalid_token", error_description="{description}"'
    return Refusal(401, document, {"WWW-Authenticate": challenge})


def insufficient_scope(scopes: list[str]) -> Refusal:
    return Refusal(403, {
        "error": "insufficient_scope",
        "error_description": "The request requires higher privileges than provided by the access token.",
        "scope": " ".join(scopes)})


def forbidden(reason: str | None = None, headers: Mapping[str, str] | None = None) -> Refusal:
    return message(403, f"403 Forbidden - {reason}" if reason else "403 Forbidden", headers)


def not_found(resource: str | None = None) -> Refusal:
    return message(404, f"404 {resource} Not Found" if resource else "404 Not Found")


def gone(reason: str) -> Refusal:
    return message(410, f"410 Gone - {reason}")


def orphaned() -> Refusal:
    return message(422, "Runner is orphaned")


def rotation_deadline_passed() -> Refusal:
    return message(422, "422 Unprocessable Entity")


def migrating() -> Refusal:
    return message(429, "Executing database migrations. Please retry later.", {"Retry-After": "60"})
