"""A Hive Metastore as a plain Java process, on a database of a PostgreSQL server.

2.3.10: the metastore among PySpark's own jars, with PostgreSQL's driver. 4.0.1: Apache's standalone server with the
jars that it expects of a Hadoop installation. The schema scripts of both are in the latter's archive.
Storage is no business of a metastore that registers external tables: for s3 it gets a file system of empty folders.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import tempfile
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal
from xml.sax.saxutils import escape

from tools.servers import postgres, spark
from tools.servers.cache import CENTRAL, SERVERS, download, only_one, whole
from tools.servers.errors import ServerError
from tools.servers.postgres import PostgresServer
from tools.servers.process import ROOT, ServerProcess, accepts, free_port

Version = Literal["2.3.10", "4.0.1"]
VERSIONS: tuple[Version, ...] = ("2.3.10", "4.0.1")
ARCHIVE = "org/apache/hive/hive-standalone-metastore-server/4.0.1/hive-standalone-metastore-server-4.0.1-bin.tar.gz"
#: Path at Maven Central → sha256. Each was checked against the sha1 that is published beside it.
SHA256 = {
    ARCHIVE: "ed96f577df0a4dc800648a7f941d832f42409f89fa4af10c9d7540c8a1f8e24b",
    "org/postgresql/postgresql/42.7.7/postgresql-42.7.7.jar": (
        "157963d60ae66d607e09466e8c0cdf8087e9cb20d0159899ffca96bca2528460"
    ),
}
DRIVER = "org/postgresql/postgresql/42.7.7/postgresql-42.7.7.jar"
#: What 4.0.1 lacks.
HADOOP = {
    "org/apache/hadoop/hadoop-client-api/3.3.6/hadoop-client-api-3.3.6.jar": (
        "f3d2347a6e1c6885d5bcfd4f60c3ac3810ec11068fc161e04329baabf412d963"
    ),
    "org/apache/hadoop/hadoop-client-runtime/3.3.6/hadoop-client-runtime-3.3.6.jar": (
        "15f01bc804294df06d2effc87de363a83cf589f50558bdbf48f72541ad8de854"
    ),
    "org/apache/hadoop/hadoop-hdfs/3.3.6/hadoop-hdfs-3.3.6.jar": (
        "075fc48fd4ae299a58a9f26fb529671854689b215483b595fed4a56d77cb4c4d"
    ),
    "org/slf4j/slf4j-api/1.7.36/slf4j-api-1.7.36.jar": (
        "d3ef575e3e4979678dc01bf1dcce51021493b4d11fb7f1be8ad982877c16a1c0"
    ),
    "commons-io/commons-io/2.12.0/commons-io-2.12.0.jar": (
        "74bd60c8eebd3d43f77a66c69c86540c257a3a098172f8b1d7fcdc9ed3e139ea"
    ),
    "commons-collections/commons-collections/3.2.2/commons-collections-3.2.2.jar": (
        "eeeae917917144a68a741d4c0dff66aa5c5c5fd85593ff217bced3fc8ca783b8"
    ),
    "javax/servlet/javax.servlet-api/3.1.0/javax.servlet-api-3.1.0.jar": (
        "af456b2dd41c4e82cf54f3e743bc678973d9fe35bd4d3071fa05c7e5333b8482"
    ),
    "org/apache/httpcomponents/httpclient/4.5.13/httpclient-4.5.13.jar": (
        "6fe9026a566c6a5001608cf3fc32196641f6c1e5e1986d1037ccdbd5f31ef743"
    ),
    "com/google/code/gson/gson/2.9.0/gson-2.9.0.jar": (
        "c96d60551331a196dac54b745aa642cd078ef89b6f267146b705f2c2cbef052d"
    ),
}
HOME = SERVERS / "hive"
STANDALONE = HOME / "standalone-4.0.1"
SCRIPTS = STANDALONE / "scripts/metastore/upgrade/postgres"
EMPTY_FILES = ROOT / "images/hive-metastore/EmptyFileSystem.java"
#: In order; each leads from one version of the schema to the next.
SCHEMA: dict[Version, tuple[str, ...]] = {
    "2.3.10": (
        "hive-schema-1.2.0.postgres.sql", "upgrade-1.2.0-to-2.0.0.postgres.sql", "upgrade-2.0.0-to-2.1.0.postgres.sql",
        "upgrade-2.1.0-to-2.2.0.postgres.sql", "upgrade-2.2.0-to-2.3.0.postgres.sql",
    ),
    "4.0.1": ("hive-schema-4.0.0.postgres.sql",),
}  # fmt: skip
JVM = (
    "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xss4m", "-Djava.net.preferIPv4Stack=true",
    *(f"--add-opens=java.base/java.{package}=ALL-UNNAMED" for package in ("lang", "net", "util", "util.concurrent")),
)  # fmt: skip
LOG = """status = error
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{HH:mm:ss,SSS} %-5p [%t] %c{2}: %m%n
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
"""
TRIES = 3


def java() -> bool:
    """A JDK: one class is compiled here."""
    return shutil.which("java") is not None and shutil.which("javac") is not None


def fetched() -> bool:
    return java() and spark.fetched() and _classes().exists() and all(path.exists() for path in _extra_jars())


def fetch() -> None:
    """About 600 MB at the first time, most of it PySpark. Raises ServerError."""
    if not java():
        raise ServerError("There is no JDK.", "Debian and Ubuntu: apt-get install default-jdk-headless.")
    spark.fetch()
    with only_one("hive"):
        if not STANDALONE.exists():
            archive = download(f"{CENTRAL}/{ARCHIVE}", SHA256[ARCHIVE], HOME / "standalone.tar.gz")
            with whole(STANDALONE) as folder, tarfile.open(archive) as tar:
                tar.extractall(folder, filter="data")
                inner = next(folder.iterdir())
                for part in inner.iterdir():
                    part.rename(folder / part.name)
                inner.rmdir()
            archive.unlink()
        for path, sha256 in {DRIVER: SHA256[DRIVER], **HADOOP}.items():
            download(f"{CENTRAL}/{path}", sha256, HOME / "jars" / path.rpartition("/")[2])
        if not _classes().exists():
            _compile()


def _extra_jars() -> list[Path]:
    return [HOME / "jars" / path.rpartition("/")[2] for path in (DRIVER, *HADOOP)]


def _classes() -> Path:
    stamp = EMPTY_FILES.stat().st_mtime_ns if EMPTY_FILES.exists() else 0
    return HOME / f"classes-{stamp}"


def _compile() -> None:
    with whole(_classes()) as folder:
        command = ["javac", "-nowarn", "--release", "17", "-d", folder, "-cp", HOME / "jars" / "*", EMPTY_FILES]
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise ServerError(f"{EMPTY_FILES.name} does not compile: {done.stderr[-400:]}", "Correct it.")


@dataclass(frozen=True)
class Plan:
    """What a server is started with. `settings` are laid over those of ours, by their Hive names."""

    version: Version
    postgres: PostgresServer
    database: str
    home: Path
    port: int
    settings: Mapping[str, str]
    lasting: bool

    @property
    def jdbc(self) -> str:
        return f"jdbc:postgresql://127.0.0.1:{self.postgres.port}/{self.database}"


@dataclass
class HiveServer:
    """A running one; its `plan.database` in PostgreSQL holds everything."""

    process: ServerProcess
    plan: Plan

    @property
    def version(self) -> Version:
        return self.plan.version

    @property
    def port(self) -> int:
        return self.plan.port

    @property
    def url(self) -> str:
        return f"thrift://127.0.0.1:{self.port}"

    def clear(self) -> None:
        """As if new: no database but `default`, no tables, no locks."""
        locks = '"HIVE_LOCKS"' if self.version == "4.0.1" else "hive_locks"
        for statement in (
            f'TRUNCATE "TBLS", "PARTITIONS", "SDS", "CDS", "SERDES", {locks} CASCADE',
            'DELETE FROM "DATABASE_PARAMS"',
            """DELETE FROM "DBS" WHERE "NAME" <> 'default'""",
        ):
            self.plan.postgres.sql(statement, self.plan.database)

    def stop(self) -> None:
        self.process.stop()
        if not self.plan.lasting and self.plan.postgres.process.running:
            self.plan.postgres.drop_database(self.plan.database)


def start(
    version: Version,
    server: PostgresServer,
    *,
    folder: Path | None = None,
    port: int | None = None,
    lasting: bool = False,
    **settings: str,
) -> HiveServer:
    """On a new database of `server`; `lasting`, on one that stays and is used again. Raises ServerError."""
    fetch()
    home = folder or Path(tempfile.mkdtemp(prefix="remuda-hive-"))
    database = f"hive_{version.replace('.', '_')}" + ("" if lasting else f"_{uuid.uuid4().hex[:8]}")
    if database not in server.databases():
        server.create_database(database, _template(version, server))
    plan = Plan(version, server, database, home, port or free_port(), settings, lasting)
    for left in reversed(range(TRIES)):
        try:
            return _start(plan, remove=folder is None)
        except ServerError:
            if port or not left:
                raise
            plan = replace(plan, port=free_port())
    raise AssertionError("the last try raises")


def _template(version: Version, server: PostgresServer) -> str:
    """A database with an empty schema of that version, made once per PostgreSQL server."""
    name = f"template_hive_{version.replace('.', '_')}"
    if name not in server.databases():
        fresh = f"{name}_{uuid.uuid4().hex[:8]}"
        server.create_database(fresh)
        for script in SCHEMA[version]:
            server.run_file(SCRIPTS / script, fresh)
        server.sql(f'ALTER DATABASE "{fresh}" RENAME TO "{name}"')
    return name


def _start(plan: Plan, *, remove: bool) -> HiveServer:
    conf, scratch = plan.home / "conf", plan.home / "tmp"
    for each in (conf, scratch, plan.home / "warehouse"):
        each.mkdir(parents=True, exist_ok=True)
    site = "".join(
        f"<property><name>{escape(name)}</name><value>{escape(value)}</value></property>\n"
        for name, value in {**_properties(plan), **plan.settings}.items()
    )
    for name in ("hive-site.xml", "metastore-site.xml"):
        (conf / name).write_text(f'<?xml version="1.0"?>\n<configuration>\n{site}</configuration>\n')
    (conf / "log4j2.properties").write_text(LOG)
    if plan.version == "2.3.10":
        jars = [spark.jars() / "*", HOME / "jars" / DRIVER.rpartition("/")[2]]
    else:
        jars = [STANDALONE / "lib" / "*", *_extra_jars()]
    command = [
        "java", *JVM, f"-Djava.io.tmpdir={scratch}", f"-Dlog4j2.configurationFile={conf}/log4j2.properties",
        f"-Dmetastore.home={STANDALONE}", "-cp", os.pathsep.join(map(str, [conf, _classes(), *jars])),
        "org.apache.hadoop.hive.metastore.HiveMetaStore", "-p", str(plan.port),
    ]  # fmt: skip
    env = {"METASTORE_HOME": str(STANDALONE), "HADOOP_HOME": str(plan.home)}
    env |= {name: str(conf) for name in ("METASTORE_CONF_DIR", "HIVE_CONF_DIR")}
    process = ServerProcess(
        f"hive-{plan.version}", plan.home, command, lambda: accepts(plan.port), env=env, remove=remove, deadline_s=90
    )
    process.start()
    return HiveServer(process, plan)


def _properties(plan: Plan) -> dict[str, str]:
    """By their old names for 2.3.10; 4.0.1 prefers those that begin with `metastore.`."""
    prefix = "hive.metastore" if plan.version == "2.3.10" else "metastore"
    common = {
        "javax.jdo.option.ConnectionURL": plan.jdbc,
        "javax.jdo.option.ConnectionDriverName": "org.postgresql.Driver",
        "javax.jdo.option.ConnectionUserName": postgres.USER,
        "javax.jdo.option.ConnectionPassword": "none",
        f"{prefix}.warehouse.dir": f"file://{plan.home}/warehouse",
        f"{prefix}.schema.verification": "true",
        "datanucleus.schema.autoCreateTables": "false",
        "datanucleus.connectionPool.maxPoolSize": "20",
        "hadoop.tmp.dir": str(plan.home / "tmp"),
        **{f"fs.{scheme}.impl": "remuda.EmptyFileSystem" for scheme in ("s3", "s3a")},
    }
    if plan.version == "2.3.10":
        return common | {
            "hive.metastore.server.min.threads": "4",
            "hive.stats.autogather": "false",
            "hive.async.log.enabled": "false",
            "datanucleus.connectionPoolingType": "HikariCP",  # of the three it knows, the one among Spark's jars
            "hive.metastore.schema.verification.record.version": "false",
        }
    return common | {
        "metastore.thrift.bind.host": "127.0.0.1",
        "metastore.thrift.uris": f"thrift://127.0.0.1:{plan.port}",
        "metastore.warehouse.external.dir": f"file://{plan.home}/external",
        "metastore.expression.proxy": "org.apache.hadoop.hive.metastore.DefaultPartitionExpressionProxy",
        "metastore.task.threads.always": "org.apache.hadoop.hive.metastore.events.EventCleanerTask",
        "metastore.task.threads.remote": "",
        "metastore.housekeeping.threads.on": "false",
        "metastore.compactor.initiator.on": "false",
        "metastore.compactor.cleaner.on": "false",
        "metastore.compactor.worker.threads": "0",
        "metastore.stats.autogather": "false",
        "metastore.server.min.threads": "4",
    }
