"""Builds what images/ describes, only when its sources changed: the tag is made of their digest."""

from __future__ import annotations

import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tools.cluster import buildkit, certificates
from tools.cluster.command import Commands
from tools.cluster.errors import ClusterError
from tools.cluster.image_sources import IMAGES, Image, copied_paths, digest, is_source
from tools.cluster.node_image import rootfs
from tools.cluster.progress import Progress
from tools.cluster.settings import Settings

KEPT_TAGS = 2  # of each image: this tree's and the one before


def outdated(tags: list[str], current: str, kept: int = KEPT_TAGS) -> tuple[str, ...]:
    """Content tags to remove; `tags` come newest first, and what people tagged themselves is never among them."""
    ours = [tag for tag in tags if re.fullmatch(r".*:dev-[0-9a-f]{12}", tag) and tag != current]
    return tuple(ours[kept - 1 :])


@dataclass(frozen=True)
class ImageBuilds:
    """`ensure` builds; `references` says what the images of this tree, as it is now, are called."""

    settings: Settings
    commands: Commands
    progress: Progress

    def references(self) -> dict[str, str]:
        """Image name to reference, parents first. Two calls differ when a source was edited between them."""
        found: dict[str, str] = {}
        for image in IMAGES:
            found[image.name] = f"{image.repository}:dev-{self._digest(image, _base(image, found))}"
        return found

    def ensure(self) -> dict[str, str]:
        """`references`, all of them built; children wait for their parent, the others are built in parallel."""
        rootfs.ensure(rootfs.IMAGE_BASE, self.settings, self.commands)
        buildkit.client(self.commands)  # before anything slow
        references = self.references()
        with ThreadPoolExecutor(2) as pool:
            parents = [image for image in IMAGES if image.parent is None]
            list(pool.map(lambda image: self._ensure_family(image, references), parents))
        return references

    def is_built(self, reference: str) -> bool:
        return self.commands.succeeds("docker", "image", "inspect", reference)

    def _ensure_family(self, image: Image, references: Mapping[str, str]) -> None:
        self._ensure_one(image, references)
        for child in (other for other in IMAGES if other.parent == image.name):
            self._ensure_family(child, references)

    def _ensure_one(self, image: Image, references: Mapping[str, str]) -> None:
        reference = references[image.name]
        with self.progress.step(f"image {reference}") as outcome:
            if self.is_built(reference):
                outcome.text = "unchanged"
            else:
                self._build(image, reference, _base(image, references))
                outcome.text = "built"
            self.commands.run("docker", "tag", reference, f"{image.repository}:dev")
        self._forget_old(image, reference)

    def _build(self, image: Image, reference: str, base: str) -> None:
        self.commands.run(
            buildkit.client(self.commands), "build", "--network", "host", *self._secret(),
            "--build-arg", f"BASE={base}", "--label", f"org.opencontainers.image.title={image.repository}",
            "-f", self.settings.root / image.dockerfile, "-t", reference, self.settings.root,
            env=buildkit.ENVIRONMENT, timeout=1800,
        )  # fmt: skip

    def _secret(self) -> tuple[str, ...]:
        """The host's certificates, only while building: behind a proxy that re-signs, the image's own do not do."""
        bundle = certificates.for_builds()
        return ("--secret", f"id=ca,src={bundle}") if bundle else ()

    def _digest(self, image: Image, base: str) -> str:
        root = self.settings.root
        dockerfile = root / image.dockerfile
        files: dict[str, tuple[int, bytes]] = {}
        for path in [image.dockerfile, *copied_paths(dockerfile.read_text())]:
            place = root / path
            if not place.exists():
                raise ClusterError(f"{image.dockerfile} copies {path}, which is not there.", "Check the COPY lines.")
            for file in [place] if place.is_file() else sorted(place.rglob("*")):
                relative = str(file.relative_to(root))
                if file.is_file() and is_source(relative):
                    files[relative] = (file.stat().st_mode, file.read_bytes())
        return digest(files, [base])

    def _forget_old(self, image: Image, current: str) -> None:
        listing = self.commands.attempt("docker", "images", "--format", "{{.Repository}}:{{.Tag}}", image.repository)
        for tag in outdated(listing.stdout.split(), current):
            self.commands.attempt("docker", "image", "rm", tag)


def _base(image: Image, references: Mapping[str, str]) -> str:
    return references[image.parent] if image.parent else rootfs.IMAGE_BASE.image
