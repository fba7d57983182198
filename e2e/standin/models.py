"""What GitLab keeps: its rows as dataclasses, each with the rules that need no other row."""
from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from .waiting import Signal

ONLINE = timedelta(hours=2)
STALE = timedelta(days=7)
LEVELS = {"guest": 10, "reporter": 20, "developer": 30, "maintainer": 40, "owner": 50}
MARK = re.compile(r"gitlab-runners\.dev/uid=([0-9A-Za-z-]+)")


@dataclass
class Settings:
    """The application settings; admin endpoint and command line may change each of them."""
    version: str = "19.3.1-ee"
    revision: str = "abcdef01"
    url: str = ""  # GitLab's external_url; empty: as the client wrote it
    registration_token: str = ""  # the instance's
    allow_runner_registration_token: bool = True
    valid_runner_registrars: list[str] = field(default_factory=lambda: ["group", "project"])
    runner_token_expiration_interval: int | None = None
    long_poll_seconds: float = 2.0
    trace_update_interval: int = 1
    executing_migrations: bool = False
    runner_limit: int = 1000  # per group and per project
    legacy_tokens: int = 0  # 0, 20 or 30; see tokens.runner_token
    routable_tokens: int = 0  # of so many characters; 0: they are not routable
    resets_itself: bool = True  # whether a runner may have its own token replaced
    rotation_deadline_passed: bool = False
    orphans_are_told: bool = True  # as some releases do: a project or group runner without an owner is a 422 of its own
    allowed_addresses: list[str] | None = None  # None: all
    throttle_unauthenticated: int = 0  # requests a minute and address, 0: no end …
    throttle_authenticated: int = 0  # … and user


@dataclass
class User:
    id: int
    username: str
    name: str
    admin: bool = False
    blocked: bool = False


@dataclass
class AccessToken:
    id: int
    token: str
    user_id: int
    name: str
    scopes: list[str]
    created_at: datetime
    expires_at: date | None = None
    revoked: bool = False
    last_used_at: datetime | None = None

    def expired(self, today: date) -> bool:
        return self.expires_at is not None and self.expires_at <= today


@dataclass
class Group:
    id: int
    name: str
    path: str
    parent_id: int | None = None
    runners_token: str = ""
    allow_runner_registration_token: bool = True  # heeded in top-level groups
    runner_registration_enabled: bool = True
    runner_token_expiration_interval: int | None = None
    members: dict[int, int] = field(default_factory=dict)  # user → level


@dataclass
class Project:
    id: int
    name: str
    path: str  # with its namespace
    group_id: int | None = None
    runners_token: str = ""
    runner_registration_enabled: bool = True
    runner_token_expiration_interval: int | None = None
    shared_runners_enabled: bool = True
    members: dict[int, int] = field(default_factory=dict)


def status_by_contact(created: datetime, contacted: datetime | None, now: datetime) -> str:
    """The status that follows from the last contact alone; runners and managers share it."""
    if max(created, contacted or created) <= now - STALE:
        return "stale"
    if contacted is None:
        return "never_contacted"
    return "online" if contacted > now - ONLINE else "offline"


@dataclass
class Manager:
    """One gitlab-runner process, told apart by its system_id."""
    id: int
    system_id: str
    created_at: datetime
    contacted_at: datetime
    version: str | None = None
    revision: str | None = None
    platform: str | None = None
    architecture: str | None = None
    executor: str | None = None
    ip_address: str | None = None

    def status(self, now: datetime) -> str:
        return status_by_contact(self.created_at, self.contacted_at, now)


@dataclass
class Runner:
    id: int
    token: str
    token_expires_at: datetime | None
    runner_type: str
    registration_type: str  # registration_token or authenticated_user
    created_at: datetime
    updated_at: datetime
    queue_value: str
    group_id: int | None = None
    project_ids: list[int] = field(default_factory=list)
    creator_id: int | None = None
    description: str | None = None
    maintenance_note: str | None = None
    name: str | None = None
    paused: bool = False
    locked: bool = False
    run_untagged: bool = True
    tag_list: list[str] = field(default_factory=list)
    access_level: str = "not_protected"
    maximum_timeout: int | None = None
    contacted_at: datetime | None = None
    managers: dict[str, Manager] = field(default_factory=dict)
    ticked: Signal = field(default_factory=Signal, repr=False, compare=False)

    def status(self, now: datetime) -> str:
        status = status_by_contact(self.created_at, self.contacted_at, now)
        if self.paused and status not in ("stale", "never_contacted"):
            return "paused"
        return status

    def online(self, now: datetime) -> bool | None:
        return None if self.contacted_at is None else self.contacted_at > now - ONLINE

    def token_expired(self, now: datetime) -> bool:
        return self.token_expires_at is not None and self.token_expires_at <= now

    def mark(self) -> str | None:
        """The uid of the object that a controller made this runner for."""
        found = MARK.search(self.maintenance_note or "") or MARK.search(self.description or "")
        return found[1] if found else None

    def newest_manager(self) -> Manager | None:
        return max(self.managers.values(), key=lambda m: m.contacted_at, default=None)


@dataclass
class Job:
    id: int
    pipeline_id: int
    project_id: int
    name: str
    stage: str
    token: str
    created_at: datetime
    script: list[str]
    after_script: list[str] = field(default_factory=list)
    image: dict | None = None
    services: list[dict] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    cache: list[dict] = field(default_factory=list)
    artifacts: dict | None = None
    allow_failure: bool = False
    status: str = "created"
    failure_reason: str | None = None
    exit_code: int | None = None
    runner_id: int | None = None
    system_id: str | None = None
    queued_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    trace: bytearray = field(default_factory=bytearray, repr=False)
    archive: bytes | None = field(default=None, repr=False)
    archive_name: str = ""

    def finished(self) -> bool:
        return self.status in ("success", "failed", "canceled", "skipped")


@dataclass
class Pipeline:
    id: int
    project_id: int
    ref: str
    sha: str
    title: str  # of the commit
    stages: list[str]
    created_at: datetime
    protected: bool
    jobs: list[Job] = field(default_factory=list)
