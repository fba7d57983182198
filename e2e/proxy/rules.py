"""What was asked, and the rules that say which requests are spoilt."""
from __future__ import annotations

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from proxy.relay import Exchange

Action = Callable[["Exchange"], Awaitable[None]]


@dataclass
class Entry:
    """One request, and what came of it."""
    number: int
    connection: int
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    began: float                            # time.monotonic()
    status: int = 0                         # 0: not answered
    answered: float = 0.0
    ended: float = 0.0                      # of the answer's body, or of the exchange
    fault: str = ""                         # the rule that spoilt it
    outcome: str = ""                       # how the exchange ended, where it did not end well
    lines: int = 0                          # of a watch
    events: list[Told] = field(default_factory=list)    # those of the lines that are events

    @property
    def json(self) -> dict:
        return json.loads(self.body)

    @property
    def watch(self) -> bool:
        return self.query.get("watch") in ("1", "true")

    @cached_property
    def subject(self) -> str:
        """The path of the object that it is about: of one that a POST makes, too."""
        if self.method != "POST":
            return self.path
        try:
            return f"{self.path}/{self.json['metadata']['name']}"
        except (ValueError, LookupError, TypeError):        # not JSON, or no object with a name
            return self.path

    def matches(self, method: str, path: str, query: str) -> bool:
        return bool(re.fullmatch(method, self.method)
                    and (re.fullmatch(path, self.path) or re.fullmatch(path, self.subject))
                    and re.search(query, self.target.partition("?")[2]))

    @property
    def verb(self) -> str:
        """As the API server's audit has it, but LIST and GET are not told apart by the path alone."""
        return "WATCH" if self.watch else self.method

    @property
    def target(self) -> str:
        return self.path + ("?" + "&".join(f"{k}={v}" for k, v in self.query.items()) if self.query else "")

    def __str__(self) -> str:
        end = f"{self.ended - self.began:6.2f} s" if self.ended else "open"
        return (f"{self.number:4} c{self.connection} {self.began % 1000:8.3f} {self.method:6} {self.target} "
                f"{self.status or '-'} {end} {self.fault} {self.outcome}").rstrip()


@dataclass(frozen=True)
class Told:
    """A watch event that has gone to the client."""
    at: float
    type: str
    name: str
    version: str
    namespace: str = ""


@dataclass
class Rule:
    """Spoils the requests that match, from the nth of them on, count times (None: for ever).

    method and path match as a whole, the path also that of the object that a POST makes, query somewhere in "name=value&…". each: counts every method and path by itself.
    """
    action: Action
    method: str = ".*"
    path: str = ".*"
    query: str = ""
    nth: int = 1
    count: int | None = 1
    each: bool = False
    _seen: Counter[str] = field(default_factory=Counter, init=False)
    _used: Counter[str] = field(default_factory=Counter, init=False)

    @property
    def seen(self) -> int:
        """Requests that matched."""
        return self._seen.total()

    @property
    def used(self) -> int:
        """Of them, those that were spoilt."""
        return self._used.total()

    def takes(self, entry: Entry) -> bool:
        if not entry.matches(self.method, self.path, self.query):
            return False
        what = f"{entry.method} {entry.subject}" if self.each else ""
        self._seen[what] += 1
        if self._seen[what] < self.nth or (self.count is not None and self._used[what] >= self.count):
            return False
        self._used[what] += 1
        return True


class Book:
    """The rules of now and the log of all requests; tests and the proxy's own thread share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[Rule] = []
        self._log: list[Entry] = []

    def add(self, action: Action, method: str = ".*", path: str = ".*", query: str = "", nth: int = 1,
            count: int | None = 1, each: bool = False) -> Rule:
        """The first rule that takes a request decides."""
        rule = Rule(action, method, path, query, nth, count, each)
        with self._lock:
            self._rules.append(rule)
        return rule

    def remove(self, rule: Rule) -> None:
        with self._lock:
            self._rules.remove(rule)

    def clear(self) -> None:
        with self._lock:
            self._rules.clear()

    def note(self, connection: int, method: str, target: str, headers: dict[str, str], body: bytes) -> Entry:
        url = urlsplit(target)
        with self._lock:
            entry = Entry(len(self._log), connection, method, url.path, dict(parse_qsl(url.query, True)), headers, body,
                          time.monotonic())
            self._log.append(entry)
        return entry

    def rule_for(self, entry: Entry) -> Rule | None:
        with self._lock:
            return next((rule for rule in self._rules if rule.takes(entry)), None)

    def mark(self) -> int:
        """For `since`."""
        with self._lock:
            return len(self._log)

    def entries(self, method: str = ".*", path: str = ".*", query: str = "", since: int = 0) -> list[Entry]:
        """Matched as rules match."""
        return list(self._matching(method, path, query, since))

    def _matching(self, method: str, path: str, query: str, since: int) -> Iterator[Entry]:
        with self._lock:
            entries = self._log[since:]
        yield from (entry for entry in entries if entry.matches(method, path, query))
