"""pack.py CRD: makes a conversation of an API server's audit log (audit.yaml): the kind as it was, and what is needed to
hold each exchange again, a line for each.

Whatever is written is in it; what is read, when the operator has read it."""
from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import datetime

import yaml

READS = ("get", "list", "watch")
OPERATOR = "gitlab-runner-controller"
LEFT = "context canceled"       # no answer at all: whoever asked did not wait for it
ROOT_CA = "kube-root-ca.crt"    # in each namespace, until the very end


def microseconds(time: str) -> int:
    return int(datetime.fromisoformat(time).timestamp() * 1_000_000)


def agent(event: dict) -> str:
    """Whose fields it is when no manager is named: the first word of the User-Agent."""
    return event.get("userAgent", "").partition("/")[0].partition(" ")[0]


def is_wanted(event: dict) -> bool:
    what = event.get("objectRef", {})
    if what.get("namespace") == "kube-system" or event["verb"] == "watch" or what.get("name") == ROOT_CA:
        return False
    if event["responseStatus"].get("message") == LEFT:
        return False
    if event["verb"] in READS or what["resource"] == "events":
        return agent(event) == OPERATOR
    return True


def answer(event: dict) -> dict | None:
    """Of a list, what is in it."""
    whole = event.get("responseObject")
    if not whole or "items" not in whole:
        return whole
    names = ("namespace", "name", "resourceVersion")
    items = [{"metadata": {name: item["metadata"].get(name, "") for name in names}} for item in whole["items"] or []]
    return {"kind": whole["kind"], "metadata": whole["metadata"], "items": items}


def exchanges(lines: Iterator[str]) -> Iterator[dict]:
    for line in lines:
        event = json.loads(line)
        if not is_wanted(event):
            continue
        what = event["objectRef"]
        yield {"verb": event["verb"], "target": event["requestURI"], "group": what.get("apiGroup", ""),
               "resource": what["resource"], "subresource": what.get("subresource", ""),
               "namespace": what.get("namespace", ""), "name": what.get("name", ""), "agent": agent(event),
               "from": microseconds(event["requestReceivedTimestamp"]), "until": microseconds(event["stageTimestamp"]),
               "asked": event.get("requestObject"), "status": event["responseStatus"]["code"],
               "answer": answer(event)}


print(json.dumps({"crd": yaml.safe_load(open(sys.argv[1]))}, separators=(",", ":")))
for exchange in exchanges(sys.stdin):
    print(json.dumps(exchange, separators=(",", ":")))
