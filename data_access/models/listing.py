"""Which models there are, and which versions of one."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from data_access.errors import CorruptError
from data_access.models import show
from data_access.models.aliases import current_aliases
from data_access.models.reference import checked_name
from data_access.models.repository import Repository, at_once
from data_access.models.show import Listing, Sheet
from data_access.workspace import Workspace

if TYPE_CHECKING:
    from data_access.models.artifact import ModelVersion


@dataclass(frozen=True)
class ModelSummary:
    """A model: its newest version and what its aliases point at."""

    name: str
    latest: ModelVersion
    aliases: Mapping[str, int]


def models(*, workspace: Workspace | None = None) -> Listing[ModelSummary]:
    """Every model that has a finished version, by name. One that can't be read is left out, with a warning."""
    repository = Repository(workspace)
    names = repository.names()
    found = at_once(lambda name: _summary_or_why(repository, name), names)
    for name, each in zip(names, found, strict=True):
        if isinstance(each, CorruptError):
            warnings.warn(f"The model '{name}' is left out: {each}", stacklevel=2)
    return Listing([each for each in found if isinstance(each, ModelSummary)], show.models)


def versions(name: str, *, workspace: Workspace | None = None) -> Listing[ModelVersion]:
    """Every finished version of a model, the newest first. Raises NotFoundError(unknown-model)."""
    repository = Repository(workspace)
    found = repository.all(checked_name(name))
    aliases = current_aliases(repository, name)

    def sheet(of: Sequence[ModelVersion]) -> Sheet:
        return show.versions(
            [(each, [a for a, number in sorted(aliases.items()) if number == each.version]) for each in of]
        )

    return Listing(found, sheet)


def _summary_or_why(repository: Repository, name: str) -> ModelSummary | CorruptError | None:
    try:
        return _summary(repository, name)
    except CorruptError as error:
        return error


def _summary(repository: Repository, name: str) -> ModelSummary | None:
    latest = repository.latest(name)
    return None if latest is None else ModelSummary(name, latest, current_aliases(repository, name))
