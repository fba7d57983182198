"""One flow's runners, each killed once in every phase of its life, and what became of them."""
from __future__ import annotations

import difflib
from collections import Counter
from dataclasses import dataclass, field

from cluster import wait_for
from deadline import DeadlineMissed
from gitlab_admin import GitLabAdmin
from machinery.kills import Kill, Point, Tracks, Traps, both_sides
from machinery.lives import Life, Row, anonymous, left_of, shape
from machinery.stage import Stage, collection, some_of
from places import assert_token_is_in_use
from proxy.streams import Late
from secrecy import contents

AT_ONCE = 20                # runners that are held at their points, and lose their operator, at the same time
RECOVERY = 60.0             # seconds; a token that is lost in a rotation needs two refusals, 15 s apart
QUIET = 0.6
SEEN_LATE = 0.4
LOST = {"PossibleOrphan", "RunnerLost"}     # Events that tell of a runner at GitLab whose token nobody has


@dataclass
class Tally:
    """Of one flow; a point is one kill before or after one request."""
    points: int = 0
    equal: int = 0
    further: Counter[int] = field(default_factory=Counter)  # writes beside those of an undisturbed life → points
    lost: int = 0           # points at which GitLab had a runner, or a token, that was in no Secret
    warned: int = 0         # Events that a runner may be lost
    reported: int = 0       # runners that were: nobody can find them again, and an Event says so
    leaked: int = 0         # … and no Event does
    doubled: int = 0        # runners that were registered though the first could have been found
    unmarked: int = 0       # runners that are nobody's: without a mark, and none that somebody gave us

    HEAD = "points  equal  further writes at points     lost  warned  reported  leaked  doubled  unmarked"

    def __str__(self) -> str:
        further = " ".join(f"{number:+d}:{points}" for number, points in sorted(self.further.items())) or "none"
        return (f"{self.points:6}  {self.equal:5}  {further:24}  {self.lost:6}  {self.warned:6}  {self.reported:8}  "
                f"{self.leaked:6}  {self.doubled:7}  {self.unmarked:8}")


SUMMARY: dict[str, Tally] = {}      # of this session, by flow


@dataclass(frozen=True)
class Phase:
    """As it goes undisturbed."""
    points: tuple[Point, ...]
    writes: int
    births: int             # runners that were registered
    end: str
    row: str                # of the runner at GitLab

    def kills(self) -> list[Kill]:
        return both_sides(self.points)


@dataclass(frozen=True)
class At:
    """Where a runner was when its operator died."""
    phase: str
    name: str
    kill: Kill | None
    lost: bool              # its token was in no Secret

    def __str__(self) -> str:
        return f"{self.phase} of {self.name}, killed {self.kill}"


