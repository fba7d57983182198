"""From new objects to all that is written for them: time, requests, CPU and memory."""
import concurrent.futures
import json
import time

from . import mix
from .audit import WRITES, total
from .process import cpu_ms, memory, wakeups
from .report import record_bytes_most
from .scene import group_of, path_of, runners

LOOK = 0.5  # seconds
SAMPLE = 12  # objects whose children are looked at: four of each kind
PAGE = 500
FIRST, FIRST_SPACE = 40, "bench-first"


def timed(scene, namespace, count, prefix="runner", told=None, look=lambda converged: None, **kind):
    """Seconds from the first object until all are created, and until all have converged. look(): twice a second; kind: of
    runners()."""
    def create():
        scene.create(namespace, objects, told)
        return time.monotonic()
    objects = runners(namespace, prefix, count, **kind)
    seen = scene.watch(namespace, count, prefix, group_of(objects))
    begin = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        creation = pool.submit(create)
        while not seen.is_done():
            look(seen.count())
            if creation.done():
                creation.result()  # or what has gone wrong
            seen.check_moves()
            time.sleep(LOOK)
        look(count)
    return creation.result() - begin, seen.last() - begin


def converge(scene, operator, namespace):
    """With the operator, and until its last request. The second thing told is its memory over converged objects."""
    count, result, curve = scene.scale.objects, {}, []
    scene.audit.take(), scene.audit.take_names()
    calls = len(scene.gitlab.admin.audit())
    cpu = cpu_ms(operator.pid)
    result["created_s"], result["converged_s"] = timed(
        scene, namespace, count, look=lambda converged: curve.append((converged, *memory(operator.pid))))
    result["objects_per_second"] = count / result["converged_s"]
    scene.wait_quiet()
    result["cpu_ms_per_object"] = (cpu_ms(operator.pid) - cpu) / count
    result["gitlab_calls_per_object"] = (len(scene.gitlab.admin.audit()) - calls) / count
    return result | count_requests(scene.audit.take(), scene.audit.take_names(), count), curve


def count_requests(counts, names, count):
    children = sum(n for name, n in names.items() if name not in (mix.SECRET, mix.CACHE_SECRET))
    return {
        "writes_per_object": total(counts, *WRITES) / count,
        "events_per_object": total(counts, *WRITES, events=True) / count,
        "reads_per_object": total(counts, "get", "list") / count,
        "reads_of_children_per_object": children / count,
    } | {"request " + " ".join(filter(None, key)): n / count for key, n in sorted(counts.items())}


def size(value):
    """Bytes of its compact JSON."""
    return len(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode())


def text_bytes(scene, namespace):
    """The specs and statuses of all objects, as text: what there is to be remembered of them."""
    total_size, more = 0, ""
    while True:
        page = scene.api.call("GET", f"{path_of(namespace)}?limit={PAGE}&continue={more}")
        total_size += sum(size(item[part]) for item in page["items"] for part in ("spec", "status"))
        more = page["metadata"].get("continue")
        if not more:
            return total_size


def wire_bytes(scene, namespace, name):
    """An object and its children as the API server sends them."""
    paths = (path_of(namespace, name),
             *(f"/api/v1/namespaces/{namespace}/{kind}" for kind in (
                 f"secrets/{name}-runner-token", f"secrets/{name}-runner-config", f"serviceaccounts/{name}-runner")),
             f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/rolebindings/{namespace}.{name}-runner",
             f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}-runner")
    return sum(size(scene.api.call("GET", path)) for path in paths)


def first_objects(scene, operator):
    """The anonymous memory in MiB with some objects, that have converged: what there is as soon as there are any (tables of
    connections, the last specs, holes in the heap) is not counted an object."""
    scene.add_namespace(FIRST_SPACE)
    timed(scene, FIRST_SPACE, FIRST)
    scene.wait_quiet()
    return memory(operator.pid)[1]


def memories(scene, operator, namespace, first):
    """first: of first_objects(), before those in the namespace."""
    rss, anon = memory(operator.pid)
    count = scene.scale.objects
    each, text = (anon - first) * (1 << 20) / count, text_bytes(scene, namespace) / count
    wire = sum(wire_bytes(scene, namespace, f"runner-{i}") for i in range(SAMPLE)) / SAMPLE
    return {
        "rss_mib": rss, "anon_mib": anon,
        "rss_mib_peak": operator.peak[0], "anon_mib_peak": operator.peak[1],
        "anon_bytes_per_object": each, "text_bytes_per_object": text, "record_ratio": each / record_bytes_most(text),
        "wire_bytes_per_object": wire, "memory_ratio": each / wire,
    }


def steady(scene, operator):
    """While nothing happens; a watch that is renewed is no request. At GitLab each runner is looked after once in ten
    minutes."""
    seconds = scene.scale.steady
    calls = len(scene.gitlab.admin.audit())
    scene.audit.take()
    before, cpu = wakeups(operator.pid), cpu_ms(operator.pid)
    time.sleep(seconds)
    return {
        "steady_seconds": seconds,
        "steady_requests": sum(n for (verb, _, _), n in scene.audit.take().items() if verb != "watch"),
        "steady_gitlab_calls": len(scene.gitlab.admin.audit()) - calls,
        "steady_wakeups_per_second": (wakeups(operator.pid) - before) / seconds,
        "steady_cpu_percent": (cpu_ms(operator.pid) - cpu) / seconds / 10,
    }
