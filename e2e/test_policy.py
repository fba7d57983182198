"""manifests/policy, and what manifests/default has of it: the cluster administrator's word, as an object is written."""
from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

import pytest

from cluster import ROOT, kubectl, refused, wait_for
from gitlab_admin import GitLabAdmin
from operator_pod import NAME, USER
from places import Place, Runner
from test_resource_config import keys_of

LET = "gitlab-runners.dev/allow-privileged"
RUNNERS, RBAC = "gitlab-runners.dev", "rbac.authorization.k8s.io"
ADMIN = ""                  # the user that tests are, who may do everything


def offered(ci: Place, spec: dict, user: str = ADMIN, name: str = "") -> str:
    """What the API server has against it, if anything, as a new object or as an edit of one that is there."""
    body = {"apiVersion": "gitlab-runners.dev/v1beta1", "kind": "GitLabRunner", "metadata": {"name": name or "offered"},
            "spec": spec if name else ci.spec(**spec)}
    headers = {"Content-Type": "application/merge-patch+json" if name else "application/json"}
    if user:
        headers |= {"Impersonate-User": user, "Impersonate-Group": "system:authenticated"}
    answer = ci.kube.call("PATCH" if name else "POST", ci.kube.path("GitLabRunner", ci.name, name),
                          params={"dryRun": "All"}, headers=headers, json=body)
    return "" if answer.ok else answer.json()["message"]


@pytest.fixture
def policy(ci: Place) -> Iterator[Callable[[], None]]:
    """Applies manifests/policy; afterwards it is gone again, since it holds for the whole cluster."""
    def apply() -> None:
        kubectl("apply", "-k", "manifests/policy")
        wait_for("the policies are obeyed", lambda: offered(ci, PRIVILEGED) and obeyed(ci))
    yield apply
    kubectl("label", "namespace", ci.name, f"{LET}-")
    kubectl("delete", "-k", "manifests/policy", "--ignore-not-found")
    wait_for("the policies are forgotten", lambda: not offered(ci, PRIVILEGED) and not obeyed(ci))


def obeyed(ci: Place) -> bool:
    """Whether there is already the policy that asks about the writer's rights."""
    allow(ci, "probe", RUNNERS, "gitlabrunners", "create")
    return "you may not read" in offered(ci, {}, "probe")


def allow(ci: Place, user: str, group: str, resource: str, verb: str, ns: str | None = None, name: str = "") -> None:
    """By a role of its own, in the test's namespace or in another one; again is the same."""
    ns = ns or ci.name
    role = re.sub("[^a-z0-9]+", "-", f"{user}-{group}-{resource}-{verb}-{name}").strip("-")
    rule = {"apiGroups": [group], "resources": [resource], "verbs": [verb], "resourceNames": [name] if name else []}
    if ci.kube.get("Role", role, ns):
        return
    ci.kube.create("Role", {"metadata": {"name": role}, "rules": [rule]}, ns)
    ci.kube.create("RoleBinding", {
        "metadata": {"name": role}, "subjects": [{"kind": "User", "name": user, "apiGroup": RBAC}],
        "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": role}}, ns)


# ----------------------------------------------------------------------------------------------------------------------
# Pod Security Standards, level baseline, by the names of its controls


def of_kubernetes(**settings: object) -> dict:
    return {"config": {"runners": {"kubernetes": settings}}}


def of_build(**security: object) -> dict:
    return of_kubernetes(build_container_security_context=security)


def of_pod(**fields: object) -> dict:
    return {"manager": {"podSpec": fields}}


def of_context(**security: object) -> dict:
    return of_pod(securityContext=security)


def of_manager(**fields: object) -> dict:
    return of_pod(containers=[{"name": "manager"} | fields])


def of_init(**security: object) -> dict:
    return of_pod(initContainers=[{"name": "a", "image": "a", "securityContext": security}])


PRIVILEGED = {"privileged": True}
NODE_FILES = {"volumes": [{"name": "docker", "mountPath": "/d", "hostPath": {"path": "/var/run"}}]}
APPARMOR = "container.apparmor.security.beta.kubernetes.io/"