class Campaign:
    def __init__(self, stage: Stage, life: Life) -> None:
        self.stage, self.life, self.tally = stage, life, Tally()
        self.recovery = RECOVERY
        self.record: dict[str, Phase] = {}
        self._number = 0
        self._uids: dict[str, str] = {}
        self._born: Counter[str] = Counter()    # by name, until the end of the last phase
        self._told: Counter[str] = Counter()
        # That a new Deployment is at rest is seen a while after it was written, so there is always a status in between.
        stage.proxy.add(Late(SEEN_LATE), "GET", collection("deployments"), "watch", count=None)

    @property
    def gitlabs(self) -> list[GitLabAdmin]:
        return self.stage.gitlabs

    def _names(self, count: int) -> list[str]:
        first, self._number = self._number, self._number + count
        return [f"k{number:03}" for number in range(first, self._number)]

    # Undisturbed

    def record_a_life(self) -> None:
        name, = self._names(1)
        for phase in self.life.phases:
            self.stage.operator.start()
            self.stage.mark()
            tracks = Tracks(self.stage)
            self._enter(phase, name)
            self.life.wait(phase, name)
            self.stage.wait_quiet()
            self.stage.operator.stop()
            self.life.must_be(phase, name)
            rows = self._rows(name)
            points = tuple(filter(self.life.is_killed_at, tracks.points(name)))
            self.record[phase] = Phase(points, tracks.carried_out(name), self._births(name),
                                       self._shape(name), self._about(name, rows))
            assert len(rows) == self._expected(phase), f"{phase} has led to {rows}"

    def _shape(self, name: str) -> str:
        return shape(self.life.runner(name), self.life.jobs)

    def _enter(self, phase: str, name: str) -> None:
        self.life.enter(phase, name)
        self._uids.setdefault(name, self.life.runner(name).uid() if phase == "create" else "")

    def _expected(self, phase: str) -> int:
        """Runners that we have registered."""
        return int(self.life.ours and phase != "delete")

    def _rows(self, name: str) -> list[Row]:
        return [row for row in Row.all_of(self.gitlabs) if row.mark == self._uids[name]]

    def _about(self, name: str, rows: list[Row]) -> str:
        return anonymous(str([(row.gitlab, row.about) for row in rows]), self._uids[name])

    def _births(self, name: str) -> int:
        """Since it was asked last."""
        ever = sum(len(gitlab.invariants()["ever_registered"].get(self._uids[name], [])) for gitlab in self.gitlabs)
        before, self._born[name] = self._born[name], ever
        return ever - before

    # Killed

    def run(self, most: int) -> None:
        """At so many points of every phase. A life goes on after a kill, to be disturbed again in the next phase."""
        kills = {phase: some_of(record.kills(), most) for phase, record in self.record.items()}
        longest = max(map(len, kills.values()))
        for first in range(0, longest, AT_ONCE):
            self._lives({phase: those[first:first + AT_ONCE] for phase, those in kills.items()})

    def _lives(self, kills: dict[str, list[Kill]]) -> None:
        names = self._names(max(map(len, kills.values())))
        for phase in self.life.phases:
            self._phase(phase, names, dict(zip(names, kills[phase])))

    def _phase(self, phase: str, names: list[str], kills: dict[str, Kill]) -> None:
        self.stage.operator.start()
        self.stage.mark()
        tracks = Tracks(self.stage)
        traps = Traps(self.stage, kills)
        for name in kills:
            self._enter(phase, name)
        traps.wait()
        self.stage.operator.assert_steady()
        self.stage.operator.kill()
        traps.remove()
        lost = self._lost(kills)
        self.stage.operator.start()
        for name in names[len(kills):]:         # undisturbed
            self._enter(phase, name)
        differences = {name: self._difference_at_the_end(phase, name) for name in names}
        self.stage.wait_quiet(QUIET)
        self.stage.operator.stop()
        for name in names:
            at = At(phase, name, kills.get(name), name in lost)
            self._count(at, tracks, not differences[name])
            assert not differences[name], f"{at}: another end\n{differences[name]}"
            self._judge(at)

    def _lost(self, kills: dict[str, Kill]) -> set[str]:
        """Whose token is in no Secret, now that the operator is dead."""
        if not self.life.ours:
            return set()
        known = {contents(item).get("runner-token") for item in self.stage.kube.list("Secret", self.stage.name)}
        unknown = {row.mark for row in Row.all_of(self.gitlabs) if row.token not in known}
        return {name for name in kills if self._uids[name] in unknown}

    def _difference_at_the_end(self, phase: str, name: str) -> str:
        """To the recorded end, when it has not been reached in time."""
        wanted = self.record[phase].end
        try:
            wait_for("the same end", lambda: self._shape(name) == wanted, self.recovery)
        except DeadlineMissed:
            return "\n".join(difflib.unified_diff(wanted.splitlines(), self._shape(name).splitlines(), lineterm=""))
        if phase == "delete":
            wait_for("its children are gone", lambda: not left_of(self.life.runner(name), self.life.jobs))
        return ""

    def _count(self, at: At, tracks: Tracks, equal: bool) -> None:
        if at.kill:
            self.tally.points += 1
            self.tally.equal += equal
            self.tally.lost += at.lost
            further = tracks.carried_out(at.name) - self.record[at.phase].writes
            self.tally.further[further] += 1
            assert further <= (self.life.repair if at.lost else self.life.slack), f"{at}: {further} further writes"

    def _judge(self, at: At) -> None:
        """What is at GitLab; what nobody can find there any more is removed, as the Event asks for."""
        rows, record, notes = self._rows(at.name), self.record[at.phase], self._notes(at.name)
        good = [row for row in rows if at.phase != "delete" and self._is_in_use(at.name, row)]
        stray = [row for row in rows if row not in good]
        untold = [row for row in stray if not any(is_told(row, note) for note in notes)]
        births = self._births(at.name) - record.births - (len(stray) if at.lost else 0)
        self.tally.warned += len(notes)
        self.tally.reported += len(stray) - len(untold)
        self.tally.leaked += len(untold)
        self.tally.doubled += max(0, births)
        assert len(good) == self._expected(at.phase) and self._about(at.name, good) == record.row, f"{at}: {rows}"
        assert not untold and births <= 0, f"{at}: {stray} is left behind, or was registered without need"
        assert len(stray) <= (at.lost and self.life.may_lose), f"{at}: {stray}"
        self._judge_theirs(at)
        for row in stray:
            self.gitlabs[row.gitlab].delete_runner(row.id)

    def _judge_theirs(self, at: At) -> None:
        """The runners that are not ours, and none that is nobody's."""
        nobodys = [row for row in Row.all_of(self.gitlabs)
                   if not row.mark and (row.gitlab, row.id, row.token) not in self.life.theirs]
        self.tally.unmarked += len(nobodys)
        assert not nobodys, f"{at}: {nobodys} carries no mark"
        if at.phase != "delete":
            assert_token_is_in_use(self.life.runner(at.name), self.gitlabs)
            assert self.life.runner(at.name).token() == self.life.token(at.name), f"{at}: it has another token"
        assert self.life.theirs <= {(row.gitlab, row.id, row.token) for row in Row.all_of(self.gitlabs)}, at

    def _is_in_use(self, name: str, row: Row) -> bool:
        runner = self.life.runner(name)
        return row.id == runner.status()["runnerId"] and row.token == runner.token()

    def _notes(self, name: str) -> list[str]:
        """Of the Events that tell of a lost runner, those that are new."""
        notes = [event["note"] for event in self.life.runner(name).events() if event["reason"] in LOST]
        before, self._told[name] = self._told[name], len(notes)
        return notes[before:]


def is_told(row: Row, note: str) -> bool:
    """By its mark, or by its number."""
    return f"gitlab-runners.dev/uid={row.mark}" in note or f"runner {row.id} " in note
