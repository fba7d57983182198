"""Random attacks on each surface, from what chaos.py makes up. Each goes on until the time is over, and tells what it has done."""
from __future__ import annotations

import asyncio
import json
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import yaml

from cluster import MERGE_PATCH, ROOT
from hostile.chaos import scalar, size, text, tree, wide
from hostile.evil import EvilGitLab
from hostile.tenants import Attacker
from hostile.watcher import PORT
from places import GITLAB_IP

LARGEST_OBJECT = 1_400_000      # bytes; etcd takes no more
LIVING = 60                     # objects at a time
PLAIN = ["a", "a1", "key", "/x", "1", "10m", "1Gi", "8.8.8.8", "example.com", "example.com/key", "x-y"]


@dataclass
class Attack:
    rng: random.Random
    attacker: Attacker
    evil: EvilGitLab
    address: str                # of the operator's pod
    seed: str
    seconds: float

    def rounds(self) -> Iterator[int]:
        ends, number = time.monotonic() + self.seconds, 0
        while time.monotonic() < ends:
            yield number
            number += 1


# ----------------------------------------------------------------------------------------------------------------------
# GitLabRunners that the schema may take

def schema() -> dict:
    kind = yaml.safe_load((ROOT / "crds/gitlabrunners.yaml").read_text())
    return kind["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]


def fitting(rng: random.Random, schema: dict, most: int) -> object:
    """What the schema asks for, as large as it lets, or nearly so."""
    if schema.get("x-kubernetes-preserve-unknown-fields") and "properties" not in schema:
        value = tree(rng, most)
        return value if isinstance(value, dict) else {"runners": value}
    if "enum" in schema:
        return rng.choice(schema["enum"])
    kind = schema.get("type", "string")
    if kind == "object":
        return fitting_object(rng, schema, most)
    if kind == "array":
        count = size(rng, min(schema.get("maxItems", 1000), 1000) + 1)
        return [fitting(rng, schema["items"], most // (count + 1)) for _ in range(count)]
    if kind == "integer":
        low, high = schema.get("minimum", -2 ** 31), schema.get("maximum", 2 ** 31 - 1)
        return rng.choice([low, high, rng.randint(low, high)])
    return rng.random() < 0.5 if kind == "boolean" else fitting_text(rng, schema, most)


def fitting_object(rng: random.Random, schema: dict, most: int) -> dict:
    named = schema.get("properties", {})
    chosen = {*schema.get("required", []), *(name for name in named if rng.random() < 0.4)}
    found = {name: fitting(rng, named[name], most // len(chosen)) for name in chosen if name in named}
    if isinstance(of_any := schema.get("additionalProperties"), dict):
        count = size(rng, schema.get("maxProperties", 1000) + 1)
        found |= {f"k{i}": fitting(rng, of_any, most // (count + 1)) for i in range(count)}
    return found


def fitting_text(rng: random.Random, schema: dict, most: int) -> str:
    longest = min(schema.get("maxLength", most), most)
    candidates = [*PLAIN, "a" * size(rng, max(longest, 2)), text(rng, longest)[:longest]]
    return rng.choice([word for word in candidates if re.search(pattern_of(schema), word)] or ["a"])


def pattern_of(schema: dict) -> str:
    """What the rules of a text ask of it; "" for anything."""
    forms = [(r"self\.matches\(r?'(.*)'\)", None), (r"isQuantity", "^[0-9]+$"), (r"startsWith\('(.*)'\)", None),
             (r"^!self\.contains\('='\)$", "^[^=]*$"), (r"^!\(self\.contains", "^[A-Za-z0-9.-]+$")]
    for rule in schema.get("x-kubernetes-validations", []):
        for form, pattern in forms:
            if found := re.search(form, rule["rule"]):
                return pattern or ("^" if "startsWith" in form else "") + found[1].replace("\\\\", "\\")
    return ""


def odd_spec(attack: Attack, properties: dict, number: int) -> dict:
    """One that would do, with a few fields that are as they come."""
    rng = attack.rng
    body = attack.attacker.body(f"odd-{number}", attack.evil.at("good"), rng.choice(["registrationToken", "accessToken"]))
    for name in sorted({*rng.sample(sorted(properties), rng.choice([1, 1, 2, 5])), *rng.choice([[], ["config"]])}):
        if name not in ("url", "authentication"):
            body["spec"][name] = fitting(rng, properties[name], size(rng, LARGEST_OBJECT))
    manager = body["spec"].setdefault("manager", {})
    manager["replicas"] = 0         # where its pods would run is not the subject
    if rng.random() < 0.2:
        body["metadata"] = odd_metadata(rng, body["metadata"]["name"])
    return body


def specs(attack: Attack) -> Counter:
    properties, done = schema()["properties"], Counter()
    path = attack.attacker.kube.path("GitLabRunner", attack.attacker.name)
    for number in attack.rounds():
        body = odd_spec(attack, properties, number)
        answer = attack.attacker.mallory.call("POST", path, data=json.dumps(body), headers={"Content-Type": "application/json"})
        done["accepted" if answer.ok else "refused"] += 1
        other = f"{path}/odd-{attack.rng.randrange(max(0, number - LIVING), number + 1)}"
        change = {"spec": {"config": tree(attack.rng, 100_000), "suspend": attack.rng.random() < 0.3}}
        attack.attacker.mallory.call("PATCH", other, data=json.dumps(change), headers={"Content-Type": MERGE_PATCH})
        if number >= LIVING:
            attack.attacker.mallory.call("DELETE", f"{path}/odd-{number - LIVING}")
    return done


# ----------------------------------------------------------------------------------------------------------------------
# Other objects that are watched

RBAC = "rbac.authorization.k8s.io"


def odd_metadata(rng: random.Random, name: str) -> dict:
    def annotations() -> dict:
        return {"annotations": {f"k{i}": text(rng, 4000) for i in range(size(rng, 60))}}

    def owners() -> dict:
        count, letter = size(rng, 3000), rng.choice("<&a\u2028é\U0001f98a")
        return {"ownerReferences": [
            {"apiVersion": rng.choice(["gitlab-runners.dev/v1beta1", "v1"]), "kind": rng.choice(["GitLabRunner", "Secret"]),
             "name": letter * size(rng, LARGEST_OBJECT // count // 4), "uid": f"{rng.getrandbits(64):x}"}
            for _ in range(count)]}

    def labels() -> dict:
        return {"labels": {f"k{i}": "v" * rng.randrange(63) for i in range(size(rng, 3000))}}

    meta: dict = {"name": name}
    for part in rng.sample([annotations, owners, labels], rng.randint(1, 3)):
        meta |= part()
    if rng.random() < 0.7:
        meta.setdefault("labels", {})["app.kubernetes.io/managed-by"] = "gitlab-runner-controller"
    return meta


def odd_object(rng: random.Random, name: str) -> tuple[str, dict]:
    """Its kind, and itself."""
    def data() -> dict:
        return {"data": {f"k{i}": "YQ==" * size(rng, 100_000) for i in range(size(rng, 5))}}

    def deployment() -> dict:
        return {"spec": {"replicas": 0, "selector": {"matchLabels": {"a": "b"}}, "template": {
            "metadata": {"labels": {"a": "b"}},
            "spec": {"containers": [{"name": f"c{i}", "image": "i" * 100} for i in range(1 + size(rng, 500))]}}}}

    def binding() -> dict:
        return {"roleRef": {"apiGroup": RBAC, "kind": "Role", "name": "r" * size(rng, 1000)}, "subjects": [
            {"kind": "User", "apiGroup": RBAC, "name": "u" * size(rng, 500)} for _ in range(size(rng, 1000))]}

    kind, content = rng.choice([("ConfigMap", data), ("Secret", data), ("Deployment", deployment),
                                ("RoleBinding", binding), ("ServiceAccount", dict)])
    return kind, {"metadata": odd_metadata(rng, name)} | content()


def objects(attack: Attack) -> Counter:
    kube, ns, done = attack.attacker.kube, attack.attacker.name, Counter()
    names: list[tuple[str, str]] = []
    for number in attack.rounds():
        kind, body = odd_object(attack.rng, f"odd-{number}")
        by = attack.attacker.eve if kind == "ConfigMap" else kube
        answer = by.call("POST", kube.path(kind, ns), json=body)
        done[f"{kind} {'accepted' if answer.ok else 'refused'}"] += 1
        if answer.ok:
            names.append((kind, body["metadata"]["name"]))
        if names and attack.rng.random() < 0.5:
            kind, name = attack.rng.choice(names)
            patch = {"metadata": odd_metadata(attack.rng, name)}
            kube.call("PATCH", kube.path(kind, ns, name), data=json.dumps(patch), headers={"Content-Type": MERGE_PATCH})
        if len(names) > LIVING:
            kube.delete(*names.pop(0), ns)
    return done


# ----------------------------------------------------------------------------------------------------------------------
# GitLab's answers

def gitlab(attack: Attack) -> Counter:
    """Runners of each kind, made anew again and again, at a GitLab that says whatever comes."""
    attacker, path = attack.attacker, attack.attacker.kube.path("GitLabRunner", attack.attacker.name)
    for number in attack.rounds():
        by = attack.rng.choice(["registrationToken", "accessToken", "runnerToken"])
        url = attack.evil.at("chaos", attack.seed, number)
        body = attacker.body(f"odd-{number}", url, by, serverCheckPeriodSeconds=30)
        attacker.mallory.create("GitLabRunner", body, attacker.name)
        if number >= LIVING:
            attacker.mallory.call("DELETE", f"{path}/odd-{number - LIVING}")
        time.sleep(0.05)
    return Counter(calls=attack.evil.counts("chaos")["calls"])


# ----------------------------------------------------------------------------------------------------------------------
# The operator's own pages

GOOD_PAGES = ["/metrics", "/healthz", "/readyz", "/debug/state", "/", "/nowhere"]
CONNECTIONS = 150               # at a time


def odd_request(rng: random.Random) -> bytes:
    path = rng.choice([*GOOD_PAGES, "/" + "a" * size(rng, 100_000), "/../../etc/passwd", "http://x/", "*", "//", "/%00"])
    method = rng.choice(["GET"] * 5 + ["POST", "HEAD", "PUT", "CONNECT", "TRACE", "PRI", "G" * 5000, "\0"])
    version = rng.choice(["HTTP/1.1"] * 5 + ["HTTP/1.0", "HTTP/2.0", "HTTP/9", ""])
    headers = rng.choice([
        lambda: "Host: x\r\n", lambda: "", lambda: "".join(f"X-{i}: {'y' * rng.randrange(100)}\r\n" for i in range(size(rng, 5000))),
        lambda: "X: " + "y" * size(rng, 1 << 20) + "\r\n", lambda: f"Content-Length: {rng.choice([-1, 10 ** 18, 'x'])}\r\n",
        lambda: "Transfer-Encoding: chunked\r\n", lambda: "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: eA==\r\n",
        lambda: "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n",
        lambda: f"{scalar(rng, 1000)}: {scalar(rng, 1000)}\r\n", lambda: f"Accept: {json.dumps(wide(rng, 1000))}\r\n"])()
    whole = f"{method} {path} {version}\r\n{headers}\r\n".encode(errors="replace")
    return rng.choice([lambda: whole, lambda: whole, lambda: whole * size(rng, 50), lambda: whole[:rng.randrange(len(whole))],
                       lambda: rng.randbytes(size(rng, 100_000))])()


async def connect(rng: random.Random, address: str, ends: float, done: Counter) -> None:
    """One connection after another, each sends what comes to its mind, at its pace, and stays or goes."""
    while time.monotonic() < ends:
        try:
            async with asyncio.timeout(max(0.1, min(rng.choice([0.1, 1, 30]), ends - time.monotonic()))):
                reader, writer = await asyncio.open_connection(address, PORT, local_addr=(GITLAB_IP, 0))
                done["connections"] += 1
                try:
                    await talk(rng, reader, writer)
                finally:
                    writer.transport.abort() if rng.random() < 0.5 else writer.close()
        except (OSError, TimeoutError):
            done["broken"] += 1
            await asyncio.sleep(0.02)


async def talk(rng: random.Random, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    content = odd_request(rng)
    step = rng.choice([len(content), len(content), 1, 7]) or 1
    for i in range(0, min(len(content), step * 500), step):
        writer.write(content[i:i + step])
        await writer.drain()
        if step < len(content):
            await asyncio.sleep(rng.random() * 0.1)
    if rng.random() < 0.3:
        await asyncio.sleep(30)         # asks, and does not listen
    while await reader.read(65536):
        await asyncio.sleep(rng.choice([0, 0, 0.2]))


def pages(attack: Attack) -> Counter:
    done: Counter = Counter()

    async def all_of_them() -> None:
        ends = time.monotonic() + attack.seconds
        await asyncio.gather(*(connect(random.Random(f"{attack.seed}/{i}"), attack.address, ends, done)
                               for i in range(CONNECTIONS)))
    asyncio.run(all_of_them())
    return done


SURFACES: list[Callable[[Attack], Counter]] = [specs, objects, gitlab, pages]
