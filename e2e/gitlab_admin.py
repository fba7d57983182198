"""The tests' and scripts' side of the stand-in for GitLab: its admin API as a class. Standard library only."""
from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from deadline import DeadlineMissed

NOT_IN_TIME = 408


class StandinError(Exception):
    """The stand-in refused, or is not there."""


class GitLabAdmin:
    """Every `wait` is a number of seconds that the stand-in may hold the answer until it is the wanted one, and
    DeadlineMissed when it is not by then."""

    def __init__(self, url: str, cafile: str | None = None) -> None:
        self.url = url.rstrip("/")
        self._context = ssl.create_default_context(cafile=cafile) if self.url.startswith("https") else None

    def call(self, method: str, path: str, body: object = None, wait: float = 0, query: dict | None = None) -> Any:
        """JSON answers as objects, all others as bytes."""
        query = {name: value for name, value in (query or {}).items() if value is not None}
        if wait:
            query["wait"] = wait
        address = f"{self.url}/-/standin{path}" + ("?" + urllib.parse.urlencode(query) if query else "")
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(address, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=wait + 30, context=self._context) as answer:
                content = answer.read()
                return json.loads(content) if answer.headers.get_content_type() == "application/json" else content
        except urllib.error.HTTPError as refused:
            text = refused.read().decode(errors="replace")
            if refused.code == NOT_IN_TIME:
                raise DeadlineMissed(f"not within {wait:.0f} s: {method} {path} with {query}") from None
            raise StandinError(f"{method} {path}: {refused.code} {text}") from None
        except OSError as problem:
            raise StandinError(f"nothing answers at {self.url}: {problem}") from None

    # The instance

    def state(self) -> dict:
        return self.call("GET", "/state")

    def settings(self, **changes: object) -> dict:
        """For example allow_runner_registration_token=False, legacy_tokens=30, url="https://my.gitlab.com"."""
        return self.call("PUT", "/settings", changes)

    def advance_clock(self, seconds: float) -> None:
        self.call("POST", "/clock", {"advance": seconds})

    def back_up(self) -> None:
        """The runners."""
        self.call("POST", "/backup", {})

    def restore(self) -> None:
        self.call("POST", "/restore", {})

    def reset(self) -> None:
        self.call("POST", "/reset", {})

    # Owners and access tokens

    def add_group(self, name: str, **columns: object) -> dict:
        return self.call("POST", "/groups", {"name": name, **columns})

    def change_group(self, group: int | str, **columns: object) -> dict:
        return self.call("PUT", f"/groups/{quoted(group)}", columns)

    def delete_group(self, group: int | str) -> None:
        self.call("DELETE", f"/groups/{quoted(group)}")

    def delete_project(self, project: int | str) -> None:
        """Its runners stay, without an owner."""
        self.call("DELETE", f"/projects/{quoted(project)}")

    def change_user(self, user: int, **columns: object) -> dict:
        return self.call("PUT", f"/users/{user}", columns)

    def add_project(self, name: str, **columns: object) -> dict:
        """Among the columns: registration_token, files (path → content), group_id."""
        return self.call("POST", "/projects", {"name": name, **columns})

    def change_project(self, project: int | str, **columns: object) -> dict:
        return self.call("PUT", f"/projects/{quoted(project)}", columns)

    def add_token(self, *scopes: str, **columns: object) -> dict:
        """columns: admin=True, or group_id=/project_id= with role="owner"; name, expires_at="2030-01-31", token."""
        return self.call("POST", "/tokens", {"scopes": scopes or ("api",), **columns})

    def change_token(self, token_id: int, **columns: object) -> dict:
        """For example revoked=True or expires_at="2020-01-01"."""
        return self.call("PUT", f"/tokens/{token_id}", columns)

    # Runners

    def runners(self, count: int | None = None, wait: float = 0) -> list[dict]:
        """With tokens, marks and managers; with count the stand-in waits until there are so many."""
        return self.call("GET", "/runners", wait=wait, query={"count": count})

    def runner(self, runner_id: int) -> dict:
        return self.call("GET", f"/runners/{runner_id}")

    def change_runner(self, runner_id: int, **columns: object) -> dict:
        return self.call("PUT", f"/runners/{runner_id}", columns)

    def delete_runner(self, runner_id: int) -> None:
        self.call("DELETE", f"/runners/{runner_id}")

    # Files, pipelines, jobs

    def push(self, project: int | str, files: dict[str, str | None], message: str = "Update files") -> str:
        return self.call("POST", f"/projects/{quoted(project)}/files", {"files": files, "message": message})["sha"]

    def start_pipeline(self, project: int | str, ref: str = "main") -> dict:
        return self.call("POST", f"/projects/{quoted(project)}/pipelines", {"ref": ref})

    def pipeline(self, pipeline_id: int, wait: float = 0, seen: dict | None = None) -> dict:
        """Waits for its end, or with an earlier answer as seen: for any change of its jobs' states."""
        states = seen and ",".join(job["status"] for job in seen["jobs"])
        return self.call("GET", f"/pipelines/{pipeline_id}", wait=wait, query={"seen": states})

    def jobs(self) -> list[dict]:
        return self.call("GET", "/jobs")

    def job(self, job_id: int, status: str | None = None, wait: float = 0) -> dict:
        return self.call("GET", f"/jobs/{job_id}", wait=wait, query={"status": status})

    def cancel_job(self, job_id: int) -> dict:
        return self.call("POST", f"/jobs/{job_id}/cancel")

    def trace(self, job_id: int) -> str:
        """Without colours and time stamps."""
        return self.call("GET", f"/jobs/{job_id}/trace").decode()

    def raw_trace(self, job_id: int) -> str:
        return self.call("GET", f"/jobs/{job_id}/trace", query={"raw": 1}).decode()

    def artifacts(self, job_id: int) -> bytes:
        return self.call("GET", f"/jobs/{job_id}/artifacts")

    # Looking behind the scenes

    def audit(self, method: str | None = None, path: str | None = None, status: int | None = None, since: int = 0,
              peer: str | None = None, answered: bool = True, count: int | None = None,
              wait: float = 0) -> list[dict]:
        """The calls so far, oldest first; method and path are regular expressions that match as a whole.

        answered=False: those that still wait for their answer, such as held polls.
        """
        query = {"method": method, "path": path, "status": status, "since": since, "peer": peer,
                 "answered": int(answered), "count": count}
        return self.call("GET", "/audit", query=query, wait=wait)

    def fault(self, kind: str, method: str = ".*", path: str = ".*", **order: object) -> dict:
        """Spoils the next matching call; see the README for kinds, and host=, asked=, count=, skip=, done=."""
        return self.call("POST", "/faults", {"kind": kind, "method": method, "path": path, **order})

    def faults(self, held: int | None = None, wait: float = 0) -> list[dict]:
        """With held the stand-in waits until so many calls are held."""
        return self.call("GET", "/faults", wait=wait, query={"held": held})

    def remove_fault(self, fault_id: int) -> None:
        self.call("DELETE", f"/faults/{fault_id}")

    def clear_faults(self) -> None:
        self.call("DELETE", "/faults")

    def invariants(self, living: list[str] | None = None) -> dict:
        """living: the uids of the objects that may have runners; the other marked runners count as leaked."""
        return self.call("POST", "/invariants", {"living": living})


def quoted(key: int | str) -> str:
    """A project or a group by number, or by its path."""
    return urllib.parse.quote(str(key), safe="")
