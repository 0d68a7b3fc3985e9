"""Run by Spark's own Python: reads Parquet files by the Hive types that a table would have, prints the values as JSON.

Standard input: a list of [path, Hive type]; one line of output for each, and for each kind of Spark's reader.
"""

from __future__ import annotations

import datetime as dt
import decimal
import json
import sys


def plain(value: object) -> object:  # noqa: PLR0911 - a case per type
    """Comparable as JSON: exact for every type."""
    if isinstance(value, dt.datetime):
        return value.replace(tzinfo=None).isoformat()
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).hex()
    if isinstance(value, decimal.Decimal):
        return str(value)
    if isinstance(value, float):
        return value.hex()
    if hasattr(value, "asDict"):
        value = value.asDict()
    if isinstance(value, dict):
        return {str(key).lower(): plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    return value


def main() -> None:
    from pyspark.sql import SparkSession  # type: ignore[import-not-found]

    builder = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
    session = builder.config("spark.sql.session.timeZone", "UTC").getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    for path, hive in json.load(sys.stdin):
        read = []
        for vectorized in ("true", "false"):
            session.conf.set("spark.sql.parquet.enableVectorizedReader", vectorized)
            rows = session.read.schema(f"x {hive}").parquet(path).collect()
            read.append([plain(row.x) for row in rows])
        print("VALUES " + json.dumps(read), flush=True)


if __name__ == "__main__":
    main()
