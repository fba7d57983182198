"""A state of the cluster, kept to be shown later as if it were the present one: a server that lags behind."""
from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from proxy.faults import Hold
from proxy.relay import Exchange
from proxy.rules import Entry
from proxy.streams import END_OF_LIST, Answered

Get = Callable[[str, dict[str, str], dict[str, str]], dict]     # path, query, headers → the list


@dataclass(frozen=True)
class Collection:
    accept: str
    body: dict              # as LIST answers

    @property
    def version(self) -> str:
        return self.body["metadata"]["resourceVersion"]

    def of_what(self) -> dict:
        return {"kind": self.body["kind"].removesuffix("List"), "apiVersion": self.body["apiVersion"]}

    def events(self) -> tuple[bytes, ...]:
        """As a watch that sends what is there, up to the bookmark that ends it."""
        end = self.of_what() | {"metadata": {"resourceVersion": self.version, "annotations": {END_OF_LIST: "true"}}}
        told = [("ADDED", self.of_what() | item) for item in self.body["items"] or []] + [("BOOKMARK", end)]
        return tuple(json.dumps({"type": kind, "object": item}).encode() + b"\n" for kind, item in told)


class Snapshot:
    """An action for the lists and watches of kinds; single objects, and writes, are not its business."""

    def __init__(self, watches: list[Entry], get: Get) -> None:
        """Taken now, of all that the watches follow."""
        self._thawed = Hold()
        self._collections = {entry.path: collection(entry, get) for entry in watches}

    def thaw(self) -> None:
        """Watches that were told of the past end."""
        self._thawed.release()

    async def __call__(self, exchange: Exchange) -> None:
        known, query = self._collections[exchange.entry.path], exchange.entry.query
        if not exchange.entry.watch:
            await exchange.respond(200, [("content-type", "application/json")], json.dumps(known.body).encode())
        else:
            await Answered(known.events() if "sendInitialEvents" in query else (), self._thawed)(exchange)

    def __str__(self) -> str:
        return "Snapshot"


def collection(entry: Entry, get: Get) -> Collection:
    accept = entry.headers.get("accept", "").replace("PartialObjectMetadata;", "PartialObjectMetadataList;")
    selector = {name: value for name, value in entry.query.items() if name == "labelSelector"}
    return Collection(accept, get(entry.path, selector, {"Accept": accept or "application/json"}))
