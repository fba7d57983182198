"""python3 -m image.pack ARCHITECTURE=PROGRAM…: the operator's image of these, as an OCI layout: a folder and an archive of it.

The layout offers one thing, an index of the platforms: that is what skopeo and crane take. The name of a registry stands in nothing
that has a digest, so the image is the same one in each.
"""
from __future__ import annotations

import argparse
import hashlib
import json
from datetime import datetime, timezone
from pathlib import Path

from image.contents import CONFIG, NAME, Packages, fill
from image.layer import Layer
from image.layout import Layout

PREFIX = "org.opencontainers.image."


def labels(args: argparse.Namespace) -> dict[str, str]:
    created = datetime.fromtimestamp(args.epoch, timezone.utc)
    return {PREFIX + name: value for name, value in {
        "title": NAME, "description": "Kubernetes operator for GitLab Runners", "source": args.source,
        "version": args.version, "revision": args.revision, "licenses": "Apache-2.0",
        "created": created.strftime("%Y-%m-%dT%H:%M:%SZ")}.items()}


def inputs(args: argparse.Namespace, programs: dict[str, Path]) -> str:
    """Changes whenever the image would."""
    known = hashlib.sha256(repr(sorted(vars(args).items())).encode())
    sources = [*sorted(Path(__file__).parent.glob("*.py")), *programs.values(), Path("LICENSE")]
    for path in [*sources, *(Packages(a).root.parent / "packages.json" for a in programs)]:
        known.update(path.read_bytes())
    return known.hexdigest()


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", nargs="+", metavar="ARCHITECTURE=PROGRAM")
    parser.add_argument("--out", type=Path, required=True, help="the folder to be; .tar is appended for the archive")
    parser.add_argument("--name", required=True, help="what the archive says its name is, to those who ask: IMAGE:VERSION")
    for name in ("version", "revision", "source"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--epoch", type=int, required=True, help="when the commit was made")
    return parser.parse_args()


def pack(args: argparse.Namespace, programs: dict[str, Path]) -> dict:
    """What is known of the image: digests, and the packages of each platform."""
    layout, said, images, packages = Layout(), labels(args), {}, {}
    for architecture, program in programs.items():
        layer, used = Layer(), Packages(architecture)
        fill(layer, program, architecture, used)
        images[architecture] = layout.image(layer.tar(), CONFIG, architecture, said, packed=True)
        packages[architecture] = [{k: v for k, v in facts.items() if k not in ("files", "control")} for facts in used.list()]
    index = layout.index(images, said)
    entry = index | {"annotations": {"org.opencontainers.image.ref.name": args.version, "io.containerd.image.name": args.name}}
    layout.write_folder(args.out, [entry])
    layout.write_archive(args.out.with_name(args.out.name + ".tar"), [entry])
    return {"digest": index["digest"], "images": {a: image["digest"] for a, image in images.items()}, "packages": packages}


def main() -> None:
    args = parsed()
    programs = {architecture: Path(path) for architecture, path in (pair.split("=", 1) for pair in args.programs)}
    facts, stamp = args.out.with_suffix(".json"), args.out.with_suffix(".inputs")
    fingerprint = inputs(args, programs)
    if not (facts.exists() and stamp.exists() and stamp.read_text() == fingerprint):
        facts.write_text(json.dumps(pack(args, programs), indent=1))
        stamp.write_text(fingerprint)


main()
