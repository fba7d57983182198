"""Where the operator is killed: each write and each call to GitLab that a runner costs, found by recording one life."""
from __future__ import annotations

import asyncio
import re
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from cluster import wait_for
from deadline import DeadlineMissed
from gitlab_admin import GitLabAdmin
from machinery.stage import WRITES, Stage
from proxy.relay import Exchange, pass_through
from proxy.rules import Entry

NAME = re.compile(r"\bk\d{3}\b")            # of the campaign's runners, which is also in their hosts' names
KUBERNETES = "kubernetes"
EVENT = "event "
REACHED = 30.0                              # seconds in which all runners have come to their points


@dataclass(frozen=True, order=True)
class Point:
    """The nth request of its kind in a phase of a runner's life; where: Kubernetes, or a GitLab by its port."""
    where: str
    what: str
    nth: int

    def __str__(self) -> str:
        return f"{self.what} ({self.nth} at {self.where})"


@dataclass(frozen=True, order=True)
class Kill:
    """Before: the request has come, and nothing is done about it. After: it is done, and its answer is not given."""
    point: Point
    after: bool

    def __str__(self) -> str:
        return f"{'after' if self.after else 'before'} {self.point}"


def both_sides(points: Iterable[Point]) -> list[Kill]:
    return [Kill(point, after) for point in points for after in (False, True)]


def write_of(entry: Entry) -> tuple[str, str] | None:
    """Which runner it is about, and what it does, without its name."""
    path = entry.subject.rpartition("/namespaces/")[2].partition("/")[2]
    if path.partition("/")[0] == "events":        # whose names the API server makes
        return entry.json["regarding"]["name"], EVENT + entry.json["reason"]
    found = NAME.search(path)
    if found and path.endswith("/status"):
        ready, = [c for c in entry.json["status"]["conditions"] if c["type"] == "Ready"]
        return found[0], f"status {ready['reason']}"
    return (found[0], f"{entry.method} {NAME.sub('NAME', path)}") if found else None


def call_of(call: dict) -> tuple[str, str, str]:
    """Which runner makes it, to which GitLab, and what it asks for."""
    name, _, port = call["host"].partition(":")
    path = re.sub(r"/\d+(?=/|$)", "/ID", call["path"])
    return name.partition(".")[0], port or "80", f"{call['method']} {path}"


class Tracks:
    """All that the operator asks for in the place since this was made, per runner."""

    def __init__(self, stage: Stage) -> None:
        self._stage, self._since = stage, stage.proxy.mark()
        self._calls = [max((call["id"] for call in gitlab.audit()), default=0) for gitlab in stage.gitlabs]

    def writes(self, name: str) -> list[tuple[str, Entry]]:
        """Events are among them."""
        entries = self._stage.proxy.entries(WRITES, f".*/namespaces/{self._stage.name}/.*", since=self._since)
        return [(found[1], entry) for entry in entries if (found := write_of(entry)) and found[0] == name]

    def points(self, name: str) -> list[Point]:
        """In Kubernetes' order, then each GitLab's."""
        asked = [(KUBERNETES, what) for what, _ in self.writes(name)]
        for gitlab, since in zip(self._stage.gitlabs, self._calls):
            asked += [(port, what) for who, port, what in map(call_of, gitlab.audit(since=since)) if who == name]
        seen: Counter[tuple[str, str]] = Counter()
        points = []
        for where, what in asked:
            seen[where, what] += 1
            points.append(Point(where, what, seen[where, what]))
        return points

    def carried_out(self, name: str) -> int:
        """Writes without Events, and without one that was stopped before it was done."""
        return sum(not what.startswith(EVENT) and entry.fault != Traps.BEFORE for what, entry in self.writes(name))


class Traps:
    """Holds each runner at its point: in the proxy as its action, and by faults of the stand-ins."""
    BEFORE = "held before it was done"
    AFTER = "held after it was done"

    def __init__(self, stage: Stage, kills: dict[str, Kill]) -> None:
        self._stage, self._kills = stage, kills
        self._lock, self._held = threading.Lock(), set[str]()
        self._seen: Counter[tuple[str, str]] = Counter()
        self._rule = stage.proxy.add(self, WRITES, f".*/namespaces/{stage.name}/.*", count=None)
        self._gitlabs: dict[str, GitLabAdmin] = dict(zip(("80", "8081"), stage.gitlabs))
        for name, kill in kills.items():
            if kill.point.where != KUBERNETES:
                self._order(name, kill)

    def _order(self, name: str, kill: Kill) -> None:
        method, _, path = kill.point.what.partition(" ")
        self._gitlabs[kill.point.where].fault(
            "hold", method, re.escape(path).replace("/ID", r"/\d+"), host=rf"{name}\..*", skip=kill.point.nth - 1,
            done=kill.after)

    async def __call__(self, exchange: Exchange) -> None:
        kill = self._taken_by(exchange.entry)
        if kill is None:
            exchange.entry.fault = ""
            await pass_through(exchange)
            return
        exchange.entry.fault = self.AFTER if kill.after else self.BEFORE
        if kill.after:
            answer = await exchange.forward()
            await answer.body()
        with self._lock:
            self._held.add(write_of(exchange.entry)[0])
        await asyncio.Event().wait()            # until the client is gone

    def _taken_by(self, entry: Entry) -> Kill | None:
        found = write_of(entry)
        if found is None:
            return None
        name, what = found
        self._seen[name, what] += 1
        kill = self._kills.get(name)
        return kill if kill and kill.point == Point(KUBERNETES, what, self._seen[name, what]) else None

    def held(self) -> set[str]:
        """The runners that are at their points."""
        with self._lock:
            held = set(self._held)
        for gitlab in self._stage.gitlabs:
            held |= {fault["host"].partition("\\")[0] for fault in gitlab.faults() if fault["held"]}
        return held

    def wait(self) -> None:
        """Until each runner is at its point."""
        try:
            wait_for("each runner is at its point", lambda: self.held() == set(self._kills), REACHED)
        except DeadlineMissed as late:
            missing = {name: str(kill) for name, kill in self._kills.items() if name not in self.held()}
            raise DeadlineMissed(f"{late}; not reached: {missing}") from None

    def remove(self) -> None:
        self._stage.proxy.remove(self._rule)
        for gitlab in self._stage.gitlabs:
            gitlab.clear_faults()

    def __str__(self) -> str:
        return "Traps()"
