"""Files of this machine (or of a home on the network) as a storage. Writes are whole or not at all."""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import shutil
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from data_access.errors import DataError, ForbiddenError, NotFoundError, Reason, UnreachableError
from data_access.storage.base import Entry

#: ioctl(2) of Linux: share the blocks of another file, on file systems that can (XFS, Btrfs, …). See ioctl_ficlone(2).
_FICLONE = 0x40049409
_AT_ONCE = 8  # a home on the network answers several requests sooner than one after the other
_ABANDONED_S = 24 * 3600
_TEMPORARY = ".~"  # in the name of what is being written


def path_of(url: str) -> Path:
    """`file:///a b` → `/a b`: literal, since Hive writes its escapes (`%2F`) into names. Raises DataError."""
    rest = url.removeprefix("file:")
    path = rest[2:] if rest.startswith("//") else rest
    if rest == url or not path.startswith("/"):
        raise DataError(Reason.BAD_LOCATION, f"'{url}' names no file.", "Write file:///folder/file.")
    return Path(path)


class LocalStorage:
    """See `base.Storage`."""

    def get(self, url: str, start: int | None = None, end: int | None = None) -> memoryview:
        with open_to_read(url) as file:
            size = os.fstat(file.fileno()).st_size
            first = max(0, size + start) if start is not None and start < 0 else start or 0
            return _read(file.fileno(), first, size if end is None else min(end, size))

    def get_ranges(self, url: str, ranges: Sequence[tuple[int, int]]) -> list[memoryview]:
        with open_to_read(url) as file:
            size = os.fstat(file.fileno()).st_size
            return [_read(file.fileno(), start, min(end, size)) for start, end in ranges]

    def get_many(self, urls: Sequence[str]) -> list[memoryview]:
        if len(urls) < 2:
            return [self.get(url) for url in urls]
        with ThreadPoolExecutor(min(_AT_ONCE, len(urls))) as pool:
            return list(pool.map(self.get, urls))

    def put(self, url: str, data: bytes | memoryview, *, if_absent: bool = False) -> None:
        def write_all(file: IO[bytes]) -> None:
            file.write(data)

        _replace(path_of(url), write_all, if_absent=if_absent)

    def write(self, url: str, write: Callable[[IO[bytes]], None]) -> None:
        _replace(path_of(url), write)

    def copy(self, source: str, target: str) -> None:
        path, link = path_of(source), path_of(target)
        # Data files never change, so two names may share one. Anything else a person may edit in place.
        if "/batch_id=" in source and "/batch_id=" in target:
            with _errors(path), suppress(FileExistsError):
                _make_folder(link.parent)
                try:
                    os.link(path, link)
                except OSError as error:
                    if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP):
                        raise
                else:
                    return
        with open_to_read(source) as original:

            def copy_all(file: IO[bytes]) -> None:
                try:
                    fcntl.ioctl(file.fileno(), _FICLONE, original.fileno())
                except OSError:
                    shutil.copyfileobj(original, file, 16 * 1024**2)

            _replace(link, copy_all)

    def size(self, url: str) -> int:
        path = path_of(url)
        with _errors(path):
            found = path.stat()
            if not stat.S_ISREG(found.st_mode):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
            return found.st_size

    def delete(self, urls: Sequence[str]) -> None:
        folders = set()
        for url in urls:
            path = path_of(url)
            with _errors(path), suppress(FileNotFoundError, NotADirectoryError):
                path.unlink()
                folders.add(path.parent)
        for folder in folders:
            _remove_empty(folder)

    def list(self, prefix: str) -> Iterator[Entry]:
        top = path_of(prefix)
        with _errors(top):
            if top.is_dir():
                yield from _entries(top, time.time() - _ABANDONED_S)


def open_to_read(url: str) -> IO[bytes]:
    """A file, open. Raises DataError."""
    path = path_of(url)
    with _errors(path):
        return path.open("rb", buffering=0)


def _read(descriptor: int, start: int, end: int) -> memoryview:
    pieces = []
    while start < end:  # one pread gives 2 GiB at most
        piece = os.pread(descriptor, end - start, start)
        if not piece:
            break
        pieces.append(piece)
        start += len(piece)
    return memoryview(pieces[0] if len(pieces) == 1 else b"".join(pieces))


def _replace(path: Path, write: Callable[[IO[bytes]], None], *, if_absent: bool = False) -> None:
    """Write beside it, then take its place: whoever reads sees the old or the new, also after a power cut."""
    target = Path(os.path.realpath(path))  # a link keeps pointing where it points
    fresh = target.with_name(f"{_TEMPORARY}{secrets.token_hex(8)}")
    with _errors(path):
        if if_absent and os.path.lexists(target):
            raise FileExistsError
        try:
            with _create(fresh) as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
            if if_absent:
                _link(fresh, target)
            else:
                with suppress(FileNotFoundError):
                    fresh.chmod(target.stat().st_mode & 0o777)
                fresh.replace(target)
        except BaseException:
            fresh.unlink(missing_ok=True)
            raise
        _sync_folder(target.parent)


