"""What there is to know of a version without loading its model."""

from __future__ import annotations

from data_access.models import layout
from data_access.models.artifact import ModelVersion
from data_access.models.portable.registry import FORMATS
from data_access.models.repository import Repository
from data_access.models.show import Sheet
from data_access.workspace import Workspace


def model_version(
    name: str | ModelVersion, version: int | str | None = None, *, workspace: Workspace | None = None
) -> ModelVersion:
    """A version by name and number or alias. Raises NotFoundError(unknown-model), CorruptError."""
    return Repository(workspace).resolve(name, version)


def environment_of(
    name: str | ModelVersion, version: int | str | None = None, *, workspace: Workspace | None = None
) -> str:
    """The lock of a version's whole environment, in pip's format: `uv pip sync --require-hashes` takes it.

    Raises NotFoundError(unknown-model), CorruptError.
    """
    repository = Repository(workspace)
    return repository.text(repository.resolve(name, version), layout.LOCK) or ""


def diff_of(
    name: str | ModelVersion, version: int | str | None = None, *, workspace: Workspace | None = None
) -> str | None:
    """What was not committed when it was saved, as `git apply` takes it; None where all was, or it was too long.

    Raises NotFoundError(unknown-model), CorruptError.
    """
    repository = Repository(workspace)
    return repository.text(repository.resolve(name, version), layout.DIFF)


def formats() -> Sheet:
    """The formats that there are, and the risk of each."""
    rows = tuple((each.name, "yes" if each.safe else "no", each.risk or "") for each in FORMATS.values())
    return Sheet("formats", ("format", "safe", "risk"), rows)
