"""Answers and events that no API server should give: the operator neither crashes nor stops keeping up."""
from __future__ import annotations

import json

import pytest

from cluster import wait_for
from gitlab_admin import GitLabAdmin
from machinery.stage import KINDS, Stage, collection
from proxy.faults import HTML_502, Garbage, Status, Truncate
from proxy.rules import Action
from proxy.streams import Script, Split

ANY = collection("(" + "|".join(KINDS) + ")")


def event(what: str, **body: object) -> bytes:
    return json.dumps({"type": what, "object": body}).encode() + b"\n"


def secret(name: str, **meta: object) -> dict:
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1",
            "metadata": {"name": name, "namespace": "default", "uid": "u", "resourceVersion": "1"} | meta}


LINES = {
    "an unknown type": event("RENAMED", **secret("a")),
    "no type": b'{"object":{}}\n',
    "no object": b'{"type":"ADDED"}\n',
    "an object that is null": b'{"type":"ADDED","object":null}\n',
    "an object that is a list": b'{"type":"ADDED","object":[1,2]}\n',
    "a table": event("ADDED", kind="Table", apiVersion="meta.k8s.io/v1", columnDefinitions=[], rows=[]),
    "another kind": event("ADDED", kind="Pod", apiVersion="v1", metadata={"name": "a", "resourceVersion": "1"}),
    "no metadata": event("MODIFIED", kind="Secret", apiVersion="v1"),
    "metadata of wrong types": event("ADDED", **secret(["a"], uid=7, labels="x", resourceVersion=3)),
    "a version that is no number": event("MODIFIED", **secret("a", resourceVersion="abc")),
    "a bookmark without a version": event("BOOKMARK", kind="Secret", apiVersion="v1", metadata={}),
    "an error without a code": event("ERROR", kind="Status"),
    "an error that is null": b'{"type":"ERROR","object":null}\n',
    "deleted, but never known": event("DELETED", **secret("unknown")),
    "an object of 3 MiB": event("ADDED", **secret("big", annotations={"text": "x" * (3 << 20)})),
    "null": b"null\n",
    "a number": b"42\n",
    "no JSON": b"<html>504</html>\n",
    "half an event": b'{"type":"ADDED","object":{"metadata":\n',
    "empty lines": b"\n\n\n",
    "bytes that are no text": b"\x00\xff\xfe\x80\n",
    "deep nesting": b'{"type":' + b"[" * 5000 + b"]" * 5000 + b"}\n",
}


def test_a16_events_that_make_no_sense_are_survived(stage: Stage) -> None:
    """A different one on the watch of each kind, in several rounds; after each a runner is made."""
    scripts = {kind: [Script() for _ in range(2 * len(LINES))] for kind in KINDS}
    for kind, several in scripts.items():
        for script in several:
            stage.proxy.add(script, "GET", collection(kind), "watch")
    stage.registration_token()
    stage.operator.start()
    lines = list(LINES.values())
    for first in range(0, len(lines), len(KINDS)):
        for kind, line in zip(KINDS, lines[first:]):
            tell(stage, kind, scripts[kind], line)
        for kind in KINDS:
            stage.open_watch(kind)
        runner = stage.unmanned(name=f"after-{first}")
        runner.wait()
        runner.delete()
        runner.wait_gone()
    assert stage.operator.is_ready()


def tell(stage: Stage, kind: str, scripts: list[Script], line: bytes) -> None:
    """On the watch of now."""
    entry = stage.open_watch(kind)
    current = scripts[len([e for e in stage.watches(kind) if e.fault]) - 1]
    told = entry.lines
    current.say(line)
    wait_for("it is told", lambda: entry.lines > told, 5)


def test_a16_events_in_pieces_of_a_byte(stage: Stage) -> None:
    stage.proxy.add(Split(1), "GET", collection("(gitlabrunners|deployments|rolebindings)"), "watch", count=None)
    stage.registration_token()
    stage.operator.start()
    stage.settled([stage.unmanned()])
    assert stage.operator.lines("warn") == []


JSON_200 = {
    "items that are null": b'{"kind":"List","apiVersion":"v1","metadata":{"resourceVersion":"5"},"items":[null,null]}',
    "items that are no list": b'{"kind":"List","apiVersion":"v1","metadata":{"resourceVersion":"5"},"items":{}}',
    "a table": b'{"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":{},"rows":[]}',
    "null": b"null",
    "nothing": b"",
    "an empty object": b"{}",
}


@pytest.mark.parametrize("action", [
    HTML_502, Status(200, body=b"<html>Log in</html>", content_type="text/html"), Garbage(), Truncate(),
    *(Status(200, body=body) for body in JSON_200.values()),
], ids=["HTML 502", "a login page", "garbage", "truncated", *JSON_200])
def test_a16_lists_that_make_no_sense_are_survived(action: Action, stage: Stage,
                                                           gitlab: GitLabAdmin) -> None:
    """The first read of each kind, by LIST; and nothing is made again that is there."""
    stage.registration_token()
    runner = stage.unmanned()
    stage.operator.start()
    stage.settled([runner])
    before, calls = [content(runner.child(what)) for what in runner.children()], len(gitlab.audit())
    stage.operator.stop()
    stage.proxy.add(Status(422, "Invalid"), "GET", ANY, "sendInitialEvents", count=None)
    stage.proxy.add(action, "GET", ANY, each=True)
    stage.mark()
    stage.operator.start()
    stage.settled([runner])
    assert [content(runner.child(what)) for what in runner.children()] == before and len(gitlab.audit()) == calls


def content(child: dict) -> dict:
    """What it is, whoever has looked at it since."""
    meta = {name: child["metadata"][name] for name in ("uid", "labels", "annotations", "ownerReferences")}
    return {"metadata": meta} | {name: child[name] for name in ("data", "spec", "rules", "subjects") if name in child}