def _create(fresh: Path) -> IO[bytes]:
    for _ in range(8):  # `delete` may take an empty partition folder away between making it and writing into it
        try:
            return fresh.open("xb")  # the umask decides who may read it
        except FileNotFoundError:
            _make_folder(fresh.parent)
    return fresh.open("xb")


def _make_folder(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)


def _link(fresh: Path, target: Path) -> None:
    """Give the finished file its name unless somebody has it. Raises FileExistsError."""
    try:
        os.link(fresh, target)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS):
            raise
        # A file system without links: the name is taken first; a crash in between leaves a short file, which its
        # digest tells from a whole one.
        with target.open("xb") as file, fresh.open("rb") as whole:
            shutil.copyfileobj(whole, file)
            file.flush()
            os.fsync(file.fileno())
    fresh.unlink()


def _sync_folder(folder: Path) -> None:
    with suppress(OSError):  # not every file system syncs folders
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _remove_empty(folder: Path) -> None:
    # Folders of partitions and batches are ours and many. Any other one may have been made by a person, with rights
    # of its own.
    while "=" in folder.name:
        try:
            folder.rmdir()
        except OSError:
            return
        folder = folder.parent


def _entries(folder: Path, abandoned: float) -> Iterator[Entry]:
    with suppress(FileNotFoundError), os.scandir(folder) as found:
        for each in sorted(found, key=lambda entry: entry.name):
            with suppress(FileNotFoundError):  # removed meanwhile
                if each.is_dir(follow_symlinks=False):
                    yield from _entries(folder / each.name, abandoned)
                    continue
                about = each.stat()
                if each.name.startswith(_TEMPORARY) and about.st_mtime > abandoned:
                    continue  # being written: not there yet, as an upload to S3
                yield Entry(f"file://{each.path}", about.st_size, datetime.fromtimestamp(about.st_mtime, UTC))


@contextmanager
def _errors(path: Path) -> Iterator[None]:
    """Foreign errors as ours, naming the path."""
    try:
        yield
    except FileNotFoundError as error:
        missing = path if path.parent.is_dir() else path.parent
        raise NotFoundError(Reason.NOT_FOUND, f"{missing} does not exist.", "Check the path.") from error
    except FileExistsError as error:
        raise DataError(Reason.ALREADY_THERE, f"{path} is there already.", "Choose another name.") from error
    except (IsADirectoryError, NotADirectoryError) as error:
        what = "is a folder" if isinstance(error, IsADirectoryError) else "lies below a file"
        raise NotFoundError(Reason.NOT_FOUND, f"{path} {what}.", "Name a file in a folder.") from error
    except PermissionError as error:
        raise ForbiddenError(
            Reason.FORBIDDEN,
            f"{path} may not be opened by {_who()}{_owned(path)}.",
            "Ask its owner.",
        ) from error
    except OSError as error:
        raise _storage_error(error, path) from error


def _storage_error(error: OSError, path: Path) -> DataError:
    if error.errno == errno.ENOSPC:
        free = _free(path)
        return DataError(
            Reason.DISK_FULL, f"There is no room left for {path}{free}.",
            "Free some space; what was there before is, and what was begun is removed.",
        )  # fmt: skip
    if error.errno == errno.EDQUOT:
        return DataError(
            Reason.DISK_FULL, f"Your quota has no room left for {path}.", "Remove files, or ask your admin for more."
        )
    if error.errno == errno.EROFS:
        return ForbiddenError(Reason.FORBIDDEN, f"{path} lies on a disk that is read-only.", "Choose another place.")
    if error.errno == errno.ENAMETOOLONG:
        return DataError(Reason.BAD_LOCATION, f"The name of {path} is too long: 255 bytes at most.", "Shorten it.")
    return UnreachableError(
        Reason.UNREACHABLE, f"{path} could not be used: {error.strerror or type(error).__name__}.", "Try again later."
    )


def _who() -> str:
    """Whom the system takes this process for."""
    import pwd

    number = os.geteuid()
    try:
        return f"you, '{pwd.getpwuid(number).pw_name}'"
    except KeyError:
        return f"you, user {number}"


def _owned(path: Path) -> str:
    """Who can give leave: the owner of the file, or of the nearest folder that is there."""
    for place in (path, *path.parents):
        with suppress(OSError, KeyError):
            return f" ({place} is {place.owner()}'s)"
    return ""


def _free(path: Path) -> str:
    for folder in path.parents:
        with suppress(OSError):
            disk = shutil.disk_usage(folder)
            return (
                f": the disk of {folder} has {disk.total / 1024**2:,.0f} MiB, of which {disk.free / 1024**2:,.1f} MiB "
                "are free without it"
            )
    return ""
