"""What an attack does to the operator and to others: measured during every test of this folder, and judged after it."""
from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from cluster import Kube, wait_for
from hostile.watcher import PATIENCE, Process
from operator_pod import Operator
from places import Place, Runner

MOST_MEMORY = 96 << 20          # bytes, of RSS
LONGEST_HEALTHZ = 1.0           # seconds
MOST_DELAY = 2                  # times the neighbour's quiet value
NOISE = 0.5                     # seconds more, by which this machine may be late itself
STARVED = 15.0                  # seconds after which the neighbour is no longer waited for
LEAST = 0.01                    # seconds that the neighbour has to wait for at any rate
FEWEST = 3                      # measurements of the neighbour a test
QUIET_ONES = 7
WITHOUT_PODS = {"metadata": {"name": "control"}, "spec": {
    "replicas": 0, "selector": {"matchLabels": {"app": "control"}}, "template": {
        "metadata": {"labels": {"app": "control"}}, "spec": {"containers": [{"name": "a", "image": "a"}]}}}}
LIKE_A_RUNNER = 7               # writes to the API server, as one object's, of which one is of a Deployment


@dataclass
class Look:
    """One line of the watcher's."""
    status: int
    seconds: float
    control: float
    waited: float
    peak: int

    def late(self) -> float:
        """Seconds that are the operator's own doing."""
        return max(0.0, self.seconds - self.control - self.waited)

    def failed(self) -> bool:
        """But for one that this machine had no time for."""
        return self.status != 200 and not (self.seconds >= PATIENCE and self.late() <= LONGEST_HEALTHZ)


@dataclass
class Wait:
    """From a GitLabRunner's creation until it was ready, in seconds."""
    seconds: float
    control: float              # so long the cluster took for what is like it, just before and just after, on average
    waited: float               # so long the operator's process was kept from running by others


def fair(waits: list[Wait], quiet_control: float) -> float:
    """The median without what the API server and the machine have taken longer for than when all was quiet."""
    return median(max(0.0, wait.seconds - wait.waited - max(0.0, wait.control - quiet_control)) for wait in waits)


@dataclass
class Figures:
    """Of one test."""
    attack: str
    quiet: list[Wait]
    looks: list[Look] = field(default_factory=list)
    waits: list[Wait] = field(default_factory=list)

    def peak(self) -> int:
        return max((look.peak for look in self.looks), default=0)

    def slowest(self) -> float:
        return max((look.late() for look in self.looks), default=0.0)

    def failed(self) -> int:
        return sum(look.failed() for look in self.looks)

    def quiet_wait(self) -> float:
        return max(LEAST, fair(self.quiet, self.quiet_control()))

    def longest_wait(self) -> float:
        """Of a single one: it may be late by itself, but nobody is starved."""
        return max((fair([wait], self.quiet_control()) for wait in self.waits), default=0.0)

    def quiet_control(self) -> float:
        return median(wait.control for wait in self.quiet)

    def wait(self) -> float:
        return fair(self.waits, self.quiet_control()) if self.waits else 0.0

    def faults(self) -> Iterator[str]:
        if not self.looks:
            yield "nobody has looked at the operator"
        if self.peak() >= MOST_MEMORY:
            yield f"its memory was {self.peak() / (1 << 20):.1f} MiB at the most, {MOST_MEMORY >> 20} are allowed"
        if self.failed():
            first = next(look for look in self.looks if look.failed())
            yield f"/healthz has failed {self.failed()} times of {len(self.looks)}, first with {first}"
        if self.slowest() > LONGEST_HEALTHZ:
            yield f"/healthz has taken {self.slowest():.2f} s"
        if len(self.waits) < FEWEST:
            yield f"the neighbour was served {len(self.waits)} times"
        elif self.wait() > MOST_DELAY * self.quiet_wait() + NOISE:
            yield f"the neighbour has waited for {self.wait():.2f} s, when all was quiet for {self.quiet_wait():.2f} s"

    HEAD = f"{'attack':52} {'peak MiB':>8} {'healthz s':>9} {'failed':>6} {'quiet s':>7} {'now s':>7} {'ratio':>5}"

    def __str__(self) -> str:
        ratio = self.wait() / self.quiet_wait()
        return (f"{self.attack[:52]:52} {self.peak() / (1 << 20):8.1f} {self.slowest():9.3f} {self.failed():6} "
                f"{self.quiet_wait():7.2f} {self.wait():7.2f} {ratio:5.1f}")


