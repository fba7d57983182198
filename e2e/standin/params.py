"""Parameters as GitLab's API framework reads them: from path, query and body alike, coerced and checked
in the order of their declaration, all complaints joined in one sentence."""
from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from . import errors

BAD_JSON = ("Problem:\n  message body does not match declared format\nResolution:\n"
            "  when specifying application/json as content-type, you must pass valid application/json"
            " in the request's 'body'\n")
PARSED_TYPES = ("application/json", "application/x-www-form-urlencoded", "multipart/form-data")
UNPARSED_TYPES = ("application/octet-stream", "text/plain")


def string(value: Any) -> str:
    if isinstance(value, (dict, list)):
        raise ValueError
    return str(value).lower() if isinstance(value, bool) else str(value)


def integer(value: Any) -> int | None:
    if value == "":
        return None
    if isinstance(value, str) or type(value) is int:
        return int(value)
    raise ValueError


def boolean(value: Any) -> bool | None:
    if value == "":
        return None
    words = {"true": True, "t": True, "1": True, "on": True, "yes": True,
             "false": False, "f": False, "0": False, "off": False, "no": False}
    word = str(value).lower()
    if isinstance(value, (dict, list)) or word not in words:
        raise ValueError
    return words[word]


def table(value: Any) -> dict:
    if not isinstance(value, dict):
        raise ValueError
    return value


def names(value: Any) -> list[str]:
    """A list, or its members in one string with commas."""
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, list):
        raise ValueError
    return list(dict.fromkeys(name for name in (string(v).strip() for v in value) if name))


@dataclass(frozen=True)
class Param:
    name: str
    read: Callable[[Any], Any] = string
    required: bool = False
    values: tuple[str, ...] = ()
    given: tuple[str, str] | None = None  # counts only when that other parameter has that value
    default: Any = None
    never: tuple = ()

    def applies(self, raw: dict) -> bool:
        return self.given is None or raw.get(self.given[0]) == self.given[1]

    def complaints(self, raw: dict) -> list[str]:
        found = []
        if self.required and self.name not in raw:
            found.append(f"{self.name} is missing")
        try:
            value = self.value(raw)
        except (ValueError, TypeError):
            return [*found, f"{self.name} is invalid"]
        if self.values and value not in self.values and (value is not None or self.required):
            found.append(f"{self.name} does not have a valid value")
        if value in self.never:
            found.append(f"{self.name} has a value not allowed")
        return found

    def value(self, raw: dict) -> Any:
        value = raw.get(self.name, self.default)
        return None if value is None else self.read(value)


@dataclass(frozen=True)
class Exclusive:
    """At most one of these."""
    names: tuple[str, ...]

    def complaints(self, raw: dict) -> list[str]:
        given = [name for name in self.names if name in raw]
        return [f"{', '.join(given)} are mutually exclusive"] if len(given) > 1 else []


@dataclass(frozen=True)
class AtLeastOne:
    names: tuple[str, ...]

    def complaints(self, raw: dict) -> list[str]:
        if any(name in raw for name in self.names):
            return []
        return [f"{', '.join(self.names)} are missing, at least one parameter must be provided"]


Rule = Param | Exclusive | AtLeastOne


def check(rules: tuple[Rule, ...], raw: dict) -> dict:
    """The declared parameters that were sent (or have a default), read; refuses what does not fit."""
    rules = tuple(rule for rule in rules if not isinstance(rule, Param) or rule.applies(raw))
    complaints = [text for rule in rules for text in rule.complaints(raw)]
    if complaints:
        raise errors.error(400, ", ".join(complaints))
    return {rule.name: rule.value(raw) for rule in rules
            if isinstance(rule, Param) and (rule.name in raw or rule.default is not None)}


async def gather(request: web.Request) -> dict:
    """All parameters of a request, unchecked. The path wins over the body, the body over the query."""
    return {**request.query, **await body_of(request), **request.match_info}


async def body_of(request: web.Request) -> dict:
    if not request.body_exists or request.content_type in UNPARSED_TYPES:
        return {}
    if request.content_type not in PARSED_TYPES:
        raise errors.error(415, f"The provided content-type '{request.content_type}' is not supported.")
    if request.content_type != "application/json":
        return _form(await request.post())
    try:
        document = json.loads(await request.read() or b"{}")
    except ValueError:
        raise errors.error(400, BAD_JSON) from None
    return document if isinstance(document, dict) else {}


def _form(fields: Any) -> dict:
    """Form fields; name[] repeats make a list, name[key] a table."""
    document: dict = {}
    for name in fields:
        base, bracket, key = name.partition("[")
        if not bracket:
            document[base] = fields[name]
        elif key == "]":
            document[base] = fields.getall(name)
        else:
            document.setdefault(base, {})[key.rstrip("]")] = fields[name]
    return document
