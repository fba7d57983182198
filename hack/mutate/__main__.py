"""Draws changes by lot, builds the program with each, and runs what runs the changed line, the quick ones first, stories of
the simulation last. What nobody notices has survived, and is listed.

A change that leads to the same code is none, and one that does not compile neither; one that only asserts and logs differ
by is not counted. Those of `equivalent`, a file beside this, are left out, too: each stands there with its reason.
"""
import collections
import concurrent.futures
import os
import pathlib
import random
import sys

from . import judge, mutants

FOLDERS = ("runner", "operator", "gitlab", "kube/watch*.c", "kube/store.c", "kube/queue.c", "kube/lease.c", "kube/client.c")
GENERATED = {"crd_shape.c", "config_keys.c", "go_tables.c", "features.c", "kube_names.c"}  # tables
EQUIVALENT = pathlib.Path(__file__).with_name("equivalent")
VERDICTS = pathlib.Path("build/mutate/verdicts")  # of all, as they come


def files_of(place):
    found = pathlib.Path("controller").glob(place if place.endswith(".c") else f"{place}/*.c")
    return sorted(str(file) for file in found if file.name not in GENERATED)


def known_equivalents():
    """Blocks of the file, the line before, and after; a reason follows after #."""
    blocks = EQUIVALENT.read_text().split("\n\n") if EQUIVALENT.exists() else []
    lines = [[line.strip() for line in block.splitlines()] for block in blocks]
    known = {tuple(line for line in block if line and not line.startswith("#")) for block in lines} - {()}
    for file, before, _ in known:
        if before not in map(str.strip, pathlib.Path(file).read_text().splitlines()):
            print(f"  {EQUIVALENT.name}: {file} has no such line any more: {before}")
    return known


def drawn(place, equivalents):
    found = [mutant for file in files_of(place) for mutant in mutants.mutants_of(file) if mutant.key() not in equivalents]
    random.Random(f"{os.environ['SEED']} {place}").shuffle(found)
    return found


def score(jury, place, count, equivalents):
    found, counts, killers = drawn(place, equivalents), collections.Counter(), collections.Counter()
    with VERDICTS.open("a") as kept, concurrent.futures.ThreadPoolExecutor(int(os.environ["JOBS"])) as pool:
        for mutant, (verdict, killer) in zip(found, pool.map(jury.verdict, found)):
            counts[verdict] += 1
            killers[killer] += 1
            if verdict != "none":
                kept.write(f"{verdict} {killer or ''}\n{mutant.text()}\n")
                kept.flush()
            if verdict == "survived":
                print(mutant.text(), flush=True)
            if counts["killed"] + counts["survived"] == count:
                pool.shutdown(cancel_futures=True)
                break
    killed, tried = counts["killed"], counts["killed"] + counts["survived"]
    print(f"  MUTATE {place:<18} {killed} of {tried} killed ({100 * killed / max(tried, 1):.0f} %), {killers['simulate']} by stories"
          f" alone; not counted: {counts['none']} that are none, {counts['silent']} of asserts and logs; of {len(found)}", flush=True)
    return killed, tried


def main():
    count, equivalents = int(os.environ["COUNT"]), known_equivalents()
    print(f"  MUTATE SEED={os.environ['SEED']}", flush=True)
    jury = judge.Judge()
    VERDICTS.write_text("")
    scores = [score(jury, place, count, equivalents) for place in sys.argv[1:] or FOLDERS]
    print(f"  MUTATE in all: {sum(killed for killed, _ in scores)} of {sum(tried for _, tried in scores)} killed")


if __name__ == "__main__":
    main()
