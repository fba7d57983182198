"""What came of it: one table, ratios first, and build/bench.json with flat keys. `python -m bench.report`

A row may have a bar. Counts and bytes are the program's own: they are gates, and the bench fails where they are over their
bar, or missing. Times and ratios of times are also the machine's: the table says NOT KEPT, and no more.

BEFORE=FILE, the bench.json of another run, shows its values beside, and how many times as much there is now.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import typing

BUILD = pathlib.Path("build")
OWN_PROGRAM = "build/gitlab-runner-controller"
IMAGE = pathlib.Path(os.environ.get("CACHE", "")) / "images/controller.tar"


class Row(typing.NamedTuple):
    text: str
    form: str           # of the value
    key: str
    most: float = None  # the bar
    gates: bool = False
    was: str = None     # the key of the same for the yardstick, which is shown beside


def record_bytes_most(text_bytes):
    """The bar of the memory that one more object takes, with its children."""
    return 2 * text_bytes + 1024


ANON_MIB_IDLE_MOST = 4


def gate(text, form, key, most):
    return Row(text, form, key, most, True)


RATIOS = (
    Row("time to converge / the generator's", "{:.2f}", "converge_ratio", 1.25),
    Row("… / the generator's of before", "{:.2f}", "yardstick_ratio", 0.75),
    Row("time of a single object / the generator's", "{:.2f}", "single_ratio", 1.5),
    Row("time to converge / that of an operator in Go", "{:.2f}", "peer_converge_ratio", 0.7),
    Row("VmRSS / its", "{:.3f}", "peer_rss_ratio", 0.1),
    Row("restart: time until ready / its", "{:.2f}", "peer_synced_ratio", 0.2),
    Row("CPU / what the API server takes for us alone", "{:.3f}", "cpu_ratio", 0.2),
    gate("RssAnon an object / (2 x its text + 1 KiB)", "{:.2f}", "record_ratio", 1),
    Row("RssAnon an object / its JSON, with children", "{:.2f}", "memory_ratio", 1),
    Row("most memory while lists are read again / before", "{:.2f}", "relist_peak_ratio", 1.2),
    Row("restart: time until ready / to read the lists only", "{:.2f}", "restart_lists_ratio", 1.5),
    Row("GitLab answers after 100 ms: time / GitLab's alone", "{:.2f}", "slow_gitlab_ratio", 1.25),
    Row("time beside a dead GitLab / without it", "{:.2f}", "dead_gitlab_ratio", 1.25),
)
COUNTS = (
    gate("writes an object (Events apart)", "{:.2f}", "writes_per_object", 7),
    gate("Events an object", "{:.2f}", "events_per_object", 1),
    Row("reads an object", "{:.2f}", "reads_per_object", 0.5),
    gate("reads of children an object", "{:.2f}", "reads_of_children_per_object", 0),
    gate("GitLab calls an object", "{:.2f}", "gitlab_calls_per_object", 1),
    gate("requests for an edit of a label", "{}", "label_edit_requests", 0),
    gate("writes for an edit of config.toml", "{}", "config_edit_writes", 3),
    gate("requests while nothing happens", "{}", "steady_requests", 0),
    Row("… at GitLab, where each is looked after every 600 s", "{}", "steady_gitlab_calls"),
    gate("restart: requests for each kind that is watched", "{}", "restart_requests_per_kind", 1),
    Row("restart: other requests", "{}", "restart_other_requests"),
    gate("restart: writes", "{}", "restart_writes", 0),
    gate("restart: GitLab calls", "{}", "restart_gitlab_calls", 0),
    Row("watches lost: lists of each kind", "{}", "relist_requests_per_kind", 1),
)
MEMORY = (
    Row("nothing to do: VmRSS", "{:.1f} MiB", "rss_mib_idle"),
    gate("nothing to do: RssAnon", "{:.1f} MiB", "anon_mib_idle", ANON_MIB_IDLE_MOST),
    Row("with all: VmRSS", "{:.1f} MiB", "rss_mib"),
    Row("with all: RssAnon", "{:.1f} MiB", "anon_mib"),
    Row("at most: VmRSS", "{:.1f} MiB", "rss_mib_peak"),
    Row("an operator in Go, with the objects of all turns: VmRSS", "{:.1f} MiB", "peer_rss_mib"),
    Row("… and ours", "{:.1f} MiB", "operator_rss_mib"),
    Row("RssAnon an object, with children", "{:.0f} bytes", "anon_bytes_per_object"),
    Row("… the text of its spec and status", "{:.0f} bytes", "text_bytes_per_object"),
    Row("after a restart: VmRSS", "{:.1f} MiB", "restart_rss_mib"),
    Row("after a restart: RssAnon", "{:.1f} MiB", "restart_anon_mib"),
    Row("large Secrets of others: VmRSS more", "{:.2f} MiB", "foreign_rss_mib", 1),
    Row("the program, stripped", "{:.0f} KiB", "program_stripped_kib"),
    Row("its image", "{:.1f} MiB", "image_mib"),
)
TIMES = (
    Row("all have converged after", "{:.1f} s", "converged_s"),
    Row("objects a second", "{:.0f}", "objects_per_second"),
    Row("… in turn with the others", "{:.1f} s", "operator_s"),
    Row("… by the generator", "{:.1f} s", "generator_s"),
    Row("… by the generator of before", "{:.1f} s", "yardstick_s"),
    Row("… by the operator in Go", "{:.1f} s", "peer_s"),
    Row("CPU an object", "{:.2f} ms", "cpu_ms_per_object"),
    Row("… in turn with the others", "{:.2f} ms", "operator_cpu_ms_per_object"),
    Row("… of the API server meanwhile", "{:.1f} ms", "operator_server_cpu_ms_per_object"),
    Row("… of the API server for the generator", "{:.1f} ms", "generator_server_cpu_ms_per_object"),
    Row("… of the API server for the generator of before", "{:.1f} ms", "yardstick_server_cpu_ms_per_object"),
    Row("… of the API server for objects nobody sees to", "{:.1f} ms", "nobody_server_cpu_ms_per_object"),
    Row("ready after a start", "{:.0f} ms", "start_ms", 200),
    Row("… with all objects", "{:.2f} s", "restart_ready_s"),
    Row("… to read their lists, and do nothing with them", "{:.2f} s", "restart_lists_s"),
    Row("… of all turns, the operator in Go", "{:.2f} s", "peer_synced_s"),
    Row("a single object", "{:.0f} ms", "operator_single_ms"),
    Row("… by the generator", "{:.0f} ms", "generator_single_ms"),
    Row("… by the operator in Go", "{:.0f} ms", "peer_single_ms"),
    Row("an edit while 20 objects a second come: median", "{:.0f} ms", "edit_under_churn_ms_p50"),
    Row("… 99 of 100", "{:.0f} ms", "edit_under_churn_ms_p99", 1000),
    Row("such an object itself: median", "{:.0f} ms", "new_under_churn_ms_p50"),
    Row("… 99 of 100", "{:.0f} ms", "new_under_churn_ms_p99", 1000),
    Row("an edit while the operator starts", "{:.0f} ms", "edit_during_start_ms", 1000),
    Row("wakeups a second while nothing happens", "{:.1f}", "steady_wakeups_per_second", 1),
)
PRICES = tuple(Row(text, "{:.2f} ms", f"price_{what}_ms", was=f"price_{what}_ms_before") for what, text in (
    ("created", "a GitLabRunner that is created"), ("finalizer", "its finalizer"), ("status", "its status"),
    ("secret", "to make a Secret"), ("account", "… a ServiceAccount"), ("binding", "… a RoleBinding"),
    ("deployment", "… a Deployment"), ("event", "… an Event"), ("read", "a Secret that is read"))) + (
    Row("all that is asked for an object that is there", "{:.1f} ms", "price_ms", was="price_ms_before"),
    Row("… in turn with the others, watches and all", "{:.1f} ms", "server_cpu_ms_for_us"),
    Row("… of a small object", "{:.1f} ms", "small_server_cpu_ms_for_us", 16),
)
TABLE = (("Ratios", RATIOS), ("Counts", COUNTS), ("Bytes", MEMORY), ("Times", TIMES), ("The API server's CPU, of before -> now", PRICES))

# Where there is a bar for this number of objects alone, or none: with 10,000 so much time passes that runners are looked
# after at GitLab.
BARS = {"steady_wakeups_per_second_10000": None}
BASE_ALONE = ("label_edit_requests", "config_edit_writes")  # gates of what is measured with 10,000 objects no more
FEW = 1000  # objects; with fewer, what there is once (connections, buffers, the start of a process) decides …
BARS_OF_FEW = {"record_ratio": 2, "restart_lists_ratio": None}  # … what is counted an object


def is_kept(row, value):
    return row.most is None or value <= row.most


def rows_for(rows, count, suffix):
    """The rows as they are for so many objects."""
    for row in rows:
        if suffix and row.key in BASE_ALONE:
            continue
        most = BARS.get(f"{row.key}_{count}", row.most)
        if count < FEW:
            most = BARS_OF_FEW.get(row.key, most)
        yield row._replace(key=row.key + suffix, most=most)


def line_of(row, value, before, was=None):
    bar = "" if row.most is None else f"at most {row.most:g}" + ("" if is_kept(row, value) else ": NOT KEPT")
    beside = ""
    if before is not None:
        beside = row.form.format(before) + (f" x {value / before:.2f}" if before else "")
    shown = row.form.format(value)
    if was is not None:
        shown = f"{row.form.format(was).partition(' ')[0]} -> {shown}"
    return f"  {row.text:<50} {shown:>14} {beside:>24}   {bar}".rstrip()


def show(flat, before, count, suffix):
    """Tells the gates that fail the bench, for a value that is too much or not there."""
    failed = []
    print(f"\n{count} GitLabRunners, a control plane without nodes, {flat['cores']} cores, SEED={flat['seed']}, {flat['program']}")
    for title, rows in TABLE:
        print(title)
        for row in rows_for(rows, count, suffix):
            value = flat.get(row.key)
            if value is not None:
                print(line_of(row, value, before.get(row.key), flat.get(row.was)))
            if row.gates and (value is None or not is_kept(row, value)):
                failed.append(row.key + (" is missing" if value is None else ""))
    return failed


def sizes(program):
    with tempfile.NamedTemporaryFile() as stripped:
        subprocess.run(["strip", "-o", stripped.name, program], check=True)
        found = {"program_kib": os.path.getsize(program) / 1024,
                 "program_stripped_kib": os.path.getsize(stripped.name) / 1024}
    is_in_image = program == OWN_PROGRAM and IMAGE.exists()
    return found | ({"image_mib": IMAGE.stat().st_size / (1 << 20)} if is_in_image else {})


def flattened(runs):
    """base's keys as they are, the others' with their number of objects; memory has both."""
    base = runs["base"]
    flat = {"cores": os.cpu_count(), "objects": base["objects"], "seed": base["seed"], "program": base["program"]}
    for name, run in runs.items():
        for key, value in run["result"].items():
            if name == "base":
                flat[key] = value
            if name != "base" or key in ("rss_mib", "anon_mib"):
                flat[f"{key}_{run['objects']}"] = value
    return flat


def parts():
    """What each run has left, by its name."""
    return {file.stem: json.loads(file.read_text()) for file in sorted((BUILD / "bench").glob("*.json"))}


def read_before(flat):
    """Of the same objects: other ones are no measure."""
    if not os.environ.get("BEFORE"):
        return {}
    before = json.loads(pathlib.Path(os.environ["BEFORE"]).read_text())
    if any(before[key] != flat[key] for key in ("objects", "seed")):
        sys.exit(f"bench: BEFORE has {before['objects']} objects and SEED={before['seed']}: no comparison")
    return before


def main():
    runs = parts()
    flat = flattened(runs)
    flat |= sizes(flat["program"])
    (BUILD / "bench.json").write_text(json.dumps(flat, indent=1) + "\n")
    before, failed = read_before(flat), []
    for name, run in runs.items():
        failed += show(flat, before, run["objects"], "" if name == "base" else f"_{run['objects']}")
    print("\nRequests an object: " + ", ".join(f"{key.removeprefix('request ')} {value:.2f}"
                                               for key, value in runs["base"]["result"].items()
                                               if key.startswith("request ")))
    if failed:
        sys.exit(f"bench: gates: {', '.join(failed)}")


if __name__ == "__main__":
    main()
