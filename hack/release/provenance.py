"""What the release was made of, and by whom: an in-toto statement of SLSA's kind. It says what is so; it proves nothing, as whoever
has the key could have signed anything."""
from __future__ import annotations

import argparse
import json
from pathlib import Path

from release.sbom import purl_of
from release.sums import digests


def dependencies(args: argparse.Namespace, facts: dict) -> list[dict]:
    packages = {package["archive"]: package for packages in facts["packages"].values() for package in packages}
    return [{"uri": f"git+{args.source}@{args.commit}", "digest": {"gitCommit": args.commit}}] + [
        {"uri": purl_of(package), "name": name, "digest": {"sha256": package["sha256"]}} for name, package in sorted(packages.items())]


def write(dist: Path, args: argparse.Namespace, facts: dict) -> None:
    subjects = [{"name": f"{args.image}", "digest": {"sha256": facts["digest"].removeprefix("sha256:")}}]
    subjects += [{"name": name, "digest": {"sha256": digest}} for name, digest in digests(dist).items()]
    statement = {
        "_type": "https://in-toto.io/Statement/v1", "subject": subjects, "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": f"{args.source}/make-release/v1",
                "externalParameters": {"image": args.image, "version": args.version, "platforms": sorted(facts["images"])},
                "internalParameters": {"sourceDateEpoch": args.epoch, "revision": args.revision},
                "resolvedDependencies": dependencies(args, facts)},
            "runDetails": {"builder": {"id": args.builder}}}}
    (dist / "provenance.json").write_text(json.dumps(statement, indent=1) + "\n")
