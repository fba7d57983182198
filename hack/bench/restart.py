"""With everything converged: the operator starts again, and loses its watches."""
import collections
import statistics
import time

from machinery.api_server import ApiServer

from .audit import WRITES, lists, total
from .lists import read_lists
from .process import cpu_ms, memory


def times(scene):
    """Until its lists are read, by one who does nothing with them; and until the operator is ready."""
    scene.wait_quiet()
    bare = read_lists(scene)
    scene.wait_quiet()
    with scene.operator() as operator:
        return bare, operator.wait_ready()


def restart(scene):
    """A new process, until its last request; and several, until they are ready."""
    bare, ready = map(statistics.median, zip(*(times(scene) for _ in range(scene.scale.rounds))))
    scene.wait_quiet()
    scene.audit.take()
    calls = len(scene.gitlab.admin.audit())
    with scene.operator() as operator:
        operator.wait_ready()
        scene.wait_quiet()
        counts, (rss, anon) = scene.audit.take(), memory(operator.pid)
        cpu = cpu_ms(operator.pid)
    return {
        "restart_ready_s": ready,
        "restart_lists_s": bare,
        "restart_lists_ratio": ready / bare,
        "restart_cpu_ms": cpu,
        "restart_requests": counts.total(),
        "restart_requests_per_kind": max(lists(counts).values()),
        "restart_other_requests": counts.total() - lists(counts).total(),  # streams that the server ended, above all
        "restart_writes": total(counts, *WRITES) + total(counts, *WRITES, events=True),
        "restart_gitlab_calls": len(scene.gitlab.admin.audit()) - calls,
        "restart_rss_mib": rss, "restart_anon_mib": anon, "restart_rss_mib_peak": operator.peak[0],
    }


def relist(scene, operator, kinds):
    """All watches are refused with 410: the API server starts anew, and something has happened of which they have not
    heard."""
    scene.wait_quiet()
    scene.audit.take()
    before = memory(operator.pid)
    operator.forget_peak()
    scene.api.call("POST", "/apis/coordination.k8s.io/v1/namespaces/default/leases",
                   {"metadata": {"generateName": "bench-"}, "spec": {}})
    ApiServer().restart()
    listed = wait_listed(scene, kinds)
    scene.wait_quiet()
    listed += lists(scene.audit.take())
    return {
        "relist_kinds": len(listed),
        "relist_requests_per_kind": max(listed.values(), default=0),
        "relist_rss_mib_peak": operator.peak[0], "relist_anon_mib_peak": operator.peak[1],
        "relist_peak_ratio": operator.peak[0] / before[0], "relist_anon_peak_ratio": operator.peak[1] / before[1],
    }


def wait_listed(scene, kinds, seconds=30):
    """How often each kind was listed: each once, or as far as it came."""
    listed, deadline = collections.Counter(), time.monotonic() + seconds
    while not kinds <= set(listed) and time.monotonic() < deadline:
        time.sleep(0.1)
        listed += lists(scene.audit.take())
    return listed
