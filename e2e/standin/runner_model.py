"""The rules a runner's attributes obey, whoever sets them, and how GitLab words their violation."""
from __future__ import annotations

from collections.abc import Callable

from . import errors
from .models import Runner
from .params import Param, boolean, integer, names
from .state import State

COLUMNS = ("description", "maintenance_note", "name", "paused", "locked", "run_untagged", "tag_list",
           "access_level", "maximum_timeout")
ACCESS_LEVELS = ("not_protected", "ref_protected")

DESCRIPTION = Param("description")
NOTE = Param("maintenance_note")
PAUSED = Param("paused", boolean)
ACTIVE = Param("active", boolean)
LOCKED = Param("locked", boolean)
RUN_UNTAGGED = Param("run_untagged", boolean)
TAG_LIST = Param("tag_list", names)
ACCESS_LEVEL = Param("access_level", values=ACCESS_LEVELS)
MAXIMUM_TIMEOUT = Param("maximum_timeout", integer)


def too_long(name: str, limit: int) -> Callable[[dict], str | None]:
    text = f"is too long (maximum is {limit} characters)"
    return lambda row: text if len(row.get(name) or "") > limit else None


def untagged_and_tagless(row: dict) -> str | None:
    if row.get("run_untagged", True) or row.get("tag_list"):
        return None
    return "can not be empty when runner is not allowed to pick untagged jobs"


def too_many_tags(row: dict) -> str | None:
    if len(row.get("tag_list") or []) <= 50:
        return None
    return "Too many tags specified. Please limit the number of tags to 50"


def timeout_too_short(row: dict) -> str | None:
    timeout = row.get("maximum_timeout")
    return "needs to be at least 10 minutes" if timeout is not None and timeout < 600 else None


VALIDATIONS: tuple[tuple[str, Callable[[dict], str | None]], ...] = (
    ("tags_list", untagged_and_tagless),
    ("tags_list", too_many_tags),
    ("maximum_timeout", timeout_too_short),
    ("name", too_long("name", 256)),
    ("description", too_long("description", 1024)),
    ("maintenance_note", too_long("maintenance_note", 1024)),
)


def attributes(params: dict) -> dict:
    """A runner's columns out of checked parameters, the deprecated names under today's."""
    row = {name: params[name] for name in COLUMNS if name in params}
    if params.get("active") is not None:
        row["paused"] = not params["active"]
    if params.get("maintainer_note") is not None:
        row["maintenance_note"] = params["maintainer_note"]
    nullable = ("description", "maintenance_note", "name", "maximum_timeout")
    return {name: value for name, value in row.items() if value is not None or name in nullable}


def violations(row: dict) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, rule in VALIDATIONS:
        if text := rule(row):
            found.setdefault(name, []).append(text)
    return found


def limit_violations(state: State, runner_type: str, owner_id: int | None) -> dict[str, list[str]]:
    """A group and a project own only so many runners."""
    kinds = {"group_type": ("runner_namespaces.base", "ci registered group runners"),
             "project_type": ("runner_projects.base", "ci registered project runners")}
    if runner_type not in kinds:
        return {}
    key, what = kinds[runner_type]
    owned = sum(owner_id == r.group_id or owner_id in r.project_ids
                for r in state.runners.values() if r.runner_type == runner_type)
    limit = state.settings.runner_limit
    return {key: [f"Maximum number of {what} ({limit}) exceeded"]} if owned >= limit else {}


def sentence(found: dict[str, list[str]]) -> str:
    """The violations as one sentence, each with its attribute's human name in front."""
    parts = [f"{name.replace('.', '_').replace('_', ' ').capitalize()} {text}"
             for name, texts in found.items() for text in texts]
    if len(parts) < 3:
        return " and ".join(parts)
    return ", ".join(parts[:-1]) + ", and " + parts[-1]


def update(state: State, runner: Runner, row: dict) -> None:
    """Merges the given columns; the tag list is replaced as a whole."""
    merged = {name: getattr(runner, name) for name in COLUMNS} | row
    if found := violations(merged):
        raise errors.invalid_record(found)
    for name, value in row.items():
        setattr(runner, name, value)
    runner.updated_at = state.now()
    state.tick(runner)
