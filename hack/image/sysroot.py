"""python3 -m image.sysroot ARCHITECTURE [--refresh]: Debian's packages that the program is built with, of that architecture,
unpacked in the cache (sysroot/ARCHITECTURE), and in packages.json beside it what is known of each.

apt has a state of its own for it and dpkg does not know of them, so it needs no root and leaves the machine as it is. The program of
an image is compiled and linked with these files, and the image is filled from them, on each machine alike: what is installed there
does not matter. A mirror drops a package when there is a newer one, so none is pinned: the image says what it was made of. What is
there stays; --refresh looks for newer ones.
"""
from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

CACHE = Path(os.environ.get("CACHE") or
             Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gitlab-runner-controller")
MIRROR = os.environ.get("DEBIAN_MIRROR", "http://deb.debian.org")
KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"
SUITES = [("debian", "bookworm"), ("debian", "bookworm-updates"), ("debian-security", "bookworm-security")]
WANTED = ["libc6-dev", "libcurl4-openssl-dev", "libjson-c-dev", "libyaml-dev", "libssl-dev", "libwebsockets-dev",
          "libwebsockets-evlib-uv", "libuv1-dev", "libcmocka-dev", "ca-certificates", "base-files"]
MERGED = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")        # which are links into usr, as on an installed system


def call(*words: str | Path) -> str:
    done = subprocess.run(words, capture_output=True, text=True, env=os.environ | {"LC_ALL": "C"})
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, words))} fails:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


class Apt:
    """apt for one architecture, with its state in a folder, on a system that has no package yet."""

    def __init__(self, folder: Path, architecture: str) -> None:
        self._archives = folder / "archives"
        for part in ("lists/partial", "archives/partial", "log"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        (folder / "status").touch()
        (folder / "sources.list").write_text("".join(
            f"deb [signed-by={KEYS}] {MIRROR}/{archive} {suite} main\n" for archive, suite in SUITES))
        options = {
            "Dir::State": folder, "Dir::State::status": folder / "status", "Dir::State::lists": folder / "lists",
            "Dir::Cache": folder, "Dir::Cache::archives": self._archives, "Dir::Log": folder / "log",
            "Dir::Etc::sourcelist": folder / "sources.list", "Dir::Etc::sourceparts": "-",
            "Dir::Etc::preferences": "-", "Dir::Etc::preferencesparts": "-", "APT::Architecture": architecture,
            "APT::Architectures::": architecture, "APT::Sandbox::User": "root", "APT::Install-Recommends": "false",
            "APT::Update::Error-Mode": "any", "Acquire::Languages": "none",
        }
        self._options = [f"-o{name}={value}" for name, value in options.items()]

    def _get(self, *words: str) -> str:
        return call("apt-get", "-q", *self._options, *words)

    def fetch(self, names: list[str]) -> list[Path]:
        """The archives of these packages and of all that they need; those that are there are not fetched again."""
        self._get("update")
        chosen = re.findall(r"^Inst (\S+) \((\S+) .*\[(\w+)\]\)", self._get("install", "--simulate", *names), re.M)
        self._get("install", "--download-only", "-y", *names)
        wanted = {f"{name}_{version.replace(':', '%3a')}_{architecture}.deb" for name, version, architecture in chosen}
        for old in self._archives.glob("*.deb"):
            if old.name not in wanted:
                old.unlink()
        return sorted(self._archives / name for name in wanted)

    def download(self, name: str, folder: Path) -> Path:
        """The archive of one package, without what it needs."""
        self._get("update")
        subprocess.run(["apt-get", "-q", *self._options, "download", name], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        archive, = folder.glob(f"{name}_*.deb")
        return archive


def with_files(archive: Path, *words: str | Path) -> str:
    """tar, of the files of a package."""
    data = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", archive], stdout=subprocess.PIPE)
    done = subprocess.run(["tar", *words], stdin=data.stdout, check=True, stdout=subprocess.PIPE)
    if data.wait() != 0:
        sys.exit(f"{archive} cannot be unpacked")
    return done.stdout.decode()


def unpack(archive: Path, root: Path) -> None:
    with_files(archive, "-xp", "--no-same-owner", "--keep-directory-symlink", "-C", root)


def facts(archive: Path) -> dict:
    control = call("dpkg-deb", "--field", archive)
    fields = dict(re.findall(r"^([A-Za-z-]+): (.*)$", control, re.M))
    files = with_files(archive, "-t", "--quoting-style=literal").splitlines()
    return {"name": fields["Package"], "version": fields["Version"], "architecture": fields["Architecture"],
            "source": fields.get("Source", fields["Package"]), "homepage": fields.get("Homepage", ""),
            "archive": archive.name, "sha256": hashlib.sha256(archive.read_bytes()).hexdigest(), "control": control,
            "files": sorted(merged(name) for name in files if not name.endswith("/"))}


def merged(name: str) -> str:
    """./lib/x → usr/lib/x"""
    name = name.removeprefix("./")
    return "usr/" + name if name.split("/")[0] in MERGED else name


def keep_links_inside(root: Path) -> None:
    """A link to /lib/x means the sysroot's."""
    for folder, folders, files in os.walk(root):
        for name in folders + files:
            link = Path(folder, name)
            if link.is_symlink() and (target := os.readlink(link)).startswith("/"):
                link.unlink()
                link.symlink_to(os.path.relpath(root / target.lstrip("/"), folder))


def make(folder: Path, architecture: str) -> None:
    root = folder / "new"
    archives = Apt(folder / "apt", architecture).fetch(WANTED)
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    for name in MERGED:
        (root / "usr" / name).mkdir(parents=True)
        (root / name).symlink_to("usr/" + name)
    for archive in archives:
        unpack(archive, root)
    keep_links_inside(root)
    shutil.rmtree(folder / "root", ignore_errors=True)
    root.rename(folder / "root")
    (folder / "packages.json").write_text(json.dumps([facts(archive) for archive in archives], indent=1))
    print(f"  DEBS  {len(archives)} packages of Debian for {architecture}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("architecture")
    parser.add_argument("--refresh", action="store_true")
    args = parser.parse_args()
    os.umask(0o022)
    folder = CACHE / "sysroot" / args.architecture
    folder.mkdir(parents=True, exist_ok=True)
    stamp = folder / "wanted"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if args.refresh or not stamp.exists() or stamp.read_text().split() != WANTED:
            make(folder, args.architecture)
            stamp.write_text("\n".join(WANTED))


if __name__ == "__main__":
    main()
