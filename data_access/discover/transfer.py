"""Files and folders from one place to another: planned first, then copied several at once, then verified."""

from __future__ import annotations

import hashlib
import io
import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from data_access.discover.place import ObjectPlace, WebPlace
from data_access.errors import CorruptError, DataError, NotFoundError, Reason
from data_access.storage.base import Entry, Storage
from data_access.storage.router import Reading

AT_ONCE = 8
_PIECE = 8 * 1024**2
#: In the paths of a table's files, which only its commits may change.
_OF_TABLES = ("/_remuda/", "/batch_id=")


@dataclass(frozen=True)
class Transfer:
    source: str
    target: str
    size: int


@dataclass(frozen=True)
class Plan:
    """`there`: targets that exist, with their sizes."""

    transfers: tuple[Transfer, ...]
    there: dict[str, int]

    @property
    def bytes(self) -> int:
        return sum(each.size for each in self.transfers)


Advanced = Callable[[int], None]


def survey(storage: Storage, source: ObjectPlace, target: ObjectPlace) -> Plan:
    """What would be copied where. Raises NotFoundError, DataError(bad-argument) for a folder into itself."""
    if not source.folder:
        size = _size(storage, source.url)
        if size is not None:
            url = target.below(source.name) if target.folder else target.url
            _apart(source.url, url)
            there = _size(storage, url)
            return Plan((Transfer(source.url, url, size),), {} if there is None else {url: there})
    root = source.url.rstrip("/")
    goal = target.url.rstrip("/")
    _apart(f"{root}/", f"{goal}/")
    entries = listed(storage, root)
    if not entries:
        raise NotFoundError(Reason.NOT_FOUND, f"{source} is neither a file nor a folder with files.", "Check the name.")
    transfers = folder_transfers(entries, root, goal)
    sizes = {entry.url: entry.size for entry in listed(storage, goal)}
    return Plan(transfers, {each.target: sizes[each.target] for each in transfers if each.target in sizes})


def folder_transfers(entries: Iterable[Entry], root: str, goal: str) -> tuple[Transfer, ...]:
    """The content of a folder below another; empty folder marks of S3 consoles (`a/`) stay behind. Pure."""
    return tuple(
        Transfer(entry.url, f"{goal}{entry.url[len(root) :]}", entry.size)
        for entry in sorted(entries, key=lambda each: each.url)
        if not entry.url.endswith("/")
    )


def _apart(source: str, target: str) -> None:
    if source == target or (source.endswith("/") and target.startswith(source)):
        raise DataError(Reason.BAD_ARGUMENT, f"{target} is {source}, or in it.", "Name a target outside of the source.")


def pending(plan: Plan, *, overwrite: bool, resume: bool) -> tuple[Transfer, ...]:
    """What is left to copy. Raises DataError(already-there). Pure."""
    if overwrite or not plan.there:
        return plan.transfers
    if resume:
        return tuple(each for each in plan.transfers if plan.there.get(each.target) != each.size)
    first = next(iter(plan.there))
    more = f" and {len(plan.there) - 1:,} more are" if len(plan.there) > 1 else " is"
    raise DataError(
        Reason.ALREADY_THERE,
        f"{first.removeprefix('file://')}{more} there already.",
        "overwrite=True replaces what is there; resume=True copies only what is missing or has another size.",
    )


def check_movable(transfers: Sequence[Transfer]) -> None:
    """Files of a table are what its history needs. Raises DataError(bad-argument). Pure."""
    for each in transfers:
        if any(part in each.source for part in _OF_TABLES):
            raise DataError(
                Reason.BAD_ARGUMENT,
                f"{each.source} belongs to a table, and moving it would break the table's history.",
                'Name the table instead: copy("database.table", …).',
            )


def run(storage: Storage, transfers: Sequence[Transfer], *, deep: bool, advanced: Advanced) -> None:
    """Copy and verify each: sizes, and with `deep` the sha256 of both. Raises what storage raises, CorruptError."""

    def one(each: Transfer) -> None:
        storage.copy(each.source, each.target)
        verify(storage, each, deep=deep)
        advanced(each.size)

    with ThreadPoolExecutor(min(AT_ONCE, len(transfers)) or 1, thread_name_prefix="copy") as pool:
        futures = [pool.submit(one, each) for each in transfers]
        try:
            for future in futures:
                future.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def verify(storage: Storage, each: Transfer, *, deep: bool) -> None:
    """Raises CorruptError when the copy is not the source."""
    size = storage.size(each.target)
    if size != each.size:
        raise CorruptError(
            Reason.CORRUPT,
            f"{each.target} has {size:,} bytes, but {each.source} had {each.size:,}.",
            "Something wrote to one of them meanwhile: copy again.",
        )
    if deep and sha256_of(storage, each.source) != sha256_of(storage, each.target):
        raise CorruptError(
            Reason.CORRUPT,
            f"{each.target} is not what {each.source} is (sha256).",
            "Copy again; the source is untouched.",
        )


def sha256_of(storage: Storage, url: str) -> str:
    digest = hashlib.sha256()
    with io.BufferedReader(Reading(storage, url), _PIECE) as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()


def fetch(  # noqa: PLR0913
    storage: Storage,
    source: WebPlace,
    target: ObjectPlace,
    *,
    sha256: str | None,
    began: Callable[[int | None], None],
    advanced: Advanced,
) -> tuple[str, int, str]:
    """Download to a file or an object: its URL, size and sha256. Raises what `web.download` raises, CorruptError."""
    from data_access.discover.web import download

    url = target.below(source.name) if target.folder else target.url
    if url.startswith("file://"):
        path = Path(url.removeprefix("file://"))
        path.parent.mkdir(parents=True, exist_ok=True)
        held = path.with_name(f".{path.name}.download")
        got = download(source.url, held, began=began, advanced=advanced)
        _check(sha256, got.sha256, source, held)
        held.replace(path)
        return url, got.size, got.sha256
    with tempfile.TemporaryDirectory(prefix="data-access-") as folder:
        held = Path(folder) / "download"
        got = download(source.url, held, began=began, advanced=advanced)
        _check(sha256, got.sha256, source, held)
        with held.open("rb") as file:
            storage.write(url, lambda out: shutil.copyfileobj(file, out, _PIECE))
    verify(storage, Transfer(str(source), url, got.size), deep=False)
    return url, got.size, got.sha256


def _check(expected: str | None, found: str, source: WebPlace, held: Path) -> None:
    if expected is not None and expected.lower() != found:
        held.unlink(missing_ok=True)
        raise CorruptError(
            Reason.CORRUPT,
            f"{source} has the sha256 {found}, not {expected.lower()}.",
            "It is another file than you expect, or was changed on the way; nothing was kept.",
        )


def listed(storage: Storage, folder: str) -> list[Entry]:
    """What is in a folder; nothing when there is none."""
    try:
        return list(storage.list(f"{folder.rstrip('/')}/"))
    except NotFoundError:
        return []


def exists(storage: Storage, url: str) -> bool:
    return _size(storage, url) is not None


def _size(storage: Storage, url: str) -> int | None:
    try:
        return storage.size(url)
    except NotFoundError:
        return None
