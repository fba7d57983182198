"""Which unit tests run which lines, by gcov, and how long each test takes."""
import collections
import json
import os
import pathlib
import subprocess
import time

BUILD = pathlib.Path("build/mutate-lines")
LIMIT = 300  # seconds, of a test that is built for its lines
FEW = {"WORLDS": "60", "CRASHED_WORLDS": "2"}  # the worlds' own tests try more of them than tell anything new here


def make(folder, *targets, flags):
    subprocess.run(["make", "-s", f"B={folder}", *flags, *targets], check=True, stdout=subprocess.DEVNULL)


def programs(folder):
    names = subprocess.run(["make", "-s", "unit-names"], check=True, capture_output=True, text=True).stdout.split()
    return [f"{folder}/tests/{name}" for name in names]


def counted(program):
    """Runs it, and tells {file: lines that it has run}."""
    data = (BUILD / "runs" / program.name).absolute()
    env = os.environ | FEW | {"GCOV_PREFIX": str(data), "GCOV_PREFIX_STRIP": str(len(pathlib.Path.cwd().parts) - 1)}
    subprocess.run([program], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=LIMIT)
    counts = sorted(str(file) for file in (data / BUILD / "obj").rglob("*.gcda"))
    for file in counts:  # gcov looks for the notes beside the counts
        notes = pathlib.Path(file).relative_to(data).with_suffix(".gcno").absolute()
        beside = pathlib.Path(file).with_suffix(".gcno")
        beside.unlink(missing_ok=True)
        beside.symlink_to(notes)
    told = subprocess.run(["gcov", "--json-format", "--stdout", *counts], check=True, capture_output=True, text=True).stdout
    lines = collections.defaultdict(set)
    for text in told.splitlines():
        for file in json.loads(text)["files"]:
            lines[file["file"]].update(line["line_number"] for line in file["lines"] if line["count"])
    return lines


def lines_by_test():
    """{file: {line: [test, …]}}"""
    make(BUILD, *programs(BUILD), flags=["CFLAGS=-O1 -g", "VARIANT_CFLAGS=--coverage", "VARIANT_LDFLAGS=--coverage"])
    found = collections.defaultdict(lambda: collections.defaultdict(list))
    for program in map(pathlib.Path, programs(BUILD)):
        try:
            told = counted(program)
        except subprocess.TimeoutExpired:
            print(f"  {program.name}: takes too long, left out")
            continue
        for file, lines in told.items():
            for line in lines:
                found[file][line].append(program.name)
    return found


def seconds(program):
    begin = time.monotonic()
    subprocess.run([program], env=os.environ | FEW, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.monotonic() - begin
