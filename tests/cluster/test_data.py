"""Tables on the S3 server and the Hive Metastore of `make up`, from kernels of people's machines, as they find them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator

import pytest

from tests.cluster.installed import InstalledHub
from tests.people import Person

pytestmark = pytest.mark.cluster
LogIn = Callable[[str], Person]


@pytest.fixture
def log_in(installed: InstalledHub) -> Iterator[LogIn]:
    """People of the Hub of `make up`; nothing of them runs on when the test ends."""
    people: list[Person] = []

    def person(name: str) -> Person:
        people.append(installed.person(name))
        return people[-1]

    yield person
    for one in people:
        one.stop()


@pytest.fixture
def table() -> str:
    """A name of this run alone: tables outlive the cluster."""
    return f"orders_{uuid.uuid4().hex[:12]}"


def started(person: Person, profile: str) -> Person:
    answer = person.start_by_rest({"profile": profile})
    assert answer.status_code in {201, 202}, answer.text
    person.wait_ready()
    return person


STORE = """
import pandas as pd
from data_access import load_dataframe, store_dataframe
days = ["2026-11-20"] * 3 + ["2026-11-21"] * 2
frame = pd.DataFrame({{"day": days, "customer": list("aabbc"), "amount": [1.5, 2.0, 3.25, 4.0, 5.0]}})
first = store_dataframe(frame, "sandbox_dora", "{table}", partition_by=["day"], message="the first two days")
wrong = frame.assign(amount=-1.0)
store_dataframe(wrong, "sandbox_dora", "{table}", partition_by=["day"], message="a mistake")
print(load_dataframe("sandbox_dora", "{table}")["amount"].sum())
"""

ROLL_BACK = """
from data_access import history, load_dataframe, rollback
from data_access.names import TableName
from data_access.workspace import current
print(load_dataframe("sandbox_dora", "{table}")["amount"].sum())
rollback("sandbox_dora.{table}", 1)
print(load_dataframe("sandbox_dora", "{table}", partitions=["2026-11-20"])["amount"].tolist())
print([(commit.operation, commit.by) for commit in history("sandbox_dora.{table}")])
metastore, name = current().metastore, TableName("sandbox_dora", "{table}")
print(metastore.kind, metastore.table(name).root)
print(sorted(partition.values for partition in metastore.partitions(name)))
"""

FORGET = """
from data_access.names import TableName
from data_access.workspace import current
name, workspace = TableName("sandbox_dora", "{table}"), current()
root = workspace.metastore.table(name).root
workspace.metastore.drop_table(name)
workspace.storage.delete([entry.url for entry in workspace.storage.list(root.rstrip("/") + "/")])
"""


def test_a_table_stored_on_one_machine_is_seen_and_rolled_back_on_another(log_in: LogIn, table: str) -> None:
    dora = started(log_in("dora"), "small-cpu")
    assert dora.run(STORE.format(table=table)).split() == ["-5.0"]
    dora.stop()

    started(dora, "many-core")
    told = dora.run(ROLL_BACK.format(table=table)).splitlines()
    assert told[0] == "-5.0", "what the other machine stored last"
    assert told[1] == "[1.5, 2.0, 3.25]"
    assert told[2].count("'dora'") == 3 and "('rollback', 'dora')" in told[2]
    assert told[3] == f"hive s3://lake/warehouse/sandbox_dora/{table}"
    assert told[4] == "[('2026-11-20',), ('2026-11-21',)]", "what Hive, Spark and Trino see"
    dora.run(FORGET.format(table=table))


def test_what_one_person_stores_another_reads_and_may_not_write(log_in: LogIn, table: str) -> None:
    dora, emil = started(log_in("dora"), "small-cpu"), started(log_in("emil"), "small-cpu")
    dora.run(STORE.format(table=table))
    told = emil.run(
        f"""
from data_access import DataError, load_dataframe, store_dataframe
frame = load_dataframe("sandbox_dora", "{table}")
print(len(frame))
try:
    store_dataframe(frame, "sandbox_dora", "{table}", partition_by=["day"])
except DataError as error:
    print(error.reason, error)
"""
    )
    assert told.startswith("5\nforbidden ") and "emil" in told, told
    dora.run(FORGET.format(table=table))


def test_machines_reach_store_and_metastore_and_not_the_database_behind(log_in: LogIn) -> None:
    dora = started(log_in("dora"), "small-cpu")
    told = dora.run(
        """
import socket
for place in (("s3", 7070), ("hive-metastore", 9083), ("postgres", 5432)):
    try:
        socket.create_connection(place, 3).close()
        print(place[0], "open")
    except OSError:
        print(place[0], "shut")
"""
    )
    assert told.split("\n")[:3] == ["s3 open", "hive-metastore open", "postgres shut"]


def test_the_key_is_in_a_file_and_in_no_environment(installed: InstalledHub, log_in: LogIn) -> None:
    dora = started(log_in("dora"), "small-cpu")
    told = dora.run(
        """
import configparser, os
config = configparser.ConfigParser()
config.read(os.environ["AWS_SHARED_CREDENTIALS_FILE"])
secret = config["default"]["aws_secret_access_key"]
print(len(secret), secret in str(os.environ), secret in open("/etc/remuda/data.yaml").read())
"""
    )
    assert told.split() == ["40", "False", "False"]
    servers = installed.items("pods", "-l", "app=remuda-data")
    assert {pod["metadata"]["labels"]["component"] for pod in servers} == {"s3", "postgres", "hive-metastore"}
    assert all(pod["spec"]["automountServiceAccountToken"] is False for pod in servers)
