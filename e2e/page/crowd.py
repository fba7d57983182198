"""Thousands of GitLabRunners that nobody acts on: their operator stands by, since somebody else holds the Lease."""
from __future__ import annotations

import asyncio
import os
import ssl
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from pathlib import Path

import aiohttp
import yaml

from cluster import RESOURCES, Kube
from operator_pod import NAME, NAMESPACE

COUNT = 10_000
HOLDER = "somebody-else"
AT_ONCE = 24                    # requests
TAGS = ["kubernetes", "arm64", "gpu", "docker", "large", "spot", "nightly"]
HOSTS = ["gitlab.example.invalid", "gitlab.example.invalid", "old.example.invalid"]


def hold_lease(kube: Kube, seconds: int = 3600) -> None:
    kube.delete("Lease", NAME, NAMESPACE)
    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000000Z")
    kube.create("Lease", {"metadata": {"name": NAME}, "spec": {
        "holderIdentity": HOLDER, "leaseDurationSeconds": seconds, "acquireTime": now, "renewTime": now}}, NAMESPACE)


def body(i: int) -> dict:
    return {"apiVersion": "gitlab-runners.dev/v1beta1", "kind": "GitLabRunner", "metadata": {"name": f"runner-{i:05}"},
            "spec": {"url": f"https://{HOSTS[i % len(HOSTS)]}", "tags": [TAGS[i % len(TAGS)], f"team-{i % 40}"],
                     "scope": {"type": "Instance"}, "authentication": {"accessTokenSecretRef": {"name": "token"}}}}


def create_crowd(namespace: str, count: int) -> None:
    """As fast as the API server takes them; in a thread, since playwright has a loop in this one."""
    group, _, plural = RESOURCES["GitLabRunner"].rpartition("/")
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, _create(f"{group}/namespaces/{namespace}/{plural}", count)).result()


async def _create(path: str, count: int) -> None:
    config = yaml.safe_load(Path(os.environ["KUBECONFIG"]).read_text())
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    tls = ssl.create_default_context(cafile=cluster["certificate-authority"])
    numbers = iter(range(count))
    async with aiohttp.ClientSession(cluster["server"], headers={"Authorization": f"Bearer {user['token']}"},
                                     connector=aiohttp.TCPConnector(ssl=tls, limit=AT_ONCE)) as session:
        async def worker() -> None:
            for i in numbers:
                async with session.post(f"/{path}", json=body(i)) as answer:
                    assert answer.status == 201, await answer.text()
        await asyncio.gather(*(worker() for _ in range(AT_ONCE)))
