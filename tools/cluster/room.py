"""Looks how much disk there is and what is there already, and refuses a step for which there is too little."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tools.cluster import space
from tools.cluster.command import Commands
from tools.cluster.errors import ClusterError
from tools.cluster.image_sources import BY_NAME, IMAGES
from tools.cluster.kind import KindCluster
from tools.cluster.load import ImageLoading
from tools.cluster.node_image.build import image_name
from tools.cluster.settings import Settings
from tools.cluster.space import Need, Place, Present, Removable
from tools.cluster.versions import OFFICIAL_NODE_IMAGE

OFF = "REMUDA_DISK_CHECK"  # =off: for a disk that says less than it has
BENCH_DATA = Path(".remuda/bench-data")
WORTH_TELLING = 200 * space.MB


@dataclass(frozen=True)
class Room:
    """Both calls raise a ClusterError that says what is needed, what there is, and what can be removed."""

    settings: Settings
    commands: Commands
    kind: KindCluster
    loading: ImageLoading

    def need(self, need: Need) -> str:
        """What was found out, in a few words."""
        if os.environ.get(OFF) == "off":
            return f"not checked, {OFF} is off"
        docker, cache = self._docker(), self._place(self.settings.cache)
        if found := space.shortages(need, docker, cache):
            short = {each.device for each in found}
            raise ClusterError(space.told(need, found), space.remedy(self._removable(docker), short))
        places = {place.device: place for place in (cache, docker) if place is not None}.values()
        free = ", ".join(f"{space.gib(place.free)} GiB free at {place.path}" for place in places)
        return f"{space.gib(need.docker + need.cache)} GiB needed at most, {free}"

    @contextmanager
    def explained(self) -> Iterator[None]:
        """A program that failed because a disk is full: says so first, and which one, and what to do."""
        try:
            yield
        except ClusterError as error:
            if not space.disk_is_full(error.what):
                raise
            docker, cache = self._docker(), self._place(self.settings.cache)
            places = [place for place in (docker, cache) if place is not None]
            remedy = space.remedy(self._removable(docker), {place.device for place in places})
            left = ", ".join(f"{space.gib(place.free)} GiB at {place.path}" for place in places)
            raise ClusterError(
                f"A disk is full; what could not be written is removed, and now free are {left}. {error.what}",
                f"{remedy}\n  The same command goes on from here.",
            ) from error

    def present(self, references: Mapping[str, str]) -> Present:
        """What Docker and the nodes have; a cluster that has to be made anew counts as none."""
        tags = set(self.commands.run("docker", "images", "--format", "{{.Repository}}:{{.Tag}}").split())
        nodes = self.kind.is_complete()
        told = {node: self.loading.lacking(references, node) if nodes else _all(node.pool) for node in self.kind.nodes}
        return Present(
            built=frozenset(name for name, reference in references.items() if reference in tags),
            earlier=frozenset(image.name for image in IMAGES if f"{image.repository}:dev" in tags),
            nodes=nodes,
            node_image=image_name() in tags or self._has(OFFICIAL_NODE_IMAGE),
            lacking={node.name: names for node, (names, _) in told.items()},
            empty=frozenset(node.name for node, (_, empty) in told.items() if empty),
        )

    def _has(self, image: str) -> bool:
        return self.commands.succeeds("docker", "image", "inspect", image)

    def _docker(self) -> Place | None:
        """None where the engine does not answer, or its disk is not this computer's (Docker Desktop's machine)."""
        told = self.commands.attempt("docker", "info", "-f", "{{json .DockerRootDir}}", timeout=20)
        if told.returncode != 0:
            return None
        root = Path(json.loads(told.stdout) or "/nowhere")
        try:
            return self._place(root) if root.exists() else None
        except PermissionError:
            return None

    def _place(self, path: Path) -> Place:
        """Of a folder that is not there yet, the one in which it will be."""
        there = next(each for each in (path, *path.parents) if each.exists())
        return Place(path, there.stat().st_dev, shutil.disk_usage(there).free)

    def _removable(self, docker: Place | None) -> tuple[Removable, ...]:
        found: list[Removable] = []
        if docker is not None:
            told = self.commands.attempt("docker", "system", "df", "--format", "{{json .}}").stdout.splitlines()
            rows = {row["Type"]: row for row in map(json.loads, told)}
            if (cache := rows.get("Build Cache", {}).get("Reclaimable", "0B")) != "0B":
                found.append(Removable("Docker's build cache", cache, "docker builder prune -f", docker.device))
            if self.kind.exists() and not self.kind.is_complete():
                size = rows.get("Local Volumes", {}).get("Size", "of unknown size")
                what = "the cluster that is there, unfinished or of another checkout"
                found.append(Removable(what, size, "make down", docker.device))
        bench, name = self.settings.root / BENCH_DATA, self.settings.name
        down = "make down PURGE=1" if name == "remuda" else f"REMUDA_CLUSTER={name} make down PURGE=1"
        for what, path, command in (
            ("tables of make bench-data", bench, f"rm -r {bench}"),
            ("the cluster, and its homes and tables for ever", self.settings.homes, down),
        ):
            if (size := used(path)) > WORTH_TELLING:
                found.append(Removable(what, f"{space.gib(size)} GiB", command, self._place(path).device))
        return tuple(found)


def used(folder: Path) -> int:
    """Bytes on disk below a folder; 0 when there is none. What others remove meanwhile does not count."""
    total = 0
    for path, _, files in os.walk(folder):
        for name in files:
            with suppress(FileNotFoundError):
                total += (Path(path) / name).lstat().st_blocks * 512
    return total


def _all(pool: str) -> tuple[tuple[str, ...], bool]:
    """What a node that is yet to be made has to get."""
    return tuple(name for name, image in BY_NAME.items() if pool in image.pools), True
