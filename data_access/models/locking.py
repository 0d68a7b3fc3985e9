"""The environment as a lock: every installed package, its version, and hashes that a fresh one is held to.

Two hashes, of two kinds. The *index's* are sha256 of the wheels that the index has for that version (`uv pip compile
--generate-hashes`): an installer refuses any other wheel. The *content's* is taken from what is installed here, by its
own RECORD: `verify` compares it, and sees whether the index's wheel is the one that made the model.
"""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from data_access.errors import DataError
from data_access.models import uv
from data_access.models.artifact import Distribution, EnvironmentLock
from data_access.models.installed import distributions, normal

_UNKNOWN = re.compile(
    r"Because ([A-Za-z0-9._-]+) was not found|there is no version of ([A-Za-z0-9._-]+?)(?:\[\S*\])?=="
)
_ENTRY = re.compile(r"^(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)==(?P<version>\S+)(?P<hashes>(?:\s*\\\s*--hash=\S+)*)", re.M)
_ATTEMPTS = 20


@dataclass(frozen=True)
class Locked:
    """What is known of the environment, and its lock file."""

    record: EnvironmentLock
    text: str


def lock(modules: Iterable[str]) -> Locked:
    """The running environment. `modules` are what the model imports: their packages are marked as needed.

    Never raises: without an index or uv there are versions and contents, and `why_not` says why no more.
    """
    found = distributions(modules)
    wanted = tuple((each.name, each.version) for each in found if each.source == "index")
    text, why_not = _hashes(wanted)
    elsewhere = {
        "editable": "installed from a working folder",
        "local": "installed from a local file",
        "url": "installed from a URL",
    }
    why_not = {**why_not, **{each.name: elsewhere[each.source] for each in found if each.source != "index"}}
    entries = parse(text)
    record = EnvironmentLock(
        python=platform.python_version(),
        platform=f"{sys.platform} {platform.machine()}",
        distributions=found,
        hashed=sum(1 for hashes in entries.values() if hashes),
        why_not=why_not,
    )
    return Locked(record, _file(record, text))


#: The last answer of the index: it may add hashes to a version, but changes none.
_answered: dict[tuple[tuple[str, str], ...], tuple[str, Mapping[str, str]]] = {}


def _hashes(wanted: tuple[tuple[str, str], ...]) -> tuple[str, Mapping[str, str]]:
    """The index's lock of what it knows, and why the rest is not in it."""
    if wanted in _answered:
        return _answered[wanted]
    why_not: dict[str, str] = {}
    for _ in range(_ATTEMPTS):
        pinned = [f"{name}=={version}" for name, version in wanted if name not in why_not]
        try:
            text = uv.hashes(pinned) if pinned else ""
        except DataError as error:
            return "", {"": str(error)}
        except uv.UvError as error:
            unknown = unknown_in(error.said, {name for name, _ in wanted} - set(why_not))
            if not unknown:
                return "", {"": "the package index does not answer" if error.offline else error.sentence}
            why_not |= dict.fromkeys(unknown, "the package index does not have this version")
        else:
            _answered.clear()
            _answered[wanted] = text, why_not
            return text, why_not
    return "", {"": "the package index does not have many of these versions"}


def unknown_in(said: str, names: Collection[str]) -> list[str]:
    """The packages that uv could not find, by its own words. Pure."""
    found = {normal(match[1] or match[2]) for match in _UNKNOWN.finditer(said)}
    return sorted(found & set(names))


def parse(text: str) -> dict[tuple[str, str], tuple[str, ...]]:
    """A lock file in pip's format: (name, version) → hashes ("sha256:…"). Pure."""
    return {
        (normal(match["name"]), match["version"]): tuple(re.findall(r"--hash=(\S+)", match["hashes"]))
        for match in _ENTRY.finditer(text)
    }


def write(entries: Mapping[tuple[str, str], Sequence[str]]) -> str:
    """The inverse of `parse`. Pure."""
    lines = []
    for (name, version), hashes in sorted(entries.items()):
        lines.append(" \\\n".join([f"{name}=={version}", *(f"    --hash={each}" for each in hashes)]))
    return "".join(f"{line}\n" for line in lines)


def chosen(record: EnvironmentLock, text: str, *, everything: bool) -> dict[tuple[str, str], tuple[str, ...]]:
    """What a fresh environment gets: what the model needs, or all; packages from working folders never. Pure."""
    hashes = parse(text)
    return {
        key: hashes.get(key, ())
        for each in record.distributions
        if (everything or each.needed) and each.source == "index" and (key := (each.name, each.version))
    }


def _file(record: EnvironmentLock, text: str) -> str:
    """The lock with a head that says what its hashes are, and the versions that no index has hashes of."""
    entries = parse(text)
    rest = [each for each in record.distributions if (each.name, each.version) not in entries]
    head = [
        f"# Python {record.python}, {record.platform}. Hashes: sha256 of the wheels and sources that the package index",
        "# has for each version (uv pip compile --generate-hashes). Install: uv pip sync --require-hashes FILE",
    ]
    why = [
        f"# no hash: {each.name}=={each.version}: {record.why_not.get(each.name) or record.why_not.get('', 'unknown')}"
        for each in rest
    ]
    return "\n".join([*head, *why, ""]) + write(entries)


def without_hashes(record: EnvironmentLock, entries: Mapping[tuple[str, str], Sequence[str]]) -> list[Distribution]:
    """Those to be installed that no hash holds. Pure."""
    return [each for each in record.distributions if not entries.get((each.name, each.version), ("",))]
