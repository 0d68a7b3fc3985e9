"""Puts images into the nodes that run them: each node gets only what it lacks, all nodes at once."""

from __future__ import annotations

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

CTR = ("ctr", "--namespace", "k8s.io")
OURS = "docker.io/remuda/"
CONTENT_TAG = ":dev-"


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
        all_needed = tuple(dict.fromkeys(name for names in needed.values() for name in names))
        folder = self.settings.cache / "work"
        folder.mkdir(parents=True, exist_ok=True)
        with (
            self.progress.step(f"images into {len(needed)} nodes") as outcome,
            tempfile.NamedTemporaryFile(dir=folder, suffix=".tar") as archive,
        ):
            self.commands.run("docker", "save", "-o", archive.name, *all_needed)
            with ThreadPoolExecutor(len(needed)) as pool:
                sizes = list(pool.map(lambda item: self._load(Path(archive.name), *item), needed.items()))
            outcome.text = f"{', '.join(all_needed)}: {sum(sizes) / 1e6:.0f} MB of layers"
        for node in needed:
            self._forget_old(node, wanted(references, node))

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
