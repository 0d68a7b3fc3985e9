"""PURE: which files an image is made of, and a digest that changes exactly when one of them does."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

IGNORED = ("__pycache__", ".pyc", ".pyo")


@dataclass(frozen=True)
class Image:
    """One of images/*; `parent` is another of ours that it starts FROM; `pools` are whose nodes run it."""

    name: str
    pools: tuple[str, ...]
    parent: str | None = None

    @property
    def repository(self) -> str:
        return f"remuda/{self.name}"

    @property
    def dockerfile(self) -> str:
        return f"images/{self.name}/Dockerfile"


CORE, GENERAL, MANY_CORE, GPU = "core", "general", "many-core", "gpu"
IMAGES = (
    Image("proxy", (CORE,)),
    Image("hub", (CORE,)),
    Image("notebook", (GENERAL, MANY_CORE, GPU)),
    Image("notebook-gpu", (GPU,), parent="notebook"),
    # For the local cluster alone: what data_access works with there.
    Image("s3", (CORE,)),
    Image("postgres", (CORE,)),
    Image("hive-metastore", (CORE,)),
)
BY_NAME = {image.name: image for image in IMAGES}


def copied_paths(dockerfile: str) -> tuple[str, ...]:
    """Paths of the build context that COPY lines take; copies between stages are not among them."""
    joined = re.sub(r"\\\n", " ", dockerfile)
    paths: list[str] = []
    for line in joined.splitlines():
        words = line.split()
        if not words or words[0].upper() not in {"COPY", "ADD"}:
            continue
        flags = [word for word in words[1:] if word.startswith("--")]
        if any(flag.startswith("--from=") for flag in flags):
            continue
        paths += [word for word in words[1:] if not word.startswith("--")][:-1]
    return tuple(dict.fromkeys(paths))


def is_source(path: str) -> bool:
    """Whether a file counts; what Python leaves beside its sources does not."""
    return not any(part in IGNORED or part.endswith(IGNORED[1:]) for part in path.split("/"))


def digest(files: Mapping[str, tuple[int, bytes]], others: Iterable[str]) -> str:
    """12 hexadecimal digits over (mode, content) by path and over `others`: base image, build arguments."""
    result = hashlib.sha256()
    for path in sorted(files):
        mode, content = files[path]
        result.update(f"{path}\0{mode & 0o111:o}\0{len(content)}\0".encode())
        result.update(content)
    for other in others:
        result.update(f"\0{other}".encode())
    return result.hexdigest()[:12]
