"""Spark as a program of its own: reads lines of JSON, `{"sql": …}`, and answers each with a line of JSON.

Runs under the interpreter that has PySpark, not under that of the tests. The first argument is Spark's configuration.
Each query sees the metastore and the files anew (Spark keeps lists of files otherwise).
"""

from __future__ import annotations

import datetime
import decimal
import json
import sys
from typing import Any

KINDS = (
    (datetime.datetime, "timestamp", datetime.datetime.isoformat),
    (datetime.date, "date", datetime.date.isoformat),
    (decimal.Decimal, "decimal", str),
    (bytes | bytearray, "binary", lambda value: bytes(value).hex()),
    (float, "float", repr),
)


def plain(value: Any) -> Any:
    """JSON that keeps what kind of value it was; a struct is a list."""
    for kind, name, text in KINDS:
        if isinstance(value, kind):
            return {name: text(value)}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {"map": sorted([plain(key), plain(each)] for key, each in value.items())}
    return value


def main() -> None:
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master("local[2]").appName("tests").enableHiveSupport()
    for key, value in json.loads(sys.argv[1]).items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    print(json.dumps({"ready": spark.version}), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            spark.catalog.clearCache()
            for table in asked.get("tables", []):
                spark.catalog.refreshTable(table)
            frame = spark.sql(asked["sql"])
            rows = [[plain(value) for value in row] for row in frame.collect()]
            answer = {"columns": frame.columns, "types": [type_ for _, type_ in frame.dtypes], "rows": rows}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"[:2000]}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
