"""How much disk the steps of `make up` take, and whether there is that much: decided before anything is written.

Figures are those of Docker 20.10 with overlay2, measured: `docker system df`, sizes of volumes and archives. With them
the cluster's need comes out a tenth above what it takes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tools.cluster.image_sources import BY_NAME, IMAGES

MB, GIB = 10**6, 2**30

BASE_MB = 81  # debian:trixie-slim, which all images share
# What each adds to the image that it starts from.
OWN_MB = {
    "proxy": 110, "hub": 236, "notebook": 1520, "notebook-gpu": 4, "s3": 45, "postgres": 187, "hive-metastore": 409,
}  # fmt: skip
BUILD_CACHE = 1.9  # BuildKit keeps that much of stages and downloads for each byte of a new image
CHANGED = 0.25  # of an image is new after an ordinary change; a changed uv.lock takes more
IN_NODE = 2  # a node keeps a layer twice: as it came, and unpacked
NODES_MB = 5000  # four nodes before they have images: each copies Kubernetes' own
NODE_IMAGE_PULLED_MB = 1500
NODE_IMAGE_BUILT_MB = 4000  # layers 2.0, build cache 0.8; while it is assembled two copies of the components
NODE_IMAGE_WORK_MB = 1200  # root file systems, and the components once more
PROGRAM_MB = 500  # one that Go builds, with its share of the modules and objects that Go keeps
ALWAYS_MB = 500  # logs, the hub's database, pods' own layers


@dataclass(frozen=True)
class Present:
    """What is there already. `built` are images of this tree, `earlier` those of which an older build is there;
    `lacking` says of each node which images it would have to get, and `empty` names nodes that have none at all."""

    built: frozenset[str] = frozenset()
    earlier: frozenset[str] = frozenset()
    nodes: bool = False
    node_image: bool = False
    lacking: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    empty: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Need:
    """Bytes on Docker's disk and on the cache's; `parts` say what for."""

    docker: int = 0
    cache: int = 0
    parts: tuple[str, ...] = ()

    def __add__(self, other: Need) -> Need:
        return Need(self.docker + other.docker, self.cache + other.cache, self.parts + other.parts)


@dataclass(frozen=True)
class Place:
    """A folder, the file system that it is on, and the bytes free there."""

    path: Path
    device: int
    free: int


@dataclass(frozen=True)
class Shortage:
    """A file system with less than is needed."""

    needed: int
    free: int
    paths: tuple[Path, ...]
    device: int


@dataclass(frozen=True)
class Removable:
    """What a person can do without, how large it is, the command that removes it, and the disk that gets it back."""

    what: str
    size: str
    command: str
    device: int


NOTHING = Need()
ROOM_TO_RUN = Need(ALWAYS_MB * MB)
NODE_IMAGE = Need(NODE_IMAGE_BUILT_MB * MB, NODE_IMAGE_WORK_MB * MB, ("the node image",))


def for_programs(missing: Collection[str]) -> Need:
    """PURE: building them with Go."""
    return Need(0, len(missing) * PROGRAM_MB * MB, (f"building {', '.join(missing)}",)) if missing else NOTHING


def for_images(present: Present) -> Need:
    """PURE: building those that are not built."""
    missing = [image.name for image in IMAGES if image.name not in present.built]
    if not missing:
        return NOTHING
    size = sum(OWN_MB[name] * (CHANGED if name in present.earlier else 1 + BUILD_CACHE) for name in missing)
    return Need(int(size * MB), 0, (f"images to build: {', '.join(missing)}",))


def for_nodes(present: Present) -> Need:
    """PURE: making the cluster, without images."""
    if present.nodes:
        return NOTHING
    pulled = 0 if present.node_image else NODE_IMAGE_PULLED_MB
    return Need((NODES_MB + pulled) * MB, 0, ("four Kubernetes nodes",))


def for_loading(present: Present) -> Need:
    """PURE: what nodes keep of the images that they lack, and the archives on the way there: Docker writes one on its
    own disk, which is gone before the nodes fill, and its client another in the cache. Two families travel at once."""
    names = {name for lacking in present.lacking.values() for name in lacking}
    if not names:
        return NOTHING
    kept = sum(_in_node(node, lacking, present) for node, lacking in present.lacking.items() if lacking)
    largest = sorted((_family_mb(family) for family in families(names)), reverse=True)
    archives = sum(largest[:2])
    parts = (f"images into {sum(1 for lacking in present.lacking.values() if lacking)} nodes",)
    return Need(int(max(kept, archives) * MB), archives * MB, parts)


def families(names: Collection[str]) -> tuple[tuple[str, ...], ...]:
    """PURE: images in groups that share their layers, in the order in which they are loaded: the largest group first,
    since the others can travel beside it."""
    groups: dict[str, list[str]] = {}
    for image in IMAGES:
        if image.name in names:
            groups.setdefault(_root(image.name), []).append(image.name)
    return tuple(sorted((tuple(group) for group in groups.values()), key=_family_mb, reverse=True))


def shortages(need: Need, docker: Place | None, cache: Place) -> tuple[Shortage, ...]:
    """PURE: none when there is room. Docker's place is None where its disk is not this computer's, as in a virtual
    machine; two places on one file system share what is free there."""
    if docker is not None and docker.device == cache.device:
        found = [Shortage(need.docker + need.cache, docker.free, (docker.path, cache.path), docker.device)]
    else:
        found = [Shortage(need.cache, cache.free, (cache.path,), cache.device)]
        if docker is not None:
            found.append(Shortage(need.docker, docker.free, (docker.path,), docker.device))
    return tuple(each for each in found if each.needed > each.free)


def told(need: Need, found: Sequence[Shortage]) -> str:
    """PURE: limit against actual, in a sentence."""
    places = "; ".join(
        f"{gib(each.needed)} GiB at {' and '.join(map(str, each.paths))}, where {gib(each.free)} GiB are free"
        for each in found
    )
    return f"Not enough disk space. Needed: {places}. What for: {'; '.join(need.parts) or 'logs and pods'}."


def remedy(removable: Sequence[Removable], devices: Collection[int]) -> str:
    """PURE: what can be removed from these disks, the commands first; then where else data can lie."""
    lines = [
        f"{each.command}   removes {each.what} ({each.size})" for each in removable if each.device in devices
    ]
    elsewhere = (
        "Or keep them on another disk: the cache with REMUDA_CACHE=/elsewhere, Docker's data with data-root in "
        "/etc/docker/daemon.json."
    )
    return "\n    ".join(["Free some space:", *lines]) + f"\n  {elsewhere}" if lines else f"Free some. {elsewhere}"


def gib(size: float) -> str:
    return f"{size / GIB:.1f}"


def disk_is_full(said: str) -> bool:
    """PURE: whether a program that failed said so."""
    return any(words in said.lower() for words in ("no space left on device", "enospc", "disk quota exceeded"))


def _in_node(node: str, lacking: Collection[str], present: Present) -> float:
    if node in present.empty:
        return IN_NODE * _family_mb(lacking)
    return IN_NODE * CHANGED * sum(OWN_MB[name] for name in lacking)


def _family_mb(names: Collection[str]) -> int:
    """Of an archive or an empty node: each layer once, those of parents too."""
    with_parents = {each for name in names for each in _lineage(name)}
    return BASE_MB + sum(OWN_MB[name] for name in with_parents)


def _lineage(name: str) -> tuple[str, ...]:
    parent = BY_NAME[name].parent
    return (name, *(_lineage(parent) if parent else ()))


def _root(name: str) -> str:
    return _lineage(name)[-1]
