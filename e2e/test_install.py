"""What manifests/ installs: no right too many, nothing that is stuck on its way out."""
from __future__ import annotations

import subprocess

import pytest
import yaml

from cluster import ROOT, kubectl, wait_for
from gitlab_admin import GitLabAdmin
from operator_pod import MANIFESTS, NAME, NAMESPACE, Operator
from places import Place

NEEDS = [
    ("patch", "gitlabrunners.gitlab-runners.dev"), ("patch", "gitlabrunners.gitlab-runners.dev/status"),
    ("watch", "gitlabrunners.gitlab-runners.dev"), ("create", "secrets"), ("get", "secrets"),
    ("create", "deployments.apps"), ("patch", "serviceaccounts"), ("delete", "rolebindings.rbac.authorization.k8s.io"),
    ("list", "configmaps"), ("watch", "namespaces"), ("create", "events.events.k8s.io"),
]
MUST_NOT = [
    ("create", "pods"), ("delete", "pods"), ("create", "pods/exec"), ("create", "pods/attach"), ("get", "pods/log"),
    ("get", "nodes"), ("create", "namespaces"), ("delete", "namespaces"), ("patch", "namespaces"),
    ("escalate", "clusterroles.rbac.authorization.k8s.io"), ("escalate", "roles.rbac.authorization.k8s.io"),
    ("bind", "clusterroles.rbac.authorization.k8s.io"), ("create", "clusterroles.rbac.authorization.k8s.io"),
    ("create", "clusterrolebindings.rbac.authorization.k8s.io"), ("create", "roles.rbac.authorization.k8s.io"),
    ("impersonate", "users"), ("impersonate", "serviceaccounts"), ("create", "serviceaccounts/token"),
    ("create", "gitlabrunners.gitlab-runners.dev"), ("delete", "gitlabrunners.gitlab-runners.dev"),
    ("patch", "customresourcedefinitions.apiextensions.k8s.io"), ("deletecollection", "secrets"),
    ("create", "validatingwebhookconfigurations.admissionregistration.k8s.io"), ("patch", "configmaps"),
    ("*", "*.*"), ("*", "secrets"), ("get", "*.*"),
]


@pytest.mark.parametrize("verb, resource", NEEDS)
def test_the_operator_may_do_its_work(verb: str, resource: str, operator: Operator) -> None:
    assert operator.may(verb, resource)


@pytest.mark.parametrize("verb, resource", MUST_NOT)
def test_the_operator_may_not(verb: str, resource: str, operator: Operator) -> None:
    assert not operator.may(verb, resource)


def test_the_operator_may_bind_one_role_only(operator: Operator) -> None:
    roles = "clusterroles.rbac.authorization.k8s.io"
    assert operator.may("bind", roles, name="gitlab-runner-executor")
    assert not operator.may("bind", roles, name="cluster-admin") and not operator.may("bind", roles, name="admin")


def test_a_manager_has_its_rights_among_its_jobs_only(ci: Place, gitlab: GitLabAdmin) -> None:
    jobs = ci.namespace(ci.name + "-jobs", **{"gitlab-runners.dev/allowed-from": ci.name})
    ci.registration_token()
    ci.unmanned(namespace=jobs).wait()
    manager = f"--as=system:serviceaccount:{ci.name}:builds-runner"

    def may(verb: str, resource: str, ns: str) -> str:
        done = subprocess.run(["kubectl", "auth", "can-i", verb, resource, "-n", ns, manager], capture_output=True,
                              text=True, timeout=30)
        return done.stdout.strip()
    assert may("create", "pods", jobs) == may("create", "pods/attach", jobs) == "yes"
    assert may("create", "pods", ci.name) == may("get", "secrets", ci.name) == may("create", "pods", "default") == "no"
    assert may("create", "rolebindings", jobs) == may("delete", "namespaces", jobs) == "no"


def test_install_yaml_is_what_kustomize_makes() -> None:
    made = list(yaml.safe_load_all(kubectl("kustomize", "manifests/default")))
    assert list(yaml.safe_load_all((ROOT / "manifests/install.yaml").read_text())) == made


def test_the_operators_pod_fulfils_pod_security_restricted(operator: Operator) -> None:
    """Its namespace enforces it, so that it runs at all is the proof."""
    enforced = operator.kube.get("Namespace", NAMESPACE)["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
    assert enforced == "restricted" and operator.wait_ready()


def test_a_managers_pod_fulfils_pod_security_restricted(ci: Place, gitlab: GitLabAdmin) -> None:
    kubectl("label", "namespace", ci.name, "pod-security.kubernetes.io/enforce=restricted")
    ci.registration_token()
    ci.runner().wait()


def test_applying_it_again_changes_nothing(operator: Operator) -> None:
    lines = kubectl("apply", "-k", MANIFESTS).splitlines()
    assert [line for line in lines if not line.endswith(" unchanged")] == []


def test_uninstalling_leaves_nothing_stuck(ci: Place, gitlab: GitLabAdmin) -> None:
    """In the order that the README tells: first the runners, then the operator."""
    ci.registration_token()
    ci.unmanned().wait()
    kubectl("delete", "glr", "--all", "-n", ci.name, "--timeout=30s")
    kubectl("delete", "-k", MANIFESTS, "--timeout=90s")
    for kind, name in [("CustomResourceDefinition", "gitlabrunners.gitlab-runners.dev"), ("Namespace", NAMESPACE),
                       ("ClusterRole", NAME), ("ClusterRole", "gitlab-runner-executor")]:
        wait_for(f"{kind} {name} is gone", lambda: ci.kube.get(kind, name) is None)
    ci.operator.install()
    ci.operator.accept()
