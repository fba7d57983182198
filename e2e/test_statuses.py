"""That a wrong status is found, and a right one is not: the rules of statuses.py on sequences of versions."""
from __future__ import annotations

import copy
from collections.abc import Callable

import pytest

from cluster import Kube
from statuses import REASONS, Statuses, faults

T0, T1, LATE = "2026-01-01T00:00:00Z", "2026-01-01T00:00:05Z", "2026-01-01T00:01:00Z"
GOOD = {"Ready": "Ready", "Registered": "Registered", "ConfigApplied": "Applied", "ManagerAvailable": "Available"}


def version(time: str = T0, generation: int = 1, **changed: tuple[str, str]) -> dict:
    """Ready, but for the conditions that are given: the status and the reason."""
    said = {kind: ("True", reason) for kind, reason in GOOD.items()} | changed
    return {
        "metadata": {"namespace": "ci", "name": "builds", "uid": "u", "generation": generation,
                     "resourceVersion": "7", "managedFields": [{"subresource": "status", "time": time}]},
        "status": {"observedGeneration": generation, "runnerId": 1, "conditions": [
            {"type": kind, "status": status, "reason": reason, "message": "a sentence",
             "lastTransitionTime": time, "observedGeneration": generation} for kind, (status, reason) in said.items()]}}


def starting(time: str = T0) -> dict:
    return version(time, Ready=("False", "ManagerStarting"), ManagerAvailable=("False", "ManagerStarting"),
                   Reconciling=("True", "ManagerStarting"))


def condition(body: dict, kind: str = "Ready") -> dict:
    return next(c for c in body["status"]["conditions"] if c["type"] == kind)


def of_condition(kind: str = "Ready", **fields: object) -> Callable[[dict], None]:
    return lambda body: condition(body, kind).update(fields)


def of_status(**fields: object) -> Callable[[dict], None]:
    return lambda body: body["status"].update(fields)


def twice(body: dict) -> None:
    body["status"]["conditions"].append(copy.deepcopy(condition(body)))


def written(time: str) -> Callable[[dict], None]:
    return lambda body: body["metadata"]["managedFields"][0].update(time=time)


def all_since(time: str) -> Callable[[dict], None]:
    def change(body: dict) -> None:
        for c in body["status"]["conditions"]:
            c["lastTransitionTime"] = time
    return change


def changed(body: dict, *changes: Callable[[dict], None]) -> dict:
    for change in changes:
        change(body)
    return body


@pytest.mark.parametrize("before, body", [
    (None, version()),
    (None, {"metadata": version()["metadata"], "status": {"observedGeneration": -1}}),
    (None, changed(version(generation=3), of_status(observedGeneration=-1, conditions=[]))),
    (version(), version()),
    (version(), changed(version(generation=2), of_condition(message="another"))),
    (starting(), version(T1)),
    (None, changed(version(T0, VersionSkew=("True", "RunnerNewerThanGitLab")))),
    (version(), version(T0, Drained=("True", "Drained"))),      # a new one has any time
    (starting(), changed(version(), written(T1))),              # twice within a second
], ids=["fresh", "not seen yet", "not seen since", "the same", "edited", "starts", "skew", "a new type", "two flips"])
def test_what_is_right(before: dict | None, body: dict) -> None:
    if before:      # what did not change has the time that it had
        for kind in GOOD:
            if condition(before, kind)["status"] == condition(body, kind)["status"]:
                condition(body, kind)["lastTransitionTime"] = condition(before, kind)["lastTransitionTime"]
    assert faults(before, body) == []


@pytest.mark.parametrize("fault, before, body", [
    ("a type is there twice", None, changed(version(), twice)),
    ("has the status Yes", None, changed(version(), of_condition("Registered", status="Yes"))),
    ("'not_camel', which is not CamelCase", None, changed(version(), of_condition(reason="not_camel"))),
    ("'ready', which is not CamelCase", None, changed(version(), of_condition(reason="ready"))),
    ("reason AllIsWell, which", None, changed(version(), of_condition(reason="AllIsWell"))),
    ("reason TokenRotated, which", None, changed(version(), of_condition(reason="TokenRotated"))),
    ("reason Fenced, which", None, changed(version(), of_condition(reason="Fenced"))),
    ("Ready has no message", None, changed(version(), of_condition(message=""))),
    ("of Stalled and Reconciling", None, changed(starting(), of_condition("Reconciling", status="False"))),
    ("it is Ready, and", None, version(Stalled=("True", "InvalidSpec"))),
    ("it is Ready without ['Registered']", None, version(Registered=("False", "Registering"))),
    ("it is Ready without a runner", None, changed(version(), of_status(runnerId=0))),
    ("generation 2 is observed, of 1", None, changed(version(), of_status(observedGeneration=2))),
    ("generation 0 is observed", None, changed(version(), of_status(observedGeneration=0))),
    ("Ready is about generation 1, the status about 2", None,
     changed(version(generation=2), of_condition(observedGeneration=1))),
    ("Ready is as it was, and its lastTransitionTime", version(), version(T1)),
    ("Ready has changed before it was", version(T1), starting(T0)),
    ("Ready has changed without its lastTransitionTime", starting(), changed(version(LATE), all_since(T0))),
], ids=lambda value: value if isinstance(value, str) else "")
def test_what_is_wrong(fault: str, before: dict | None, body: dict) -> None:
    assert fault in "; ".join(faults(before, body))


def test_the_list_of_reasons_is_read() -> None:
    assert {"Ready", "SecretNotFound", "Forbidden"} < REASONS and not {"TokenRotated", "Cancelled"} & REASONS


def test_a_fault_is_told_once_with_both_statuses_and_only_of_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is deleted, or was not seen for a while, has nothing before it."""
    statuses = Statuses(kube=Kube.__new__(Kube))
    monkeypatch.setattr(statuses, "_newest", lambda: 7)
    statuses.see("ADDED", version())
    statuses.see("MODIFIED", version(T1))
    with pytest.raises(AssertionError, match="GitLabRunner ci/builds: Ready is as it was") as told:
        statuses.check()
    assert T0 in str(told.value) and T1 in str(told.value)
    statuses.check()
    statuses.see("DELETED", version(T1))
    statuses.see("ADDED", version(LATE))
    statuses.check()


def test_who_was_misled_is_judged_by_each_status(monkeypatch: pytest.MonkeyPatch) -> None:
    statuses = Statuses(kube=Kube.__new__(Kube))
    monkeypatch.setattr(statuses, "_newest", lambda: 7)
    statuses.see("ADDED", version())
    statuses.see("MODIFIED", version(T1))
    statuses.check(misled=True)
    statuses.see("MODIFIED", changed(version(T1), of_condition(message="")))
    with pytest.raises(AssertionError, match="Ready has no message"):
        statuses.check(misled=True)
