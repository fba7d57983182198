"""The bill of materials, as SPDX 2.3: which packages of Debian are in the image of which platform, from the list that the image has
itself."""
from __future__ import annotations

import argparse
import json
import re
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import quote

from image.contents import NAME, Packages, licence

UNKNOWN = "NOASSERTION"


def identifier(*words: str) -> str:
    return "SPDXRef-" + "-".join(re.sub(r"[^A-Za-z0-9.]", "-", word) for word in words)


def purl_of(package: dict) -> str:
    return (f"pkg:deb/debian/{quote(package['name'])}@{quote(package['version'])}"
            f"?arch={package['architecture']}&distro=debian-12")


def described(name: str, version: str, spdx: str, **more: object) -> dict:
    return {"SPDXID": spdx, "name": name, "versionInfo": version, "downloadLocation": UNKNOWN, "filesAnalyzed": False,
            "licenseConcluded": UNKNOWN, "licenseDeclared": UNKNOWN, "copyrightText": UNKNOWN} | more


def reference(purl: str) -> list[dict]:
    return [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl}]


def sha256(digest: str) -> list[dict]:
    return [{"algorithm": "SHA256", "checksumValue": digest.removeprefix("sha256:")}]


class Licences:
    """Texts of Debian's copyright files, each once."""

    def __init__(self) -> None:
        self.texts: dict[str, dict] = {}

    def of(self, package: dict, text: str) -> dict:
        name = "LicenseRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", f"{package['source'].split()[0]}-{package['name']}")
        self.texts[name] = {"licenseId": name, "name": f"copyright file of {package['name']}", "extractedText": text}
        short = sorted(set(re.findall(r"^License: *(\S.*)$", text, re.M)))
        return {"licenseDeclared": name} | ({"licenseComments": "Named there: " + "; ".join(short)} if short else {})


class Bill:
    def __init__(self, args: argparse.Namespace, facts: dict) -> None:
        self._args, self._facts, self._licences = args, facts, Licences()
        self._packages: list[dict] = []
        self._relations: list[dict] = []
        self._image("image", facts["digest"], "CONTAINER", "SPDXRef-DOCUMENT", "DESCRIBES")
        for architecture, digest in facts["images"].items():
            self._platform(architecture, digest)

    def _relate(self, of: str, kind: str, to: str) -> None:
        self._relations.append({"spdxElementId": of, "relationshipType": kind, "relatedSpdxElement": to})

    def _image(self, name: str, digest: str, purpose: str, of: str, relation: str, architecture: str = "") -> str:
        args, spdx = self._args, identifier(name, architecture) if architecture else identifier(name)
        purl = (f"pkg:oci/{NAME}@{quote(digest, safe='')}?" + (f"arch={architecture}&" if architecture else "") +
                f"repository_url={quote(args.image, safe='')}&tag={args.version}")
        self._packages.append(described(f"{args.image}@{digest}", args.version, spdx, primaryPackagePurpose=purpose,
                                        supplier=UNKNOWN, checksums=sha256(digest), externalRefs=reference(purl)))
        self._relate(of, relation, spdx)
        return spdx

    def _platform(self, architecture: str, digest: str) -> None:
        image = self._image("image", digest, "CONTAINER", identifier("image"), "CONTAINS", architecture)
        program = identifier("program", architecture)
        self._packages.append(described(NAME, self._args.version, program, licenseDeclared="Apache-2.0", supplier=UNKNOWN,
                                        downloadLocation=f"git+{self._args.source}@{self._args.commit}",
                                        primaryPackagePurpose="APPLICATION"))
        self._relate(image, "CONTAINS", program)
        files = Packages(architecture)
        for package in self._facts["packages"][architecture]:
            spdx = identifier("deb", architecture, package["name"])
            text = licence(files, package["name"]).read_text(errors="replace")
            self._packages.append(described(
                package["name"], package["version"], spdx, primaryPackagePurpose="LIBRARY", supplier="Organization: Debian",
                sourceInfo=f"built from the source package {package['source']}", checksums=sha256(package["sha256"]),
                externalRefs=reference(purl_of(package)), **self._licences.of(package, text)))
            self._relate(image, "CONTAINS", spdx)

    def document(self) -> dict:
        created = datetime.fromtimestamp(self._args.epoch, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {"spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT",
                "name": f"{NAME}-{self._args.version}",
                "documentNamespace": f"{self._args.source}/spdx/{self._args.version}/{self._facts['digest'].replace(':', '-')}",
                "creationInfo": {"created": created, "creators": [f"Tool: {NAME}-make-release-{self._args.version}",
                                                                 f"Organization: {NAME}"]},
                "packages": self._packages, "relationships": self._relations,
                "hasExtractedLicensingInfos": [self._licences.texts[name] for name in sorted(self._licences.texts)]}


def write(dist: Path, args: argparse.Namespace, facts: dict) -> None:
    (dist / "sbom.spdx.json").write_text(json.dumps(Bill(args, facts).document(), indent=1) + "\n")
