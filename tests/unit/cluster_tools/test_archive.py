"""An image arrives whole at a node, whatever of it was there already: written thin, read back as containerd would."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from typing import Any

import pytest

from tools.cluster.archive import full_name, saved_images, write_thin

LAYERS = [b"base" * 1000, b"python" * 500, b"our code"]


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def docker_save(modern: bool) -> tarfile.TarFile:
    """Two images that share their first layers, as Docker before 25 (links) or since (OCI blobs) saves them."""
    buffer = io.BytesIO()
    entries = []
    with tarfile.open(fileobj=buffer, mode="w") as archive:

        def add(name: str, content: bytes) -> str:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
            return name

        names: dict[bytes, str] = {}
        for reference, layers in (("remuda/hub:dev", LAYERS[:2]), ("remuda/notebook:dev", LAYERS)):
            paths = []
            for position, layer in enumerate(layers):
                path = f"blobs/sha256/{digest(layer)[7:]}" if modern else f"{reference[7:10]}{position}/layer.tar"
                if layer not in names:
                    names[layer] = add(path, layer)
                elif not modern:
                    link = tarfile.TarInfo(path)
                    link.type, link.linkname = tarfile.SYMTYPE, f"../{names[layer]}"
                    archive.addfile(link)
                paths.append(path)
            config = json.dumps({"rootfs": {"type": "layers", "diff_ids": [digest(each) for each in layers]}}).encode()
            entries.append(
                {"Config": add(f"{digest(config)[7:]}.json", config), "RepoTags": [reference], "Layers": paths}
            )
        add("manifest.json", json.dumps(entries).encode())
    buffer.seek(0)
    return tarfile.open(fileobj=buffer)


def written(archive: tarfile.TarFile, references: set[str], present: set[str]) -> tuple[dict[str, bytes], int]:
    out = io.BytesIO()
    size = write_thin(archive, [each for each in saved_images(archive) if each.reference in references], present, out)
    out.seek(0)
    with tarfile.open(fileobj=out) as result:
        return {member.name: result.extractfile(member).read() for member in result}, size  # type: ignore[union-attr]


def blob(files: dict[str, bytes], descriptor: dict[str, Any]) -> bytes:
    content = files["blobs/" + descriptor["digest"].replace(":", "/")]
    assert digest(content) == descriptor["digest"]
    assert len(content) == descriptor["size"]
    return content


@pytest.mark.parametrize("modern", [False, True], ids=["docker-20", "docker-25"])
def test_everything_is_written_for_an_empty_node(modern: bool) -> None:
    files, size = written(docker_save(modern), {"remuda/hub:dev", "remuda/notebook:dev"}, set())
    index = json.loads(files["index.json"])
    names = [each["annotations"]["io.containerd.image.name"] for each in index["manifests"]]
    assert names == ["docker.io/remuda/hub:dev", "docker.io/remuda/notebook:dev"]
    for entry, layers in zip(index["manifests"], (LAYERS[:2], LAYERS), strict=True):
        manifest = json.loads(blob(files, entry))
        assert [blob(files, each) for each in manifest["layers"]] == layers
        assert json.loads(blob(files, manifest["config"]))["rootfs"]["diff_ids"] == [digest(each) for each in layers]
    assert size == sum(len(layer) for layer in LAYERS), "a shared layer travels once"


@pytest.mark.parametrize("modern", [False, True], ids=["docker-20", "docker-25"])
def test_layers_that_the_node_has_stay_at_home(modern: bool) -> None:
    present = {digest(layer) for layer in LAYERS[:2]}
    files, size = written(docker_save(modern), {"remuda/notebook:dev"}, present)
    assert size == len(LAYERS[2])
    manifest = json.loads(blob(files, json.loads(files["index.json"])["manifests"][0]))
    assert [each["digest"] for each in manifest["layers"]] == [digest(layer) for layer in LAYERS]
    assert not any(digest(layer)[7:] in name for layer in LAYERS[:2] for name in files)


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("remuda/hub:dev", "docker.io/remuda/hub:dev"),
        ("registry.k8s.io/pause:3.10", "registry.k8s.io/pause:3.10"),
        ("localhost/hub:1", "localhost/hub:1"),
        ("cache:5000/hub:1", "cache:5000/hub:1"),
    ],
)
def test_names_are_those_that_kubernetes_asks_for(reference: str, name: str) -> None:
    assert full_name(reference) == name
