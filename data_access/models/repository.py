"""Versions in storage: taking a number, publishing, reading back what was proved whole. The only module of `models`
that writes and reads artifacts; aliases have their own.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from data_access.errors import CorruptError, DataError, NotFoundError, Reason
from data_access.models import codec, layout
from data_access.models.artifact import ArtifactFile, ModelVersion
from data_access.models.layout import Place
from data_access.models.reference import LATEST, Reference, parse, unknown_model, unknown_version
from data_access.workspace import Workspace, current

_AT_ONCE = 8
_PIECE = 64 * 1024**2
_T = TypeVar("_T")
_R = TypeVar("_R")


class Repository:
    """All models of a workspace."""

    def __init__(self, workspace: Workspace | None) -> None:
        from data_access.storage.router import url_of

        self.workspace = workspace or current()
        self.storage = self.workspace.storage
        given = self.workspace.settings.models
        self.place = Place(url_of(given).rstrip("/") if given else f"{self.workspace.warehouse}/_models")

    # Numbers ---------------------------------------------------------------------------------------------------------

    def claim(self, name: str, id_: str) -> int:
        """A version number that nobody else has or will have. Crashed savers leave gaps."""
        self._register(name)
        content = self._signed(id_)
        version = max(self.numbers(name), default=0) + 1
        while not self.put_ours(self.place.claim(name, version), content):
            version += 1
        return version

    def numbers(self, name: str) -> list[int]:
        """Every number that was ever taken, finished or not; sorted."""
        taken, deleted = self._listed(name)
        return sorted(taken | deleted)

    def _listed(self, name: str) -> tuple[set[int], set[int]]:
        urls = [entry.url for entry in self.storage.list(self.place.versions(name))]
        return (
            {number for url in urls if (number := layout.version_of(url)) is not None},
            {number for url in urls if (number := layout.deleted_of(url)) is not None},
        )

    def _register(self, name: str) -> None:
        names = self.names()
        if name in names:
            return
        other = next((each for each in names if each.lower() == name.lower()), None)
        if other is not None:
            raise DataError(
                Reason.BAD_NAME,
                f"'{name}' would differ from the model '{other}' in capitals only.",
                f"Save as '{other}', or choose another name.",
            )
        self.put_ours(self.place.name(name), b"")

    def _signed(self, id_: str) -> bytes:
        about = {"id": id_, "by": self.workspace.user, "at": self.workspace.now().isoformat()}
        return (json.dumps(about, sort_keys=True) + "\n").encode()

    def put_ours(self, url: str, content: bytes) -> bool:
        """False when somebody else put it before. A repeated request that finds its own object did succeed."""
        try:
            self.storage.put(url, content, if_absent=True)
        except DataError as error:
            if error.reason is not Reason.ALREADY_THERE:
                raise
            return bool(content) and bytes(self.storage.get(url)) == content
        return True

    # Writing ---------------------------------------------------------------------------------------------------------

    def upload(self, name: str, version: int, folder: Path, advance: Callable[[int], None]) -> tuple[ArtifactFile, ...]:
        """Every file below `folder`, with size and sha256 taken from what was sent."""
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        base = self.place.folder(name, version)

        def send(path: Path) -> ArtifactFile:
            relative = path.relative_to(folder).as_posix()
            digest, size = hashlib.sha256(), 0
            if (small := path.stat().st_size) < _PIECE:
                content = path.read_bytes()
                digest.update(content)
                self.storage.put(f"{base}/{relative}", content)
                size = small
            else:

                def pour(target: Any) -> None:
                    nonlocal digest, size
                    digest, size = hashlib.sha256(), 0  # a storage may begin anew
                    with path.open("rb") as source:
                        while piece := source.read(8 * 1024**2):
                            digest.update(piece)
                            size += len(piece)
                            target.write(piece)

                self.storage.write(f"{base}/{relative}", pour)
            advance(size)
            return ArtifactFile(relative, size, digest.hexdigest())

        return tuple(at_once(send, paths))

    def publish(self, version: ModelVersion) -> ModelVersion:
        """The commit point: from here on the version is there, for everybody and for good."""
        content = codec.encode(version)
        url = self.place.folder(version.name, version.version)
        if not self.put_ours(f"{url}/{layout.MANIFEST}", content):
            raise DataError(
                Reason.ALREADY_THERE,
                f"{url}/{layout.MANIFEST} is there already, though this number was taken by this call.",
                "Somebody copies or writes in that folder by hand. Save again: it becomes another version.",
            )
        return codec.decode(content, url)

    def discard(self, name: str, version: int, folder: Path) -> None:
        """Remove what was sent of a version that was never published."""
        base = self.place.folder(name, version)
        self.storage.delete(
            [f"{base}/{path.relative_to(folder).as_posix()}" for path in folder.rglob("*") if path.is_file()]
        )

    # Reading ---------------------------------------------------------------------------------------------------------

    def names(self) -> list[str]:
        """All models; one request per thousand."""
        prefix = self.place.names()
        return sorted(entry.url.rpartition("/")[2] for entry in self.storage.list(prefix))

    def read(self, name: str, version: int) -> ModelVersion | None:
        """One version by number: one request. None when there is none, or it was not finished. Raises CorruptError."""
        try:
            content = self.storage.get(self.place.manifest(name, version))
        except NotFoundError:
            return None
        found = codec.decode(content, self.place.folder(name, version))
        if (found.name, found.version) != (name, version):
            raise CorruptError(
                Reason.CORRUPT, f"{found.url} holds {found}.", "It was copied there by hand; remove that folder."
            )
        return found

    def all(self, name: str) -> list[ModelVersion]:
        """Every finished version, the newest first. Raises NotFoundError(unknown-model)."""
        taken, deleted = self._listed(name)
        found = [each for each in at_once(lambda number: self.read(name, number), sorted(taken - deleted)) if each]
        if not found:
            self.require(name)
        return sorted(found, key=lambda each: -each.version)

    def latest(self, name: str) -> ModelVersion | None:
        """The finished version with the highest number."""
        taken, deleted = self._listed(name)
        # The highest number may not be finished yet, or never.
        return next(
            (found for number in sorted(taken - deleted, reverse=True) if (found := self.read(name, number))), None
        )

    def resolve(self, reference: str | Reference | ModelVersion, version: int | str | None = None) -> ModelVersion:
        """The version that is meant. Raises NotFoundError(unknown-model), naming what there is; CorruptError."""
        from data_access.models.aliases import current_aliases, pointed_at

        if isinstance(reference, ModelVersion):
            reference = Reference(reference.name, reference.version)
        wanted = reference if isinstance(reference, Reference) else parse(reference, version)
        if isinstance(wanted.version, int):
            if found := self.read(wanted.name, wanted.version):
                return found
        elif wanted.version == LATEST:
            if found := self.latest(wanted.name):
                return found
        elif (change := pointed_at(self, wanted.name, wanted.version)) and change.after is not None:
            found = self.read(wanted.name, change.after)
            if found is not None:
                return _same(found, change.digest, wanted)
        self.require(wanted.name)
        numbers = [each.version for each in self.all(wanted.name)]
        raise unknown_version(wanted.name, wanted.version, numbers, current_aliases(self, wanted.name))

    def require(self, name: str) -> None:
        known = self.names()
        if name not in known:
            raise unknown_model(name, known, self.place.root)

    def fetch(
        self, version: ModelVersion, target: Path, part: str, advance: Callable[[int], None] = lambda _: None
    ) -> Path:
        """The files below `part` ("model", "example", …) as a folder in `target`. Raises CorruptError."""

        def receive(file: ArtifactFile) -> None:
            path = target / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            digest = hashlib.sha256()
            with path.open("wb") as out:
                for piece in self._pieces(f"{version.url}/{file.path}", file.size):
                    digest.update(piece)
                    out.write(piece)
                    advance(len(piece))
            if path.stat().st_size != file.size or digest.hexdigest() != file.sha256:
                raise _damaged(version, file, path.stat().st_size, digest.hexdigest())

        wanted = [file for file in version.files if file.path.startswith(f"{part}/")]
        for _ in at_once(receive, wanted):
            pass
        (target / part).mkdir(exist_ok=True)
        return target / part

    def text(self, version: ModelVersion, path: str) -> str | None:
        """A small text file of the artifact; None where it has none. Raises CorruptError."""
        file = next((each for each in version.files if each.path == path), None)
        if file is None:
            return None
        content = self._get(f"{version.url}/{path}", None, None)
        if (digest := hashlib.sha256(content).hexdigest()) != file.sha256:
            raise _damaged(version, file, len(content), digest)
        return bytes(content).decode()

    def _pieces(self, url: str, size: int) -> Iterable[memoryview]:
        if size <= _PIECE:
            yield self._get(url, None, None)
            return
        for start in range(0, size, _PIECE):
            yield self._get(url, start, min(size, start + _PIECE))

    def _get(self, url: str, start: int | None, end: int | None) -> memoryview:
        try:
            return self.storage.get(url, start, end)
        except NotFoundError as error:
            raise CorruptError(
                Reason.CORRUPT, f"{url} is gone, though the manifest names it.", "Load another version."
            ) from error


def _same(found: ModelVersion, digest: str | None, wanted: Reference) -> ModelVersion:
    if digest is not None and found.digest != digest:
        raise CorruptError(
            Reason.CORRUPT,
            f"{found.url}/{layout.MANIFEST} is not what it was when '{wanted.version}' was pointed at it.",
            f"Somebody wrote in that folder by hand. Load {found} by number if you trust it, or move the alias.",
        )
    return found


def _damaged(version: ModelVersion, file: ArtifactFile, size: int, digest: str) -> CorruptError:
    return CorruptError(
        Reason.CORRUPT,
        f"{version.url}/{file.path} is not what {version.by} saved on {version.at:%Y-%m-%d}: {size:,} bytes with "
        f"sha256 {digest[:16]}… instead of {file.size:,} with {file.sha256[:16]}….",
        f"Nothing of {version} was loaded. Take another version, or restore the file from the storage's own versions.",
    )


def at_once(work: Callable[[_T], _R], items: Sequence[_T]) -> list[_R]:
    """In order; a few at a time."""
    if len(items) < 2:
        return [work(each) for each in items]
    with ThreadPoolExecutor(min(_AT_ONCE, len(items))) as pool:
        return list(pool.map(work, items))


def temporary() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="remuda-model-")
