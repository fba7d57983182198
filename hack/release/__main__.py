"""python3 -m release: fills dist/ from build/image, manifests/ and crds/. `make release` calls it.

What is written has no time and no name of this machine in it: the same commit, packages and IMAGE give the same bytes, but for
the signature.
"""
from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

from image.contents import NAME
from release import bundles, chart, krew, manifests, provenance, sbom, sums
from release.request import check


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("image", "version", "commit", "revision", "source", "builder"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--epoch", type=int, required=True)
    parser.add_argument("--key", default="", help="a private key, as PEM")
    parser.add_argument("--layout", type=Path, default=Path(f"build/image/{NAME}.oci"))
    parser.add_argument("--dist", type=Path, default=Path("dist"))
    args = parser.parse_args()
    check(args.image, args.version, args.key)
    return args


def fill(dist: Path, args: argparse.Namespace) -> None:
    facts = json.loads(args.layout.with_suffix(".json").read_text())
    named = f"{NAME}-{args.version}"
    shutil.copytree(args.layout, dist / f"{named}.oci")
    shutil.copyfile(f"{args.layout}.tar", dist / f"{named}.oci.tar")
    manifests.write(dist, args.image, facts["digest"])
    chart.write(dist, args.image, args.version, facts["digest"], args.source, args.epoch)
    bundles.write(dist, args.version, list(facts["images"]))
    krew.write(dist, args.version, list(facts["images"]), args.source)
    sbom.write(dist, args, facts)
    provenance.write(dist, args, facts)
    sums.write(dist, args.key)


def main() -> None:
    args = parsed()
    new = args.dist.with_name(args.dist.name + ".new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir()
    fill(new, args)
    shutil.rmtree(args.dist, ignore_errors=True)
    new.rename(args.dist)
    for path in sorted(args.dist.iterdir()):
        print(f"  DIST  {path}{'/' if path.is_dir() else ''}")
    if not args.key:
        print("  It is not signed: SIGNING_KEY=FILE signs SHA256SUMS.")


main()
