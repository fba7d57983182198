"""What judges a change: the unit tests, and some stories of the simulation (tests/sim). How they are compiled and linked."""
import contextlib
import functools
import json
import os
import pathlib
import resource
import shlex
import signal
import subprocess
import tempfile
import time

# The worlds' own tests try more of them than tell anything new here.
ENVIRONMENT = os.environ | {"WORLDS": "60", "CRASHED_WORLDS": "2", "CCACHE_DISABLE": "1"}
# What has no value at the end of a function is undefined, and no build of ours takes it: other warnings are but told.
REFUSED = "-Werror=return-type"
ARGUMENTS = {"simulate": ["--seed", "1", "--count", "100", "--shown", "0"]}


@functools.cache
def names():
    told = subprocess.run(["make", "-s", "unit-names"], check=True, capture_output=True, text=True).stdout
    return (*told.split(), "simulate")


def ended(program, name, cpu, wall, env, memory=None):
    """Its exit code; "time" when it has taken more than it may."""
    limits = [f"--cpu={cpu}", "--core=0", *([f"--as={memory}"] if memory else [])]
    with subprocess.Popen(["prlimit", *limits, program, *ARGUMENTS.get(name, [])], env=env, stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True) as process:
        try:
            code = process.wait(wall)
        except subprocess.TimeoutExpired:
            code = "time"
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # with what it has started
    return "time" if code in (-signal.SIGXCPU, -signal.SIGKILL) else code


class Unlinkable(Exception):
    """A change of what is exported, or not any more."""


class Build:
    """The programs, compiled and linked in one of make's variants, in a folder of their own."""

    def __init__(self, folder, flags, memory=None, names=names()):
        self.folder, self.flags, self.memory, self.names = pathlib.Path(folder), flags, memory, names
        self.commands, self.unchanged = functools.cache(self._commands), functools.cache(self._unchanged)

    def path(self, name):
        return self.folder / name if name == "simulate" else self.folder / "tests" / name

    def run_make(self, *options, targets):
        command = ["make", *options, f"B={self.folder}", "COMMIT=any", *self.flags, *map(str, targets)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def make_objects(self):
        """Enough to link programs with another object among them."""
        self.run_make("-s", targets=[made for made in self.commands() if made.endswith(".o")])

    def make_programs(self):
        self.run_make("-s", targets=map(self.path, self.names))

    def _commands(self):
        """{what is made: its command}, as make would run it."""
        told = self.run_make("-n", "-B", targets=map(self.path, self.names))
        lines = [shlex.split(line) for line in told.replace("\\\n", " ").splitlines() if " -o " in line]
        return {words[words.index("-o") + 1]: words for words in lines}

    def object_of(self, file):
        return f"{self.folder}/obj/{pathlib.Path(file).relative_to('controller').with_suffix('.o')}"

    def compiled(self, text, file, *flags):
        """The object that this text makes in the place of the file's; None when it cannot be compiled."""
        words = [word for word in self.commands()[self.object_of(file)] if word not in ("-MMD", "-MP", file)]
        with tempfile.NamedTemporaryFile(suffix=".o") as made:
            words[words.index("-o") + 1] = made.name
            said = subprocess.run([*words, REFUSED, *flags, "-x", "c", "-"], input=f'#line 1 "{file}"\n{text}'.encode(),
                                  capture_output=True, env=ENVIRONMENT)
            return made.read() if said.returncode == 0 else None

    def _unchanged(self, file, *flags):
        return self.compiled(pathlib.Path(file).read_text(), file, *flags)

    def link(self, name, file, instead, to):
        """Links a program with another object in the place of the file's; raises Unlinkable."""
        words = list(self.commands()[str(self.path(name))])
        words[words.index("-o") + 1] = str(to)
        words = [str(instead) if word == self.object_of(file) else word for word in words]
        if subprocess.run([*words, "-fuse-ld=gold"], capture_output=True, env=ENVIRONMENT).returncode != 0:
            raise Unlinkable

    def ended(self, program, name, cpu, wall):
        return ended(program, name, cpu, wall, ENVIRONMENT, self.memory)

    def measured(self, name):
        before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        if self.ended(self.path(name), name, 600, 600) != 0:
            return None
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return [after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, time.monotonic() - begin]

    def seconds(self, name):
        """What it takes as it is: of the processor, and of time. None when it fails."""
        kept = self.folder / "seconds" / f"{name}.json"
        if not kept.exists() or kept.stat().st_mtime < self.path(name).stat().st_mtime:
            kept.parent.mkdir(exist_ok=True)
            kept.write_text(json.dumps(self.measured(name)))
        return json.loads(kept.read_text())


PLAIN = Build("build/mutate", ["CFLAGS=-O1", "VARIANT_CFLAGS=-DSLOWNESS=4", "VARIANT_LDFLAGS=", "WERROR="], memory=4 << 30)
# Without optimization each line is one; libm's functions are called then.
LINES = Build("build/mutate-lines", ["CFLAGS=-O0 -g", "VARIANT_CFLAGS=--coverage -DSLOWNESS=4",
                                     "VARIANT_LDFLAGS=--coverage -Wl,--no-as-needed -lm"])
SANE = "-fsanitize=address,undefined"  # as `make unit` has them
ASAN = Build("build/asan", ["CFLAGS=-O1 -g", f"VARIANT_CFLAGS={SANE} -fno-sanitize-recover=all -fno-omit-frame-pointer",
                            f"VARIANT_LDFLAGS={SANE}", "WERROR="], names=[name for name in names() if name != "simulate"])
