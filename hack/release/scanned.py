"""python3 -m release.scanned SYFT DIST: what a scanner finds in the image of each platform is what the bill of materials names."""
from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path


def main() -> None:
    syft, dist = sys.argv[1], Path(sys.argv[2])
    bill = json.loads((dist / "sbom.spdx.json").read_text())
    archive, = dist.glob("*.oci.tar")
    for architecture in ("amd64", "arm64"):
        mark = f"SPDXRef-deb-{architecture}-"
        named = {(p["name"], p["versionInfo"]) for p in bill["packages"] if p["SPDXID"].startswith(mark)}
        found = subprocess.run([syft, "-q", "-o", "json", "--platform", f"linux/{architecture}", f"oci-archive:{archive}"], check=True,
                               capture_output=True, text=True, env=os.environ | {"SYFT_CHECK_FOR_APP_UPDATE": "false"}).stdout
        report = json.loads(found)
        debian = {(a["name"], a["version"]) for a in report["artifacts"] if a["type"] == "deb"}
        if not named or debian != named:
            sys.exit(f"{architecture}: syft finds {sorted(debian)}, named are {sorted(named)}")
        if report["distro"].get("id") != "debian":
            sys.exit(f"{architecture}: syft takes it for {report['distro']}")
        print(f"{architecture}: {len(named)} packages")


main()
