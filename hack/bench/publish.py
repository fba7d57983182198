"""Puts the figures of the last `make bench` into the README and the plot into docs/: `make bench-publish`."""
import json
import pathlib
import re
import sys

from .plot import plot
from .report import OWN_PROGRAM

README, PLOT = pathlib.Path("README.md"), pathlib.Path("docs/bench.svg")
ALEKC = pathlib.Path("build/bench-alekc.json")  # when it was run after the last whole bench
BEGIN, END = "<!-- figures of make bench -->\n", "<!-- end of figures -->\n"

PER_CHILD = " / ".join(4 * ["{:.1f}"])

# What matters: in words, how it is written, and of which keys. A row without its keys, such as those of 10,000 objects
# after a run without them, is left out.
ROWS = (
    ("time until {objects} new objects have converged / [the bare generator](hack/bench/README.md)'s", "{:.2f}",
     "converge_ratio"),
    ("… / the same generator's, with [what an operator of before sent](hack/bench/README.md#the-yardstick)", "{:.2f}", "yardstick_ratio"),
    ("time of a single object / the bare generator's", "{:.2f}", "single_ratio"),
    ("time until they have converged / [an operator with controller-runtime](hack/bench/README.md)'s", "{:.2f}",
     "peer_converge_ratio"),
    ("resident memory with {in_turns} objects / its; ready again after a restart / its", "{:.2f}; {:.2f}",
     "peer_rss_ratio", "peer_synced_ratio"),
    ("CPU / [what its requests alone cost the API server](hack/bench/README.md#the-api-servers-work-for-us)", "{:.3f}", "cpu_ratio"),
    ("[the API server's CPU](hack/bench/README.md#the-api-servers-work-for-us) for a Secret / ServiceAccount / RoleBinding / Deployment; "
     "before", f"{PER_CHILD}; {PER_CHILD} ms",
     *(f"price_{what}_ms{when}" for when in ("", "_before") for what in ("secret", "account", "binding", "deployment"))),
    ("… for the finalizer / status / Event / a read; before", f"{PER_CHILD}; {PER_CHILD} ms",
     *(f"price_{what}_ms{when}" for when in ("", "_before") for what in ("finalizer", "status", "event", "read"))),
    ("… for all of an object; before", "{:.0f}; {:.0f} ms", "price_ms", "price_ms_before"),
    ("… with the watches, in a turn of the operator; of small objects alone", "{:.0f}; {:.0f} ms",
     "server_cpu_ms_for_us", "small_server_cpu_ms_for_us"),
    ("objects a second, ours / [another operator](hack/bench/README.md#another-operator)'s; the API server's CPU an object",
     "{:.0f} / {:.1f}; {:.0f} / {:.0f} ms",
     "ours_rate", "alekc_rate", "ours_server_ms", "alekc_server_ms"),
    ("writes / reads / calls to GitLab an object", "{:.0f} / {:.1f} / {:.0f}",
     "writes_per_object", "reads_per_object", "gitlab_calls_per_object"),
    ("a restart with everything converged: requests a watched kind / writes / calls to GitLab", "{} / {} / {}",
     "restart_requests_per_kind", "restart_writes", "restart_gitlab_calls"),
    ("a start with 10,000 until ready / the time in which the API server tells of them", "{:.2f}",
     "restart_lists_ratio_10000"),
    ("requests while nothing happens", "{}", "steady_requests"),
    ("memory idle: resident / anonymous", "{:.1f} / {:.1f} MiB", "rss_mib_idle", "anon_mib_idle"),
    ("memory an object with its children / the text of its spec and status", "{:.0f} / {:.0f} bytes",
     "anon_bytes_per_object", "text_bytes_per_object"),
    ("memory with {objects} objects and their children", "{:.1f} / {:.1f} MiB", "rss_mib", "anon_mib"),
    ("memory with 10,000", "{:.1f} / {:.1f} MiB", "rss_mib_10000", "anon_mib_10000"),
    ("most memory while the lists of {objects} objects are read again / before", "{:.2f}", "relist_peak_ratio"),
    ("… of 10,000", "{:.2f}", "relist_peak_ratio_10000"),
    ("300 Secrets of 1 MB that are not ours add", "{:.2f} MiB", "foreign_rss_mib"),
    ("the program, stripped / its image", "{:.0f} KiB / {:.0f} MiB", "program_stripped_kib", "image_mib"),
)


def rows(flat):
    yield from ("| | |", "|---|---|")
    for text, form, *keys in ROWS:
        if all(key in flat for key in keys):
            text = text.format(objects=flat["objects"], in_turns=3 * flat["objects"])
            yield f"| {text} | {form.format(*(flat[key] for key in keys))} |"


def main():
    flat = json.loads(pathlib.Path("build/bench.json").read_text())
    if ALEKC.exists():
        flat |= json.loads(ALEKC.read_text())
    if flat["program"] != OWN_PROGRAM:
        sys.exit(f"bench-publish: the last bench was that of {flat['program']}: run `make bench` again")
    table = "\n".join(rows(flat)) + "\n"
    README.write_text(re.sub(f"(?s)(?<={BEGIN}).*(?={END})", lambda _: table, README.read_text()))
    PLOT.write_text(plot())


if __name__ == "__main__":
    main()
