"""What is installed, told by the packages' own records: versions, contents, where from, and who needs whom."""

from __future__ import annotations

import csv
import functools
import hashlib
import json
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any

from data_access.models.artifact import Distribution, Source

_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")
#: Written by installers, not by the package's maker.
_BY_INSTALLER = re.compile(
    r"\.dist-info/(RECORD|INSTALLER|REQUESTED|direct_url\.json|uv_cache\.json|uv_build\.json)(\..*)?$|\.pyc$|^\.\./"
)


def normal(name: str) -> str:
    """A distribution's name as indexes write it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def content_of(record: str) -> str | None:
    """sha256 over the files of a RECORD (PEP 376) with their hashes, but for what installers add. None of an empty one.

    Scripts in `bin` are left out: an installer writes the path of its own interpreter into them.
    """
    rows = sorted(
        (path, digest)
        for path, digest, *_ in csv.reader(record.splitlines())
        if digest and not _BY_INSTALLER.search(path)
    )
    if not rows:
        return None
    return hashlib.sha256("".join(f"{path} {digest}\n" for path, digest in rows).encode()).hexdigest()


def source_of(direct_url: str | None) -> Source:
    """Where it came from, by direct_url.json (PEP 610)."""
    if not direct_url:
        return "index"
    try:
        told: Mapping[str, Any] = json.loads(direct_url)
    except ValueError:
        return "url"
    if told.get("dir_info", {}).get("editable"):
        return "editable"
    return "local" if str(told.get("url", "")).startswith("file:") else "url"


def distributions(modules: Iterable[str]) -> tuple[Distribution, ...]:
    """All that is installed, by name; `needed` are those that hold one of these modules, and what they need."""
    there = _installed(_changes())
    needed = closure(providers(modules, there.top_packages), there.requires)
    return tuple(replace(each, needed=each.name in needed) for each in there.distributions)


@dataclass(frozen=True)
class _Installed:
    distributions: tuple[Distribution, ...]
    requires: Mapping[str, tuple[str, ...]]
    top_packages: Mapping[str, list[str]]


def _changes() -> tuple[tuple[str, int], ...]:
    """When each folder of packages changed: installing adds a .dist-info, removing takes one away."""
    folders = [Path(each or ".") for each in sys.path]
    return tuple((str(folder), folder.stat().st_mtime_ns) for folder in folders if folder.is_dir())


@functools.lru_cache(maxsize=1)
def _installed(changes: tuple[tuple[str, int], ...]) -> _Installed:
    found = {normal(each.name): each for each in reversed(list(metadata.distributions())) if each.name}
    return _Installed(
        tuple(
            Distribution(name, each.version, _content(each), source_of(_text(each, "direct_url.json")), False)
            for name, each in sorted(found.items())
        ),
        {name: tuple(each.requires or ()) for name, each in found.items()},
        metadata.packages_distributions(),
    )


def content_in(folder: Path) -> dict[str, str | None]:
    """Content by name of what is installed in a folder of packages."""
    return {normal(each.name): _content(each) for each in metadata.distributions(path=[str(folder)])}


def providers(modules: Iterable[str], known: Mapping[str, Iterable[str]]) -> set[str]:
    """The distributions of these modules' top packages; those of none (Python's own, files of the user's) drop out.

    `known`: top package → distributions. Pure.
    """
    return {normal(name) for module in modules for name in known.get(module.partition(".")[0], ())}


def closure(roots: Iterable[str], requires: Mapping[str, Iterable[str]]) -> set[str]:
    """Roots and all that they need, among what is installed. Pure.

    Markers are not evaluated: what is installed and named counts, unless only an extra asks for it.
    """
    seen: set[str] = set()
    ahead = [name for name in roots if name in requires]
    while ahead:
        name = ahead.pop()
        if name in seen:
            continue
        seen.add(name)
        for line in requires[name]:
            requirement, _, marker = line.partition(";")
            match = _REQUIREMENT.match(requirement)
            if match and "extra" not in marker and (needed := normal(match[1])) in requires:
                ahead.append(needed)
    return seen


def _text(distribution: metadata.Distribution, name: str) -> str | None:
    try:
        return distribution.read_text(name)
    except (OSError, UnicodeDecodeError):
        return None


def _content(distribution: metadata.Distribution) -> str | None:
    folder = getattr(distribution, "_path", None)  # of a PathDistribution: the .dist-info folder
    if folder is None:
        return content_of(_text(distribution, "RECORD") or "")
    try:
        changed = (Path(folder) / "RECORD").stat().st_mtime_ns
    except OSError:
        return None
    return _content_at(str(folder), changed)


@functools.lru_cache(maxsize=4096)
def _content_at(folder: str, changed: int) -> str | None:
    try:
        return content_of((Path(folder) / "RECORD").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return None
