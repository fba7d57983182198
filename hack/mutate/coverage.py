"""Which programs run which lines, by gcov."""
import collections
import json
import pathlib
import subprocess

from . import programs

BUILD = programs.LINES.folder
LIMIT = 600  # seconds, of a program that is built for its lines


def gcov(data):
    counts = sorted(str(file) for file in (data / BUILD / "obj").rglob("*.gcda"))
    for file in counts:  # gcov looks for the notes beside the counts
        notes = pathlib.Path(file).relative_to(data).with_suffix(".gcno").absolute()
        beside = pathlib.Path(file).with_suffix(".gcno")
        beside.unlink(missing_ok=True)
        beside.symlink_to(notes)
    told = subprocess.run(["gcov", "--json-format", "--stdout", *counts], check=True, capture_output=True, text=True).stdout
    files = [file for text in told.splitlines() for file in json.loads(text)["files"]]
    return [file for file in files if file["file"].startswith("controller/")]


def counted(program, name, kept):
    """Runs it, and keeps {file: {line: has it been run?}}."""
    data = (BUILD / "runs" / name).absolute()
    env = programs.ENVIRONMENT | {"GCOV_PREFIX": str(data), "GCOV_PREFIX_STRIP": str(len(pathlib.Path.cwd().parts) - 1)}
    subprocess.run([program, *programs.ARGUMENTS.get(name, [])], env=env, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, timeout=LIMIT)
    lines = collections.defaultdict(dict)
    for file in gcov(data):
        for line in file["lines"]:
            number = line["line_number"]
            lines[file["file"]][number] = lines[file["file"]].get(number, False) or line["count"] > 0
    kept.write_text(json.dumps(lines))


def lines_of(name):
    program, kept = programs.LINES.path(name), BUILD / "runs" / f"{name}.json"
    if not kept.exists() or kept.stat().st_mtime < program.stat().st_mtime:
        kept.parent.mkdir(exist_ok=True)
        counted(program, name, kept)
    told = json.loads(kept.read_text())
    return {file: {int(number): run for number, run in lines.items()} for file, lines in told.items()}


class Coverage:
    def __init__(self):
        programs.LINES.make_programs()
        self.lines = {name: lines_of(name) for name in programs.names()}

    def programs_of(self, file, line):
        """Who runs the line. One that is no statement of its own, in the middle of one or of a table, goes with what is
        next before it, or else with the whole file."""
        known = {number for lines in self.lines.values() for number in lines.get(file, {})}
        at = max((number for number in known if number <= line), default=None) if line not in known else line
        text = pathlib.Path(file).read_text().splitlines()
        if at is None or any(before.startswith("}") for before in text[at:line]):
            return [name for name, lines in self.lines.items() if any(lines.get(file, {}).values())]
        return [name for name, lines in self.lines.items() if lines.get(file, {}).get(at)]
