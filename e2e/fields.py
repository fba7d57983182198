"""What changes what: for each field of a GitLabRunner's spec an edit of it, and everything that the edit may change.

The rows are named as the leaves of the schema, and there is one for each leaf, so that no field can be forgotten. Where
an edit shows is said in paths below these roots; [0] is the first entry of a list:

    gitlab        what GitLab keeps (tags, description, …)
    config.toml   in the config Secret; gitlab-runner reads it anew by itself
    config        anything else in the config Secret
    token, account, jobs, binding, manager, budget      the other children; jobs is the jobs' account

`python e2e/fields.py` prints the table of docs/what-changes-what.md.
"""
from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
BASE = json.loads((ROOT / "tests/data/render/full.json").read_text())
CRD = yaml.safe_load((ROOT / "crds/gitlabrunners.yaml").read_text())
SPEC = CRD["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]

JOBS = "config.toml/runners[0].kubernetes"
RUNNER = "config.toml/runners[0]"
POD = "manager/spec.template.spec"
MANAGER = f"{POD}.containers[0]"


@dataclass
class Row:
    leaf: str
    value: object
    changes: tuple[str, ...] = ()
    of: dict = field(default_factory=dict)          # what makes another spec of BASE's, in which the field has a place
    at: str = ""                                    # where the edit is made, if not at the first place that fits
    also: dict = field(default_factory=dict)        # what has to go with it
    refused: str = ""                               # what is said of a field that is there to be refused
    note: str = ""

    def before(self) -> dict:
        return merged(BASE, {"spec": self.of})

    def after(self) -> dict:
        body = self.before()
        put(body["spec"], steps(self.at) if self.at else place(body["spec"], self.leaf), self.value)
        return merged(body, {"spec": self.also})

    @property
    def rolls(self) -> bool:
        return any(change.startswith("manager/spec.template") or change == "manager" for change in self.changes)


# ----------------------------------------------------------------------------------------------------------------------
# The schema's leaves


def leaves(schema: dict = SPEC, path: str = "") -> Iterator[str]:
    """`a.b`, `list[].c`; `a.*` for members that are not named one by one."""
    for name, child in schema.get("properties", {}).items():
        yield from leaves(child, f"{path}.{name}" if path else name)
    if schema.get("type") == "array":
        yield from leaves(schema["items"], f"{path}[]")
    elif "properties" not in schema:
        yield path
    elif schema.get("x-kubernetes-preserve-unknown-fields"):
        yield f"{path}.*"


def schema_of(leaf: str) -> dict:
    schema = SPEC
    for step in re.findall(r"[^.[\]]+|\[\]", leaf):
        schema = schema["items"] if step == "[]" else schema["properties"][step]
    return schema


def example(schema: dict) -> object:
    """A value with every member that the schema has, each list with one entry."""
    if "properties" in schema:
        return {name: example(child) for name, child in schema["properties"].items()}
    if schema["type"] == "array":
        return [example(schema["items"])]
    if schema["type"] == "object":
        return {"a": "b"}
    return schema.get("minimum", 1) if schema["type"] == "integer" else schema.get("enum", ["a"])[0]


def another(schema: dict) -> object:
    """As example(), but not the same."""
    if schema["type"] == "object":
        return {"a": "c"}
    return schema.get("maximum", 2) if schema["type"] == "integer" else schema.get("enum", ["a", "b"])[1]


# ----------------------------------------------------------------------------------------------------------------------
# Edits


def merged(base: dict, change: dict) -> dict:
    """RFC 7396: None takes a member out."""
    base = copy.deepcopy(base)
    for key, value in change.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            base[key] = merged(base[key], value)
        elif value is None:
            base.pop(key, None)
        else:
            base[key] = copy.deepcopy(value)
    return base


def steps(path: str) -> list[str | int]:
    return [int(step[1:-1]) if step[0] == "[" else step for step in re.findall(r"[^.[\]]+|\[\d+\]", path)]


def found(value: object, wanted: list[str]) -> list[str | int] | None:
    """The steps to the first place where there is something."""
    if not wanted:
        return []
    if wanted[0] == "[]":
        for i, entry in enumerate(value if isinstance(value, list) else []):
            if (rest := found(entry, wanted[1:])) is not None:
                return [i, *rest]
    elif isinstance(value, dict) and wanted[0] in value:
        if (rest := found(value[wanted[0]], wanted[1:])) is not None:
            return [wanted[0], *rest]
    return None


def place(spec: dict, leaf: str) -> list[str | int]:
    """Where the leaf is, or where its parent is and the leaf can be put."""
    wanted = re.findall(r"[^.[\]]+|\[\]", leaf)
    there = found(spec, wanted)
    if there is None:
        parent = found(spec, wanted[:-1])
        assert parent is not None, f"{leaf} has no place in the base"
        there = [*parent, wanted[-1]]
    return there


def put(spec: dict, path: list[str | int], value: object) -> None:
    at: object = spec
    for step in path[:-1]:
        at = at[step]                               # type: ignore[index]
    if value is None:
        del at[path[-1]]                            # type: ignore[attr-defined]
    else:
        at[path[-1]] = value                        # type: ignore[index]


# ----------------------------------------------------------------------------------------------------------------------
# The table

REGISTRATION = {"authentication": {"accessTokenSecretRef": None, "registrationTokenSecretRef": {"name": "a"}},
                "scope": None}
KEPT_AT_GITLAB = ("tags", "description", "runUntagged", "locked", "paused", "accessLevel", "maximumTimeoutSeconds",
                  "maintenanceNote")
USERS = {"authentication": {"accessTokenSecretRef": None, "runnerTokenSecretRef": {"name": "a"}},
         "scope": None} | dict.fromkeys(KEPT_AT_GITLAB)
GROUP = {"scope": {"type": "Group", "projectId": None, "groupId": 12}}
CA = {"caConfigMapRef": None, "caSecretRef": {"name": "ca"}}
GCS = {"cache": {"type": "gcs", "s3": None, "gcs": {"bucketName": "b", "credentialsSecretRef": {"name": "a"}}}}
AZURE = {"cache": {"type": "azure", "s3": None, "azure": {"containerName": "c", "credentialsSecretRef": {"name": "a"}}}}
ACCOUNT = {"cache": {"type": "azure", "s3": None, "azure": {"containerName": "c", "accountName": "n"}}}
FILES = {"volumes": [{"name": "s", "mountPath": "/s",
                      "secret": {"secretName": "s", "items": [{"key": "k", "path": "p"}]}}]}
ENV = {"manager": {"env": [{"name": "A", "value": "a"},
                           {"name": "B", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}]}}
SIDECAR = {"manager": {"podSpec": {
    "initContainers": [{"name": "first", "image": "i", "env": [{"name": "A", "value": "a"}],
                        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}]}],
    "containers": [{"name": "more", "image": "i", "command": ["a"], "args": ["b"],
                    "lifecycle": {"stopSignal": "SIGINT"}, "env": [{"name": "A", "value": "a"}],
                    "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}]}],
    "imagePullSecrets": [{"name": "more"}], "hostAliases": [{"ip": "10.0.0.9", "hostnames": ["a"]}]}}}
CREDENTIAL = "the operator's own calls"
CLIENT = {"clientCertificateSecretRef": {"name": "a"}}
CONTENT = "what the Secret or ConfigMap holds goes into the config Secret"
ALONE = "the operator alone goes by it"


def affinity_row(leaf: str) -> Row:
    """Its names in config.toml are the same, in snake case."""
    path = re.sub("[A-Z]", lambda letter: "_" + letter[0].lower(), leaf).replace("[]", "[0]")
    operator = {"operator": "NotIn"}.get(leaf.rsplit(".", 1)[-1])
    return Row(leaf, operator or another(schema_of(leaf)), (f"{JOBS}.{path}",),
               of={"affinity": None} | {"affinity": example(SPEC["properties"]["affinity"])})


def volume_rows() -> Iterator[Row]:
    tables = f"{JOBS}.volumes"
    yield Row("volumes[].name", "other", (f"{tables}.host_path[0].name",))
    yield Row("volumes[].mountPath", "/other", (f"{tables}.host_path[0].mount_path",))
    yield Row("volumes[].subPath", "other", (f"{tables}.host_path[0].sub_path",), at="volumes[0].subPath")
    yield Row("volumes[].readOnly", True, (f"{tables}.host_path[0].read_only",), at="volumes[0].readOnly")
    yield Row("volumes[].mountPropagation", "HostToContainer", (f"{tables}.host_path[0].mount_propagation",),
              at="volumes[0].mountPropagation")
    for kind, table, members in [
            ("hostPath", "host_path", {"path": ("/other", "host_path")}),
            ("persistentVolumeClaim", "pvc", {"claimName": ("other", "name"), "readOnly": (False, "read_only")}),
            ("configMap", "config_map", {"name": ("other", "name"), "items[].key": ("other", "items"),
                                         "items[].path": ("other", "items.k")}),
            ("secret", "secret", {"secretName": ("other", "name"), "items[].key": ("other", "items"),
                                  "items[].path": ("other", "items.k")}),
            ("emptyDir", "empty_dir", {"medium": ("", "medium"), "sizeLimit": ("2Gi", "size_limit")}),
            ("csi", "csi", {"driver": ("other", "driver"), "fsType": ("ext4", "fs_type"),
                            "readOnly": (True, "read_only"),
                            "volumeAttributes": ({"a": "c"}, "volume_attributes.a")}),
            ("nfs", "nfs", {"server": ("other", "server"), "path": ("/other", "path"),
                            "readOnly": (True, "read_only")})]:
        for member, (value, key) in members.items():
            of = FILES if kind == "secret" else {}
            yield Row(f"volumes[].{kind}.{member}", value, (f"{tables}.{table}[0].{key}",), of=of)


def resource_rows() -> Iterator[Row]:
    for bounds, suffix in (("requests", "request"), ("limits", "limit")):
        for name, value in (("cpu", "3"), ("memory", "3Gi"), ("ephemeral-storage", "1Gi" if bounds == "requests" else "3Gi")):
            yield Row(f"resources.{bounds}.{name}", value, (f"{JOBS}.{name.replace('-', '_')}_{suffix}",))


def pod_spec_rows() -> Iterator[Row]:
    more, first = f"{POD}.containers[1]", f"{POD}.initContainers[0]"
    pod = "manager.podSpec"
    for name in ("serviceAccountName", "serviceAccount"):
        yield Row(f"{pod}.{name}", "a", refused="use manager.serviceAccountName")
    yield Row(f"{pod}.automountServiceAccountToken", False, refused="with that token, take it out")
    yield Row(f"{pod}.restartPolicy", "Never", refused="always restarted, take it out")
    yield Row(f"{pod}.volumes[].name", "other", (f"{POD}.volumes",), note="merged")
    yield Row(f"{pod}.volumes[].*", {"sizeLimit": "1Gi"}, (f"{POD}.volumes[3].emptyDir",),
              at=f"{pod}.volumes[0].emptyDir")
    yield Row(f"{pod}.containers[].name", "other", (f"{more}.name",), of=SIDECAR)
    yield Row(f"{pod}.containers[].command[]", "c", (f"{more}.command[0]",), of=SIDECAR)
    yield Row(f"{pod}.containers[].args[]", "c", (f"{more}.args[0]",), of=SIDECAR)
    yield Row(f"{pod}.containers[].lifecycle", {"stopSignal": "SIGQUIT"}, (f"{more}.lifecycle.stopSignal",), of=SIDECAR)
    yield Row(f"{pod}.containers[].*", True, (f"{more}.tty",), of=SIDECAR, at=f"{pod}.containers[0].tty")
    yield Row(f"{pod}.initContainers[].name", "other", (f"{first}.name",), of=SIDECAR)
    yield Row(f"{pod}.initContainers[].*", True, (f"{first}.tty",), of=SIDECAR, at=f"{pod}.initContainers[0].tty")
    for list_, container in (("containers", more), ("initContainers", first)):
        yield Row(f"{pod}.{list_}[].env[].name", "B", (f"{container}.env[0].name",), of=SIDECAR)
        yield Row(f"{pod}.{list_}[].env[].*", "b", (f"{container}.env[0].value",), of=SIDECAR,
                  at=f"{pod}.{list_}[0].env[0].value")
        mount = f"{container}.volumeMounts[0]"
        yield Row(f"{pod}.{list_}[].volumeMounts[].mountPath", "/t", (f"{mount}.mountPath",), of=SIDECAR)
        yield Row(f"{pod}.{list_}[].volumeMounts[].*", True, (f"{mount}.readOnly",), of=SIDECAR,
                  at=f"{pod}.{list_}[0].volumeMounts[0].readOnly")
    yield Row(f"{pod}.imagePullSecrets[].name", "other", (f"{POD}.imagePullSecrets[1].name",), of=SIDECAR)
    yield Row(f"{pod}.imagePullSecrets[].*", "x", (f"{POD}.imagePullSecrets[1].x",), of=SIDECAR,
              at=f"{pod}.imagePullSecrets[0].x")
    yield Row(f"{pod}.hostAliases[].ip", "10.0.0.8", (f"{POD}.hostAliases[1].ip",), of=SIDECAR)
    yield Row(f"{pod}.hostAliases[].*", ["b"], (f"{POD}.hostAliases[1].hostnames[0]",), of=SIDECAR,
              at=f"{pod}.hostAliases[0].hostnames")
    yield Row(f"{pod}.*", "other", (f"{POD}.runtimeClassName",), at=f"{pod}.runtimeClassName")


OWN_ACCOUNT = {"manager": {"serviceAccountName": None, "serviceAccount": {}}}
JOBS_ACCOUNT = {"namespace": None, "serviceAccountName": None, "serviceAccount": {}}    # where the object is


def manager_rows() -> Iterator[Row]:
    yield Row("manager.image", "other", (f"{MANAGER}.image",))
    yield Row("manager.imagePullPolicy", "Always", (f"{MANAGER}.imagePullPolicy",))
    yield Row("manager.imagePullSecrets[].name", "other", (f"{POD}.imagePullSecrets[0].name",))
    yield Row("manager.replicas", 2, ("manager/spec.replicas",))
    yield Row("manager.terminationGracePeriodSeconds", 60, (f"{POD}.terminationGracePeriodSeconds",))
    yield Row("manager.priorityClassName", "low", (f"{POD}.priorityClassName",))
    yield Row("manager.serviceAccountName", "other", (f"{POD}.serviceAccountName", "binding/subjects[0].name"))
    deployment = {"manager": {"deployment": {"strategy": {"rollingUpdate": {}}}}}
    for name in ("labels", "annotations"):
        yield Row(f"manager.serviceAccount.{name}", {"a": "b"}, (f"account/metadata.{name}.a",), of=OWN_ACCOUNT)
        yield Row(f"manager.deployment.{name}", {"a": "b"}, (f"manager/metadata.{name}.a",), of=deployment)
    yield Row("manager.deployment.strategy.type", "Recreate", ("manager/spec.strategy",), of=deployment,
              also={"manager": {"deployment": {"strategy": {"rollingUpdate": None}}}})
    for name in ("maxSurge", "maxUnavailable"):
        yield Row(f"manager.deployment.strategy.rollingUpdate.{name}", 2, (f"manager/spec.strategy.rollingUpdate.{name}",),
                  of=deployment)
    for name in ("minReadySeconds", "progressDeadlineSeconds", "revisionHistoryLimit"):
        yield Row(f"manager.deployment.{name}", 70, (f"manager/spec.{name}",), of=deployment)
    yield Row("manager.resources.requests", {"cpu": "1"}, (f"{MANAGER}.resources.requests",))
    yield Row("manager.resources.limits", {"memory": "1Gi"}, (f"{MANAGER}.resources.limits.memory",))
    yield Row("manager.nodeSelector", {"role": "other"}, (f"{POD}.nodeSelector.role",))
    taint = {"key": "infra", "operator": "Equal", "value": "y", "effect": "NoExecute"}
    for member, value in (("key", "other"), ("operator", "Equal"), ("value", "x"), ("effect", "NoExecute"),
                          ("tolerationSeconds", 60)):
        yield Row(f"manager.tolerations[].{member}", value, (f"{POD}.tolerations[0].{member}",),
                  of={"manager": {"tolerations": [taint]}} if member in ("value", "tolerationSeconds") else {},
                  at=f"manager.tolerations[0].{member}")
    yield Row("manager.affinity", {"podAffinity": {}}, (f"{POD}.affinity",))
    spread = f"{POD}.topologySpreadConstraints[0]"
    for member, value in (("maxSkew", 2), ("topologyKey", "other"), ("whenUnsatisfiable", "DoNotSchedule")):
        yield Row(f"manager.topologySpreadConstraints[].{member}", value, (f"{spread}.{member}",))
    yield Row("manager.topologySpreadConstraints[].*", {"matchLabels": {"a": "b"}}, (f"{spread}.labelSelector",),
              at="manager.topologySpreadConstraints[0].labelSelector")
    yield Row("manager.podLabels", {"team": "b"}, ("manager/spec.template.metadata.labels.team",))
    yield Row("manager.podAnnotations", {"note": "other"}, ("manager/spec.template.metadata.annotations.note",))
    yield Row("manager.env[].name", "C", (f"{MANAGER}.env[8].name",), of=ENV)
    yield Row("manager.env[].value", "b", (f"{MANAGER}.env[8].value",), of=ENV)
    yield Row("manager.env[].valueFrom", {"fieldRef": {"fieldPath": "spec.nodeName", "apiVersion": "v1"}},
              (f"{MANAGER}.env[9].valueFrom",), of=ENV)
    yield Row("manager.envFrom[]", {"secretRef": {"name": "other"}}, (f"{MANAGER}.envFrom[0].secretRef.name",))
    yield Row("manager.podDisruptionBudget.minAvailable", 1, ("budget/spec.minAvailable",))
    yield Row("manager.podDisruptionBudget.maxUnavailable", 1, ("budget/spec",),
              also={"manager": {"podDisruptionBudget": {"minAvailable": None}}})


def registration_rows() -> Iterator[Row]:
    annotation = "token/metadata.annotations.gitlab-runners.dev"
    yield Row("url", "https://other.example.com", (f"{RUNNER}.url", f"{annotation}/url"), note="registered anew there")
    for member, of in (("registrationTokenSecretRef", REGISTRATION), ("accessTokenSecretRef", {}),
                       ("runnerTokenSecretRef", USERS)):
        yield Row(f"authentication.{member}.name", "other", of=of, note=CREDENTIAL)
        yield Row(f"authentication.{member}.key", "other", of=of, note=CREDENTIAL)
    yield Row("authentication.adoptRunnerId", 13, of={"authentication": {"adoptRunnerId": 12}},
              note="read until a runner is registered")
    yield Row("scope.type", "Instance", (f"{annotation}/scope",), also={"scope": {"projectId": None}},
              note="registered anew")
    yield Row("scope.groupId", 13, (f"{annotation}/scope",), of=GROUP, note="registered anew")
    yield Row("scope.projectId", 8, (f"{annotation}/scope",), note="registered anew")
    for ref, of in (("caSecretRef", CA), ("caConfigMapRef", {})):
        yield Row(f"{ref}.name", "other", of=of, note=CONTENT)
        yield Row(f"{ref}.key", "other", of=of, note=CONTENT)
    yield Row("clientCertificateSecretRef.name", "other", of=CLIENT, note=CONTENT)
    for name, value in (("description", "other"), ("tags[]", "other"), ("runUntagged", False), ("locked", False),
                        ("paused", True), ("accessLevel", "NotProtected"), ("maximumTimeoutSeconds", 7200),
                        ("maintenanceNote", "other")):
        yield Row(name, value, ("gitlab",))
    for name, value in (("deletionPolicy", "Delete"), ("deregistrationDeadlineSeconds", 61),
                        ("serverCheckPeriodSeconds", 60), ("suspend", False)):
        yield Row(name, value, note=ALONE)
    for name, value in (("policy", "Disabled"), ("beforeExpiryPercent", 50)):
        yield Row(f"tokenRotation.{name}", value, of={"tokenRotation": {}}, note=ALONE)


def cache_rows() -> Iterator[Row]:
    cache = f"{RUNNER}.cache"
    yield Row("cache.type", "gcs", (cache,), also={"cache": {"s3": None, "gcs": {"bucketName": "b"}}})
    yield Row("cache.path", "other", (f"{cache}.Path",))
    yield Row("cache.shared", False, (f"{cache}.Shared",))
    yield Row("cache.maxUploadedArchiveSize", 2**40, (f"{cache}.MaxUploadedArchiveSize",), at="cache.maxUploadedArchiveSize")
    yield Row("cache.redactURL", True, (f"{cache}.RedactURL",), at="cache.redactURL")
    yield Row("cache.s3.serverAddress", "other", (f"{cache}.s3.ServerAddress",))
    yield Row("cache.s3.bucketName", "other", (f"{cache}.s3.BucketName",))
    yield Row("cache.s3.bucketLocation", "other", (f"{cache}.s3.BucketLocation",))
    yield Row("cache.s3.insecure", False, (f"{cache}.s3.Insecure",))
    for member, value in (("roleARN", "other"), ("uploadRoleARN", "other"), ("assumeRoleMaxConcurrency", -1),
                          ("disableAssumeRoleCredentialsCaching", True), ("serverSideEncryption", "KMS"),
                          ("serverSideEncryptionKeyID", "other"), ("dualStack", False), ("pathStyle", True),
                          ("accelerate", True)):
        yield Row(f"cache.s3.{member}", value, (f"{cache}.s3.{member[0].upper()}{member[1:]}",), at=f"cache.s3.{member}")
    yield Row("cache.s3.authenticationType", "iam",
              tuple(f"{cache}.s3.{key}" for key in ("AuthenticationType", "AccessKey", "SecretKey")),
              also={"cache": {"s3": {"credentialsSecretRef": None}}})
    yield Row("cache.s3.credentialsSecretRef.name", "other", note=CONTENT)
    yield Row("cache.gcs.bucketName", "other", (f"{cache}.gcs.BucketName",), of=GCS)
    yield Row("cache.gcs.universeDomain", "example.com", (f"{cache}.gcs.UniverseDomain",), of=GCS)
    yield Row("cache.gcs.credentialsSecretRef.name", "other", of=GCS, note=CONTENT)
    yield Row("cache.azure.containerName", "other", (f"{cache}.azure.ContainerName",), of=AZURE)
    yield Row("cache.azure.storageDomain", "example.com", (f"{cache}.azure.StorageDomain",), of=AZURE)
    yield Row("cache.azure.accountName", "other", (f"{cache}.azure.AccountName",), of=ACCOUNT)
    yield Row("cache.azure.credentialsSecretRef.name", "other", of=AZURE, note=CONTENT)


def job_rows() -> Iterator[Row]:
    yield Row("concurrent", 5, ("config.toml/concurrent",),
              note="without `manager.resources` an edit that needs twice the memory, or half of it, rolls")
    yield Row("checkIntervalSeconds", 6, ("config.toml/check_interval",))
    yield Row("logLevel", "debug", ("config.toml/log_level",))
    yield Row("logFormat", "text", ("config.toml/log_format",))
    yield Row("namespace", "others", (f"{JOBS}.namespace", "binding/metadata.namespace"))
    yield Row("image", "other", (f"{JOBS}.image",))
    yield Row("helperImage", "other", (f"{JOBS}.helper_image",))
    yield Row("nodeSelector", {"a": "c", "kubernetes.io/os": "linux"}, (f"{JOBS}.node_selector.a",))
    yield Row("tolerations[].key", "other", (f"{JOBS}.node_tolerations",))
    yield Row("tolerations[].operator", "Equal", (f"{JOBS}.node_tolerations",), at="tolerations[1].operator")
    yield Row("tolerations[].value", "other", (f"{JOBS}.node_tolerations",))
    yield Row("tolerations[].effect", "NoExecute", (f"{JOBS}.node_tolerations.dedicated=ci",))
    yield Row("hostAliases[].ip", "10.0.0.2", (f"{JOBS}.host_aliases[0].ip", f"{POD}.hostAliases[0].ip"))
    yield Row("hostAliases[].hostnames[]", "y",
              (f"{JOBS}.host_aliases[0].hostnames[0]", f"{POD}.hostAliases[0].hostnames[0]"))
    for name, value in (("httpProxy", "http://other"), ("httpsProxy", "http://other"), ("noProxy[]", "other")):
        yield Row(f"proxy.{name}", value, (f"{RUNNER}.environment", f"{MANAGER}.env"))
    yield Row("serviceAccountName", "other", (f"{JOBS}.service_account",))
    for name in ("labels", "annotations"):
        yield Row(f"serviceAccount.{name}", {"a": "b"}, (f"jobs/metadata.{name}.a",), of=JOBS_ACCOUNT)
    yield Row("imagePullSecrets[].name", "other", (f"{JOBS}.image_pull_secrets[0]",))
    yield Row("pullPolicy[]", "Never", (f"{JOBS}.pull_policy[0]",))
    yield Row("privileged", False, (f"{JOBS}.privileged",))
    yield Row("podSecurity", "Restricted", (f"{JOBS}.allow_privilege_escalation", f"{JOBS}.cap_drop", f"{JOBS}.pod_security_context"),
              of={"privileged": None, "volumes": None})
    yield Row("podLabels", {"team": "b"}, (f"{JOBS}.pod_labels.team",))
    yield Row("podAnnotations", {"x/y": "other"}, (f"{JOBS}.pod_annotations.x/y",))
    yield Row("config", 9000, (f"{RUNNER}.output_limit",), at="config.runners.output_limit",
              note="`connection_max_age`, `session_server` and `boot_verify` are read at the start alone: an edit of these rolls")
    yield Row("environment[].name", "B", (f"{RUNNER}.environment[6]",))
    yield Row("environment[].value", "other", (f"{RUNNER}.environment[6]",))


def rows() -> list[Row]:
    affinity = (affinity_row(leaf) for leaf in leaves() if leaf.startswith("affinity."))
    return [*registration_rows(), *job_rows(), *affinity, *volume_rows(), *resource_rows(), *cache_rows(),
            *manager_rows(), *pod_spec_rows()]


# ----------------------------------------------------------------------------------------------------------------------
# For people


def cell(row: Row) -> str:
    if row.refused:
        return "refused"
    return "; ".join([*(f"`{change}`" for change in row.changes), *([row.note] if row.note else [])])


def document() -> str:
    lines = ["# What changes what", "",
             "Generated from the table that the tests go by (`python e2e/fields.py`): what an edit of each field of the",
             "spec shows in, and nothing else. `config.toml` is in the config Secret and read anew by gitlab-runner itself,",
             "`gitlab` is what GitLab keeps of the runner; the rest are the other children. Only where it says so do the",
             "manager's pods roll; running jobs are finished first.", "",
             "| field | shows in | rolls |", "|---|---|---|"]
    order = {leaf: i for i, leaf in enumerate(leaves())}
    for row in sorted(rows(), key=lambda row: order.get(row.leaf, -1)):
        lines.append(f"| `{row.leaf}` | {cell(row)} | {'yes' if row.rolls else ''} |")
    lines += ["", "And of the annotations by which people [steer](steering.md):", "",
              "| annotation | shows in | rolls |", "|---|---|---|",
              "| `gitlab-runners.dev/paused-until` | `gitlab`: `paused`, and not any more when the time has come |  |",
              "| `gitlab-runners.dev/rotate-token` | `config.toml/runners[0].token`; `token/data.runner-token` |  |",
              "| `gitlab-runners.dev/restart` | `manager/spec.template.metadata.annotations.gitlab-runners.dev/restart` | yes |"]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(document(), end="")
