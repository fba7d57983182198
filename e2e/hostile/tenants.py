"""Who attacks: people with a namespace of their own and few rights in it."""
from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import requests

from cluster import Kube, checked, wait_for
from places import LABEL, Runner, remove

MALLORY, EVE = "mallory", "eve"             # may write GitLabRunners; may write ConfigMaps; and nothing else
RIGHTS = {MALLORY: ("gitlab-runners.dev", "gitlabrunners"), EVE: ("", "configmaps")}
VERBS = ["create", "get", "list", "watch", "update", "patch", "delete"]
TOKEN = "GR1348941ofTheAttacker0"           # the namespace's own, for the evil GitLab
AT_A_TIME = 8


class User(Kube):
    """The API server as somebody meets it who may do less."""

    def __init__(self, kube: Kube, name: str) -> None:
        self.url, self.name = kube.url, name
        self._session = requests.Session()
        self._session.headers["Impersonate-User"] = name

    def close(self) -> None:
        self._session.close()


class Attacker:
    """A namespace in which mallory may write GitLabRunners, and eve ConfigMaps."""

    def __init__(self, kube: Kube, name: str) -> None:
        self.kube, self.name = kube, name
        self.mallory, self.eve = User(kube, MALLORY), User(kube, EVE)
        kube.create("Namespace", {"metadata": {
            "name": name, "labels": {LABEL: "1", "pod-security.kubernetes.io/enforce": "baseline"}}})
        for user, (group, plural) in RIGHTS.items():
            allow(kube, name, user, group, plural)
        self.secret("gitlab", registration_token=TOKEN)

    def secret(self, name: str, **keys: str) -> None:
        """Made or replaced; registration_token stands for the key runner-registration-token."""
        content = {{"registration_token": "runner-registration-token"}.get(key, key.replace("_", "-")): value
                   for key, value in keys.items()}
        self.kube.delete("Secret", name, self.name)
        self.kube.create("Secret", {"metadata": {"name": name}, "stringData": content}, self.name)

    def body(self, name: str, url: str, by: str = "registrationToken", **spec: object) -> dict:
        """The least that leads to a call; what is None is left out."""
        base: dict = {"url": url, "authentication": {f"{by}SecretRef": {"name": "gitlab"}}, "manager": {"replicas": 0}}
        if by == "accessToken":
            base["scope"] = {"type": "Instance"}
        spec = {key: value for key, value in (base | spec).items() if value is not None}
        return {"apiVersion": "gitlab-runners.dev/v1beta1", "kind": "GitLabRunner", "metadata": {"name": name},
                "spec": spec}

    def runner(self, name: str, url: str, by: str = "registrationToken", **spec: object) -> Runner:
        """Made by mallory."""
        self.mallory.create("GitLabRunner", self.body(name, url, by, **spec), self.name)
        return Runner(self.kube, self.name, name)

    def runners(self, count: int, url: str, by: str = "registrationToken", **spec: object) -> list[Runner]:
        """So many of them, several at a time."""
        return at_once(range(count), lambda i: self.runner(f"runner-{i}", url, by, **spec))

    def config_map(self, body: dict) -> requests.Response:
        """Made by eve; the API server may refuse it."""
        return self.eve.call("POST", self.kube.path("ConfigMap", self.name), json=body)

    def clear(self) -> None:
        """All its objects go, and GitLab is asked for nothing: it would not let them go."""
        path = self.kube.path("GitLabRunner", self.name)
        checked(self.kube.call("DELETE", path))

        def stripped() -> bool:
            left = self.kube.list("GitLabRunner", self.name)
            at_once(left, self._strip)
            return not left
        wait_for("the attacker's objects are gone", stripped)
        remove(self.kube, [self.name])
        self.mallory.close()
        self.eve.close()

    def _strip(self, item: dict) -> None:
        answer = self.kube.call("PATCH", self.kube.path("GitLabRunner", self.name, item["metadata"]["name"]),
                                data='{"metadata":{"finalizers":null}}',
                                headers={"Content-Type": "application/merge-patch+json"})
        assert answer.ok or answer.status_code in (404, 409), answer.text


def at_once(items: Iterable, work) -> list:
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        return list(pool.map(work, items))


def allow(kube: Kube, ns: str, user: str, group: str, plural: str) -> None:
    """The user may do everything with this kind in the namespace."""
    kube.create("Role", {"metadata": {"name": user}, "rules": [
        {"apiGroups": [group], "resources": [plural], "verbs": VERBS}]}, ns)
    kube.create("RoleBinding", {
        "metadata": {"name": user}, "subjects": [{"kind": "User", "name": user, "apiGroup": "rbac.authorization.k8s.io"}],
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": user}}, ns)
