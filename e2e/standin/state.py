"""The whole state of one GitLab in memory, and the look-ups and changes that span its rows."""
from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

from . import tokens
from .clock import Clock
from .models import (AccessToken, Group, Job, LEVELS, Manager, Pipeline, Project, Runner, Settings, User)
from .waiting import Signal


class State:
    def __init__(self, data: Path, defaults: dict | None = None) -> None:
        self.data = data
        self.defaults = defaults or {}
        self.changed = Signal()
        self.reset()

    def reset(self) -> None:
        """As freshly installed: one administrator, nothing else."""
        self.settings = Settings(**self.defaults)
        self.settings.registration_token = self.settings.registration_token or tokens.registration_token()
        self.clock = Clock()
        self.users: dict[int, User] = {}
        self.access_tokens: dict[int, AccessToken] = {}
        self.groups: dict[int, Group] = {}
        self.projects: dict[int, Project] = {}
        self.runners: dict[int, Runner] = {}
        self.runner_of_token: dict[str, Runner] = {}
        self.jobs: dict[int, Job] = {}
        self.pipelines: dict[int, Pipeline] = {}
        self.births: list[tuple[int, str | None]] = []  # runner id and mark, also of deleted runners
        self.refused_tokens: Counter[str] = Counter()
        self._ids = {kind: count(1) for kind in
                     ("user", "access_token", "group", "project", "runner", "manager", "job", "pipeline")}
        self.root = self.add_user("root", admin=True)
        self.back_up()

    def now(self) -> datetime:
        return self.clock.now()

    def back_up(self) -> None:
        """Its runners, and which number the next one gets."""
        self._backup = copy.deepcopy((self.runners, self._ids["runner"], self._ids["manager"]))

    def restore(self) -> None:
        """What they have become since then is unknown, and numbers are given a second time."""
        self.runners, self._ids["runner"], self._ids["manager"] = copy.deepcopy(self._backup)
        self.runner_of_token = {runner.token: runner for runner in self.runners.values()}
        for runner in self.runners.values():
            self.tick(runner)

    def next_id(self, kind: str) -> int:
        return next(self._ids[kind])

    # Users and what they may do

    def add_user(self, username: str, admin: bool = False) -> User:
        name = "Administrator" if username == "root" else username.replace("_", " ").title()
        user = User(self.next_id("user"), username, name, admin)
        self.users[user.id] = user
        return user

    def find_access_token(self, token: str) -> AccessToken | None:
        return next((t for t in self.access_tokens.values() if t.token == token), None)

    def with_ancestors(self, group_id: int | None) -> list[Group]:
        """The group and the groups above it, nearest first."""
        chain = []
        while group_id is not None:
            chain.append(self.groups[group_id])
            group_id = chain[-1].parent_id
        return chain

    def group_level(self, user: User, group_id: int | None) -> int:
        return max((g.members.get(user.id, 0) for g in self.with_ancestors(group_id)), default=0)

    def project_level(self, user: User, project: Project) -> int:
        return max(project.members.get(user.id, 0), self.group_level(user, project.group_id))

    def may_update(self, user: User, runner: Runner) -> bool:
        if user.admin:
            return True
        if runner.runner_type == "group_type":
            return self.group_level(user, runner.group_id) >= LEVELS["owner"]
        owner = self.owner_project(runner)
        return owner is not None and self.project_level(user, owner) >= LEVELS["maintainer"]

    def may_read(self, user: User, runner: Runner) -> bool:
        if user.admin or runner.runner_type == "instance_type":
            return True
        maintainer = LEVELS["maintainer"]
        if runner.runner_type == "project_type":
            return any(self.project_level(user, self.projects[i]) >= maintainer for i in runner.project_ids)
        heirs = [p for p in self.projects.values()
                 if runner.group_id in [g.id for g in self.with_ancestors(p.group_id)]]
        return (self.group_level(user, runner.group_id) >= maintainer
                or any(self.project_level(user, p) >= maintainer for p in heirs))

    # Runners

    def serves(self, runner: Runner, project: Project) -> bool:
        """Whether a project's jobs may go to this runner at all."""
        if runner.runner_type == "instance_type":
            return project.shared_runners_enabled
        if runner.runner_type == "project_type":
            return project.id in runner.project_ids
        return runner.group_id in [group.id for group in self.with_ancestors(project.group_id)]

    def owner_project(self, runner: Runner) -> Project | None:
        return self.projects[runner.project_ids[0]] if runner.project_ids else None

    def add_runner(self, runner_type: str, registration_type: str, attributes: dict) -> Runner:
        """Attributes are the runner's own columns, valid already."""
        now = self.now()
        runner = Runner(
            id=self.next_id("runner"), token="", token_expires_at=None, runner_type=runner_type,
            registration_type=registration_type, created_at=now, updated_at=now,
            queue_value=tokens.queue_value(), **attributes)
        self.renew_token(runner)
        self.runners[runner.id] = runner
        self.births.append((runner.id, runner.mark()))
        self.changed.fire()
        return runner

    def renew_token(self, runner: Runner) -> None:
        """The old token is dead from here on."""
        self.runner_of_token.pop(runner.token, None)
        by_user = runner.registration_type == "authenticated_user"
        runner.token = tokens.runner_token(runner.runner_type, by_user, self.settings.legacy_tokens,
                                           self.settings.routable_tokens)
        self.runner_of_token[runner.token] = runner
        interval = self.token_lifetime(runner)
        runner.token_expires_at = None if interval is None else self.now() + timedelta(seconds=interval)
        self.tick(runner)

    def token_lifetime(self, runner: Runner) -> int | None:
        """The smallest interval of all that apply, in seconds."""
        if runner.runner_type == "instance_type":
            return self.settings.runner_token_expiration_interval
        owners: list[Group | Project] = list(self.with_ancestors(runner.group_id))
        for project in (self.projects[i] for i in runner.project_ids):
            owners += [project, *self.with_ancestors(project.group_id)]
        return min((o.runner_token_expiration_interval for o in owners
                    if o.runner_token_expiration_interval is not None), default=None)

    def find_runner(self, token: str | None) -> Runner | None:
        """The runner of a living token; an expired token is as unknown as a made-up one."""
        runner = self.runner_of_token.get(token or "")
        if runner is not None and not runner.token_expired(self.now()):
            return runner
        self.refused_tokens[str(token)] += 1
        return None

    def delete_runner(self, runner: Runner) -> None:
        del self.runners[runner.id]
        del self.runner_of_token[runner.token]
        self.tick(runner)

    def is_orphaned(self, runner: Runner) -> bool:
        """Its project or group was deleted."""
        owned = bool(runner.project_ids) if runner.runner_type == "project_type" else runner.group_id is not None
        return runner.runner_type != "instance_type" and not owned

    def delete_project(self, project: Project) -> None:
        """Its runners stay, and are nobody's if no other project has them."""
        del self.projects[project.id]
        for runner in self.runners.values():
            if project.id in runner.project_ids:
                runner.project_ids.remove(project.id)
                self.tick(runner)

    def delete_group(self, group: Group) -> None:
        """With all that is below it."""
        for project in [p for p in self.projects.values() if p.group_id == group.id]:
            self.delete_project(project)
        for below in [g for g in self.groups.values() if g.parent_id == group.id]:
            self.delete_group(below)
        del self.groups[group.id]
        for runner in self.runners.values():
            if runner.group_id == group.id:
                runner.group_id = None
                self.tick(runner)

    def heartbeat(self, runner: Runner, system_id: str | None, info: dict, address: str | None = None) -> Manager:
        """A sign of life from one manager; runners that name no system share the manager <legacy>."""
        now = self.now()
        system_id = system_id or "<legacy>"
        manager = runner.managers.get(system_id)
        if manager is None:
            manager = runner.managers[system_id] = Manager(self.next_id("manager"), system_id, now, now)
        runner.contacted_at = manager.contacted_at = now
        for key in ("version", "revision", "platform", "architecture", "executor"):
            if info.get(key):
                setattr(manager, key, str(info[key]))
        manager.ip_address = address or manager.ip_address
        self.changed.fire()
        return manager

    def tick(self, runner: Runner) -> None:
        """Something changed for this runner: a waiting poll returns."""
        runner.queue_value = tokens.queue_value()
        runner.ticked.fire()
        self.changed.fire()

    def running_jobs(self, runner: Runner, system_id: str | None = None) -> list[Job]:
        return [j for j in self.jobs.values() if j.runner_id == runner.id and j.status == "running"
                and system_id in (None, j.system_id)]

    # Look-ups by what clients write in paths

    def find_group(self, key: str) -> Group | None:
        return _by_id_or_path(self.groups.values(), key)

    def find_project(self, key: str) -> Project | None:
        return _by_id_or_path(self.projects.values(), key)

    def describe(self) -> dict:
        """Everything but jobs and runners, for tests to look at."""
        return {"settings": asdict(self.settings), "now": self.now(), **{
            name: [asdict(row) for row in getattr(self, name).values()]
            for name in ("users", "access_tokens", "groups", "projects")}}


def _by_id_or_path(rows: Iterable, key: str):
    return next((row for row in rows if key in (str(row.id), row.path)), None)
