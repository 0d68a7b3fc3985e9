"""Removing a version for good: only one that nothing points at."""

from __future__ import annotations

import json

from data_access.errors import ConflictError, DataError, Reason
from data_access.models import layout, origins
from data_access.models.aliases import current_aliases
from data_access.models.reference import checked_name
from data_access.models.repository import Repository
from data_access.workspace import Workspace


def delete_version(name: str, version: int, *, workspace: Workspace | None = None) -> None:
    """Remove one version's files and its pins; its number is never used again.

    Refused while an alias points at it, or another version has it as parent: ConflictError(conflict).
    Raises NotFoundError(unknown-model).
    """
    repository = Repository(workspace)
    if isinstance(version, bool) or not isinstance(version, int):
        raise DataError(
            Reason.BAD_ARGUMENT, f"{version!r} is no number of a version.", "Aliases move; delete by number."
        )
    found = repository.resolve(checked_name(name), version)
    _require_unused(repository, name, version)
    repository.storage.delete([found.url + "/" + layout.MANIFEST])  # from here on nobody finds it
    # An alias that was set meanwhile sees the manifest gone and takes itself back.
    note = {"by": repository.workspace.user, "at": repository.workspace.now().isoformat(), "digest": found.digest}
    repository.storage.put(repository.place.deleted(name, version), (json.dumps(note, sort_keys=True) + "\n").encode())
    repository.storage.delete([f"{found.url}/{each.path}" for each in found.files])
    origins.unpinned(repository.workspace, found.inputs)


def _require_unused(repository: Repository, name: str, version: int) -> None:
    aliases = sorted(alias for alias, number in current_aliases(repository, name).items() if number == version)
    if aliases:
        raise ConflictError(
            Reason.CONFLICT,
            f"{name}@{version} is what {' and '.join(aliases)} point{'s' if len(aliases) == 1 else ''} at.",
            "Point the alias at another version first (set_alias), or take it away (remove_alias).",
        )
    children = [str(each) for each in repository.all(name) if each.parent == f"{name}@{version}"]
    if children:
        raise ConflictError(
            Reason.CONFLICT,
            f"{name}@{version} is the parent of {', '.join(children)}.",
            "Their history would break; delete them first if they may go.",
        )
