"""What a person asked for: names, package specs, channels and environment files, parsed and checked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from environments.failures import Failure

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
DEFAULT_CHANNELS = ("conda-forge",)
RESERVED = frozenset({"base", "root", "envs", "pkgs"})


@dataclass(frozen=True)
class Request:
    """An environment to make."""

    specs: tuple[str, ...]
    pip: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    explicit: tuple[str, ...] = ()  # URLs of a lock file: exactly these packages
    variables: Mapping[str, str] | None = None


def checked_name(name: str) -> str:
    """The name, when it may be one. Raises Failure(bad-name)."""
    if NAME.fullmatch(name) and name.lower() not in RESERVED:
        return name
    raise Failure(
        "bad-name",
        f"'{name}' cannot be the name of an environment.",
        "Use letters, digits, dot, dash and underscore, beginning with a letter or digit, at most 64, and not 'base'.",
    )


def read_request(path: Path) -> Request:
    """An environment.yml, or an explicit lock (`@EXPLICIT`). Raises Failure(bad-file)."""
    try:
        text = path.read_text()
    except OSError as error:
        raise Failure("bad-file", f"{path} cannot be read: {error.strerror}.", "Check the path.") from error
    except UnicodeDecodeError as error:
        raise Failure(
            "bad-file", f"{path} is not a text file.", "Give an environment.yml or an explicit lock."
        ) from error
    lines = [line.strip() for line in text.splitlines()]
    if "@EXPLICIT" in lines:
        urls = tuple(line for line in lines if line and not line.startswith(("#", "@")))
        return Request(specs=(), explicit=urls)
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise Failure("bad-file", f"{path}{where} is not valid YAML.", "See the environment.yml of conda.") from error
    return _from_document(document, path)


def _from_document(document: Any, path: Path) -> Request:
    if not isinstance(document, Mapping) or not isinstance(document.get("dependencies", []), Sequence):
        raise Failure("bad-file", f"{path} has no list 'dependencies'.", "See the environment.yml of conda.")
    specs: list[str] = []
    pip: list[str] = []
    for entry in document.get("dependencies") or []:
        if isinstance(entry, str):
            specs.append(entry)
        elif isinstance(entry, Mapping) and set(entry) == {"pip"} and isinstance(entry["pip"], list):
            pip.extend(str(item) for item in entry["pip"])
        else:
            raise Failure(
                "bad-file",
                f"{path}: 'dependencies' has the entry {entry!r}, which is neither a package nor a 'pip:' list.",
                "Write packages as text, for example `- numpy=2.1`.",
            )
    channels = document.get("channels") or []
    if not isinstance(channels, list) or not all(isinstance(channel, str) for channel in channels):
        raise Failure("bad-file", f"{path}: 'channels' is not a list of names.", "Write `channels: [conda-forge]`.")
    variables = document.get("variables")
    return Request(
        specs=tuple(spec for spec in specs if spec != "pip") + (("pip",) if "pip" in specs else ()),
        pip=tuple(pip),
        channels=tuple(channel for channel in channels if channel != "nodefaults"),
        variables={str(key): str(value) for key, value in variables.items()} if isinstance(variables, dict) else None,
    )


def channels_for(asked: Sequence[str], request: Request, environ: Mapping[str, str], home: Path) -> tuple[str, ...]:
    """Channels in order of precedence: the command line, the file, REMUDA_CHANNELS, ~/.condarc, conda-forge."""
    from_admin = tuple(filter(None, re.split(r"[,\s]+", environ.get("REMUDA_CHANNELS", ""))))
    for channels in (tuple(asked), request.channels, from_admin, condarc(home).get("channels") or ()):
        kept = tuple(str(channel) for channel in channels if channel not in ("defaults", "nodefaults"))
        if kept:
            return kept
    return DEFAULT_CHANNELS


def mirrors_for(environ: Mapping[str, str], home: Path) -> dict[str, list[str]]:
    """`channel_alias` of .condarc, or REMUDA_CHANNEL_MIRROR, in the place of https://conda.anaconda.org."""
    mirror = environ.get("REMUDA_CHANNEL_MIRROR") or condarc(home).get("channel_alias")
    return {"https://conda.anaconda.org": [str(mirror).rstrip("/")]} if mirror else {}


def condarc(home: Path) -> dict[str, Any]:
    """~/.condarc, or ~/.config/conda/.condarc; empty when there is none or it cannot be read."""
    for path in (home / ".condarc", home / ".config/conda/.condarc"):
        try:
            document = yaml.safe_load(path.read_text())
        except (OSError, UnicodeDecodeError, yaml.YAMLError):
            continue
        if isinstance(document, dict):
            return document
    return {}
