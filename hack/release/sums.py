"""SHA256SUMS of all that is in dist/, and its detached signature. `hack/release/verify` is what checks them."""
from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

OWN = ("SHA256SUMS", "SHA256SUMS.sig")


def digests(dist: Path) -> dict[str, str]:
    files = (path for path in sorted(dist.rglob("*")) if path.is_file())
    return {name: hashlib.sha256((dist / name).read_bytes()).hexdigest()
            for name in (str(path.relative_to(dist)) for path in files) if name not in OWN}


def signature(key: str, data: Path) -> list[str]:
    """The command. Ed25519 signs texts as they are, the others their digests."""
    kind = subprocess.run(["openssl", "pkey", "-in", key, "-noout", "-text"], capture_output=True, text=True, check=True).stdout
    if kind.startswith("ED25519"):
        return ["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", key, "-in", str(data), "-out", f"{data}.sig"]
    return ["openssl", "dgst", "-sha256", "-sign", key, "-out", f"{data}.sig", str(data)]


def write(dist: Path, key: str) -> None:
    sums = dist / "SHA256SUMS"
    sums.write_text("".join(f"{digest}  {name}\n" for name, digest in digests(dist).items()))
    if key:
        subprocess.run(signature(key, sums), check=True)
