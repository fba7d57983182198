"""What is in the operator's image: its program, what that loads, and what of Debian says whose files these are.

No shell, no package manager. As in Debian's "distroless" images a scanner finds the packages in var/lib/dpkg/status.d, their
licences in usr/share/doc.
"""
from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from image.elf import TRIPLETS, libraries, loader
from image.layer import Layer
from image.sysroot import CACHE, merged

NAME = "gitlab-runner-controller"
USER = 65532
CERTIFICATES = "etc/ssl/certs/ca-certificates.crt"
PLUGINS = ["libwebsockets-evlib_uv.so"]         # opened by name, so that no program needs them by its header
CONFIG = {"User": f"{USER}:{USER}", "Env": ["PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/home/nonroot"],
          "Entrypoint": [f"/usr/bin/{NAME}"], "Cmd": ["run"]}


class Packages:
    """Debian's packages of one architecture, and which of them the image has files of."""

    def __init__(self, architecture: str) -> None:
        folder = CACHE / "sysroot" / architecture
        self.root, self.used = folder / "root", set()
        self.facts = {facts["name"]: facts for facts in json.loads((folder / "packages.json").read_text())}
        self._owners = {name: facts["name"] for facts in self.facts.values() for name in facts["files"]}

    def use(self, path: Path) -> Path:
        """The file itself, of one in the sysroot, which may be a link to it."""
        path = path.resolve()
        name = merged(str(path.relative_to(self.root.resolve())))
        if name not in self._owners:
            sys.exit(f"{name} is of no package")
        self.used.add(self._owners[name])
        return path

    def list(self) -> list[dict]:
        """The facts of those that are used."""
        return [self.facts[name] for name in sorted(self.used)]


def fill(layer: Layer, program: Path, architecture: str, packages: Packages) -> None:
    _system(layer, packages)
    _program(layer, program, architecture, packages)
    _licences(layer, packages)


def _system(layer: Layer, packages: Packages) -> None:
    for name in ("bin", "lib", "lib64"):
        layer.link(name, "usr/" + name)
    layer.dir("tmp", 0o1777)
    layer.dir("home/nonroot")
    layer.text("etc/passwd", f"root:x:0:0:root:/:/sbin/nologin\nnonroot:x:{USER}:{USER}:nonroot:/home/nonroot:/sbin/nologin\n")
    layer.text("etc/group", f"root:x:0:\nnonroot:x:{USER}:\n")
    layer.text("etc/nsswitch.conf", "hosts: files dns\n")       # or glibc asks DNS before /etc/hosts
    layer.file(packages.use(packages.root / "usr/lib/os-release"), "usr/lib/os-release")
    layer.link("etc/os-release", "../usr/lib/os-release")
    layer.file(packages.use(packages.root / "etc/debian_version"), "etc/debian_version")
    authorities = sorted((packages.root / "usr/share/ca-certificates").rglob("*.crt"))
    layer.text(CERTIFICATES, "".join(packages.use(file).read_text() for file in authorities))
    layer.link("usr/lib/ssl/cert.pem", "/" + CERTIFICATES)


def _program(layer: Layer, program: Path, architecture: str, packages: Packages) -> None:
    folder = f"usr/lib/{TRIPLETS[architecture]}"
    plugins = [packages.root / folder / name for name in PLUGINS]
    layer.file(program, f"usr/bin/{NAME}")
    for name, path in libraries([program, *plugins], packages.root, architecture).items():
        layer.file(packages.use(path), f"{folder}/{name}")
    for path in plugins:
        layer.file(packages.use(path), f"{folder}/{path.name}")
    start = loader(program)
    real = packages.use(packages.root / start.lstrip("/"))
    layer.file(real, f"{folder}/{Path(start).name}")
    link = merged(start.lstrip("/"))
    layer.link(link, os.path.relpath(f"{folder}/{Path(start).name}", os.path.dirname(link)))


def _licences(layer: Layer, packages: Packages) -> None:
    layer.file(Path("LICENSE"), f"usr/share/doc/{NAME}/copyright")
    licences = packages.root / "usr/share/common-licenses"
    for path in sorted(licences.iterdir()):
        if path.is_symlink():
            layer.link(f"usr/share/common-licenses/{path.name}", path.readlink().name)
        else:
            layer.file(packages.use(path), f"usr/share/common-licenses/{path.name}")
    for facts in packages.list():
        layer.file(licence(packages, facts["name"]), f"usr/share/doc/{facts['name']}/copyright")
        layer.text(f"var/lib/dpkg/status.d/{facts['name']}", facts["control"])


def licence(packages: Packages, name: str) -> Path:
    """The file that says under which conditions the package may be passed on."""
    return (packages.root / f"usr/share/doc/{name}/copyright").resolve()
