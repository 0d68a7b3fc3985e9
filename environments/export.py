"""Write an environment down: environment.yml, or a lock of exact files. Pure but for reading package metadata."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import yaml

from environments.discovery import Environment
from environments.facts import Facts, read_json, site_packages
from environments.failures import Failure


def environment_yaml(environment: Environment, records: Sequence[Any], asked: Sequence[str] | None) -> str:
    """environment.yml with versions and builds, or with only what was asked for."""
    exact = sorted(f"{record.name.normalized}={record.version}={record.build}" for record in records)
    dependencies: list[Any] = list(asked) if asked is not None else exact
    pip = pip_packages(environment.facts)
    if pip:
        dependencies.append({"pip": pip})
    channels = list(dict.fromkeys(str(record.channel).rstrip("/") for record in records if record.channel))
    document: dict[str, Any] = {"name": environment.name, "channels": channels, "dependencies": dependencies}
    if environment.facts.variables:
        document["variables"] = dict(environment.facts.variables)
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True)


def venv_yaml(environment: Environment) -> str:
    """environment.yml of a venv: its Python and its packages from PyPI."""
    python = [f"python={environment.facts.python}"] if environment.facts.python else []
    dependencies: list[Any] = [*python, {"pip": pip_packages(environment.facts)}]
    return yaml.safe_dump({"name": environment.name, "dependencies": dependencies}, sort_keys=False)


def explicit_lock(records: Sequence[Any]) -> str:
    """conda's explicit format: one URL per package, with its hash."""
    lines = ["# Made by remuda-env. Install with: remuda-env create NAME -f THIS_FILE", "@EXPLICIT"]
    for record in sorted(records, key=lambda record: str(record.name.normalized)):
        digest = record.md5.hex() if record.md5 else ""
        lines.append(f"{record.url}#{digest}" if digest else str(record.url))
    return "\n".join(lines) + "\n"


def pins_of_lock(urls: Iterable[str]) -> tuple[tuple[str, ...], list[str]]:
    """The channels and fully pinned specs of a lock's URLs. Raises Failure(bad-file)."""
    channels: dict[str, None] = {}
    specs: list[str] = []
    for line in urls:
        url = line.split("#")[0]
        parts = url.rsplit("/", 2)
        stem = parts[-1].removesuffix(".conda").removesuffix(".tar.bz2")
        pieces = stem.rsplit("-", 2)
        if len(parts) != 3 or len(pieces) != 3 or stem == parts[-1]:
            raise Failure("bad-file", f"'{line}' in the lock is not the URL of a conda package.", "Export it again.")
        channels[parts[0]] = None
        specs.append(f"{pieces[0]}=={pieces[1]}={pieces[2]}")
    if not specs:
        raise Failure("bad-file", "The lock names no package.", "Export it again.")
    return tuple(channels), specs


def pip_packages(facts: Facts) -> list[str]:
    """`name==version` of what pip or uv installed; editable ones and what conda packages brought are left out."""
    site = site_packages(facts.prefix)
    if site is None:
        return []
    from_conda = _brought_by_conda(facts.prefix)
    found = []
    for folder in sorted(site.glob("*.dist-info")):
        if folder.name in from_conda or _is_editable(folder):
            continue
        name, version = _name_and_version(folder)
        if name and version:
            found.append(f"{name}=={version}")
    return found


def _brought_by_conda(prefix: Path) -> set[str]:
    """Names of the dist-info folders that conda packages own."""
    owned: set[str] = set()
    for record in (prefix / "conda-meta").glob("*.json"):
        files = read_json(record).get("files") or []
        owned.update(str(file).split("/")[-2] for file in files if str(file).endswith(".dist-info/METADATA"))
    return owned


def _is_editable(folder: Path) -> bool:
    try:
        return '"editable": true' in (folder / "direct_url.json").read_text()
    except OSError:
        return False


def _name_and_version(folder: Path) -> tuple[str, str]:
    fields: dict[str, str] = {}
    try:
        with (folder / "METADATA").open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if not line.strip():
                    break
                key, _, value = line.partition(":")
                fields.setdefault(key.strip().lower(), value.strip())
    except OSError:
        return "", ""
    return fields.get("name", ""), fields.get("version", "")
