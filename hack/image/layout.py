"""An OCI image layout: images, and what names them, as a folder or as an archive of it. Equal inputs give equal bytes."""
from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import shutil
import tarfile
from pathlib import Path

OCI = "application/vnd.oci.image."
MANIFEST, INDEX, CONFIG = OCI + "manifest.v1+json", OCI + "index.v1+json", OCI + "config.v1+json"


class Layout:
    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}

    def _blob(self, media_type: str, data: bytes) -> dict:
        """What describes it."""
        digest = hashlib.sha256(data).hexdigest()
        self.blobs[digest] = data
        return {"mediaType": media_type, "digest": "sha256:" + digest, "size": len(data)}

    def _document(self, media_type: str, document: dict, **more: dict) -> dict:
        return self._blob(media_type, json.dumps(document, separators=(",", ":")).encode()) | more

    def image(self, tar: bytes, config: dict, architecture: str, labels: dict[str, str] = {}, packed: bool = False) -> dict:
        """Of one layer. packed: compressed; what only this machine reads need not be."""
        layer = (self._blob(OCI + "layer.v1.tar+gzip", gzip.compress(tar, 6, mtime=0)) if packed
                 else self._blob(OCI + "layer.v1.tar", tar))
        document: dict = {"architecture": architecture, "os": "linux", "config": config | ({"Labels": labels} if labels else {}),
                          "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(tar).hexdigest()]}}
        if created := labels.get("org.opencontainers.image.created"):
            document |= {"created": created, "history": [{"created": created, "created_by": "make image"}]}
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": self._document(CONFIG, document), "layers": [layer]}
        return self._document(MANIFEST, manifest | ({"annotations": labels} if labels else {}))

    def index(self, images: dict[str, dict], labels: dict[str, str]) -> dict:
        """One for several platforms: architecture → image."""
        entries = [image | {"platform": {"architecture": architecture, "os": "linux"}}
                   for architecture, image in sorted(images.items())]
        return self._document(INDEX, {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries, "annotations": labels})

    def _files(self, entries: list[dict]) -> dict[str, bytes]:
        """entries: what the layout offers. Their annotations alone say by what name."""
        top = {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}
        files = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}', "index.json": json.dumps(top, separators=(",", ":")).encode()}
        return files | {f"blobs/sha256/{digest}": data for digest, data in sorted(self.blobs.items())}

    def write_folder(self, folder: Path, entries: list[dict]) -> None:
        new = folder.with_name(folder.name + ".new")
        shutil.rmtree(new, ignore_errors=True)
        for name, data in self._files(entries).items():
            (new / name).parent.mkdir(parents=True, exist_ok=True)
            (new / name).write_bytes(data)
        shutil.rmtree(folder, ignore_errors=True)
        new.rename(folder)

    def write_archive(self, path: Path, entries: list[dict]) -> None:
        new = path.with_name(path.name + ".new")
        with tarfile.open(new, "w", format=tarfile.GNU_FORMAT) as archive:
            for name, data in self._files(entries).items():
                info = tarfile.TarInfo(name)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
        os.rename(new, path)
