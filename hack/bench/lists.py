"""How long it takes to be told all that there is, by one who does nothing with it."""
import concurrent.futures
import time

from .api import JSON, METADATA

OURS = "app.kubernetes.io/managed-by=gitlab-runner-controller"
LISTS = (  # what the operator asks for at its start: controller/operator/kinds.c
    ("/apis/gitlab-runners.dev/v1beta1/gitlabrunners", JSON, ""),
    ("/api/v1/secrets", METADATA, ""),
    ("/api/v1/configmaps", METADATA, ""),
    ("/api/v1/namespaces", METADATA, ""),
    ("/api/v1/serviceaccounts", METADATA, OURS),
    ("/apis/rbac.authorization.k8s.io/v1/rolebindings", METADATA, OURS),
    ("/apis/apps/v1/deployments", JSON, OURS),
    ("/apis/policy/v1/poddisruptionbudgets", METADATA, OURS),
)
STREAM = "?watch=1&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"


def read(api, path, accept, selector):
    answer = api.open(path + STREAM + (f"&labelSelector={selector.replace('=', '%3D')}" if selector else ""), accept)
    while line := answer.readline():
        if b'"k8s.io/initial-events-end":"true"' in line:
            return
    raise SystemExit(f"bench: {path}: the stream ended before its list was complete")


def read_lists(scene):
    """All at the same time."""
    begin = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(len(LISTS)) as pool:
        list(pool.map(lambda each: read(scene.api, *each), LISTS))
    return time.monotonic() - begin
