"""What each kind of request costs the API server: each alone and in bulk, for the present script and for the yardstick's, in turns."""
import collections
import statistics
import time

from .api import METADATA_LIST
from .generator import generator
from .process import cpu_ms, held, pid_of, wait_idle
from .scene import GROUP, YARDSTICKS, path_of, runners
from .script import write_script, yardstick

SETTLE = 0.3  # seconds in which the API server ends what answers have left behind
CREATED, READ = "created", "read"


class Meter:
    """The API server's CPU time, without what it takes while nothing is asked."""

    def __init__(self, seconds=2):
        self._server = pid_of("kube-apiserver")
        wait_idle(self._server)
        before = cpu_ms(self._server)
        time.sleep(seconds)
        self._idle = (cpu_ms(self._server) - before) / seconds

    def of(self, work):
        begin, before = time.monotonic(), cpu_ms(self._server)
        work()
        time.sleep(SETTLE)
        return cpu_ms(self._server) - before - self._idle * (time.monotonic() - begin)


class Side:
    """One script, and what each kind of its requests has cost."""

    def __init__(self, scene, meter, name, group, requests):
        self._scene, self._meter, self._space, self._group = scene, meter, f"price-{name}", group
        scene.add_namespace(self._space)
        scripts = 1 + max(request.number for request in requests)
        counts = collections.Counter(what for request in requests if (what := request.what()))
        self.counts = {what: count / scripts for what, count in counts.items()}  # an object
        self._files = {what: write_script(scene.folder / f"{self._space}-{what}", requests, what) for what in self.counts}
        self._costs = collections.defaultdict(list)

    def round(self, prefix):
        """Objects are made; then all of them get the first thing, then all the second."""
        count = self._scene.scale.priced
        objects = runners(self._space, prefix, count, group=self._group)
        self._costs[CREATED].append(self._meter.of(lambda: self._scene.create(self._space, objects)) / count)
        for what, file in self._files.items():
            items = self._items(prefix)
            self._costs[what].append(self._meter.of(lambda: self._send(file, items)) / count / self.counts[what])

    def _items(self, prefix):
        """As they are by now."""
        listed = self._scene.api.get(path_of(self._space, group=self._group), METADATA_LIST)["items"]
        return [item for item in listed if item["metadata"]["name"].startswith(f"{prefix}-")]

    def _send(self, file, items):
        with generator(self._scene, file) as tell:
            for item in items:
                tell(item)

    def medians(self):
        return {what: statistics.median(costs) for what, costs in self._costs.items()}


def total_of(costs, counts):
    """For an object that is there already."""
    return sum(costs[what] * count for what, count in counts.items())


def price(scene, requests, reads):
    """reads: an object, when many come; those that are recorded come alone."""
    former = yardstick(scene.gitlab.facts["registration_token"])
    with held("kube-controller-manager"):
        meter = Meter()
        sides = [Side(scene, meter, "before", YARDSTICKS, former), Side(scene, meter, "present", GROUP, requests)]
        for i in range(scene.scale.prices):
            for side in (sides, sides[::-1])[i % 2]:
                side.round(f"price{i}")
    before, present = (side.medians() for side in sides)
    return {f"price_{what}_ms_before": cost for what, cost in before.items()} | {
        f"price_{what}_ms": cost for what, cost in present.items()} | {
        "price_ms_before": total_of(before, sides[0].counts), "price_ms": total_of(present, sides[1].counts | {READ: reads})}
