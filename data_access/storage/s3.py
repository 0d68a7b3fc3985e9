"""Objects in buckets, by obstore: the only module that talks to S3.

boto3 is used for one thing alone, copies that the server makes between buckets or of more than 5 GB.
Its exceptions become ours in `s3_errors.py`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import IO, Any, cast
from urllib.parse import urlsplit

import obstore
from obstore.store import S3Store

from data_access.config import S3Settings
from data_access.errors import DataError, ForbiddenError, Reason, UnreachableError
from data_access.storage.base import Entry
from data_access.storage.credentials import Chain, server
from data_access.storage.s3_errors import ExpiredError, told
from data_access.storage.upload import Upload

#: Ranges nearer than this are one request: 1 MiB takes about as long as a request's way to S3 and back.
GAP = 1024**2
PART = 16 * 1024**2
_RETRIES = 6  # 0.1 + 0.2 + … s: about 6 s in all before an error is told
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class S3Storage:
    """See `base.Storage`. One per process is enough: connections are kept and shared by threads."""

    def __init__(self, settings: S3Settings, chain: Chain | None = None, retries: int = _RETRIES) -> None:
        self._chain = chain or Chain()
        self._server = server(settings, self._chain)
        self._retries = retries
        self._stores: dict[tuple[str, bool], S3Store] = {}
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(settings.connections, thread_name_prefix="s3")

    def get(self, url: str, start: int | None = None, end: int | None = None) -> memoryview:
        def call(store: S3Store, key: str) -> memoryview:
            if start is None and end is None:
                return memoryview(obstore.get(store, key).bytes())
            if start is not None and start < 0:
                return memoryview(obstore.get(store, key, options={"range": {"suffix": -start}}).bytes())
            if end is None:
                return memoryview(obstore.get(store, key, options={"range": {"offset": start or 0}}).bytes())
            if end <= (start or 0):
                return memoryview(b"")
            return memoryview(obstore.get_range(store, key, start=start or 0, end=end))

        return self._do(url, call)

    def get_ranges(self, url: str, ranges: Sequence[tuple[int, int]]) -> list[memoryview]:
        spans = coalesce(ranges)
        got = self._each(lambda span: self.get(url, *span), spans)
        found: list[memoryview] = []
        for start, end in ranges:
            if end <= start:
                found.append(memoryview(b""))
                continue
            at = next(i for i, span in enumerate(spans) if span[0] <= start and end <= span[1])
            found.append(got[at][start - spans[at][0] : end - spans[at][0]])
        return found

    def get_many(self, urls: Sequence[str]) -> list[memoryview]:
        return list(self._each(self.get, urls))

    def put(self, url: str, data: bytes | memoryview, *, if_absent: bool = False) -> None:
        data = memoryview(data).cast("B")  # Arrow's buffers are of signed bytes, which the SDK does not take
        if if_absent:
            self._create(url, data)
        elif len(data) <= PART:
            self._do(url, lambda store, key: obstore.put(store, key, data, use_multipart=False))
        else:
            self._do(url, lambda store, key: obstore.put(store, key, data, chunk_size=PART, max_concurrency=4))

    def _create(self, url: str, data: bytes | memoryview) -> None:
        # The SDK must not repeat this by itself: when the answer to the first try is lost, the second one finds our
        # own object, which only the content tells from somebody else's.
        for attempt in range(self._retries + 1):
            try:
                self._do(url, lambda store, key: obstore.put(store, key, data, mode="create"), repeat=False)
            except UnreachableError:
                if attempt == self._retries:
                    raise
                time.sleep(min(5.0, 0.1 * 2**attempt))
            except DataError as error:
                if error.reason is Reason.ALREADY_THERE and attempt and self.get(url) == memoryview(data):
                    return
                raise
            else:
                return

    def write(self, url: str, write: Callable[[IO[bytes]], None]) -> None:
        with Upload(
            lambda data: self.put(url, data),
            lambda parts: self._do(
                url, lambda store, key: obstore.put(store, key, parts, chunk_size=PART, max_concurrency=4), once=True
            ),
            PART,
        ) as file:
            write(cast(IO[bytes], file))

    def copy(self, source: str, target: str) -> None:
        bucket, key = _split(source)
        other, target_key = _split(target)
        if bucket == other:
            try:
                self._do(source, lambda store, _: obstore.copy(store, key, target_key))
            except DataError as error:
                if error.reason is not Reason.NOT_SUPPORTED:  # larger than one request copies
                    raise
            else:
                return
        self._do(source, lambda *_: self._boto3().copy({"Bucket": bucket, "Key": key}, other, target_key))

    def size(self, url: str) -> int:
        return int(self._do(url, obstore.head)["size"])

    def delete(self, urls: Sequence[str]) -> None:
        by_bucket: dict[str, list[str]] = {}
        for url in urls:
            by_bucket.setdefault(_split(url)[0], []).append(url)
        for of_bucket in by_bucket.values():
            keys = [_split(url)[1] for url in of_bucket]
            for first in range(0, len(keys), 1000):  # what one DeleteObjects takes

                def call(store: S3Store, _: str, some: list[str] = keys[first : first + 1000]) -> None:
                    try:
                        obstore.delete(store, some)
                    except FileNotFoundError as error:
                        if "NoSuchBucket" in str(error):
                            raise

                self._do(of_bucket[first], call)

    def list(self, prefix: str) -> Iterator[Entry]:
        bucket, key = _split(prefix, folder=True)
        pages = self._do(prefix, lambda store, _: iter(obstore.list(store, key.rstrip("/") or None)))
        while (page := self._do(prefix, lambda *_: next(pages, None))) is not None:
            for each in page:
                yield Entry(f"s3://{bucket}/{each['path']}", each["size"], each["last_modified"])

    def _each(self, call: Callable[[Any], memoryview], arguments: Sequence[Any]) -> Sequence[memoryview]:
        if len(arguments) < 2:
            return [call(argument) for argument in arguments]
        return list(self._pool.map(call, arguments))

    def _do(self, url: str, call: Callable[[S3Store, str], Any], *, repeat: bool = True, once: bool = False) -> Any:
        """Call with the URL's store and key. Credentials that expired meanwhile are asked for again, and then the call
        is made a second time; not when it can be made `once` only, since it uses up what it stores."""
        bucket, key = _split(url, folder=url.endswith("/"))
        for again in (True, False):
            try:
                with told(url, self._chain):
                    return call(self._store(bucket, repeat), key)
            except ExpiredError as error:
                if not again or once:
                    raise ForbiddenError(error.reason, error.sentence, error.remedy) from error.__cause__
                self._chain.forget()
                with self._lock:
                    self._stores.clear()
        raise AssertionError

    def _store(self, bucket: str, repeat: bool) -> S3Store:
        with self._lock:
            found = self._stores.get((bucket, repeat))
            if found is None:
                found = self._stores[bucket, repeat] = self._open(bucket, repeat)
            return found

    def _open(self, bucket: str, repeat: bool) -> S3Store:
        where = self._server
        config: dict[str, Any] = {
            "region": where.region,
            "virtual_hosted_style_request": not where.path_style,
            # Over TLS a body needs no second checksum in its signature; on plain networks it has one.
            "unsigned_payload": not where.plain_http or urlsplit(where.endpoint or "").hostname in _LOOPBACK,
        }
        if where.endpoint:
            config["endpoint"] = _endpoint(where.endpoint, bucket, where.path_style)
        if self._chain.anonymous:
            config["skip_signature"] = True
        return S3Store(
            bucket,
            config=config,  # type: ignore[arg-type]
            client_options={
                "allow_http": where.plain_http,
                "connect_timeout": timedelta(seconds=5),
                "read_timeout": timedelta(seconds=30),
                "timeout": timedelta(minutes=30),  # of a whole object; `read_timeout` finds the stalled ones
            },
            retry_config={
                "max_retries": self._retries if repeat else 0,
                "retry_timeout": timedelta(seconds=60),
                "backoff": {"init_backoff": timedelta(seconds=0.1), "max_backoff": timedelta(seconds=5), "base": 2},
            },
            credential_provider=None if self._chain.anonymous else self._chain,  # type: ignore[arg-type]
        )

    def _boto3(self) -> Any:
        import boto3
        from botocore.config import Config

        key = self._chain()
        return boto3.client(
            "s3",
            endpoint_url=self._server.endpoint,
            region_name=self._server.region,
            aws_access_key_id=key["access_key_id"],
            aws_secret_access_key=key["secret_access_key"],
            aws_session_token=key["token"],
            config=Config(s3={"addressing_style": "path" if self._server.path_style else "auto"}),
        )


def coalesce(ranges: Sequence[tuple[int, int]], gap: int = GAP) -> list[tuple[int, int]]:
    """The fewest spans that hold all ranges, when ranges less than `gap` bytes apart are one span."""
    spans: list[tuple[int, int]] = []
    for start, end in sorted(each for each in ranges if each[0] < each[1]):
        if spans and start - spans[-1][1] <= gap:
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        else:
            spans.append((start, end))
    return spans


def _split(url: str, *, folder: bool = False) -> tuple[str, str]:
    bucket, _, key = url.partition("://")[2].partition("/")
    if not bucket or not (key or folder) or "//" in key or (key.endswith("/") and not folder):
        raise DataError(Reason.BAD_LOCATION, f"'{url}' names no object.", "Write s3://bucket/folder/file.parquet.")
    return bucket, key


def _endpoint(endpoint: str, bucket: str, path_style: bool) -> str:
    if path_style:
        return endpoint
    scheme, _, host = endpoint.partition("://")
    return f"{scheme}://{bucket}.{host}"
