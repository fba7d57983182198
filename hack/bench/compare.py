"""The operator against the bare generator, which sends the same writes with no logic: in turns, since the machine's
mood changes. Here the operator has one namespace, so that it does not see what the generator does in the other."""
import contextlib
import os
import statistics
import subprocess
import time

from .converge import timed
from .latency import milliseconds
from .process import cpu_ms, pid_of, wait
from .scene import runner

GENERATOR = "build/bench-generator"
IN_FLIGHT = 64  # objects: twice TURNS_MAX of controller/reconcile.c, so that the API server alone sets the pace
OURS, ITS = "operator", "generator"


@contextlib.contextmanager
def generator(scene, script):
    """Gives the function that tells it of an object; in the end all is sent."""
    process = subprocess.Popen([GENERATOR, scene.api.server, scene.api.ca_file, script, str(IN_FLIGHT)],
                               stdin=subprocess.PIPE, env=os.environ | {"TOKEN": scene.api.token})

    def tell(item):
        meta = item["metadata"]
        line = f"{meta['name']} {meta['uid']} {meta['resourceVersion']}\n"
        os.write(process.stdin.fileno(), line.encode())  # whole, from whichever thread
    try:
        yield tell
    except BaseException:
        process.kill()
        raise
    process.stdin.close()
    if process.wait(120):
        raise SystemExit("bench: the generator has failed")


class Side:
    """One of the two, and what its turns have cost."""

    def __init__(self, scene, namespace, told=None):
        self._scene, self._namespace, self._told = scene, namespace, told
        self._server = pid_of("kube-apiserver")
        self._alone = scene.watch(namespace, scene.scale.singles, "single")
        self.single_ms, self.seconds, self.server_ms = [], [], []

    def single(self, name):
        """From an object that is accepted to one that has converged, with nothing else to do."""
        def accepted(item):
            begins.append(time.monotonic())
            if self._told:
                self._told(item)
        begins = []
        self._scene.create(self._namespace, [runner(name, self._namespace)], accepted)
        wait(f"{name} has converged", lambda: self._alone.seen(name), 60, 0.002)
        self.single_ms.append(milliseconds(self._alone.seen(name) - begins[0]))

    def turn(self, prefix):
        """As many objects as are compared, at once."""
        count, cpu = self._scene.scale.compared, cpu_ms(self._server)
        self.seconds.append(timed(self._scene, self._namespace, count, prefix, self._told)[1])
        self._scene.wait_quiet()
        self.server_ms.append((cpu_ms(self._server) - cpu) / count)


def compare(scene, script):
    """The medians of all rounds, in each of which both have a turn."""
    scene.add_namespace(OURS)
    with scene.operator("--namespace", OURS) as operator, generator(scene, script) as tell:
        operator.wait_ready()
        ours, its = Side(scene, OURS), Side(scene, ITS, tell)
        for i in range(scene.scale.singles):
            ours.single(f"single-{i}")
            its.single(f"single-{i}")
        for i in range(scene.scale.rounds):
            for side in (ours, its) if i % 2 else (its, ours):
                side.turn(f"round-{i}")
    single, its_single = statistics.median(ours.single_ms), statistics.median(its.single_ms)
    all_ours, all_its = statistics.median(ours.seconds), statistics.median(its.seconds)
    return {
        "compared_s": all_ours, "generator_s": all_its, "converge_ratio": all_ours / all_its,
        "generator_server_cpu_ms_per_object": statistics.median(its.server_ms),
        "compared_server_cpu_ms_per_object": statistics.median(ours.server_ms),
        "single_ms": single, "generator_single_ms": its_single, "single_ratio": single / its_single,
    }
