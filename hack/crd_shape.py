"""Prints controller/runner/crd_shape.c: what crds/gitlabrunners.yaml says of the shape of an object."""
from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import yaml

CRD = Path(__file__).resolve().parent.parent / "crds/gitlabrunners.yaml"
HEAD = """\
/* What the CRD says of the shape of an object. Generated from crds/gitlabrunners.yaml by hack/crd_shape.py;
 * hack/generate writes it anew. */
#include "runner/shape.h"

/* clang-format off */
#define SHAPE(type_, ...) &(const struct shape){.type = SHAPE_##type_, __VA_ARGS__}
#define MEMBERS(...)      (const struct shape_member[]){__VA_ARGS__, {0}}
#define RULES(...)        (const struct shape_rule[]){__VA_ARGS__, {0}}
#define KEYS(...)         (const char *const[]){__VA_ARGS__, NULL}

"""
TYPES = {"string": "TEXT", "integer": "WHOLE", "boolean": "FLAG", "array": "LIST"}
LARGEST = {"int32": 2**31 - 1}
BY_HAND = [                 # rules about one value that the program has better words for
    "!self.contains(',') && self.trim() == self", "!(self in ['HOME', 'POD_UID'])",
    "!(self in ['repo', 'scripts', 'logs'])",
]


class Tables:
    """Objects are tables of their own, each written once, before what it is in."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.text = ""

    def shape(self, schema: dict, path: str) -> str:
        """The address of a shape, in C."""
        words = ", ".join([kind(schema), *self.facts(schema, path)])
        if "properties" not in schema:
            return f"SHAPE({words})"
        if words not in self.names:
            self.names[words] = self.name(path)
            self.text += f"static const struct shape {self.names[words]} = {{.type = SHAPE_{words}}};\n\n"
        return f"&{self.names[words]}"

    def name(self, path: str) -> str:
        """The last steps of the path, as many as no other table has."""
        steps = [re.sub(r"(?<=[a-z])(?=[A-Z])", "_", step).lower() for step in path.split(".")]
        names = ("_".join(["crd", *steps[-many:]]) for many in range(1, len(steps) + 1))
        return next(name for name in names if name not in self.names.values())

    def facts(self, schema: dict, path: str):
        if schema.get("x-kubernetes-preserve-unknown-fields"):
            yield ".open = true"
        if "default" in schema:
            yield ".defaulted = true"
        if "default" in schema and schema["type"] == "integer":
            yield f".otherwise = {schema['default']}"
        if "minimum" in schema:
            yield f".min = {schema['minimum']}"
            yield f".max = {schema.get('maximum', LARGEST.get(schema.get('format'), 'INT64_MAX'))}"
        for fact, ends in (("least", "min"), ("most", "max")):
            for word in ("Length", "Items", "Properties"):
                if schema.get(ends + word):
                    yield f".{fact} = {schema[ends + word]}"
        if "enum" in schema:
            yield f".words = {quoted(', '.join(schema['enum']))}"
        if rules := [rule for given in schema.get("x-kubernetes-validations", []) for rule in c_rules(schema, given)]:
            yield f".rules = RULES({', '.join(rules)})"
        if schema.get("x-kubernetes-list-type", "atomic") != "atomic":
            yield ".unique = true"
        if keys := schema.get("x-kubernetes-list-map-keys"):
            yield f".keys = KEYS({', '.join(map(quoted, keys))})"
        for word in ("items", "additionalProperties"):
            if isinstance(schema.get(word), dict):
                yield f".each = {self.shape(schema[word], path)}"
        if "properties" in schema:
            yield f".members = MEMBERS(\n{self.members(schema, path)})"

    def members(self, schema: dict, path: str) -> str:
        required = schema.get("required", [])
        return ",\n".join(
            f"    {{{quoted(name)}, {self.shape(child, f'{path}.{name}')}, "
            f"{quoted(what(child)) if name in required else 'NULL'}}}"
            for name, child in schema["properties"].items())


def kind(schema: dict) -> str:
    if schema.get("x-kubernetes-int-or-string"):
        return "WHOLE_OR_TEXT"
    if schema["type"] == "object":
        return "MAP" if isinstance(schema.get("additionalProperties"), dict) else "OBJECT"
    return TYPES[schema["type"]]


def what(schema: dict) -> str:
    """The thing that a description begins with: "the name of a Secret"."""
    sentence = re.split(r"\.(?:\s|$)", " ".join(schema.get("description", "").split()))[0]
    if not re.match(r"(The|A|An) |GitLab's ", sentence):
        return ""
    return sentence if sentence.startswith("GitLab") else sentence[0].lower() + sentence[1:]


def c_rules(schema: dict, given: dict):
    """Rules in CEL about one value; those that look at several are the program's own."""
    rule, message = given["rule"], given["message"]
    matched = re.fullmatch(r"(?:type\(self\) == int \|\| )?self\.matches\((r?)'(.*)'\)", rule)
    if schema.get("type") in ("object", "array") or rule in BY_HAND:
        return
    if matched:
        yield c_rule("PATTERN", posix(matched[2] if matched[1] else matched[2].replace("\\\\", "\\")), message)
    elif found := re.fullmatch(r"self\.startsWith\('(.*)'\)", rule):
        yield c_rule("BEGINS", found[1], message)
    elif re.fullmatch(r"!self\.contains\('[^']*'\)|!\((self\.contains\('[^']*'\)( \|\| )?)+\)", rule):
        yield from (c_rule("LACKS", text, message) for text in re.findall(r"'([^']*)'", rule))
    elif rule == "type(self) == int ? self >= 0 : isQuantity(self) && !self.startsWith('-')":
        yield c_rule("QUANTITY", "", message)
    elif rule == "isIP(self)":
        yield c_rule("ADDRESS", "", message)
    else:
        sys.exit(f"no rule in C for: {rule}")


def posix(pattern: str) -> str:
    """RE2's as POSIX has it, where a backslash within brackets stands for itself."""
    return pattern.replace("\\s", " \t\r\n\f").replace("[\\\\", "[\\")


def c_rule(name: str, argument: str, message: str) -> str:
    return f"{{RULE_{name}, {quoted(argument)}, {quoted(message)}}}"


def quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def main() -> None:
    version, = yaml.safe_load(CRD.read_text())["spec"]["versions"]
    schema = version["schema"]["openAPIV3Schema"]
    tables = Tables()
    schema["properties"] = {name: child for name, child in schema["properties"].items() if name not in ("metadata", "status")}
    words = f".type = SHAPE_OBJECT, .members = MEMBERS(\n{tables.members(schema, '')},\n" \
            "    {\"metadata\", SHAPE(ANY), NULL},\n    {\"status\", SHAPE(ANY), NULL})"
    sys.stdout.write(f"{HEAD}{tables.text}const struct shape crd_shape = {{{words}}};\n/* clang-format on */\n")


if __name__ == "__main__":
    main()
