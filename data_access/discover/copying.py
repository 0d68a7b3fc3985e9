"""`copy` and `move`: between tables, files, folders, S3 and, to download, the web."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace

from data_access.discover import facts, words
from data_access.discover.place import ObjectPlace, Place, TablePlace, WebPlace, place_of
from data_access.errors import DataError, Reason
from data_access.tables.model import Commit
from data_access.workspace import Workspace


@dataclass(frozen=True)
class Copied:
    """What `copy` and `move` did. `commit` where the target is a table; `sha256` of a download."""

    source: str
    target: str
    files: int
    bytes: int
    seconds: float
    skipped: int = 0
    moved: bool = False
    commit: Commit | None = None
    sha256: str | None = None
    note: str = ""

    def __str__(self) -> str:
        did = "Moved" if self.moved else "Copied"
        size = f"{words.counted(self.files, 'file')}, {words.size(self.bytes)}"
        text = f"{did} {self.source} to {self.target}: {size} in {self.seconds:.1f} s"
        text += f" ({self.skipped:,} were there already)" if self.skipped else ""
        text += f"; commit {self.commit.number}" if self.commit else ""
        return f"{text}.{f' {self.note}' if self.note else ''}"

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        """A sentence whose words stay whole: of plain text JupyterLab breaks long ones."""
        from data_access.html import Page

        page = Page()
        page.text(str(self))
        return str(page)


@dataclass(frozen=True)
class How:
    """The options of a call."""

    overwrite: bool = False
    resume: bool = False
    deep: bool = False
    sha256: str | None = None
    message: str = ""
    progress: bool | None = None


def copy(  # noqa: PLR0913 - a public verb; its options are keywords
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    resume: bool = False,
    verify: str = "size",
    sha256: str | None = None,
    message: str = "",
    progress: bool | None = None,
    workspace: Workspace | None = None,
) -> Copied:
    """Copy a file, a folder's content, a table or a download to another place.

        copy("https://example.org/flights.csv.gz", "data/")       copy("data/", "s3://lake/raw/flights/")
        copy("sales.orders", "sandbox_ann.orders")                copy("sales.orders@42", "orders.parquet")
        copy("s3://lake/raw/flights.parquet", "sandbox_ann.flights")

    A copied table is a commit of the target, whose inputs name the source's commit; within one storage its files are
    copied by the storage itself. What is there is only replaced with `overwrite=True` (a table's history keeps it);
    `resume=True` leaves files alone that are there with the same size. A download that broke goes on where it was.
    `verify`: "size", or "sha256", which reads both sides again; `sha256=` is what a download has to be.

    Raises NotFoundError, ForbiddenError, UnreachableError, CorruptError, DataError (already-there, bad-location,
    bad-argument, disk-full), and for tables what `store_dataframe` raises.
    """
    if verify not in ("size", "sha256"):
        raise DataError(Reason.BAD_ARGUMENT, f"verify='{verify}' is not known.", 'Use "size" or "sha256".')
    how = How(overwrite, resume, verify == "sha256", sha256, message, progress)
    return _run(place_of(source), place_of(target), how, workspace, move=False)


def move(  # noqa: PLR0913 - a public verb; its options are keywords
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    resume: bool = False,
    verify: str = "size",
    message: str = "",
    progress: bool | None = None,
    workspace: Workspace | None = None,
) -> Copied:
    """As `copy`; then the source is removed, once every file of the copy is verified.

    A table that is moved leaves its history behind: its record goes, its files stay where they are, since models and
    anchors may name them.
    """
    if verify not in ("size", "sha256"):
        raise DataError(Reason.BAD_ARGUMENT, f"verify='{verify}' is not known.", 'Use "size" or "sha256".')
    how = How(overwrite, resume, verify == "sha256", None, message, progress)
    return _run(place_of(source), place_of(target), how, workspace, move=True)


def _run(source: Place, target: Place, how: How, workspace: Workspace | None, *, move: bool) -> Copied:
    from data_access.workspace import current

    workspace = workspace or current()
    began = time.monotonic()
    if isinstance(target, WebPlace):
        raise DataError(Reason.BAD_LOCATION, f"{target} can't be written to.", "Copy to a path, s3://… or a table.")
    if isinstance(source, WebPlace) and move:
        raise DataError(Reason.BAD_LOCATION, f"{source} can't be removed.", "Use copy(…) to download.")
    if isinstance(source, TablePlace) or isinstance(target, TablePlace):
        from data_access.discover.table_copy import with_tables

        done = with_tables(workspace, source, target, how, move=move)
    elif isinstance(source, WebPlace):
        done = _download(workspace, source, target, how)
    else:
        done = _objects(workspace, source, target, how, move=move)
    facts.forget()
    return replace(done, seconds=time.monotonic() - began, moved=move)


def _objects(workspace: Workspace, source: ObjectPlace, target: ObjectPlace, how: How, *, move: bool) -> Copied:
    from data_access.discover import transfer
    from data_access.progress import progress

    plan = transfer.survey(workspace.storage, source, target)
    if move:
        transfer.check_movable(plan.transfers)
    left = transfer.pending(plan, overwrite=how.overwrite, resume=how.resume)
    kept = [each for each in plan.transfers if each not in set(left)]
    size = sum(each.size for each in left)
    with progress(workspace.settings, f"Copying {source}", size=size, shown=how.progress) as bar:
        transfer.run(workspace.storage, left, deep=how.deep, advanced=bar.advance)
    if move:
        for each in kept:
            transfer.verify(workspace.storage, each, deep=True)
        workspace.storage.delete([each.source for each in plan.transfers])
    shown = plan.transfers[0].target.removeprefix("file://") if len(plan.transfers) == 1 else str(target)
    return Copied(str(source), shown, len(left), sum(each.size for each in left), 0.0, skipped=len(kept))


def _download(workspace: Workspace, source: WebPlace, target: ObjectPlace, how: How) -> Copied:
    from data_access.discover import transfer
    from data_access.progress import progress

    url = target.below(source.name) if target.folder else target.url
    if not how.overwrite and transfer.exists(workspace.storage, url):
        raise DataError(
            Reason.ALREADY_THERE, f"{url.removeprefix('file://')} is there already.", "overwrite=True replaces it."
        )
    with progress(workspace.settings, f"Downloading {source.name}", shown=how.progress) as bar:
        url, size, sha256 = transfer.fetch(
            workspace.storage, source, target, sha256=how.sha256, began=bar.total, advanced=bar.advance
        )
    return Copied(str(source), url.removeprefix("file://"), 1, size, 0.0, sha256=sha256)
