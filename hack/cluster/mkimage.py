#!/usr/bin/env python3
"""mkimage writes an OCI image archive (for `ctr images import`) from files of this machine.

No docker and no registry is needed: an image is one tar layer, two small JSON documents that name
it by its digest, and an index. Equal inputs give equal bytes, and an archive whose inputs have not
changed is left alone.
"""
import argparse
import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from image.layer import Layer
from image.layout import Layout

ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]


class LocalLayer(Layer):
    """Of files of this machine."""

    def program(self, source, name):
        """Adds a program and the shared libraries it is linked with, where the loader looks."""
        self.file(source, name)
        libraries = subprocess.run(["ldd", source], capture_output=True, text=True).stdout
        if "not found" in libraries:
            sys.exit(f"mkimage: {source}: a library is missing:\n{libraries}")
        for path in re.findall(r"(/\S+) \(0x", libraries):
            self.file(path, path)

    def busybox(self):
        self.program("/bin/busybox", "bin/busybox")
        for applet in subprocess.check_output(["/bin/busybox", "--list"], text=True).split():
            if applet != "busybox":
                self.link("bin/" + applet, "busybox")
        self.link("usr/bin/env", "../../bin/busybox")  # of many a script's first line

    def fingerprint(self, *more):
        """Changes whenever an input does; of a source file, by its size and time."""
        def stamp(entry):
            mode, kind, data, link = entry
            if isinstance(data, Path):
                status = os.stat(data)
                data = (str(data), status.st_size, status.st_mtime_ns)
            return mode, kind, data, link
        known = hashlib.sha256(repr((sorted((name, stamp(entry)) for name, entry in self.entries.items()), more)).encode())
        for module in ("cluster/mkimage.py", "image/layer.py", "image/layout.py"):
            known.update((Path(__file__).resolve().parents[1] / module).read_bytes())
        return known.hexdigest()


def write(path, references, layer, config):
    """An entry a name: containerd takes the full reference as the image's name."""
    layout = Layout()
    image = layout.image(layer, config, ARCHITECTURE)
    layout.write_archive(Path(path), [image | {"annotations": {"io.containerd.image.name": name}} for name in references])


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("archive")
    p.add_argument("references", nargs="+", help="the image's names, such as docker.io/library/busybox:latest")
    p.add_argument("--busybox", action="store_true", help="busybox and its applets in /bin")
    p.add_argument("--file", action="append", default=[], metavar="SOURCE=DEST")
    p.add_argument("--program", action="append", default=[], metavar="SOURCE=DEST",
                   help="a file and its shared libraries")
    p.add_argument("--script", action="append", default=[], metavar="DEST=TEXT", help="an executable text")
    p.add_argument("--text", action="append", default=[], metavar="DEST=TEXT")
    p.add_argument("--link", action="append", default=[], metavar="DEST=TARGET")
    p.add_argument("--user", default="0:0", metavar="UID:GID")
    p.add_argument("--account", default="root", help="the user's name")
    p.add_argument("--home", default="/root")
    p.add_argument("--entrypoint", nargs="+", default=[])
    p.add_argument("--cmd", nargs="+", default=[])
    return p.parse_args()


def contents(args):
    layer = LocalLayer()
    layer.dir("tmp", 0o1777)
    layer.dir(args.home, 0o777)    # of whoever runs
    uid, gid = args.user.split(":")
    account = f"{args.account}:x:{uid}:{gid}:{args.account}:{args.home}:/bin/sh\n"
    layer.text("etc/passwd", account if uid == "0" else "root:x:0:0:root:/:/bin/sh\n" + account)
    layer.text("etc/group", "root:x:0:\n" if gid == "0" else f"root:x:0:\n{args.account}:x:{gid}:\n")
    layer.text("etc/nsswitch.conf", "hosts: files dns\n")  # or glibc asks DNS before /etc/hosts
    for kind, add in (("file", layer.file), ("program", layer.program), ("link", layer.link),
                      ("text", layer.text), ("script", lambda dest, text: layer.text(dest, text, 0o755))):
        for value in getattr(args, kind):
            add(*value.split("=", 1))
    if args.busybox:
        layer.busybox()            # last: an applet never replaces a program given above
    return layer


def main():
    args = arguments()
    layer = contents(args)
    config = {"User": args.user, "Env": ["PATH=/usr/local/bin:/usr/bin:/bin", "HOME=" + args.home],
              "Entrypoint": args.entrypoint, "Cmd": args.cmd}
    stamp, fingerprint = args.archive + ".inputs", layer.fingerprint(args.references, config)
    if os.path.exists(args.archive) and os.path.exists(stamp):
        with open(stamp) as f:
            if f.read() == fingerprint:
                return
    write(args.archive, args.references, layer.tar(), config)
    with open(stamp, "w") as f:
        f.write(fingerprint)
    print(f"  image {args.references[0]:60} {os.path.getsize(args.archive) >> 20:4} MiB")


main()