class Neighbour:
    """A team that has nothing to do with the attack: it makes a runner at a good GitLab, one after another, in `place`."""

    def __init__(self, place: Place, kube: Kube) -> None:
        self.place, self._kube = place, kube
        self._count = self._controls = 0
        place.registration_token()
        kube.create("ConfigMap", {"metadata": {"name": "control"}}, place.name)
        kube.create("Deployment", WITHOUT_PODS, place.name)

    def measure(self) -> Wait:
        process, before = Process(self.place.operator.process().name), self._control()
        self._count += 1
        waited = process.waited()
        runner, began = self._create(f"neighbour-{self._count}"), time.monotonic()
        while not is_ready(runner) and time.monotonic() - began < STARVED:
            time.sleep(0.02)
        seconds, waited = time.monotonic() - began, process.waited() - waited
        runner.delete()
        return Wait(seconds, (before + self._control()) / 2, waited)

    def _create(self, name: str) -> Runner:
        spec = self.place.spec(manager={"replicas": 0})
        self._kube.create("GitLabRunner", {"apiVersion": "gitlab-runners.dev/v1beta1", "kind": "GitLabRunner",
                                           "metadata": {"name": name}, "spec": spec}, self.place.name)
        return Runner(self._kube, self.place.name, name)

    def _control(self) -> float:
        """What a runner costs but for the operator: writes, and that the Deployment's controller has seen one of them."""
        ns, began = self.place.name, time.monotonic()
        for i in range(LIKE_A_RUNNER - 1):
            self._kube.patch("ConfigMap", "control", {"data": {"i": f"{began} {i}"}}, ns)
        self._controls += 1
        wanted = self._kube.patch("Deployment", "control", {"spec": {"minReadySeconds": self._controls}}, ns)
        while (self._kube.get("Deployment", "control", ns)["status"].get("observedGeneration", 0)
               < wanted["metadata"]["generation"] and time.monotonic() - began < STARVED):
            time.sleep(0.02)
        return time.monotonic() - began

    def wait_gone(self) -> None:
        """Those that were made here; a test may have others in its place."""
        wait_for("the neighbour's runners are gone", lambda: not any(
            item["metadata"]["name"].startswith("neighbour-") for item in self._kube.list("GitLabRunner", self.place.name)))


def is_ready(runner: Runner) -> bool:
    return any(c["type"] == "Ready" and c["status"] == "True" for c in runner.status().get("conditions", []))


class Siege:
    """Begins with the first attack; use as a context manager. All is measured until the end, but in a truce."""

    def __init__(self, operator: Operator, neighbour: Neighbour, figures: Figures) -> None:
        self.operator, self.neighbour, self.figures = operator, neighbour, figures
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._looking: subprocess.Popen | None = None
        self._threads: list[threading.Thread] = []
        self._problem: BaseException | None = None

    def __enter__(self) -> Siege:
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    # For tests

    def begin(self) -> None:
        """The attack begins here: what was measured before does not count."""
        self._stop()
        self.figures.looks.clear()
        self.figures.waits.clear()
        self._start()

    def hold(self, count: int = FEWEST) -> None:
        """Returns when the neighbour was measured so many times more. The attack has to go on meanwhile."""
        wanted = len(self.figures.waits) + count
        wait_for("the neighbour was measured", lambda: self._problem or len(self.figures.waits) >= wanted,
                 count * (STARVED + 10))
        if self._problem:
            raise self._problem

    @contextmanager
    def truce(self) -> Iterator[None]:
        """Nothing is measured, for tests that end the operator themselves."""
        self._stop()
        yield
        self.operator.wait_ready()
        self._start()

    def end(self) -> None:
        """Judges. What is to be measured still is, so the attack may last until here."""
        if (lacking := FEWEST - len(self.figures.waits)) > 0:
            self.hold(lacking)
        wait_for("somebody has looked at the operator", lambda: self._problem or self.figures.looks)
        self._stop()
        print(f"\n{Figures.HEAD}\n{self.figures}")
        if self._problem:
            raise self._problem
        assert not (found := list(self.figures.faults())), "; ".join(found)
        self.neighbour.wait_gone()

    # Measuring

    def _start(self) -> None:
        pod, process = self.operator.wait_ready(), self.operator.process()
        self._over.clear()
        self._looking = subprocess.Popen(
            [sys.executable, "-m", "hostile.watcher", pod["status"]["podIP"], process.name],
            stdout=subprocess.PIPE, text=True, cwd=Path(__file__).resolve().parent.parent)
        self._threads = [threading.Thread(target=self._guarded, args=[work], daemon=True)
                         for work in (self._look, self._be_served)]
        for thread in self._threads:
            thread.start()

    def _stop(self) -> None:
        self._over.set()
        if self._looking:
            self._looking.kill()
            self._looking.wait()
            self._looking = None
        for thread in self._threads:
            thread.join(STARVED + 30)
        self._threads = []

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as problem:
            if not self._over.is_set():
                self._problem = problem

    def _look(self) -> None:
        for line in self._looking.stdout:
            self.figures.looks.append(Look(**json.loads(line)))
        assert self._over.is_set(), "the watcher has ended"

    def _be_served(self) -> None:
        while not self._over.is_set():
            wait = self.neighbour.measure()
            if not self._over.is_set():
                self.figures.waits.append(wait)
            self._over.wait(0.3)
