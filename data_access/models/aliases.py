"""Aliases: names that move from version to version, with a history of who moved them when, and why.

Each move is an object with the next number, put if absent: of two at once one is second, and says so truthfully.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from data_access.errors import ConflictError, DataError, NotFoundError, Reason
from data_access.models import codec, layout
from data_access.models.artifact import AliasChange, ModelVersion
from data_access.models.reference import checked_alias, checked_name
from data_access.names import did_you_mean
from data_access.workspace import Workspace

if TYPE_CHECKING:
    from data_access.models.repository import Repository


class _Any:
    def __repr__(self) -> str:
        return "whatever it is"


ANY = _Any()


def set_alias(  # noqa: PLR0913 - what a move is made of
    name: str,
    alias: str,
    version: int | str | ModelVersion,
    *,
    why: str = "",
    expected: int | _Any | None = ANY,
    workspace: Workspace | None = None,
) -> AliasChange:
    """Point an alias at a version: a number, another alias, or `latest`.

    `expected` is the version that you believe it points at (None: not set); when it does not, ConflictError(conflict).
    Raises NotFoundError(unknown-model), DataError(bad-name).
    """
    from data_access.models.repository import Repository

    repository = Repository(workspace)
    found = repository.resolve(version) if isinstance(version, ModelVersion) else repository.resolve(name, version)
    if found.name != checked_name(name):
        raise DataError(
            Reason.BAD_ARGUMENT, f"An alias of '{name}' can't point at {found}.", "Give a version of the same model."
        )
    change = _move(repository, (name, checked_alias(alias)), found, why, expected)
    if repository.read(name, found.version) is None:  # deleted between our look and our move
        _move(repository, (name, alias), None, f"{found} was deleted meanwhile", found.version)
        raise NotFoundError(
            Reason.UNKNOWN_MODEL,
            f"{found} was deleted while '{alias}' was being pointed at it; '{alias}' is not set now.",
            "Point it at another version.",
        )
    return change


def remove_alias(name: str, alias: str, *, why: str = "", workspace: Workspace | None = None) -> AliasChange:
    """Take an alias away; its history stays. Raises NotFoundError(unknown-model)."""
    from data_access.models.repository import Repository

    repository = Repository(workspace)
    now = pointed_at(repository, checked_name(name), checked_alias(alias))
    if now is None or now.after is None:
        raise _unset(repository, name, alias)
    return _move(repository, (name, alias), None, why, ANY)


def alias_history(
    name: str, alias: str | None = None, *, workspace: Workspace | None = None
) -> tuple[AliasChange, ...]:
    """Every move of an alias, or of all of a model's aliases; the latest first. Raises NotFoundError(unknown-model)."""
    from data_access.models.repository import Repository, at_once
    from data_access.models.show import Listing, changes

    repository = Repository(workspace)
    urls = _changes(repository, checked_name(name))
    if alias is not None:
        if checked_alias(alias) not in {each for each, _ in urls}:
            raise _unset(repository, name, alias)
        urls = {key: url for key, url in urls.items() if key[0] == alias}
    found = at_once(lambda url: codec.decode_change(repository.storage.get(url), url), list(urls.values()))
    return Listing(sorted(found, key=lambda each: (each.at, each.number), reverse=True), changes)


def pointed_at(repository: Repository, name: str, alias: str) -> AliasChange | None:
    """The last move of an alias: one list and one get."""
    urls = _changes(repository, name, f"{alias}/")
    if not urls:
        return None
    url = urls[max(urls, key=lambda key: key[1])]
    return codec.decode_change(repository.storage.get(url), url)


def current_aliases(repository: Repository, name: str) -> dict[str, int]:
    """What each alias that is set points at."""
    from data_access.models.repository import at_once

    last: dict[str, tuple[int, str]] = {}
    for (alias, number), url in _changes(repository, name).items():
        last[alias] = max(last.get(alias, (0, "")), (number, url))
    found = at_once(
        lambda url: codec.decode_change(repository.storage.get(url), url), [url for _, url in last.values()]
    )
    return {each.alias: each.after for each in found if each.after is not None}


def _changes(repository: Repository, name: str, below: str = "") -> Mapping[tuple[str, int], str]:
    listed = repository.storage.list(repository.place.aliases(name) + below)
    return {key: entry.url for entry in listed if (key := layout.change_of(entry.url)) is not None}


def _move(
    repository: Repository, which: tuple[str, str], to: ModelVersion | None, why: str, expected: int | _Any | None
) -> AliasChange:
    name, alias = which
    while True:
        last = pointed_at(repository, name, alias)
        before = last.after if last else None
        if not isinstance(expected, _Any) and before != expected:
            raise ConflictError(
                Reason.CONFLICT,
                f"'{alias}' of '{name}' points at {_said(before)}, not at {_said(expected)}"
                + (f": {last.by} moved it at {last.at:%Y-%m-%d %H:%M} UTC." if last else "."),
                "Look at alias_history, then decide again.",
            )
        change = AliasChange(
            name,
            alias,
            last.number + 1 if last else 1,
            before,
            to.version if to else None,
            repository.workspace.user,
            repository.workspace.now(),
            why,
            to.digest if to else None,
        )
        if repository.put_ours(repository.place.change(name, alias, change.number), codec.encode_change(change)):
            return change


def _said(version: int | None) -> str:
    return "no version" if version is None else f"version {version}"


def _unset(repository: Repository, name: str, alias: str) -> NotFoundError:
    there = current_aliases(repository, name)
    if not there:
        repository.require(name)
    return NotFoundError(
        Reason.UNKNOWN_MODEL, f"The model '{name}' has no alias '{alias}'.", did_you_mean(alias, there)
    )
