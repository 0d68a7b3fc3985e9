"""An image as an OCI archive with only the layers that a node lacks, made from what `docker save` writes.

Layers of a local image are plain tar files, so a layer's digest is its diff id, and a node that has the notebook needs
only a few megabytes for the next build of it. containerd finds the other layers in its own store.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"
NAME_ANNOTATION = "io.containerd.image.name"  # what `ctr images import` calls the image


@dataclass(frozen=True)
class Layer:
    """`member` is the layer's path within the archive of `docker save`; `size` in bytes."""

    digest: str
    size: int
    member: str


@dataclass(frozen=True)
class SavedImage:
    """One image of a `docker save` archive; old and new Docker lay it out differently, manifest.json says how."""

    reference: str
    config: bytes
    layers: tuple[Layer, ...]

    @property
    def manifest(self) -> bytes:
        return _json(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST_TYPE,
                "config": {"mediaType": CONFIG_TYPE, "digest": _digest(self.config), "size": len(self.config)},
                "layers": [{"mediaType": LAYER_TYPE, "digest": each.digest, "size": each.size} for each in self.layers],
            }
        )


def full_name(reference: str) -> str:
    """remuda/hub:dev as Kubernetes and containerd call it: docker.io/remuda/hub:dev."""
    first = reference.partition("/")[0]
    return reference if "." in first or ":" in first or first == "localhost" else f"docker.io/{reference}"


def saved_images(archive: tarfile.TarFile) -> Iterator[SavedImage]:
    for entry in json.loads(_read(archive, "manifest.json")):
        config = _read(archive, entry["Config"])
        diff_ids = json.loads(config)["rootfs"]["diff_ids"]
        layers = []
        for digest, name in zip(diff_ids, entry["Layers"], strict=True):
            member = _follow(archive, name)
            layers.append(Layer(digest, member.size, member.name))
        for reference in entry["RepoTags"]:
            yield SavedImage(reference, config, tuple(layers))


def write_thin(
    source: tarfile.TarFile, images: Collection[SavedImage], present: Collection[str], out: IO[bytes]
) -> int:
    """Writes the OCI archive of `images` without the layers in `present`; returns the bytes of layers written."""
    written: set[str] = set(present)
    total = 0
    with tarfile.open(fileobj=out, mode="w|") as target:
        _add(target, "oci-layout", _json({"imageLayoutVersion": "1.0.0"}))
        for image in images:
            for blob in (image.config, image.manifest):
                if (name := _digest(blob)) not in written:
                    _add(target, _blob_path(name), blob)
                    written.add(name)
            for layer in image.layers:
                if layer.digest in written:
                    continue
                info = tarfile.TarInfo(_blob_path(layer.digest))
                info.size = layer.size
                target.addfile(info, source.extractfile(layer.member))
                written.add(layer.digest)
                total += layer.size
        _add(target, "index.json", _json({"schemaVersion": 2, "manifests": [_entry(image) for image in images]}))
    return total


def open_saved(path: Path) -> tarfile.TarFile:
    return tarfile.open(path, mode="r:")


def _entry(image: SavedImage) -> dict[str, Any]:
    return {
        "mediaType": MANIFEST_TYPE,
        "digest": _digest(image.manifest),
        "size": len(image.manifest),
        "annotations": {NAME_ANNOTATION: full_name(image.reference)},
    }


def _follow(archive: tarfile.TarFile, name: str) -> tarfile.TarInfo:
    """Docker before 25 writes a layer that two images share once and a symbolic link the second time."""
    member = archive.getmember(name)
    while member.issym():
        folder = member.name.rpartition("/")[0]
        parts: list[str] = []
        for part in f"{folder}/{member.linkname}".split("/"):
            if part == "..":
                parts.pop()
            elif part not in {"", "."}:
                parts.append(part)
        member = archive.getmember("/".join(parts))
    return member


def _read(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    if file is None:
        raise KeyError(name)
    return file.read()


def _add(target: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    target.addfile(info, io.BytesIO(content))


def _blob_path(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _json(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()
