"""What must hold between GitLab and those who register runners there."""
from __future__ import annotations

from collections import defaultdict

from .state import State


def report(state: State, living: list[str] | None = None) -> dict:
    """living: the uids of the objects that may have a runner; without it nothing counts as leaked."""
    by_mark: dict[str, list[int]] = defaultdict(list)
    for runner in state.runners.values():
        by_mark[runner.mark() or ""].append(runner.id)
    unmarked = by_mark.pop("", [])
    ever: dict[str, list[int]] = defaultdict(list)
    for runner_id, mark in state.births:
        ever[mark or ""].append(runner_id)
    return {
        "runners": len(state.runners),
        "marks": dict(by_mark),
        "unmarked": unmarked,
        "registered_twice": {mark: ids for mark, ids in by_mark.items() if len(ids) > 1},
        "leaked": [i for mark, ids in by_mark.items() if mark not in living for i in ids] if living is not None else [],
        "ever_registered": dict(ever),
        "tokens_in_use": tokens_in_use(state),
        "refused_tokens": dict(state.refused_tokens)}


def tokens_in_use(state: State) -> list[dict]:
    """The tokens with which somebody has called since they were made, and by which managers."""
    return [{"runner_id": runner.id, "token": runner.token, "contacted_at": runner.contacted_at,
             "managers": sorted(runner.managers)}
            for runner in state.runners.values() if runner.managers]
