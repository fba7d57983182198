"""Draws changes by lot, builds the program with each, and runs the unit tests that run the changed line, the quick ones
first. What none of them notices has survived, and is listed.

A change that leads to the same object code is none, and one that does not compile neither. Those of `equivalent`, a file
beside this, are left out, too: each stands there with its reason.
"""
import concurrent.futures
import functools
import os
import pathlib
import random
import shlex
import subprocess
import sys
import tempfile

from . import coverage, mutants

BUILD = pathlib.Path("build/mutate")
FLAGS = ["CFLAGS=-O1", "VARIANT_CFLAGS=", "VARIANT_LDFLAGS=", "WERROR=-w"]
FOLDERS = ("runner", "operator", "gitlab", "kube/watch.c", "kube/watch_event.c", "kube/watch_list.c", "kube/watch_state.c",
           "kube/watch_stream.c", "kube/store.c", "kube/queue.c", "kube/lease.c", "kube/client.c")
GENERATED = {"crd_shape.c", "config_keys.c", "go_tables.c", "features.c", "kube_names.c"}  # tables
EQUIVALENT = pathlib.Path(__file__).with_name("equivalent")


@functools.cache
def commands():
    """{what is made: its command}, as make would run it."""
    told = subprocess.run(["make", "-n", "-B", f"B={BUILD}", *FLAGS, *coverage.programs(BUILD)], check=True,
                          capture_output=True, text=True).stdout.replace("\\\n", " ")
    lines = [shlex.split(line) for line in told.splitlines() if " -o " in line and " -c " in line or " -o build/" in line]
    return {words[words.index("-o") + 1]: words for words in lines}


def compiled(source, object_file, to):
    """Builds the object from another source; tells whether that can be."""
    words = list(commands()[object_file])
    words[words.index("-o") + 1] = str(to)
    words[-1] = str(source)
    words = [word for word in words if word not in ("-MMD", "-MP")] + ["-w"]
    return subprocess.run(words, capture_output=True).returncode == 0


def linked(test, object_file, instead, to):
    words = list(commands()[f"{BUILD}/tests/{test}"])
    words[words.index("-o") + 1] = str(to)
    subprocess.run([str(instead) if word == object_file else word for word in words], check=True, capture_output=True)


def notices(program, limit):
    try:
        return subprocess.run([program], env=os.environ | coverage.FEW, timeout=limit, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL).returncode != 0
    except subprocess.TimeoutExpired:
        return True


class Judge:
    def __init__(self):
        self.tests = coverage.lines_by_test()
        coverage.make(BUILD, *coverage.programs(BUILD), flags=FLAGS)
        self.seconds = {pathlib.Path(program).name: coverage.seconds(program) for program in coverage.programs(BUILD)}

    def verdict(self, mutant):
        """killed, survived, none (cannot be built, or is the same)"""
        object_file = f"{BUILD}/obj/{pathlib.Path(mutant.file).relative_to('controller').with_suffix('.o')}"
        tests = sorted(self.tests[mutant.file].get(mutant.line, []), key=self.seconds.get)
        with tempfile.TemporaryDirectory() as folder:
            source, instead, program = (pathlib.Path(folder, name) for name in ("mutant.c", "mutant.o", "program"))
            source.write_text(f'#line 1 "{mutant.file}"\n' + mutant.source())
            if not compiled(source, object_file, instead) or self.is_same(mutant, object_file, instead, folder):
                return "none"
            for test in tests:
                linked(test, object_file, instead, program)
                if notices(program, 5 + 10 * self.seconds[test]):
                    return "killed"
        return "survived"

    @staticmethod
    def is_same(mutant, object_file, instead, folder):
        source, same = pathlib.Path(folder, "mutant.c"), pathlib.Path(folder, "same.o")
        made = source.read_text()
        source.write_text(f'#line 1 "{mutant.file}"\n' + pathlib.Path(mutant.file).read_text())
        compiled(source, object_file, same)
        source.write_text(made)
        return same.read_bytes() == instead.read_bytes()


def files_of(place):
    path = pathlib.Path("controller", place)
    return [str(path)] if path.is_file() else sorted(str(file) for file in path.glob("*.c") if file.name not in GENERATED)


def known_equivalents():
    """Blocks of three lines: the file, the line before and after; a reason follows after #."""
    blocks = EQUIVALENT.read_text().split("\n\n") if EQUIVALENT.exists() else []
    return {tuple(line.strip() for line in block.splitlines() if line.strip() and not line.startswith("#")) for block in blocks}


def drawn(place, count, equivalents):
    """More than asked for: of those that are none, nobody knows before."""
    found = [mutant for file in files_of(place) for mutant in mutants.mutants_of(file)
             if (mutant.file, mutant.before.strip(), mutant.after.strip()) not in equivalents]
    random.Random(f"{os.environ['SEED']} {place}").shuffle(found)
    return found[:4 * count], len(found)


def score(judge, place, count, equivalents):
    found, all_of_them = drawn(place, count, equivalents)
    killed, survived = 0, []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for mutant, verdict in zip(found, pool.map(judge.verdict, found)):
            killed += verdict == "killed"
            if verdict == "survived":
                survived.append(mutant)
                print(mutant.text(), flush=True)
            if killed + len(survived) == count:
                pool.shutdown(cancel_futures=True)
                break
    tried = killed + len(survived)
    print(f"  MUTATE {place:<18} {killed} of {tried} killed ({100 * killed / max(tried, 1):.0f} %), drawn from {all_of_them}",
          flush=True)
    return killed, tried


def main():
    count, judge, equivalents = int(os.environ["COUNT"]), Judge(), known_equivalents()
    print(f"  MUTATE SEED={os.environ['SEED']}")
    scores = [score(judge, place, count, equivalents) for place in sys.argv[1:] or FOLDERS]
    print(f"  MUTATE in all: {sum(killed for killed, _ in scores)} of {sum(tried for _, tried in scores)} killed")


main()
