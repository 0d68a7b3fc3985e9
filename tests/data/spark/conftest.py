"""One Spark for all of these tests, beside the Hive Metastore 2.3.10 of the session."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from data_access.workspace import Workspace
from tests.data.servers.s3 import S3Place
from tools.servers import spark as spark_program
from tools.servers.hive import HiveServer

READER = Path(__file__).with_name("reader.py")
START_S = 180


@dataclass(frozen=True)
class Answer:
    columns: list[str]
    types: list[str]
    rows: list[list[Any]]


class Spark:
    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self._process, self._log = process, log

    def sql(self, query: str, *tables: str) -> Answer:
        """`tables` are looked at anew. Raises AssertionError with what Spark says."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"sql": query, "tables": tables}) + "\n")
        self._process.stdin.flush()
        answer = self.line()
        assert "error" not in answer, answer["error"]
        return Answer(**answer)

    def line(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"Spark ended: {self._log.read_text()[-2000:]}"
        read: dict[str, Any] = json.loads(line)
        return read


@pytest.fixture(scope="session")
def spark(
    hive_session: HiveServer, versitygw_server: S3Place, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Spark]:
    folder = tmp_path_factory.mktemp("spark")
    log = folder / "spark.log"
    settings = {
        "spark.hadoop.hive.metastore.uris": hive_session.url,
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.sql.session.timeZone": "UTC",
        "spark.ui.enabled": "false",
        "spark.driver.memory": "1g",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.shuffle.partitions": "2",
        "spark.local.dir": str(folder / "local"),
        "spark.driver.extraJavaOptions": f"-Duser.timezone=UTC -Dderby.system.home={folder} -XX:TieredStopAtLevel=1",
        "spark.jars": ",".join(map(str, spark_program.s3a_jars())),
        **{
            f"spark.hadoop.fs.{key}": value
            for key, value in {
                "s3.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem",
                "s3a.endpoint": versitygw_server.endpoint,
                "s3a.endpoint.region": "us-east-1",
                "s3a.path.style.access": "true",
                "s3a.connection.ssl.enabled": "false",
                "s3a.access.key": versitygw_server.environment["AWS_ACCESS_KEY_ID"],
                "s3a.secret.key": versitygw_server.environment["AWS_SECRET_ACCESS_KEY"],
            }.items()
        },
    }
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "SPARK", "AWS"))}
    environment |= {"TZ": "UTC", "SPARK_LOCAL_IP": "127.0.0.1"}
    with log.open("w") as errors:
        process = subprocess.Popen(
            [str(spark_program.PYTHON), str(READER), json.dumps(settings)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment, cwd=folder,
        )  # fmt: skip
    watchdog = threading.Timer(START_S, process.kill)
    watchdog.start()
    started = Spark(process, log)
    assert started.line()["ready"] == spark_program.VERSION
    watchdog.cancel()
    yield started
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()  # it also ends by itself when this process dies
    process.wait(30)
    process.stdout.close()


@pytest.fixture(params=["local", "s3"])
def on(request: pytest.FixtureRequest, workspaces: Callable[..., Workspace]) -> Workspace:
    """ann's tables in the Hive Metastore that Spark asks."""
    return workspaces("hive", request.param)
