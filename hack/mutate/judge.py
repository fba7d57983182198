"""What becomes of a change."""
import math
import pathlib
import tempfile
import threading

from . import coverage, programs

# A change that these levels make the same code of is none, though the compiler needs more effort to see it.
LEVELS = ["-O2", "-O3"]
# Nor do we count what only asserts, checks of steps or logs differ by: we do not hold their words to anything.
SILENT = ["-DNDEBUG", "-include", "hack/mutate/quiet.h"]
FEW = 6  # programs under ASan: they are slow to link, and what leaks does so in most
SLOW = 20  # seconds of the processor: who takes longer is not asked


class Jury:
    """The programs of one build, and how long each of them may take."""

    def __init__(self, build, usual, times, more):
        self.build, self.usual, self.times, self.more = build, usual, times, more
        self.sound, self.lock = {}, threading.Lock()

    def is_sound(self, name):
        """It passes as it is; asked once it has noticed something."""
        with self.lock:
            if name not in self.sound:
                program = self.build.path(name)
                self.build.run_make("-s", targets=[program])
                self.sound[name] = self.build.ended(program, name, 600, 600) == 0
                if not self.sound[name]:
                    print(f"  {name}: fails as it is, and is not asked", flush=True)
            return self.sound[name]

    def notices(self, name, file, instead):
        cpu, wall = self.usual[name]
        with tempfile.TemporaryDirectory() as folder:
            program = pathlib.Path(folder, name)
            self.build.link(name, file, instead, program)
            return self.build.ended(program, name, math.ceil(self.times * cpu + self.more), 20 + 10 * self.times * wall) != 0

    def killer(self, mutant, code, names, most=None):
        """The quick ones first, stories last; at most so many."""
        order = sorted(set(names) & set(self.usual), key=lambda name: (name == "simulate", self.usual[name]))
        with tempfile.NamedTemporaryFile(suffix=".o") as instead:
            instead.write(code)
            instead.flush()
            for name in order[:most]:
                if self.sound.get(name, True) and self.notices(name, mutant.file, instead.name) and self.is_sound(name):
                    return name
        return None


class Judge:
    def __init__(self):
        programs.PLAIN.make_programs()
        programs.ASAN.make_objects()
        measured = {name: programs.PLAIN.seconds(name) for name in programs.names()}
        usual = {name: seconds for name, seconds in measured.items() if seconds and seconds[0] < SLOW}
        self.plain, self.asan = Jury(programs.PLAIN, usual, 3, 1), Jury(programs.ASAN, usual, 20, 10)
        self.coverage = coverage.Coverage()

    def names(self, mutant):
        return self.coverage.programs_of(mutant.file, mutant.line)

    def asan_killer(self, mutant):
        """Leaks are seen by ASan alone; it judges what the others have let pass."""
        code = programs.ASAN.compiled(mutant.source(), mutant.file)
        return code and self.asan.killer(mutant, code, set(self.names(mutant)) & set(programs.ASAN.names), FEW)

    @staticmethod
    def is_same(mutant, *flags):
        code = programs.PLAIN.compiled(mutant.source(), mutant.file, *flags)
        return code is not None and code == programs.PLAIN.unchanged(mutant.file, *flags)

    def verdict(self, mutant):
        try:
            return self.verdict_of_linkable(mutant)
        except programs.Unlinkable:
            return "none", None

    def verdict_of_linkable(self, mutant):
        """`killed` and by whom, `survived`; `none`: it cannot be compiled, or is the same code; `silent`: only asserts or logs
        differ."""
        code = programs.PLAIN.compiled(mutant.source(), mutant.file)
        if code is None or code == programs.PLAIN.unchanged(mutant.file):
            return "none", None
        if killer := self.plain.killer(mutant, code, self.names(mutant)):
            return "killed", killer
        if any(self.is_same(mutant, level) for level in LEVELS):
            return "none", None
        if self.is_same(mutant, *SILENT):
            return "silent", None
        killer = self.asan_killer(mutant)
        return ("killed", killer) if killer else ("survived", None)
