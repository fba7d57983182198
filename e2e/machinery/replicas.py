"""Several processes of the operator at one time, and what the API server's audit log tells of each."""
from __future__ import annotations

import base64
import json
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from cluster import AuditLog, Kube, wait_for
from moved_clock import MovedClock
from operator_pod import NAME, NAMESPACE
from program import Process, free_port, kubeconfig

QUICK = {"lease-duration": 3.0, "renew-deadline": 2.0, "retry-period": 0.5}     # seconds
CREDENTIAL = "authentication.kubernetes.io/credential-id"
LEASES = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases"


def options(timing: dict[str, float]) -> list[str]:
    return [f"--leader-election-namespace={NAMESPACE}",
            *(f"--leader-election-{name}={seconds}s" for name, seconds in timing.items())]


@dataclass
class Replica:
    process: Process
    credential: str             # in the audit log: each has a token of its own

    def __str__(self) -> str:
        return f"process {self.process.pid}"

    def metric(self, name: str) -> float:
        lines = [line for line in self.process.page("metrics").splitlines() if line.startswith(name)]
        return float(lines[0].rpartition(" ")[2])

    def leads(self) -> bool:
        """Not before it listens."""
        return self.process.status("metrics") == 200 and self.metric("leader_election_master_status") == 1

    def wait_leads(self, leads: bool = True, seconds: float = 20) -> None:
        wait_for(f"{self} {'leads' if leads else 'leads no more'}", lambda: self.leads() == leads, seconds)


@dataclass
class Write:
    """One that the API server has done."""
    at: datetime
    credential: str
    lease: bool
    what: str


class Replicas:
    """What a Stage wants of its operator, by as many processes as the test starts."""

    def __init__(self, folder: Path, kube: Kube) -> None:
        self._folder, self._kube = folder, kube
        self._all: list[Replica] = []
        self.alive: list[Replica] = []
        self._audit = AuditLog()

    def start(self, timing: dict[str, float] | None = None, ready: bool = True, server: dict | None = None,
              pace: int = 1) -> Replica:
        """server: of the kubeconfig, where it is not the API server itself. pace: its clocks go so many times as fast."""
        folder = self._folder / f"replica-{len(self._all)}"
        folder.mkdir()
        config = kubeconfig(**(server or {}))
        claims = config["users"][0]["user"]["token"].split(".")[1]
        credential = "JTI=" + json.loads(base64.urlsafe_b64decode(claims + "=="))["jti"]
        env = MovedClock(folder, pace).environment() if pace > 1 else None
        replica = Replica(Process(folder, config, free_port(), *options(timing or QUICK), env=env), credential)
        self._all.append(replica)
        self.alive.append(replica)
        if ready:
            wait_for(f"{replica} is ready", lambda: replica.process.status("readyz") == 200, 20)
        return replica

    def leader(self, seconds: float = 20) -> Replica:
        def leading() -> Replica | None:
            return next((replica for replica in self.alive if replica.leads()), None)
        return wait_for("one leads", leading, seconds)

    def kill(self, replica: Replica | None = None) -> None:
        """One, or all."""
        for victim in [replica] if replica else list(self.alive):
            victim.process.kill()
            self.alive.remove(victim)

    def terminate(self, replica: Replica) -> float:
        """How long it took, in good order."""
        code, seconds = replica.process.stop()
        self.alive.remove(replica)
        assert code == 0, f"it has ended with {code}: {replica.process.log()[-2000:]}"
        return seconds

    def freeze(self, replica: Replica) -> None:
        replica.process.send(signal.SIGSTOP)
        self.alive.remove(replica)

    def thaw(self, replica: Replica) -> None:
        replica.process.send(signal.SIGCONT)
        self.alive.append(replica)

    def vacate(self) -> None:
        """Nobody holds the Lease, and nobody has ever."""
        self._kube.delete("Lease", NAME, NAMESPACE)
        self._audit.mark()

    def lease(self) -> dict:
        return self._kube.get("Lease", NAME, NAMESPACE)["spec"]

    def lease_is_over(self) -> bool:
        """So that somebody else could begin."""
        lease = self.lease()
        age = datetime.now(timezone.utc) - datetime.fromisoformat(lease["renewTime"])
        return age.total_seconds() > lease["leaseDurationSeconds"]

    # What the API server tells of them

    def writes(self) -> list[Write]:
        """Since vacate(), in order of arrival."""
        entries = [json.loads(line) for line in self._audit.text().splitlines() if line.endswith("}")]
        return sorted(self._done(entries), key=lambda write: write.at)

    def _done(self, entries: list[dict]) -> Iterator[Write]:
        credentials = [replica.credential for replica in self._all]
        for entry in entries:
            credential, = entry["user"].get("extra", {}).get(CREDENTIAL, [""])
            done = entry["stage"] == "ResponseComplete" and entry["responseStatus"]["code"] < 300
            if done and credential in credentials and entry["verb"] not in ("get", "list", "watch"):
                target = entry["requestURI"].partition("?")[0]
                yield Write(datetime.fromisoformat(entry["requestReceivedTimestamp"]), credential,
                            target.startswith(LEASES), f"{entry['verb']} {target}")

    def assert_only_holders_wrote(self) -> int:
        """Each write is by who wrote the Lease last before it. Returns how many times it changed hands."""
        holder, changes = "", 0
        for write in self.writes():
            if write.lease:
                changes += bool(holder) and write.credential != holder
                holder = write.credential
            assert write.credential == holder, f"{write.what} at {write.at:%H:%M:%S.%f} by who does not hold the Lease"
        return changes

    # What every place wants of its operator

    def assert_steady(self) -> None:
        self.assert_never_crashed()

    def assert_never_crashed(self) -> None:
        for replica in self.alive:
            assert replica.process.code() is None, f"{replica} has ended:\n{replica.process.log()[-2000:]}"

    def logs(self) -> str:
        return "".join(f"{replica}:\n{replica.process.log()}" for replica in self._all)

    def process(self) -> Path:
        return Path("/proc") / str(self.alive[0].process.pid if self.alive else "self")
