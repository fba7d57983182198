"""What an edit costs, and how long it takes: among others that come, and while the operator starts."""
import base64
import threading
import time

from .audit import WRITES, total
from .process import wait
from .scene import path_of, runner

CHURN_PER_SECOND = 20
EDIT_SECONDS = 0.25  # between two edits


def milliseconds(seconds):
    return round(seconds * 1000, 1)


def percentile(values, part):
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def concurrent(number):
    """An edit that changes config.toml alone."""
    return {"spec": {"concurrent": number}}


def edit_costs(scene, namespace):
    """Requests for an edit of a label, and writes for one of config.toml."""
    def count(change, *verbs):
        scene.audit.take()
        scene.edit(namespace, "runner-0", change)
        scene.wait_quiet()
        counts = scene.audit.take()
        return total(counts, *verbs) + total(counts, *verbs, events=True)
    return {
        "label_edit_requests": count({"metadata": {"labels": {"team": "a"}}}, *WRITES, "get", "list"),
        "config_edit_writes": count(concurrent(11), *WRITES),
    }


def churn(scene, namespace):
    """New objects at a steady rate: when each of them was accepted, by its name."""
    count, begins = int(scene.scale.churn * CHURN_PER_SECOND), {}
    start = time.monotonic()
    for i in range(count):
        time.sleep(max(0, start + i / CHURN_PER_SECOND - time.monotonic()))
        scene.create(namespace, [runner(f"runner-{i}", namespace)],
                     lambda item: begins.setdefault(item["metadata"]["name"], time.monotonic()))
    return begins


def edits_under_churn(scene, namespace):
    """Of objects that have converged, while others come into another namespace."""
    count, begins, others = int(scene.scale.churn / EDIT_SECONDS), {}, "churn"
    scene.add_namespace(others)
    edited = scene.watch_edits(namespace, count)
    came = scene.watch(others, int(scene.scale.churn * CHURN_PER_SECOND))
    accepted = {}
    thread = threading.Thread(target=lambda: accepted.update(churn(scene, others)))
    thread.start()
    for i in range(1, count + 1):
        time.sleep(EDIT_SECONDS)
        scene.edit(namespace, f"runner-{i}", concurrent(12))
        begins[f"runner-{i}"] = time.monotonic()
    thread.join()
    wait("all edits have come to an effect", edited.is_done)
    came.wait(120)
    check_config(scene, namespace, begins, 12)
    edits = [edited.seen[name] - begin for name, begin in begins.items()]
    news = [came.seen(name) - begin for name, begin in accepted.items()]
    return {f"{what}_under_churn_ms_p{part}": milliseconds(percentile(values, part / 100))
            for what, values in (("edit", edits), ("new", news)) for part in (50, 99)}


def check_config(scene, namespace, names, number):
    """The measure must not be faster than the truth."""
    for name in names:
        secret = scene.api.call("GET", f"/api/v1/namespaces/{namespace}/secrets/{name}-runner-config")
        if f"concurrent = {number}\n" not in base64.b64decode(secret["data"]["config.toml"]).decode():
            raise SystemExit(f"bench: the config Secret of {name} does not hold the edit that its status tells of")


def edit_during_start(scene, namespace):
    """From an edit in the moment in which the operator starts, with all objects converged."""
    name = f"runner-{scene.scale.objects - 1}"
    edited = scene.watch_edits(namespace, 1)
    with scene.operator() as operator:
        scene.edit(namespace, name, concurrent(13))
        begin = time.monotonic()
        wait("the edit has come to an effect", edited.is_done, pause=0.002)
        operator.wait_ready()
    check_config(scene, namespace, [name], 13)
    return {"edit_during_start_ms": milliseconds(edited.seen[name] - begin)}
