"""One real S3 server on loopback for all, and what it says of its work: requests by kind, bytes in and out."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tools.servers import versitygw

BUCKET = "bench"
_OPERATION = re.compile(rb" s3_(\w+) ")


@dataclass(frozen=True)
class Work:
    """What the server did between two moments."""

    requests: dict[str, int]
    sent: int
    received: int


@dataclass(frozen=True)
class Observed:
    """The server as a child process sees it; plain values."""

    environment: dict[str, str]
    log: str
    pid: int

    @classmethod
    def load(cls, text: str) -> Observed:
        return cls(**json.loads(text))

    def dump(self) -> str:
        return json.dumps(self.__dict__)

    def mark(self) -> tuple[int, int, int]:
        io = dict(line.split(": ") for line in Path(f"/proc/{self.pid}/io").read_text().splitlines())
        return Path(self.log).stat().st_size, int(io["wchar"]), int(io["rchar"])

    def since(self, mark: tuple[int, int, int]) -> Work:
        now = self.mark()
        with Path(self.log).open("rb") as log:
            log.seek(mark[0])
            found = Counter(name.decode() for name in _OPERATION.findall(log.read()))
        return Work(dict(found), now[1] - mark[1], now[2] - mark[2])


@contextmanager
def serving(folder: Path) -> Iterator[Observed]:
    """versitygw with its objects in `folder`, which stay for the next run."""
    import boto3

    log = folder / "access.log"
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["VGW_ACCESS_LOG"] = str(log)
    server = versitygw.start(folder / "s3")
    try:
        os.environ.update(server.environment)
        client = boto3.client("s3")
        if BUCKET not in [each["Name"] for each in client.list_buckets()["Buckets"]]:
            client.create_bucket(Bucket=BUCKET)
        yield Observed(server.environment, str(log), server.process.pid)
    finally:
        server.stop()
        log.unlink(missing_ok=True)