OF_MANAGERS = {             # in ../default
    "HostProcess": [of_context(windowsOptions={"hostProcess": True}), of_init(windowsOptions={"hostProcess": True})],
    "Host Namespaces": [of_pod(hostNetwork=True), of_pod(hostPID=True), of_pod(hostIPC=True),
                        of_pod(hostNetwork="true")],
    "Privileged Containers": [of_manager(securityContext={"privileged": True}), of_init(privileged=True), of_pod(
        ephemeralContainers=[{"name": "e", "image": "a", "securityContext": {"privileged": True}}])],
    "Capabilities": [of_manager(securityContext={"capabilities": {"add": [name]}}) for name in (
        "NET_ADMIN", "SYS_ADMIN", "ALL", "NET_RAW", "CAP_CHOWN", "chown")],
    "HostPath Volumes": [of_pod(volumes=[{"name": "a", "hostPath": {"path": "/"}}])],
    "Host Ports": [of_manager(ports=[{"containerPort": 9252, "hostPort": 9252}]), of_pod(initContainers=[
        {"name": "a", "image": "a", "ports": [{"containerPort": 1, "hostPort": 1}]}])],
    "Host Probes / Lifecycle Hooks": [
        of_manager(livenessProbe={"httpGet": {"host": "10.0.0.1", "port": 1}}),
        of_pod(initContainers=[{"name": "b", "image": "a", "startupProbe": {"tcpSocket": {"host": "a", "port": 1}}}]),
        of_pod(containers=[{"name": "b", "image": "a", "lifecycle": {"preStop": {"httpGet": {"host": "a"}}}}])],
    "AppArmor": [of_context(appArmorProfile={"type": "Unconfined"}), of_init(appArmorProfile={"type": "Unconfined"}),
                 {"manager": {"podAnnotations": {APPARMOR + "manager": "unconfined"}}}],
    "SELinux": [of_context(seLinuxOptions={name: value}) for name, value in {
        "type": "spc_t", "user": "system_u", "role": "system_r"}.items()],
    "/proc Mount Type": [of_manager(securityContext={"procMount": "Unmasked"})],
    "Seccomp": [of_context(seccompProfile={"type": "Unconfined"}), of_manager(securityContext={
        "runAsUser": 0, "seccompProfile": {"type": "Unconfined"}})],
    "Sysctls": [of_context(sysctls=[{"name": "kernel.msgmax", "value": "1"}])],
}
OF_JOBS = {
    "Privileged Containers": [PRIVILEGED, of_kubernetes(privileged=True), of_build(privileged=True), *(
        of_kubernetes(**{f"{who}_container_security_context": {"privileged": True}}) for who in (
            "service", "helper", "init_permissions"))],
    "Capabilities": [of_kubernetes(cap_add=["NET_ADMIN"]), of_build(capabilities={"add": ["SYS_ADMIN"]})],
    "HostPath Volumes": [NODE_FILES, *(of_kubernetes(volumes=volumes) for volumes in (
        {"host_path": [{"name": "a", "host_path": "/"}]}, {"Host_path": [{"name": "a", "host_path": "/"}]}, []))],
    "Host Probes / Lifecycle Hooks": [of_kubernetes(container_lifecycle={"post_start": {"http_get": {
        "host": "10.0.0.1", "port": 1}}}), of_kubernetes(container_lifecycle={"pre_stop": {"tcp_socket": {
            "host": "a"}}})],
    "AppArmor": [of_build(app_armor_profile={"type": "Unconfined"}), of_kubernetes(pod_security_context={
        "app_armor_profile": {"type": "Unconfined"}}), {"podAnnotations": {APPARMOR + "build": "unconfined"}}],
    "SELinux": [of_build(selinux_type="spc_t"), of_kubernetes(pod_security_context={"selinux_type": "spc_t"})],
    "/proc Mount Type": [of_kubernetes(helper_container_security_context={"proc_mount": "Unmasked"})],
    "Seccomp": [of_build(seccomp_profile={"type": "Unconfined"}), of_kubernetes(pod_security_context={
        "seccomp_profile": {"type": "Unconfined"}})],
    "pod_spec": [of_kubernetes(pod_spec=[{"name": "a", "patch": "hostNetwork: true"}])],
    "a key": [of_kubernetes(**{name: value}) for name, value in {
        "Privileged": True, "cap_Add": ["SYS_ADMIN"], "Build_container_security_context": {"privileged": True},
        "build_container_\u017fecurity_context": {"privileged": True}, "pod_\u017fpec": [{"patch": "hostPID: true"}],
        "unheard_of": 1, "pod_annotations_overwrite_allowed": ".*", "\u212aey": 1}.items()],
    "a security context's key": [of_build(Privileged=True), of_build(capabilities={"Add": ["SYS_ADMIN"]}),
                                 of_build(se_linux_type="spc_t"), of_build(seccomp_profile={"Type": "Unconfined"})],
    "are maps": [{"config": {"Runners": {"kubernetes": {"privileged": True}}}},
                 {"config": {"runners": {"Kubernetes": {"privileged": True}}}},
                 {"config": {"runners": {"\u212aubernetes": {"privileged": True}}}},
                 {"config": {"runners": [{"kubernetes": {"privileged": True}}]}},
                 {"config": {"runners": {"kubernetes": [{"privileged": True}]}}}],
}
TAKEN = [
    {},
    {"privileged": False, "volumes": [{"name": "a", "mountPath": "/a", "emptyDir": {}}]},
    of_kubernetes(cap_add=["CHOWN"], cap_drop=["ALL"], helper_cpu_limit="1", pod_memory_request="1Gi", poll_timeout=6),
    of_build(run_as_user=0, allow_privilege_escalation=True, privileged=False, proc_mount="Default", capabilities={
        "drop": ["ALL"], "add": ["SETUID"]}, seccomp_profile={"type": "Localhost", "localhost_profile": "a"}),
    of_kubernetes(container_lifecycle={"pre_stop": {"exec": {"command": ["true"]}}}),
    of_kubernetes(volumes={"empty_dir": [{"name": "a", "mount_path": "/a"}]}),
    {"config": {"shutdown_timeout": 1, "runners": {"limit": 2, "feature_flags": {"FF_USE_FASTZIP": True}}}},
    {"podAnnotations": {APPARMOR + "build": "runtime/default", "a": "b"}},
    of_manager(securityContext={"runAsUser": 1000, "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}}),
    of_pod(hostNetwork=False, volumes=[{"name": "a", "emptyDir": {}}]),
    of_context(sysctls=[{"name": "net.ipv4.tcp_syncookies", "value": "1"}], seccompProfile={"type": "RuntimeDefault"}),
]


def assert_refused(ci: Place, controls: dict[str, list[dict]]) -> None:
    remedy = f"take it out, or ask a cluster administrator for: kubectl label namespace {ci.name} {LET}=true"
    said = [(control, spec, offered(ci, spec)) for control, specs in controls.items() for spec in specs]
    assert [row for row in said if row[0] not in row[2] or remedy not in row[2]] == []


def assert_let(ci: Place, controls: dict[str, list[dict]]) -> None:
    for spec in (spec for specs in controls.values() for spec in specs):
        wait_for(f"the label lets {spec}", lambda: LET not in offered(ci, spec))


def test_s9_managers_keep_to_the_baseline_by_default(ci: Place) -> None:
    assert_refused(ci, OF_MANAGERS)
    for spec in TAKEN:
        assert offered(ci, spec) == "", spec
    kubectl("label", "namespace", ci.name, f"{LET}=true")
    assert_let(ci, OF_MANAGERS)


def test_s9_jobs_keep_to_the_baseline_by_the_policy(ci: Place, policy: Callable[[], None]) -> None:
    policy()
    assert_refused(ci, OF_JOBS)
    for spec in TAKEN:
        assert offered(ci, spec) == "", spec
    kubectl("label", "namespace", ci.name, f"{LET}=true")
    assert_let(ci, OF_JOBS)
    found = json.loads(kubectl("get", "-k", "manifests/policy", "-o", "json"))["items"]
    assert not [item for item in found if item.get("status", {}).get("typeChecking", {}).get("expressionWarnings")]


def test_s9_every_setting_of_the_executor_is_judged() -> None:
    """What gitlab-runner knows is let by name, or is here by name with the reason why not."""
    ours = set(re.findall(r'KUBERNETES "(\w+)", \.(?!shared)', (ROOT / "controller/runner/extra_config_rules.c").read_text()))
    rules = (ROOT / "manifests/policy/policy.yaml").read_text()
    pattern, = re.findall(r"key\.matches\('(\^\(\(helper.*?\$)'\)", rules)
    never = {"pod_annotations_overwrite_allowed"}       # AppArmor's annotation of a job's choice
    for name in {name for name, *_ in keys_of("kubernetes_config")} - ours - never:
        assert f"'{name}'" in rules or re.match(pattern, name), name


def test_s9_the_policy_is_not_in_the_way_of_what_was_there(ci: Place, gitlab: GitLabAdmin,
                                                           policy: Callable[[], None]) -> None:
    """It can be undone, and deleted, but not be edited as it is."""
    ci.registration_token()
    runner, other = ci.unmanned(**PRIVILEGED), ci.unmanned(name="other", **PRIVILEGED)
    runner.wait()
    other.wait()
    policy()
    kubectl("annotate", "glr", "builds", "-n", ci.name, "note=mine")
    assert "spec.privileged" in refused("patch", "glr", "builds", "-n", ci.name, "--type=merge",
                                        "-p", '{"spec": {"concurrent": 3}}')
    runner.edit(privileged=False, concurrent=3)
    runner.wait()
    other.delete()
    other.wait_gone()


# ----------------------------------------------------------------------------------------------------------------------
# Nobody gains by writing an object what they could not do themselves


SECRETS, DEPLOYMENTS = "you may not read", "the right to create deployments"
PODS = "the right to create pods"
SPECS = {                   # what it takes beside the right to GitLabRunners and to the Secret gitlab
    "plain": ({}, ""),
    "a size and a place": ({"manager": {"replicas": 2, "nodeSelector": {"a": "b"}, "resources": {}}}, ""),
    "another credential": ({"authentication": {"registrationTokenSecretRef": {"name": "other"}}}, SECRETS),
    "a CA": ({"caSecretRef": {"name": "other"}}, SECRETS),
    "a client certificate": ({"clientCertificateSecretRef": {"name": "other"}}, SECRETS),
    "a CA of a ConfigMap": ({"caConfigMapRef": {"name": "other"}}, SECRETS),
    "a cache": ({"cache": {"type": "s3", "s3": {"bucketName": "b", "credentialsSecretRef": {"name": "other"}}}},
                SECRETS),
    "a pull secret": ({"imagePullSecrets": [{"name": "other"}]}, SECRETS),
    "a Secret for the jobs": ({"volumes": [{"name": "other", "mountPath": "/a", "secret": {"secretName": "other"}}]},
                              SECRETS),
    "a variable of the manager": ({"manager": {"env": [{"name": "A", "valueFrom": {"secretKeyRef": {
        "name": "other", "key": "k"}}}]}}, SECRETS),
    "variables of the manager": ({"manager": {"envFrom": [{"secretRef": {"name": "other"}}]}}, SECRETS),
    "a Secret in podSpec": ({"manager": {"podSpec": {"volumes": [{"name": "a", "secret": {"secretName": "other"}}]}}},
                            SECRETS),
    "a Secret in the depths of it": ({"manager": {"podSpec": {"containers": [{"name": "b", "image": "a", "envFrom": [
        {"secretRef": {"name": "other"}}]}]}}}, SECRETS),
    "an image of the manager": ({"manager": {"image": "mine"}}, DEPLOYMENTS),
    "an account of the manager": ({"manager": {"serviceAccountName": "powerful"}}, DEPLOYMENTS),
    "a command of the manager": ({"manager": {"podSpec": {"priority": 1}}}, DEPLOYMENTS),
    "labels of the manager": ({"manager": {"podLabels": {"app": "theirs"}}}, DEPLOYMENTS),
    "an account of the jobs": ({"serviceAccountName": "powerful"}, PODS),
    "an account of the jobs' choice": (of_kubernetes(service_account_overwrite_allowed=".*"), PODS),
    "a Secret for the jobs in config": (of_kubernetes(volumes={"secret": [{"name": "other", "mount_path": "/a"}]}), PODS),
    "a claim": ({"volumes": [{"name": "c", "mountPath": "/a", "persistentVolumeClaim": {"claimName": "c"}}]}, PODS),
}


def tenant(ci: Place, user: str, *rights: tuple[str, ...]) -> str:
    """Who may write GitLabRunners and read the Secret `gitlab`, and a little more."""
    for verb in ("create", "patch"):
        allow(ci, user, RUNNERS, "gitlabrunners", verb)
    allow(ci, user, "", "secrets", "get", name="gitlab")
    for group, resource, verb in rights:
        allow(ci, user, group, resource, verb)
    return user


def test_nobody_names_what_they_may_not_use(ci: Place, policy: Callable[[], None]) -> None:
    """Tenants of every kind: with the runners' rights alone, and with each of the others."""
    policy()
    who = {
        "mallory": (tenant(ci, "mallory"), set()),
        "reader": (tenant(ci, "reader", ("", "secrets", "get"), ("", "configmaps", "get")), {SECRETS}),
        "deployer": (tenant(ci, "deployer", ("apps", "deployments", "create")), {DEPLOYMENTS}),
        "podder": (tenant(ci, "podder", ("", "pods", "create")), {PODS}),
        "all of them": (tenant(ci, "owner", ("", "secrets", "get"), ("", "configmaps", "get"), ("", "pods", "create"),
                               ("apps", "deployments", "create")), {SECRETS, DEPLOYMENTS, PODS}),
        "administrator": (ADMIN, {SECRETS, DEPLOYMENTS, PODS}),
    }
    wait_for("the last role holds", lambda: not offered(ci, SPECS["an image of the manager"][0], "owner"))
    wrong = []
    for name, (user, has) in who.items():
        for what, (spec, takes) in SPECS.items():
            said = offered(ci, spec, user)
            needs = {takes} | ({DEPLOYMENTS} if "manager" in spec and takes == SECRETS else set()) - {""}
            if (said == "") != (needs - {""} <= has) or (said and not any(need in said for need in needs)):
                wrong.append((name, what, said))
    assert not wrong


def test_an_edit_is_asked_about_as_far_as_it_goes(ci: Place, policy: Callable[[], None]) -> None:
    """Who may not read the credential may still edit the tags, and may not send the credential elsewhere."""
    ci.runner(suspend=True, caSecretRef={"name": "other"}, manager={"replicas": 0, "image": "theirs"})
    policy()
    allow(ci, "helper", RUNNERS, "gitlabrunners", "patch")
    wait_for("the role holds", lambda: not offered(ci, {"concurrent": 3}, "helper", "builds"))
    for edit in ({"tags": ["a"]}, {"paused": True}, {"manager": {"replicas": 3}}, {"image": "busybox"},
                 {"manager": {"image": None}}):
        assert offered(ci, edit, "helper", "builds") == "", edit
    for edit in ({"url": "http://elsewhere"}, {"hostAliases": [{"ip": "10.0.0.1", "hostnames": ["my.gitlab.com"]}]},
                 {"caSecretRef": None}, {"clientCertificateSecretRef": {"name": "gitlab"}}, {"proxy": {"httpsProxy": "http://elsewhere"}},
                 {"authentication": {"registrationTokenSecretRef": {"key": "another"}}}):
        assert SECRETS in offered(ci, edit, "helper", "builds"), edit
    assert DEPLOYMENTS in offered(ci, {"manager": {"image": "mine"}}, "helper", "builds")


def test_many_secrets_take_the_right_to_all(ci: Place, policy: Callable[[], None]) -> None:
    """The questions have a price: eight by name, and no more; the largest object is still judged."""
    policy()
    user = tenant(ci, "many")
    refs = [{"name": f"s{i}"} for i in range(32)]
    for i in range(9):
        allow(ci, user, "", "secrets", "get", name=f"s{i}")
    wait_for("the last role holds", lambda: not offered(ci, {"imagePullSecrets": refs[1:9]}, user))
    assert offered(ci, {"imagePullSecrets": refs[:8]}, user) == ""
    assert SECRETS in offered(ci, {"imagePullSecrets": refs[:9]}, user)
    assert offered(ci, {"imagePullSecrets": refs}) == "", "an administrator is asked once"


def test_gitops_is_unharmed(ci: Place, gitlab: GitLabAdmin, policy: Callable[[], None]) -> None:
    """A controller with `edit` and the runners' rights applies what an administrator would; so does the operator."""
    account = f"system:serviceaccount:{ci.name}:gitops"
    ci.kube.create("ServiceAccount", {"metadata": {"name": "gitops"}}, ci.name)
    kubectl("create", "rolebinding", "gitops", "-n", ci.name, "--clusterrole=edit",
            f"--serviceaccount={ci.name}:gitops")
    kubectl("create", "role", "glr", "-n", ci.name, "--verb=*", f"--resource=gitlabrunners.{RUNNERS}")
    kubectl("create", "rolebinding", "glr", "-n", ci.name, "--role=glr", f"--serviceaccount={ci.name}:gitops")
    policy()
    wait_for("it may", lambda: not offered(ci, {"manager": {"image": "busybox:1.36"}}, account))
    for what, (spec, _) in SPECS.items():
        assert offered(ci, spec, account) == "", what
    ci.registration_token()
    body = {"apiVersion": "gitlab-runners.dev/v1beta1", "kind": "GitLabRunner", "metadata": {"name": "builds"},
            "spec": ci.spec(manager={"replicas": 0, "podLabels": {"a": "b"}})}
    kubectl("apply", "--server-side", f"--as={account}", "-n", ci.name, "-f", "-", stdin=json.dumps(body))
    Runner(ci.kube, ci.name, "builds").wait()


# ----------------------------------------------------------------------------------------------------------------------
# manifests/hardened: only where a cluster administrator lets them


def test_runners_live_in_labelled_namespaces_only(ci: Place) -> None:
    """Neither a user nor the operator makes anything elsewhere; what is there can be edited and goes as usual."""
    runner, policies = ci.unmanned(suspend=True), "manifests/hardened/namespaces.yaml"
    remedy = f"kubectl label namespace {ci.name} gitlab-runners.dev/runners=true"
    account = {"metadata": {
        "name": "x-runner", "annotations": {"gitlab-runners.dev/owner": f"{ci.name}/x"},
        "labels": {"app.kubernetes.io/managed-by": NAME, "gitlab-runners.dev/runner": "x"},
        "ownerReferences": [{"apiVersion": "gitlab-runners.dev/v1beta1", "kind": "GitLabRunner", "name": "x",
                             "uid": "0", "controller": True}]}}
    try:
        kubectl("apply", "-f", policies)
        wait_for("the policy is obeyed", lambda: remedy in offered(ci, {}))
        answer = ci.kube.call("POST", ci.kube.path("ServiceAccount", ci.name), params={"dryRun": "All"}, json=account,
                              headers={"Impersonate-User": USER, "Impersonate-Group": "system:serviceaccounts"})
        assert remedy in answer.text
        runner.edit(concurrent=3)
        kubectl(*remedy.split()[1:])
        wait_for("the label lets it", lambda: not offered(ci, {}))
        kubectl("label", "namespace", ci.name, "gitlab-runners.dev/runners-")
        runner.delete()
        runner.wait_gone()
    finally:
        kubectl("delete", "-f", policies)
        wait_for("the policy is forgotten", lambda: not offered(ci, {}))
