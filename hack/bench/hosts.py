"""GitLab hosts that are slow, or dead."""
from .converge import timed
from .scene import runners

SLOW_SECONDS = 0.1
SLOW_CONCURRENCY = 1  # few, so that GitLab is what there is to wait for, and not this machine
DEAD_HOST = "dead.gitlab.com"


def slow_host(scene):
    """Against the time in which so many calls at once can be answered."""
    count, namespace = scene.scale.slow, "slow"
    scene.add_namespace(namespace)
    fault = scene.gitlab.admin.fault("delay", "POST", "/api/v4/runners", count=None, seconds=SLOW_SECONDS)
    with scene.operator("--gitlab-concurrency", str(SLOW_CONCURRENCY)) as operator:
        operator.wait_ready()
        _, seconds = timed(scene, namespace, count)
    scene.gitlab.admin.remove_fault(fault["id"])
    return {"slow_gitlab_s": seconds, "slow_gitlab_ratio": seconds / (count * SLOW_SECONDS / SLOW_CONCURRENCY)}


def dead_host(scene):
    """Objects at a GitLab that answers, without and with others at one that takes calls and never answers."""
    with scene.operator() as operator:
        operator.wait_ready()
        scene.add_namespace("alone")
        _, alone = timed(scene, "alone", scene.scale.living)
        scene.gitlab.admin.fault("hold", host=DEAD_HOST, count=None)
        scene.add_namespace("dead")
        scene.create("dead", runners("dead", "runner", scene.scale.dead, DEAD_HOST))
        scene.gitlab.admin.faults(held=1, wait=10)
        scene.add_namespace("beside")
        _, beside = timed(scene, "beside", scene.scale.living)
        operator.kill()
    scene.gitlab.admin.clear_faults()
    return {"alone_s": alone, "beside_dead_gitlab_s": beside, "dead_gitlab_ratio": beside / alone}
