"""Puts images into the nodes that run them: each node gets only what it lacks, all nodes at once.

Images that share layers leave Docker in one archive, which is gone before the next but one is written: one archive of
all would take more disk, and that until the slowest node is done. Streamed past the disk it would take no less: Docker
writes an archive on its own disk first, and keeps it there until the last byte is read.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tools.cluster.archive import full_name, open_saved, saved_images, write_thin
from tools.cluster.command import Commands
from tools.cluster.errors import ClusterError
from tools.cluster.image_sources import BY_NAME
from tools.cluster.kind import Node
from tools.cluster.progress import Progress
from tools.cluster.settings import Settings
from tools.cluster.space import families

CTR = ("ctr", "--namespace", "k8s.io")
OURS = "docker.io/remuda/"
CONTENT_TAG = ":dev-"
FAMILIES_AT_ONCE = 2


def wanted(references: Mapping[str, str], node: Node) -> tuple[str, ...]:
    """What a node must have: the images whose machines run in its pool."""
    return tuple(reference for name, reference in references.items() if node.pool in BY_NAME[name].pools)


def outdated_on_node(listing: str, current: Collection[str], used: Collection[str]) -> tuple[str, ...]:
    """PURE: what to remove, from the table of `ctr images ls`; `used` are names of containers' images.

    Kubernetes' part of containerd keeps a second name for each image, `sha256:…`: an image whose other names have
    all gone would stay for ever by that one.
    """
    rows = [line.split() for line in listing.splitlines()[1:]]
    digests = {row[0]: row[2] for row in rows if len(row) > 2}
    old = {
        name
        for name in digests
        if name.startswith(OURS) and CONTENT_TAG in name and name not in current and name not in used
    }
    named = {digest for name, digest in digests.items() if name not in old and not name.startswith("sha256:")}
    nameless = {name for name, digest in digests.items() if name.startswith("sha256:") and digest not in named}
    return tuple(sorted(old | nameless))


def forget_interrupted(folder: Path) -> None:
    """Archives of runs that were killed; `images-PID-…` of one that goes on stays."""
    for place in folder.glob("images-*-*"):
        if not Path("/proc", place.name.split("-")[1]).exists():
            shutil.rmtree(place, ignore_errors=True)


@dataclass(frozen=True)
class ImageLoading:
    """`ensure` is all that others call."""

    settings: Settings
    commands: Commands
    progress: Progress

    def ensure(self, references: Mapping[str, str], nodes: tuple[Node, ...]) -> None:
        """`references` maps image names to references that Docker has."""
        missing = {node: self._missing(node, wanted(references, node)) for node in nodes}
        needed = {node: names for node, names in missing.items() if names}
        if not needed:
            self.progress.say("images: every node has its own")
            return
        all_needed = {name for names in needed.values() for name in names}
        groups = [
            tuple(references[name] for name in family)
            for family in families([name for name, reference in references.items() if reference in all_needed])
        ]
        self._folder.mkdir(parents=True, exist_ok=True)
        forget_interrupted(self._folder)
        locks = {node: threading.Lock() for node in needed}
        with self.progress.step(f"images into {len(needed)} nodes") as outcome:
            with ThreadPoolExecutor(FAMILIES_AT_ONCE) as pool:
                sizes = list(pool.map(lambda family: self._carry(family, needed, locks), groups))
            names = ", ".join(name for group in groups for name in group)
            outcome.text = f"{names}: {sum(sizes) / 1e6:.0f} MB of layers"
        for node in needed:
            self._forget_old(node, wanted(references, node))

    def lacking(self, references: Mapping[str, str], node: Node) -> tuple[tuple[str, ...], bool]:
        """Names of images that the node would have to get, and whether it has no earlier build of any; nothing is
        said of a node that does not run."""
        listing = self.commands.attempt("docker", "exec", node.name, *CTR, "images", "ls", "-q")
        present = set(listing.stdout.split())
        if listing.returncode != 0:
            return (), False
        names = [name for name, reference in references.items() if node.pool in BY_NAME[name].pools]
        missing = tuple(name for name in names if full_name(references[name]) not in present)
        return missing, not any(each.startswith(OURS) and CONTENT_TAG in each for each in present)

    def _carry(
        self, family: tuple[str, ...], needed: Mapping[Node, tuple[str, ...]], locks: Mapping[Node, threading.Lock]
    ) -> int:
        """One archive to every node that lacks something of it; bytes of layers. A node takes one archive at a time,
        so that layers of the first are there when the second comes."""
        lacking = {node: tuple(name for name in names if name in family) for node, names in needed.items()}
        takers = {node: names for node, names in lacking.items() if names}

        def load(node: Node) -> int:
            with locks[node]:
                return self._load(archive, node, takers[node])

        with tempfile.TemporaryDirectory(dir=self._folder, prefix=f"images-{os.getpid()}-") as place:
            archive = Path(place) / "saved.tar"
            self.commands.run("docker", "save", "-o", archive, *family)
            with ThreadPoolExecutor(len(takers)) as pool:
                return sum(pool.map(load, takers))

    @property
    def _folder(self) -> Path:
        return self.settings.cache / "work"

    def _missing(self, node: Node, names: tuple[str, ...]) -> tuple[str, ...]:
        present = self._images(node)
        return tuple(name for name in names if full_name(name) not in present)

    def _images(self, node: Node) -> set[str]:
        return set(self.commands.run("docker", "exec", node.name, *CTR, "images", "ls", "-q").split())

    def _load(self, archive: Path, node: Node, names: tuple[str, ...]) -> int:
        present = set(self.commands.run("docker", "exec", node.name, *CTR, "content", "ls", "-q").split())
        with open_saved(archive) as saved:
            images = [image for image in saved_images(saved) if image.reference in names]
            process = subprocess.Popen(
                ["docker", "exec", "-i", node.name, *CTR, "images", "import", "-"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            )  # fmt: skip
            return self._feed(process, node, lambda out: write_thin(saved, images, present, out))

    def _feed(self, process: subprocess.Popen[bytes], node: Node, write: Callable[[IO[bytes]], int]) -> int:
        """Writes into `ctr import` while its output is read, so that neither waits for the other for ever."""
        assert process.stdin is not None and process.stdout is not None
        output: list[bytes] = []
        reader = threading.Thread(target=lambda: output.append(process.stdout.read()))  # type: ignore[union-attr]
        reader.start()
        try:
            size = write(process.stdin)
            process.stdin.close()
        except BrokenPipeError:
            size = 0  # the import has ended early; its exit status and output say why
        reader.join()
        if process.wait() != 0:
            said = b"".join(output).decode(errors="replace").strip()
            raise ClusterError(
                f"Images could not be loaded into {node.name}: {said[-600:]}", "Try: make down && make up"
            )
        return size

    def _forget_old(self, node: Node, current: tuple[str, ...]) -> None:
        """Earlier builds that no container on the node uses any more; failures do not matter."""
        used = self.commands.attempt("docker", "exec", node.name, *CTR, "containers", "ls").stdout
        listing = self.commands.attempt("docker", "exec", node.name, *CTR, "images", "ls").stdout
        if old := outdated_on_node(listing, {full_name(name) for name in current}, used.split()):
            self.commands.attempt("docker", "exec", node.name, *CTR, "images", "rm", "--sync", *old)
