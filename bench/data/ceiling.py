"""How fast bytes come over loopback from this server when nobody looks at them, and how fast they decode."""

from __future__ import annotations

import json
import socket
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.data.contenders import DATABASE, workspace
from bench.data.server import BUCKET

_BUFFER = 1024 * 1024


def main() -> None:
    """Arguments as JSON: folder."""
    asked = json.loads(sys.argv[1])
    print("\n" + json.dumps(ceilings(Path(asked["folder"]))))


def ceilings(folder: Path) -> dict[str, Any]:
    """MiB/s: the best of several numbers of connections; and of decoding the same bytes without any network."""
    import obstore

    from data_access.names import TableName
    from data_access.tables.plan import plan
    from data_access.tables.snapshot import open_snapshot
    from data_access.workspace import Workspace

    known = workspace(folder)
    snapshot = open_snapshot(known, TableName(DATABASE, "t1"))
    urls = [f"{snapshot.root}/{file.path}" for file in snapshot.files]
    sizes = [file.size for file in snapshot.files]
    s3 = known.storage.backend(urls[0])._store(BUCKET, True)
    signed = [obstore.sign(s3, "GET", url.split("/", 3)[3], timedelta(hours=1)) for url in urls]
    rates: dict[str, float] = {}
    for connections in (1, 2, 4, 8):
        each = max(1, connections // len(urls))
        spans = [
            (link, size * i // each, size * (i + 1) // each)
            for link, size in zip(signed, sizes, strict=True)
            for i in range(each)
        ]
        rates[f"{connections} sockets"] = best(lambda spans=spans, n=connections: _all(spans, n), sum(sizes))
    rates["obstore, 16 at once"] = best(lambda: known.storage.get_many(urls), sum(sizes))

    class Held:
        """The objects in memory, by URL."""

        def __init__(self) -> None:
            self.bodies = dict(zip(urls, known.storage.get_many(urls), strict=True))

        def get(self, url: str, start: int | None = None, end: int | None = None) -> memoryview:
            return self.bodies[url][start:end]

    from data_access.tables.read import read

    held: Any = Held()
    here = Workspace(known.settings, known.metastore, held, known.user, known.warehouse)
    decoding = best(lambda: read(here, plan(snapshot)), sum(sizes))
    return {"get_mib_s": rates, "ceiling_mib_s": max(rates.values()), "decode_mib_s": decoding, "bytes": sum(sizes)}


def best(call: Callable[[], Any], size: int) -> float:
    times = []
    for _ in range(3):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return round(size / 1024**2 / min(times), 1)


def _all(spans: list[tuple[str, int, int]], connections: int) -> None:
    with ThreadPoolExecutor(connections) as pool:
        list(pool.map(lambda span: _drain(*span), spans))


def _drain(url: str, start: int, end: int) -> None:
    """Receive and forget."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname or "", parts.port or 80)) as connection:
        connection.sendall(
            f"GET {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\nRange: bytes={start}-{end - 1}\r\n"
            "Connection: close\r\n\r\n".encode()
        )
        buffer, got = bytearray(_BUFFER), 0
        while count := connection.recv_into(buffer):
            got += count
    if got < end - start:
        raise RuntimeError(f"{got} of {end - start} bytes")


if __name__ == "__main__":
    main()
