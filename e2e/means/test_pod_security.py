"""Jobs in namespaces with Pod Security: what is said is what the API server does, and one field makes jobs fit."""
from __future__ import annotations

import json
import random
import re

import yaml

from cluster import wait_for
from gitlab_admin import GitLabAdmin
from places import Place
from program import run
from test_jobs import finished, job_pods
from test_namespaces import ALLOWED
from test_render import dumped, runner
from test_resource_rows import ENFORCE, label

SEED = 36
LEVELS = ["privileged", "baseline", "restricted"]       # each lets what the next one lets
PROFILES = [{"type": "RuntimeDefault"}, {"type": "Unconfined"}, {"type": "Localhost", "localhost_profile": "a.json"}, {"type": "odd"}]
CONTAINER = {
    "privileged": [True, False], "run_as_user": [0, 1000], "run_as_non_root": [True, False], "allow_privilege_escalation": [True, False],
    "capabilities": [{"drop": ["ALL"]}, {"drop": []}, {"add": ["CHOWN"]}, {"add": ["SYS_ADMIN"], "drop": ["ALL"]}, {"add": ["NET_BIND_SERVICE"]}],
    "selinux_type": ["container_t", "spc_t"], "seccomp_profile": PROFILES, "app_armor_profile": PROFILES, "proc_mount": ["default", "odd"]}
POD = {"run_as_user": [0, 1000], "run_as_non_root": [True, False], "fs_group": [1000], "selinux_type": ["container_t", "spc_t"],
       "seccomp_profile": PROFILES, "app_armor_profile": PROFILES}
HOOKS = [{"pre_stop": {"exec": {"command": ["true"]}}}, {"post_start": {"tcp_socket": {"host": "10.0.0.1", "port": 1}}}, {"pre_stop": {"http_get": {"path": "/", "port": 1}}}]
VOLUMES = [{"hostPath": {"path": "/a"}}, {"nfs": {"server": "s", "path": "/p"}}, {"emptyDir": {}}, {"secret": {"secretName": "s"}}, {"persistentVolumeClaim": {"claimName": "c"}},
           {"configMap": {"name": "c"}}, {"csi": {"driver": "d.example.com"}}]
FLAGS = [{}, {"FF_USE_LEGACY_KUBERNETES_EXECUTION_STRATEGY": True}, {"FF_DISABLE_UMASK_FOR_KUBERNETES_EXECUTOR": True}]


def some(dice: random.Random, options: dict, share: float) -> dict:
    return {key: dice.choice(values) for key, values in options.items() if dice.random() < share}


def spec(dice: random.Random) -> dict:
    """Near to `restricted`, or to nothing, and then a few keys more."""
    share = dice.choice([0.0, 0.05, 0.15])
    kubernetes: dict = some(dice, {"cap_add": [["CHOWN"], ["NET_ADMIN"], ["NET_RAW"], []], "cap_drop": [["ALL"], ["CHOWN"]],
                                   "allow_privilege_escalation": [True, False], "container_lifecycle": HOOKS}, share)
    for table, options in {"pod": POD, **dict.fromkeys(["build_container", "helper_container", "service_container", "init_permissions_container"], CONTAINER)}.items():
        if keys := some(dice, options, share):
            kubernetes[f"{table}_security_context"] = keys
    volumes = [{"name": f"v{i}", "mountPath": f"/v{i}"} | dice.choice(VOLUMES) for i in range(dice.choice([0, 0, 1, 2]))]
    made = {"config": {"runners": {"feature_flags": dice.choice(FLAGS), "kubernetes": kubernetes}}, "volumes": volumes}
    return made | some(dice, {"podSecurity": ["Restricted"]}, 0.5) | some(dice, {"privileged": [True]}, share)


def pods(specs: list[dict]) -> list[dict]:
    """Of those that are valid, the pods that gitlab-runner would make; the others contradict themselves."""
    said = run("render", "-o", "job", "-f", "-", stdin=dumped(*(runner(**given) for given in specs)), code=3).stdout
    return list(yaml.safe_load_all(said))


