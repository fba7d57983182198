"""Every status that is written in a session, whichever test it is for: a watch shows it, and these rules judge it."""
from __future__ import annotations

import json
import re
import subprocess
import threading
from collections.abc import Iterable, Iterator
from datetime import datetime

from cluster import ROOT, Kube, wait_for

LONGEST_WRITE = 10      # seconds from the decision to write a status until it is written
NEVER_OF_A_CONDITION = {"event", "inner"}
GROUPS = {line.split()[0]: line.split()[1] for line in (ROOT / "tests/data/reasons.txt").read_text().splitlines()
          if line and not line.startswith("#")}
REASONS = {reason for reason, group in GROUPS.items() if group not in NEVER_OF_A_CONDITION}
PARTS_OF_READY = ("Registered", "ConfigApplied", "ManagerAvailable")


# ----------------------------------------------------------------------------------------------------------------------
# The rules


def conditions(body: dict | None) -> dict[str, dict]:
    return {c["type"]: c for c in (body or {}).get("status", {}).get("conditions", [])}


def faults(before: dict | None, body: dict) -> list[str]:
    """What is wrong with a version of an object, in itself and after the version before; None: that is not known."""
    return [*in_words(body), *in_sum(body), *in_generations(body), *in_times(before, body)]


def in_words(body: dict) -> Iterator[str]:
    """Each type once; a status, a reason of the closed list, a sentence."""
    found = body.get("status", {}).get("conditions", [])
    if len(found) != len(conditions(body)):
        yield f"a type is there twice: {[c['type'] for c in found]}"
    for c in found:
        if c["status"] not in ("True", "False", "Unknown"):
            yield f"{c['type']} has the status {c['status']}"
        if not re.fullmatch("[A-Z][A-Za-z0-9]*", c["reason"]):
            yield f"{c['type']} has the reason '{c['reason']}', which is not CamelCase"
        elif c["reason"] not in REASONS:
            yield f"{c['type']} has the reason {c['reason']}, which tests/data/reasons.txt does not have for conditions"
        if not c.get("message"):
            yield f"{c['type']} has no message"


def in_sum(body: dict) -> Iterator[str]:
    """Ready, Stalled and Reconciling say the same of the others."""
    found = conditions(body)
    states = {kind: found[kind]["status"] for kind in ("Stalled", "Reconciling") if kind in found}
    if len(states) > 1 or set(states.values()) - {"True"}:
        yield f"of Stalled and Reconciling one may be there, and be true; they are {states}"
    if found.get("Ready", {}).get("status") != "True":
        return
    if states:
        yield f"it is Ready, and {states}"
    if lacking := [kind for kind in PARTS_OF_READY if found.get(kind, {}).get("status") != "True"]:
        yield f"it is Ready without {lacking}"
    if not body["status"].get("runnerId"):
        yield "it is Ready without a runner"


def in_generations(body: dict) -> Iterator[str]:
    """What is observed was there, -1 standing for nothing yet; and all conditions are about the same."""
    generation, observed = body["metadata"]["generation"], body.get("status", {}).get("observedGeneration", -1)
    if observed != -1 and not 1 <= observed <= generation:
        yield f"generation {observed} is observed, of {generation}"
    for c in conditions(body).values():
        if c.get("observedGeneration", -1) != observed:     # the API server's own condition is about none
            yield f"{c['type']} is about generation {c.get('observedGeneration')}, the status about {observed}"


def in_times(before: dict | None, body: dict) -> Iterator[str]:
    """lastTransitionTime changes with the status, and with nothing else."""
    former = conditions(before)
    for kind, c in conditions(body).items():
        if kind not in former:
            continue
        since, now = former[kind]["lastTransitionTime"], c["lastTransitionTime"]
        if former[kind]["status"] == c["status"]:
            if since != now:
                yield f"{kind} is as it was, and its lastTransitionTime is another"
        elif time_of(now) < time_of(since):
            yield f"{kind} has changed before it was as it was"
        elif since == now and time_of(written_at(body) or now) - time_of(now) > LONGEST_WRITE:
            yield f"{kind} has changed without its lastTransitionTime"


def written_at(body: dict) -> str | None:
    """When the status was, by the API server's clock; two changes within a second have the same lastTransitionTime."""
    times = [entry["time"] for entry in body["metadata"].get("managedFields", [])
             if entry.get("subresource") == "status" and "time" in entry]
    return max(times, default=None)


def time_of(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def told(before: dict | None, body: dict) -> str:
    """The faults with the two statuses, "" when there are none."""
    if not (found := faults(before, body)):
        return ""
    meta = body["metadata"]
    statuses = [f"  {name}: {json.dumps(version.get('status'))}"
                for name, version in (("before", before), ("after", body)) if version]
    return "\n".join([f"GitLabRunner {meta['namespace']}/{meta['name']}: {'; '.join(found)}", *statuses])


# ----------------------------------------------------------------------------------------------------------------------
# The watch


class Statuses:
    """Of all GitLabRunners. When the watch breaks, as with its API server, another one begins with what is there then;
    what was written in between is not judged."""

    def __init__(self, kube: Kube) -> None:
        self._kube = kube
        self._known: dict[str, dict] = {}   # by uid, the version that was seen last
        self._reached = 0                   # the newest resourceVersion that was seen
        self._found: list[tuple[dict | None, dict]] = []
        self._watch: subprocess.Popen | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Statuses:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._watch:
            self._watch.kill()
        self._thread.join(10)

    def check(self, misled: bool = False) -> None:
        """All that was written up to now; what is found is told once. misled: who wrote it was shown a past, so each
        status is judged by itself."""
        newest = self._newest()
        wait_for("the watch of all statuses shows what a list shows", lambda: self._reached >= newest)
        found, self._found = self._found, []
        texts = [text for before, body in found if (text := told(None if misled else before, body))]
        assert not texts, "\n".join(texts)

    def _newest(self) -> int:
        answer = self._kube.call("GET", self._kube.path("GitLabRunner", None))
        items = answer.json()["items"] if answer.ok else []     # else the kind is not there
        return max((version_of(item) for item in items), default=0)

    def _run(self) -> None:
        path = self._kube.path("GitLabRunner", None)
        while not self._over.wait(0.2):
            self._watch = subprocess.Popen(["kubectl", "get", "--raw", f"/{path}?watch=1"], text=True,
                                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            self._known = {}
            if not self._over.is_set():
                self._read(self._watch.stdout)
            self._watch.kill()
            self._watch.wait()

    def _read(self, lines: Iterable[str]) -> None:
        for line in lines:
            try:
                event = json.loads(line)
            except ValueError:
                return                      # cut off
            if event["type"] not in ("ADDED", "MODIFIED", "DELETED"):
                return
            self.see(event["type"], event["object"])

    def see(self, kind: str, body: dict) -> None:
        uid = body["metadata"]["uid"]
        before = self._known.pop(uid, None)
        if faults(before, body):
            self._found.append((before, body))
        if kind != "DELETED":
            self._known[uid] = body
        self._reached = max(self._reached, version_of(body))


def version_of(body: dict) -> int:
    return int(body["metadata"]["resourceVersion"])
