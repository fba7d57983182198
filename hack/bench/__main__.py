"""Measures the operator on the control plane in whose namespaces it runs: `python -m bench base` or `large`.

Counts come from the API server's audit log and from the stand-in's audit, CPU and memory from /proc: nothing that the
operator says of itself is believed. Results go to build/bench/, from where report.py takes them.
"""
import json
import os
import pathlib
import sys
import time

from .audit import lists
from .compare import compare
from .converge import converge, first_objects, memories, steady
from .foreign import foreign_secrets
from .hosts import dead_host, slow_host
from .latency import edit_costs, edit_during_start, edits_under_churn
from .mix import SEED
from .price import price
from .process import PROGRAM, held, memory
from .record import recorded
from .restart import relist, restart
from .scene import Scale, stage

SPACE = "bench"
N = int(os.environ.get("N") or 1000)
QUICK = Scale(objects=150, compared=60, rounds=1, quiet=1.5, steady=2, singles=6, churn=2, slow=20, living=20, dead=5,
              secrets=10, priced=60, prices=1, peer=False)
BASE = Scale(objects=N, compared=N)
LARGE = Scale(objects=10000, options=("--memory-for-objects", "100"), steady=600)
SCALES = {"base": QUICK if os.environ.get("QUICK") else BASE, "large": LARGE}


def step(result, name, measure, *args):
    begin = time.monotonic()
    result |= measure(*args)
    print(f"  {name:<36} {time.monotonic() - begin:6.1f} s", flush=True)


def one_life(scene, result, curve):
    """The operator as it starts with nothing, and as it goes on with all of its objects."""
    def growing():
        first = first_objects(scene, operator)
        counts, points = converge(scene, operator, SPACE)
        curve.extend(points)
        return counts | memories(scene, operator, SPACE, first)
    with scene.operator() as operator:
        result["start_ms"] = operator.wait_ready() * 1000
        scene.wait_quiet()
        kinds = set(lists(scene.audit.take()))
        result["rss_mib_idle"], result["anon_mib_idle"] = memory(operator.pid)
        step(result, "new objects converge", growing)
        step(result, "steady state", steady, scene, operator)
        step(result, "watches are lost", relist, scene, operator, kinds)


def base(scene, result, curve):
    requests = recorded(scene)
    one_life(scene, result, curve)
    step(result, "restart", restart, scene)
    step(result, "an edit while it starts", edit_during_start, scene, SPACE)
    with scene.operator() as operator:
        operator.wait_ready()
        scene.wait_quiet()
        step(result, "what edits cost", edit_costs, scene, SPACE)
        step(result, "edits while others come", edits_under_churn, scene, SPACE)
        step(result, "large Secrets of others", foreign_secrets, scene, operator, SPACE)
    step(result, "a slow GitLab", slow_host, scene)
    step(result, "a dead GitLab beside another", dead_host, scene)
    scene.add_yardstick()
    # The last, since an operator would see to what the others have made.
    step(result, "against the generator and a peer", compare, scene, requests)
    step(result, "what requests cost", price, scene, requests, result["reads_per_object"])


def large(scene, result, curve):
    """It takes longer than a Deployment may without progress, which there is none of without a node: that would be
    found out, and each status would rightly tell it."""
    with held("kube-controller-manager"):
        one_life(scene, result, curve)
        step(result, "restart", restart, scene)
        step(result, "an edit while it starts", edit_during_start, scene, SPACE)


def save(name, run):
    results = pathlib.Path("build/bench")
    results.mkdir(parents=True, exist_ok=True)
    (results / f"{name}.json").write_text(json.dumps(run))


def main(name):
    scale, result, curve = SCALES[name], {}, []
    print(f"{scale.objects} GitLabRunners, SEED={SEED}, {PROGRAM}", flush=True)
    with stage(scale) as scene:
        scene.add_namespace(SPACE)
        try:
            {"base": base, "large": large}[name](scene, result, curve)
        finally:  # what has been measured is not lost when the rest fails
            save(name, {"objects": scale.objects, "seed": SEED, "program": PROGRAM, "result": result, "curve": curve})


main(sys.argv[1])
