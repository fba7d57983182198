"""What the operator asks of the API server, by the server's own audit log."""
import collections
import json
import sys
import time

from .process import STATE

AGENT = "gitlab-runner-controller"
LIST = "list by watch"
WRITES = ("create", "update", "patch", "delete", "deletecollection")


class Audit:
    """Counts requests by (verb, resource, name of a subresource), but for those that keep the Lease."""

    def __init__(self):
        self._file = (STATE / "log/audit.log").open("rb")
        self._file.seek(0, 2)
        self._rest = b""
        self._counts, self._names = collections.Counter(), collections.Counter()

    def read(self):
        """Takes in what is new; true when the operator has asked for something."""
        before = self._counts.total()
        while self._read_file():
            pass
        return self._counts.total() > before

    def _read_file(self):
        data = self._file.read(1 << 24)
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            if f'"userAgent":"{AGENT}'.encode() in line:
                self._count(json.loads(line))
        return data

    def _count(self, entry):
        verb = entry["verb"]
        if not entry.get("userAgent", "").startswith(AGENT) or \
                entry["stage"] != ("ResponseStarted" if verb == "watch" else "ResponseComplete"):
            return
        if verb == "watch" and "sendInitialEvents=true" in entry["requestURI"]:
            verb = LIST
        ref = entry.get("objectRef", {})
        if ref.get("resource") == "leases":
            return
        self._counts[verb, ref.get("resource", ""), ref.get("subresource", "")] += 1
        if verb == "get":
            self._names[ref.get("name", "")] += 1

    def wait_quiet(self, seconds, at_most=120):
        """Until the operator has asked for nothing for so long."""
        deadline = time.monotonic() + at_most
        quiet_since = time.monotonic()
        while time.monotonic() - quiet_since < seconds:
            if self.read():
                quiet_since = time.monotonic()
            if time.monotonic() > deadline:
                sys.exit(f"bench: the operator is still at work after {at_most} s: {self.take()}")
            time.sleep(0.1)

    def take(self):
        """The counts since the last call."""
        self.read()
        counts, self._counts = self._counts, collections.Counter()
        return counts

    def take_names(self):
        """How often an object of that name was read since the last call."""
        names, self._names = self._names, collections.Counter()
        return names


def total(counts, *verbs, events=False):
    return sum(n for (verb, resource, _), n in counts.items() if verb in verbs and (resource == "events") == events)


def lists(counts):
    """Whole lists by resource, whether asked for by LIST or by a watch."""
    found = collections.Counter()
    for (verb, resource, _), n in counts.items():
        if verb in ("list", LIST):
            found[resource] += n
    return found
