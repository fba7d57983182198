"""A namespace, an empty GitLab, and the operator as a process whose API server is the proxy."""
from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from cluster import Kube, kubectl, wait_for, wait_kind
from diagnosis import calls, last_lines
from gitlab_admin import GitLabAdmin
from moved_clock import MovedClock
from operator_pod import MANIFESTS, NAME, NAMESPACE, without_tokens
from places import LABEL, Place, Runner, remove
from program import Process, free_port
from proxy.rules import Entry
from proxy.server import Proxy

SOAK = os.environ.get("SOAK") == "1"
KILL_DAY = int(os.environ.get("KILL_DAY") or time.time() // 86400)     # counted from 1970, as WORLD_DAY
KINDS = ["gitlabrunners", "secrets", "configmaps", "namespaces", "serviceaccounts", "rolebindings", "deployments",
         "poddisruptionbudgets"]
WRITES = "POST|PUT|PATCH|DELETE"
OPTIONS = ("--log-level", "debug", "--leader-elect", "false")     # the Lease has tests of its own
T = TypeVar("T")
GONE_QUIET = 1.0                                    # seconds without a request, after which nothing is left to do


def scaled(soak: float, test: float) -> float:
    """A time of the checklist: in full by `make soak`, shorter in `make test`."""
    return soak if SOAK else test


def some_of(things: list[T], count: int) -> list[T]:
    """All of them by `make soak`; otherwise others each day."""
    return things if SOAK or len(things) <= count else random.Random(KILL_DAY).sample(things, count)


def collection(plural: str) -> str:
    """The path under which a kind is listed and watched in all namespaces."""
    return f"/(api|apis/[^/]+)/[^/]+/{plural}"


class Operator:
    """As many processes, one after another, as the test starts."""

    def __init__(self, folder: Path, config: dict) -> None:
        self._folder, self._config = folder, config
        self._past: list[str] = []
        self._process: Process | None = None

    def start(self, *options: str, ready: bool = True, config: dict | None = None, prefix: tuple[str, ...] = (),
              env: dict[str, str] | None = None, pace: int = 1) -> Process:
        """pace: its clocks go so many times as fast as this machine's."""
        assert self._process is None, "there is one already"
        folder = self._folder / str(len(self._past))
        folder.mkdir()
        if pace > 1:
            env = MovedClock(folder, pace).environment()
        self._process = Process(folder, config or self._config, free_port(), *OPTIONS, *options,
                                prefix=prefix, env=env)
        if ready:
            self.wait_ready()
        return self._process

    def wait_ready(self, seconds: float = 20) -> None:
        wait_for("the operator is ready", self.is_ready, seconds)

    def is_ready(self) -> bool:
        return self._process.status("readyz") == 200

    def stop(self) -> None:
        """In good order."""
        code, _ = self._process.stop()
        self._end()
        assert code == 0, f"it has ended with {code}: {self._past[-1][-2000:]}"

    def kill(self) -> None:
        if self._process:
            self._process.kill()
            self._end()

    def _end(self) -> None:
        self._past.append(self._process.log())
        self._process = None

    # What every place wants of its operator

    def assert_steady(self) -> None:
        self.assert_never_crashed()

    def assert_never_crashed(self) -> None:
        if self._process:
            code = self._process.code()
            assert code is None, f"the operator has ended with {code}:\n{self.logs()[-2000:]}"

    def logs(self) -> str:
        return "".join(self._past) + (self._process.log() if self._process else "")

    def lines(self, level: str) -> list[dict]:
        return self._process.lines(level)

    def process(self) -> Path:
        return Path("/proc") / str(self._process.pid if self._process else "self")

    def process_itself(self) -> Process:
        """The one that was started last."""
        return self._process

    def page(self, page: str) -> str:
        return self._process.page(page)

    def metrics(self) -> dict[str, float]:
        lines = (line.rpartition(" ") for line in self.page("metrics").splitlines() if line[:1] != "#")
        return {name: float(value) for name, _, value in lines}

    def sum(self, name: str) -> float:
        """Of a metric over all of its labels."""
        return sum(value for series, value in self.metrics().items() if series.partition("{")[0] == name)


class Stage(Place):
    operator: Operator

    def __init__(self, kube: Kube, operator: Operator, gitlab: GitLabAdmin, proxy: Proxy, name: str) -> None:
        super().__init__(kube, operator, gitlab, name)
        self.proxy = proxy
        self.since = proxy.mark()

    def runner_named(self, name: str) -> Runner:
        return Runner(self.kube, self.name, name)

    def mark(self) -> None:
        """From here on requests count."""
        self.since = self.proxy.mark()

    def requests(self, method: str = ".*", path: str = ".*", query: str = "") -> list[Entry]:
        return self.proxy.entries(method, path, query, self.since)

    def lists(self, plural: str) -> list[Entry]:
        """Whole lists, whether asked for by LIST or by a watch; pages after the first do not count."""
        return [entry for entry in self.requests("GET", collection(plural))
                if "continue" not in entry.query and (not entry.watch or "sendInitialEvents" in entry.query)]

    def watches(self, plural: str) -> list[Entry]:
        return [entry for entry in self.requests("GET", collection(plural)) if entry.watch]

    def open_watch(self, plural: str) -> Entry:
        """The one that the operator follows at the moment."""
        def found() -> Entry | None:
            alive = [entry for entry in self.watches(plural) if entry.status == 200 and not entry.ended]
            return alive[-1] if alive else None
        return wait_for(f"{plural} are watched", found)

    @property
    def objects(self) -> str:
        """The paths of this place's objects, but Events."""
        return f".*/namespaces/{self.name}/(?!events).*"

    def writes(self) -> list[Entry]:
        return self.requests(WRITES, self.objects)

    def write_counts(self) -> Counter[str]:
        return Counter(f"{entry.method} {entry.subject}" for entry in self.writes())

    def wait_quiet(self, seconds: float = GONE_QUIET, method: str = ".*") -> None:
        """The operator has nothing left to do here: it has asked for nothing for a while, nor since we ask."""
        since = time.monotonic()

        def quiet() -> bool:
            entries = [entry for entry in self.requests(method, self.objects) if not entry.watch]
            open_ones = any(not entry.ended for entry in entries)
            last = max([since, *(entry.ended or entry.began for entry in entries)])
            return not open_ones and time.monotonic() - last > seconds
        wait_for("the operator asks for nothing", quiet)

    def settled(self, runners: list[Runner], seconds: float = 60) -> None:
        for runner in runners:
            runner.wait(seconds=seconds)
        self.wait_quiet()

    # Diagnosis

    def sections(self) -> Iterator[tuple[str, str]]:
        """What needs the API server comes last."""
        yield "the operator's log", without_tokens(last_lines(self.operator.logs()))
        yield "through the proxy", "\n".join(str(entry) for entry in self.requests()[-80:])
        for gitlab in self.gitlabs:
            yield f"calls to {gitlab.url}", without_tokens("\n".join(calls(gitlab)))
        for runner in self.runners():
            yield f"GitLabRunner {runner.name}", runner.summary()


def without_operator(kube: Kube) -> None:
    """The operator's rights and its kind are there, and nothing of an earlier session; no operator is."""
    left = [item["metadata"]["name"] for item in kube.list("Namespace", labels=LABEL)]
    kubectl("apply", "-k", MANIFESTS)
    kube.delete("Deployment", NAME, NAMESPACE)
    wait_kind()
    vacate(kube, left)
    wait_for("namespaces of an earlier session are gone", lambda: not kube.list("Namespace", labels=LABEL), 120)


def vacate(kube: Kube, namespaces: list[str]) -> None:
    """Nothing stays that another operator would see to; the namespaces vanish while the next test runs."""
    for ns in namespaces:
        for kind in ("GitLabRunner", "Secret"):
            for item in kube.list(kind, ns):
                if item["metadata"].get("finalizers"):
                    kube.patch(kind, item["metadata"]["name"], {"metadata": {"finalizers": None}}, ns)
            kube.call("DELETE", kube.path(kind, ns))
    remove(kube, namespaces)
