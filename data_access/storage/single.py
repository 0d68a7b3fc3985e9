"""Bytes of one file or object: open for reading, replace as a whole. The only module that talks to S3."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Protocol

from data_access.errors import DataError, Reason
from data_access.location import Location

MULTIPART_BYTES = 16 * 1024**2


class Storage(Protocol):
    """Where a location's bytes are."""

    def open(self) -> IO[bytes]:
        """A seekable file to read. Raises DataError."""
        ...

    def replace(self, write: Callable[[IO[bytes]], None]) -> None:
        """Replace the whole by what `write` writes, or leave it as it was. Raises DataError."""
        ...


def for_location(location: Location) -> Storage:
    """The storage behind a location."""
    if location.path is not None:
        return LocalFile(location.path)
    assert location.bucket is not None
    assert location.key is not None
    return S3Object(location.bucket, location.key)


class LocalFile:
    """A file in the home."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def open(self) -> IO[bytes]:
        with _local_errors(self._path):
            return self._path.open("rb")

    def replace(self, write: Callable[[IO[bytes]], None]) -> None:
        target = Path(os.path.realpath(self._path))  # a link keeps pointing where it points
        with _local_errors(self._path):
            descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
            fresh = Path(name)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    write(file)
                    file.flush()
                    os.fsync(file.fileno())
                fresh.chmod(target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask())
                fresh.replace(target)
            except BaseException:
                fresh.unlink(missing_ok=True)
                raise


def _umask() -> int:
    current = os.umask(0o022)
    os.umask(current)
    return current


@contextmanager
def _local_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        missing = path if path.parent.is_dir() else path.parent
        raise DataError(Reason.NOT_FOUND, f"{missing} does not exist.", "Check the path.") from error
    except IsADirectoryError as error:
        raise DataError(Reason.NOT_FOUND, f"{path} is a folder.", "Name a file in it.") from error
    except PermissionError as error:
        raise DataError(Reason.FORBIDDEN, f"{path} may not be opened.", "Ask its owner.") from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            remedy = "Free some space; the file is as it was before."
            raise DataError(Reason.DISK_FULL, f"There is no room left for {path}.", remedy) from error
        raise


class S3Object:
    """An object in a bucket. Credentials, region and endpoint are boto3's: environment, profile or role."""

    def __init__(self, bucket: str, key: str) -> None:
        self._bucket, self._key = bucket, key

    def open(self) -> IO[bytes]:
        body = tempfile.SpooledTemporaryFile(max_size=64 * 1024**2)  # noqa: SIM115 - the caller closes it
        with self._errors() as client:
            client.download_fileobj(self._bucket, self._key, body)
        body.seek(0)
        return body  # type: ignore[return-value]

    def replace(self, write: Callable[[IO[bytes]], None]) -> None:
        with tempfile.SpooledTemporaryFile(max_size=64 * 1024**2) as body:
            write(body)  # type: ignore[arg-type]
            body.seek(0)
            with self._errors() as client:  # an object appears when its upload is complete: never half of one
                client.upload_fileobj(body, self._bucket, self._key)

    @contextmanager
    def _errors(self) -> Iterator[Any]:
        try:
            import boto3
            from botocore import exceptions
        except ImportError as error:
            raise DataError(
                Reason.NO_S3, "boto3 is not installed here.", "Install boto3 into this environment."
            ) from error
        url = f"s3://{self._bucket}/{self._key}"
        try:
            yield boto3.client("s3")
        except exceptions.ClientError as error:
            raise _client_error(error.response.get("Error", {}), url) from error
        except (exceptions.NoCredentialsError, exceptions.PartialCredentialsError) as error:
            raise DataError(
                Reason.FORBIDDEN, f"There are no credentials for {url}.", "Ask your admin for access."
            ) from error
        except (exceptions.EndpointConnectionError, exceptions.ConnectionError, exceptions.HTTPClientError) as error:
            raise DataError(Reason.UNREACHABLE, f"{url} cannot be reached: {error}.", "Try again later.") from error


def _client_error(error: dict[str, Any], url: str) -> DataError:
    code = str(error.get("Code"))
    if code in ("404", "NoSuchKey", "NoSuchBucket"):
        what = f"The bucket of {url}" if code == "NoSuchBucket" else url
        return DataError(Reason.NOT_FOUND, f"{what} does not exist.", "Check the name.")
    if code in ("403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken"):
        return DataError(Reason.FORBIDDEN, f"You may not do that with {url} ({code}).", "Ask your admin for access.")
    return DataError(Reason.UNREACHABLE, f"S3 answered {code} for {url}: {error.get('Message')}.", "Try again later.")