def test_the_api_server_refuses_what_we_say_it_does(ci: Place) -> None:
    """Pods of generated settings, held against each level."""
    dice = random.Random(SEED)
    made = pods([spec(dice) for _ in range(240)])
    spaces = {level: ci.namespace(f"{ci.name}-{level}") for level in LEVELS[1:]}
    for level, ns in spaces.items():
        label(ci, ns, level)
        wait_for("it has its account", lambda ns=ns: ci.kube.get("ServiceAccount", "default", ns))
    counts = dict.fromkeys(LEVELS, 0)
    for pod in made:
        fits = pod["metadata"]["labels"].pop(ENFORCE)
        counts[fits] += 1
        for level, ns in spaces.items():
            body = pod | {"metadata": pod["metadata"] | {"namespace": ns}}
            answer = ci.kube.call("POST", f"api/v1/namespaces/{ns}/pods?dryRun=All", json=body)
            expected = LEVELS.index(fits) >= LEVELS.index(level)
            refused = answer.status_code == 403 and "violates PodSecurity" in answer.text
            assert refused or answer.status_code == 201, f"{json.dumps(body)}: {answer.text}"
            assert refused != expected, f"{level}, and it is said to fit {fits}: {json.dumps(body)}: {answer.text}"
    assert min(counts.values()) > 20, counts
    print(f"{len(made)} pods of {sum(map(len, (CONTAINER, POD)))} keys at two levels each, no verdict differs; the strictest that they fit: {counts}")


JOB = """\
compile:
  tags: [kubernetes]
  services: [busybox:1.36]
  script:
    - id
    - cat hello.txt > made.txt
    - grep -q hello made.txt
    - "! grep -q '^NoNewPrivs:.*0' /proc/self/status"
"""


def shape(pod: dict) -> dict:
    """What Pod Security looks at; the API server fills in what is not given."""
    def of(context: dict) -> dict:
        caps = {k: sorted(v) for k, v in context.get("capabilities", {}).items() if v}
        return {k: v for k, v in context.items() if k != "capabilities"} | caps
    lists = pod["spec"].get("initContainers", []) + pod["spec"]["containers"]
    return {"pod": of(pod["spec"]["securityContext"])} | {re.sub(r"^svc-.*", "svc-0", c["name"]): of(c.get("securityContext", {})) for c in lists}


def test_one_field_makes_jobs_run_where_restricted_is_enforced(ci: Place, gitlab: GitLabAdmin) -> None:
    """Without it the object says so, and what to do; with it a real job clones, builds and ends, in the very pod that was judged."""
    jobs = ci.namespace(ci.name + "-jobs", **{ALLOWED: ci.name})
    label(ci, jobs, "restricted")
    project = ci.registration_token(files={".gitlab-ci.yml": JOB, "hello.txt": "hello\n"})
    made = ci.runner(namespace=jobs, tags=["kubernetes"])
    message = made.wait_refused("PodSecurityForbids")
    for key in ("spec.podSecurity to Restricted", "cap_drop", "allow_privilege_escalation", "seccomp_profile", "run_as_non_root"):
        assert key in message, message
    made.edit(podSecurity="Restricted")
    made.wait()
    pipeline = gitlab.start_pipeline(project["id"])
    pod = wait_for("the job has a pod", lambda: next(iter(job_pods(ci, jobs)), None))
    job, = finished(gitlab, pipeline)["jobs"]
    assert "uid=1000" in gitlab.trace(job["id"])
    judged, = yaml.safe_load_all(run("render", "-o", "job", "-f", "-", stdin=dumped(
        {key: value for key, value in made.object().items() if key != "status"})).stdout)
    assert judged["metadata"]["labels"][ENFORCE] == "restricted"
    assert shape(pod) == shape(judged)
