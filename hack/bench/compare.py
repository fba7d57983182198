"""The operator against others that make the same objects: the bare generator, which has no logic, with the present requests
and with those of the yardstick, and a peer, written with controller-runtime. In turns, since the machine's mood changes, and
in a namespace each, of which no other sees a thing. The controller manager is held meanwhile: it takes more of the API
server's time than any of them, and how much of that falls into a turn is chance."""
import contextlib
import statistics
import time

from . import mix
from .converge import timed
from .generator import generator
from .latency import milliseconds
from .peer import Peer
from .process import cpu_ms, held, memory, pid_of, wait, wait_idle
from .scene import GROUP, YARDSTICKS, runner, runners
from .script import write_script, yardstick

# Namespaces, and what keys of results begin with. The generator sends the present script, or that of the yardstick.
OURS, GENERATORS, YARDSTICK, PEERS, NOBODYS = "operator", "generator", "yardstick", "peer", "nobody"
SMALL, NOBODYS_SMALL = "small", "nobody-small"  # with small objects alone: ours, and nobody's


class Nobody:
    """Objects for which nobody does anything: what they cost the API server, and whoever measures, by themselves."""

    def __init__(self, scene, name, **kind):
        self._scene, self._name, self._kind = scene, name, kind
        self._server = pid_of("kube-apiserver")
        self._server_ms = []

    def turn(self, prefix):
        count, cpu = self._scene.scale.compared, cpu_ms(self._server)
        self._scene.create(self._name, runners(self._name, prefix, count, **self._kind))
        wait_idle(self._server)
        self._server_ms.append((cpu_ms(self._server) - cpu) / count)

    def result(self):
        return {f"{self._name}_server_cpu_ms_per_object": statistics.median(self._server_ms)}


class Side:
    """One of them, and what its turns have cost."""

    def __init__(self, scene, name, told=None, pid=None, **kind):
        """kind: see runners()."""
        self._scene, self._name, self._told, self._pid, self._kind = scene, name, told, pid, kind
        self._server = pid_of("kube-apiserver")
        self._alone = None  # a watch of single objects
        self._single_ms, self._seconds, self._cpu_ms, self._server_ms = [], [], [], []

    def single(self, name):
        """From an object that is accepted to one that has converged, with nothing else to do."""
        def accepted(item):
            begins.append(time.monotonic())
            if self._told:
                self._told(item)
        begins = []
        self._alone = self._alone or self._scene.watch(self._name, self._scene.scale.singles, "single",
                                                       self._kind.get("group", GROUP))
        self._scene.create(self._name, [runner(name, self._name, **self._kind)], accepted)
        wait(f"{name} has converged", lambda: self._alone.seen(name), 60, 0.002)
        self._single_ms.append(milliseconds(self._alone.seen(name) - begins[0]))

    def turn(self, prefix):
        """As many objects as are compared, at once."""
        count, own, server = self._scene.scale.compared, self._own_cpu_ms(), cpu_ms(self._server)
        self._seconds.append(timed(self._scene, self._name, count, prefix, self._told, **self._kind)[1])
        wait_idle(self._server)
        self._cpu_ms.append((self._own_cpu_ms() - own) / count)
        self._server_ms.append((cpu_ms(self._server) - server) / count)

    def _own_cpu_ms(self):
        return cpu_ms(self._pid) if self._pid else 0

    def result(self):
        """The medians; and its memory, which is that of all turns' objects."""
        values = {"s": statistics.median(self._seconds), "each_s": [round(seconds, 1) for seconds in self._seconds],
                  "server_cpu_ms_per_object": statistics.median(self._server_ms)}
        if self._single_ms:
            values["single_ms"] = statistics.median(self._single_ms)
        if self._pid:
            values |= {"rss_mib": memory(self._pid)[0], "cpu_ms_per_object": statistics.median(self._cpu_ms)}
        return {f"{self._name}_{key}": value for key, value in values.items()}


def sides_of(scene, present, former, stack):
    """Ours is the first. The files are scripts."""
    operator = stack.enter_context(scene.operator("--namespace", OURS))
    operator.wait_ready()
    yield Side(scene, OURS, pid=operator.pid)
    yield Side(scene, GENERATORS, stack.enter_context(generator(scene, present)))
    yield Side(scene, YARDSTICK, stack.enter_context(generator(scene, former)), group=YARDSTICKS)
    if scene.scale.peer:
        peer = stack.enter_context(Peer(scene, former, PEERS))
        peer.wait_ready()
        yield Side(scene, PEERS, pid=peer.pid, group=YARDSTICKS)


def take_turns(scene, present, former):
    result = {}
    for name in (OURS, GENERATORS, YARDSTICK, PEERS, NOBODYS):
        scene.add_namespace(name)
    with contextlib.ExitStack() as stack:
        sides = list(sides_of(scene, present, former, stack))
        for i in range(scene.scale.singles):
            for side in sides:
                side.single(f"single-{i}")
        nobody = Nobody(scene, NOBODYS)
        for i in range(scene.scale.rounds):
            for side in (nobody, *sides[i % len(sides):], *sides[:i % len(sides)]):
                side.turn(f"round-{i}")
        for side in (nobody, *sides):
            result |= side.result()
    return result


def small_ones(scene):
    """What small objects cost the API server, of which each has less to say than one of the mix."""
    step, result = len(mix.KINDS), {}
    for name in (SMALL, NOBODYS_SMALL):
        scene.add_namespace(name)
    with scene.operator("--namespace", SMALL) as operator:
        operator.wait_ready()
        sides = Nobody(scene, NOBODYS_SMALL, step=step), Side(scene, SMALL, pid=operator.pid, step=step)
        for i in range(scene.scale.rounds):
            for side in sides:
                side.turn(f"round-{i}")
        for side in sides:
            result |= side.result()
    return result


def restarts(scene, former):
    """How long it takes until each knows all of its objects again."""
    wait_idle(pid_of("kube-apiserver"))
    with scene.operator("--namespace", OURS) as operator:
        ours = operator.wait_ready()
    with Peer(scene, former, PEERS) as peer:
        return {"operator_synced_s": ours, "peer_synced_s": peer.wait_ready()}


RATIOS = {"yardstick_ratio": ("operator_s", "yardstick_s"), "converge_ratio": ("operator_s", "generator_s"),
          "single_ratio": ("operator_single_ms", "generator_single_ms"),
          "peer_converge_ratio": ("operator_s", "peer_s"), "peer_rss_ratio": ("operator_rss_mib", "peer_rss_mib"),
          "peer_synced_ratio": ("operator_synced_s", "peer_synced_s")}


def compare(scene, requests):
    """The requests of the present script."""
    present = write_script(scene.folder / "present.script", requests)
    former = write_script(scene.folder / "yardstick.script", yardstick(scene.gitlab.facts["registration_token"]))
    with held("kube-controller-manager"):
        result = take_turns(scene, present, former) | small_ones(scene)
        if scene.scale.peer:
            result |= restarts(scene, former)
    result |= {key: result[ours] / result[theirs] for key, (ours, theirs) in RATIOS.items() if theirs in result}
    for name, ours, nobodys in (("server_cpu_ms_for_us", OURS, NOBODYS), ("small_server_cpu_ms_for_us", SMALL, NOBODYS_SMALL)):
        result[name] = result[f"{ours}_server_cpu_ms_per_object"] - result[f"{nobodys}_server_cpu_ms_per_object"]
    return result | {"cpu_ratio": result["operator_cpu_ms_per_object"] / result["server_cpu_ms_for_us"]}
