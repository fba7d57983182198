"""Prints docs/reference.md: every field of crds/gitlabrunners.yaml, with its type, default and bounds."""
from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

CRD = Path(__file__).resolve().parent.parent / "crds/gitlabrunners.yaml"
HEAD = """\
<!-- Made by hack/generate from crds/gitlabrunners.yaml; do not edit. -->
# The fields of a GitLabRunner

`kubectl explain glr.spec` shows the same in a terminal. A field in bold is required where its parent is given. What
breaks a rule is refused when it is applied, with the rule's sentence.
"""
RANGES = [("Length", "length"), ("Items", "entries"), ("Properties", "entries")]


def main() -> None:
    version, = yaml.safe_load(CRD.read_text())["spec"]["versions"]
    schema = version["schema"]["openAPIV3Schema"]
    sys.stdout.write(HEAD)
    rows = list(sentences(schema))
    sys.stdout.write("".join(f"\n{row}\n" for row in rows))
    for name in ("spec", "status"):
        part = schema["properties"][name]
        sys.stdout.write(f"\n## {name}\n\n{flat(part['description'])}\n")
        sys.stdout.write("".join(f"\n{row}\n" for row in sentences(part)))
        sys.stdout.write("\n| field | type | |\n|---|---|---|\n")
        sys.stdout.writelines(row + "\n" for row in fields(part, name))


def fields(schema: dict, path: str) -> Iterator[str]:
    """A line for each field below, the parent before its children."""
    for name, child in schema.get("properties", {}).items():
        here = f"{path}.{name}"
        shown = f"**`{here}`**" if name in schema.get("required", []) else f"`{here}`"
        yield f"| {shown} | {escaped(kind(child))} | {escaped(' '.join([flat(child['description']), *told(child)]))} |"
        yield from fields(child, here)
        if "items" in child:
            yield from fields(child["items"], here + "[]")
        if isinstance(child.get("additionalProperties"), dict):
            yield from fields(child["additionalProperties"], here + ".*")


def kind(schema: dict) -> str:
    """In a few words."""
    if schema.get("x-kubernetes-int-or-string"):
        return "quantity"
    if schema["type"] == "array":
        return f"list of {kind(schema['items'])}"
    if isinstance(schema.get("additionalProperties"), dict):
        return f"map of {kind(schema['additionalProperties'])}"
    return "time" if schema.get("format") == "date-time" else schema.get("type", "any")


def told(schema: dict) -> Iterator[str]:
    """What can be said of values: default, choice, bounds, and the rules of the field and its entries."""
    if "default" in schema and not isinstance(schema["default"], dict):
        yield f"Default: `{literal(schema['default'])}`."
    for where in (schema, schema.get("items", {}), schema.get("additionalProperties") or {}):
        if isinstance(where, dict):
            yield from bounds(where, "" if where is schema else "each ")
            yield from sentences(where)


def bounds(schema: dict, each: str) -> Iterator[str]:
    if "enum" in schema:
        yield capital(f"{each}one of " + ", ".join(f"`{literal(value)}`" for value in schema["enum"])) + "."
    if "minimum" in schema or "maximum" in schema:
        yield capital(each + span(schema.get("minimum"), schema.get("maximum"))) + "."
    for suffix, word in RANGES:
        if f"min{suffix}" in schema or f"max{suffix}" in schema:
            yield capital(f"{each}{word} {span(schema.get(f'min{suffix}'), schema.get(f'max{suffix}'))}") + "."
    if "pattern" in schema:
        yield capital(f"{each}matches `{schema['pattern']}`") + "."


def span(least: int | None, most: int | None) -> str:
    if None not in (least, most):
        return f"{least} to {most}"
    return f"at most {most}" if least is None else f"at least {least}"


def sentences(schema: dict) -> Iterator[str]:
    for rule in schema.get("x-kubernetes-validations", []):
        about = f"`{rule['fieldPath'].lstrip('.')}` " if "fieldPath" in rule else ""
        yield f"Rule: {about}{flat(rule['message'])}."


def literal(value: object) -> str:
    return '""' if value == "" else str(value)


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def flat(text: str) -> str:
    return " ".join(text.split())


def escaped(cell: str) -> str:
    return cell.replace("|", "\\|")


main()
