"""Spark reads every type that a table takes, and old files by every type that a column may be widened to."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pyarrow as pa

from data_access.tables.schema import evolve
from tests.data.roundtrip.spark_values import plain
from tests.unit.data_access.types.test_arrow_types import MAX, MIN, TAKEN
from tests.unit.data_access.types.test_evolution import NAME, WIDENED
from tests.unit.data_access.types.through import column, schema_of, written
from tools.servers import spark


def _expected(array: pa.Array) -> list[object]:
    """As Spark has it: dictionaries for maps and structs, times in UTC, what an extension stores."""
    if isinstance(array.type, pa.BaseExtensionType):
        array = array.storage
    if pa.types.is_timestamp(array.type):
        array = array.cast(pa.timestamp("us"))
    if pa.types.is_map(array.type):
        return [None if each is None else plain(dict(each)) for each in array.to_pylist()]
    return [plain(each) for each in array.to_pylist()]


def test_every_type_and_every_widening(tmp_path: Path) -> None:
    spark.fetch()
    cases = []
    for old, values, new in WIDENED:
        table = pa.table({"x": column(values, old)})
        schema = schema_of(table)
        hive = evolve(schema, pa.schema([("x", new)]), NAME).columns[0].hive
        cases.append((f"{old} as {new}", hive, written(table, schema), column(values, old).cast(new)))
    for type_, values, hive in TAKEN:
        if values == [MIN, MAX]:  # years that Python's datetime does not have; Spark reads them, Python can't show them
            continue
        table = pa.table({"x": column(values, type_)})
        cases.append((str(type_), hive, written(table, schema_of(table)), column(values, type_)))
    for number, (_, _, data, _) in enumerate(cases):
        (tmp_path / f"{number}.parquet").write_bytes(data)
    wanted = [[str(tmp_path / f"{number}.parquet"), hive] for number, (_, hive, _, _) in enumerate(cases)]
    ran = subprocess.run(
        [str(spark.PYTHON), str(Path(__file__).with_name("spark_values.py"))],
        input=json.dumps(wanted),
        env={**os.environ, "TZ": "UTC"},
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    read = [json.loads(line.removeprefix("VALUES ")) for line in ran.stdout.splitlines() if line.startswith("VALUES ")]
    assert len(read) == len(cases), f"Spark stopped at {cases[len(read)][0]}: {ran.stderr[-2000:]}"
    for (name, _, _, values), (vectorized, by_row) in zip(cases, read, strict=True):
        assert vectorized == _expected(values), name
        assert by_row == _expected(values), name
