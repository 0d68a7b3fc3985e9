"""Which version of which model: `churn`, `churn@3`, `churn@production`. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from data_access.errors import DataError, NotFoundError, Reason
from data_access.names import did_you_mean

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_ALIAS = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,63}")
_NUMBER = re.compile(r"v?([0-9]{1,9})")
LATEST = "latest"


@dataclass(frozen=True)
class Reference:
    """`version` is a number or an alias; `latest` is the highest number."""

    name: str
    version: int | str = LATEST

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"


def checked_name(name: str) -> str:
    """Raises DataError(bad-name)."""
    if not isinstance(name, str) or not _NAME.fullmatch(name) or name.endswith("."):
        raise DataError(
            Reason.BAD_NAME,
            f"'{name}' is no name for a model: letters, digits, '.', '_' and '-', 128 at most, the first one a letter "
            "or a digit.",
            "Choose another, as churn-2026.",
        )
    return name


def checked_alias(alias: str) -> str:
    """Raises DataError(bad-name): numbers are versions, and `latest` moves by itself."""
    if not isinstance(alias, str) or not _ALIAS.fullmatch(alias) or _NUMBER.fullmatch(alias) or alias == LATEST:
        why = (
            "it always is the highest version"
            if alias == LATEST
            else "it would be read as a version"
            if isinstance(alias, str) and _NUMBER.fullmatch(alias)
            else "it begins with a letter; letters, digits, '.', '_' and '-' follow, 64 at most"
        )
        raise DataError(
            Reason.BAD_NAME, f"'{alias}' can't be an alias: {why}.", "Choose another, as production or candidate."
        )
    return alias


def parse(text: str, version: int | str | None = None) -> Reference:
    """From `name`, `name@version`, or both apart. Raises DataError(bad-name, bad-argument)."""
    name, at, behind = text.partition("@")
    if at and version is not None:
        raise DataError(
            Reason.BAD_ARGUMENT, f"'{text}' names a version, and version={version!r} does too.", "Give one of them."
        )
    given = behind if at else LATEST if version is None else version
    return Reference(checked_name(name), _version(given))


def _version(given: int | str) -> int | str:
    if isinstance(given, bool) or not isinstance(given, (int, str)):
        raise DataError(
            Reason.BAD_ARGUMENT,
            f"{given!r} is no version.",
            "Give a number, an alias such as 'production', or 'latest'.",
        )
    if isinstance(given, str) and (number := _NUMBER.fullmatch(given)):
        given = int(number[1])
    if isinstance(given, int):
        if given < 1:
            raise DataError(
                Reason.BAD_ARGUMENT, f"There is no version {given}: they count from 1.", "Give another one."
            )
        return given
    return given if given == LATEST else checked_alias(given)


def unknown_model(name: str, known: list[str], place: str) -> NotFoundError:
    return NotFoundError(Reason.UNKNOWN_MODEL, f"There is no model '{name}' in {place}.", did_you_mean(name, known))


def unknown_version(name: str, version: int | str, versions: list[int], aliases: Mapping[str, int]) -> NotFoundError:
    there = f"Versions are {_ranges(versions)}." if versions else "It has no finished version."
    also = f" Aliases are {', '.join(f'{key} ({value})' for key, value in sorted(aliases.items()))}." if aliases else ""
    what = f"version {version}" if isinstance(version, int) else f"alias '{version}'"
    return NotFoundError(Reason.UNKNOWN_MODEL, f"The model '{name}' has no {what}.", there + also)


def _ranges(numbers: list[int]) -> str:
    """[1, 2, 3, 7] → "1 to 3, 7"."""
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and parts[-1][1] == number - 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ", ".join(str(low) if low == high else f"{low} to {high}" for low, high in parts)
