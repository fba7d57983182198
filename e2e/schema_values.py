"""Bad values for every bound of the kind's schema, found by walking it, so that none can be forgotten."""
from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, NamedTuple

# What a validation message says of each bound, by the word of OpenAPI for it.
SAYS = {
    "minLength": "should be at least {} chars long", "maxLength": "may not be more than {} bytes",
    "minItems": "should have at least {} items", "maxItems": "must have at most {} items",
    "maxProperties": "must have at most {} items", "minimum": "should be greater than or equal to {}",
    "maximum": "should be less than or equal to {}", "enum": "supported values: ", "pattern": "should match '",
    "required": "Required value", "type": "must be of type {}", "listType": "Duplicate value",
}


class Bad(NamedTuple):
    """A value at a path of the object that breaks one bound."""
    path: tuple[str | int, ...]
    word: str               # of OpenAPI
    bound: Any
    value: Any

    def __str__(self) -> str:
        return f"{dotted(self.path)}-{self.word}"


MISSING = object()          # the value of what is to be left out


def dotted(path: tuple[str | int, ...]) -> str:
    """As the API server names it."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")


def bad_values(schema: dict, path: tuple[str | int, ...]) -> Iterator[Bad]:
    """Of this schema and all below; a list is gone into by its entry 0, a map by its key "key"."""
    yield from bad_here(schema, path)
    for name in schema.get("required", []):
        yield Bad((*path, name), "required", None, MISSING)
    for name, child in schema.get("properties", {}).items():
        yield from bad_values(child, (*path, name))
    if isinstance(schema.get("items"), dict):
        yield from bad_values(schema["items"], (*path, 0))
    if isinstance(schema.get("additionalProperties"), dict):
        yield from bad_values(schema["additionalProperties"], (*path, "key"))


def bad_here(schema: dict, path: tuple[str | int, ...]) -> Iterator[Bad]:
    if "type" in schema:
        yield Bad(path, "type", schema["type"], 1.5 if schema["type"] == "string" else "text")
    if "enum" in schema:
        yield Bad(path, "enum", schema["enum"], "no-such-choice")
    if "pattern" in schema:
        yield Bad(path, "pattern", schema["pattern"], "=\n")
    if schema.get("minLength"):
        yield Bad(path, "minLength", schema["minLength"], "")
    if "maxLength" in schema:
        yield Bad(path, "maxLength", schema["maxLength"], "1" * (schema["maxLength"] + 1))
    if "minimum" in schema:
        yield Bad(path, "minimum", schema["minimum"], schema["minimum"] - 1)
    if "maximum" in schema:
        yield Bad(path, "maximum", schema["maximum"], schema["maximum"] + 1)
    if schema.get("minItems"):
        yield Bad(path, "minItems", schema["minItems"], [])
    if "maxItems" in schema:
        yield Bad(path, "maxItems", schema["maxItems"], many(schema["items"], schema["maxItems"] + 1))
    if "maxProperties" in schema:
        names = (f"k{number}" for number in range(schema["maxProperties"] + 1))
        yield Bad(path, "maxProperties", schema["maxProperties"], {name: "1" for name in names})
    if schema.get("x-kubernetes-list-type") in ("set", "map"):
        yield Bad((*path, 1), "listType", None, many(schema["items"], 1) * 2)


def many(item: dict, count: int) -> list:
    """Entries that differ in each field that a list might be keyed by."""
    return [example(item, str(number)) for number in range(count)]


def example(schema: dict, distinct: str) -> Any:
    """Something of the right type, with what is required."""
    if schema["type"] == "object":
        return {name: example(schema["properties"][name], distinct) for name in schema.get("required", [])}
    if schema["type"] == "array":
        return [example(schema["items"], distinct)]
    if "enum" in schema:
        return next(value for value in schema["enum"] if value)
    return {"string": f"e{distinct}", "integer": schema.get("minimum", 1), "boolean": True}[schema["type"]]


def put(body: dict, bad: Bad) -> dict:
    """The object with the bad value in its place; what is on the way there is made, as an example."""
    body = copy.deepcopy(body)
    *way, last = bad.path if bad.word != "listType" else bad.path[:-1]
    at: Any = body
    for step, following in zip(way, [*way[1:], last]):
        if isinstance(at, list):
            at += [None] * (step + 1 - len(at))
            missing = at[step] is None
        else:
            missing = step not in at
        if missing:
            at[step] = [] if isinstance(following, int) else {}
        at = at[step]
    if bad.value is MISSING:
        at.pop(last, None)
    elif isinstance(at, list):
        at[last:] = [bad.value]
    else:
        at[last] = bad.value
    return body
