"""The same tasks by each library as its documentation has them, with its own defaults.

Imports are inside, since each process runs one of them. A frame is what the library is made for: pandas, Arrow or
Polars. `Cannot` says why something is not done.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from bench.data.frames import PARTITION
from bench.data.server import BUCKET
from bench.data.tpch import TABLES

DATABASE = "sandbox_bench"
HIVE = f"s3://{BUCKET}/hive"  # the same files as ours, in folders as Hive has them, for who reads folders


class Cannot(Exception):
    """This library has no such thing."""


class Contender:
    """`folder` is for catalogs; tables are named by text."""

    kind = "arrow"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def frame(self, table: pa.Table) -> Any:
        if self.kind == "pandas":
            return table.to_pandas()
        if self.kind == "polars":
            import polars

            return polars.from_arrow(table)
        return table

    def store(self, frame: Any, name: str, partitioned: bool) -> None:
        raise Cannot("it only reads")

    def load(self, name: str) -> Any:
        raise Cannot("it only writes")

    def partition(self, name: str, value: str) -> Any:
        return self.filtered(name, None, [(PARTITION, "==", value)])

    def filtered(self, name: str, columns: list[str] | None, conditions: list[tuple[str, str, Any]]) -> Any:
        raise Cannot("it has no filter")

    def query(self, text: str) -> Any:
        """SQL over TPC-H's tables, which it names `{lineitem}`, `{orders}` and `{customer}`."""
        raise Cannot("it has no SQL")

    def close(self) -> None:
        return None


class Remuda(Contender):
    kind = "pandas"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.workspace = workspace(folder)

    def store(self, frame: Any, name: str, partitioned: bool) -> None:
        from data_access import store_dataframe

        store_dataframe(
            frame, DATABASE, name, partition_by=[PARTITION] if partitioned else None, workspace=self.workspace
        )

    def load(self, name: str) -> Any:
        from data_access import load_dataframe

        return load_dataframe(DATABASE, name, into=self.kind, workspace=self.workspace)

    def partition(self, name: str, value: str) -> Any:
        from data_access import load_dataframe

        return load_dataframe(DATABASE, name, partitions=[value], into=self.kind, workspace=self.workspace)

    def filtered(self, name: str, columns: list[str] | None, conditions: list[tuple[str, str, Any]]) -> Any:
        from data_access import load_dataframe

        return load_dataframe(
            DATABASE, name, columns=columns, where=conditions, into=self.kind, workspace=self.workspace
        )

    def query(self, text: str) -> Any:
        from data_access import sql

        places = {name: f"{DATABASE}.{name}" for name in TABLES}
        return sql(text.format(**places), into=self.kind, workspace=self.workspace)

    def close(self) -> None:
        self.workspace.close()


class RemudaArrow(Remuda):
    kind = "arrow"


class RemudaPolars(Remuda):
    kind = "polars"


def workspace(folder: Path) -> Any:
    """With the embedded catalog."""
    from data_access.config import Settings
    from data_access.workspace import connect

    return connect(
        Settings(
            metastore=f"sqlite://{folder}/catalog.sqlite", warehouse=f"s3://{BUCKET}/ours", user="bench", progress=False
        )
    )


class AwsWrangler(Contender):
    """Without Glue: folders of Parquet, listed at each read."""

    kind = "pandas"

    def store(self, frame: Any, name: str, partitioned: bool) -> None:
        import awswrangler

        awswrangler.s3.to_parquet(
            frame, path=f"s3://{BUCKET}/awswrangler/{name}/", dataset=True, mode="overwrite",
            partition_cols=[PARTITION] if partitioned else None,
        )  # fmt: skip

    def load(self, name: str) -> Any:
        import awswrangler

        return awswrangler.s3.read_parquet(f"{HIVE}/{name}/", dataset=True)

    def filtered(self, name: str, columns: list[str] | None, conditions: list[tuple[str, str, Any]]) -> Any:
        import awswrangler

        of_partition = {column: value for column, _, value in conditions if column == PARTITION}
        found = awswrangler.s3.read_parquet(
            f"{HIVE}/{name}/", dataset=True, columns=columns,
            partition_filter=(lambda values: values[PARTITION] == of_partition[PARTITION]) if of_partition else None,
        )  # fmt: skip
        for column, operator, value in conditions:
            if column != PARTITION:
                found = found[found[column] > value if operator == ">" else found[column] == value]
        return found


class PyArrow(Contender):
    def filesystem(self) -> Any:
        import os

        from pyarrow import fs

        return fs.S3FileSystem(
            endpoint_override=os.environ["AWS_ENDPOINT_URL"].removeprefix("http://"), scheme="http",
            region=os.environ["AWS_REGION"], access_key=os.environ["AWS_ACCESS_KEY_ID"],
            secret_key=os.environ["AWS_SECRET_ACCESS_KEY"],
        )  # fmt: skip

    def store(self, frame: Any, name: str, partitioned: bool) -> None:
        from pyarrow import dataset

        by = dataset.partitioning(pa.schema([(PARTITION, pa.string())]), flavor="hive") if partitioned else None
        dataset.write_dataset(
            frame, f"{BUCKET}/pyarrow/{name}", format="parquet", filesystem=self.filesystem(), partitioning=by,
            existing_data_behavior="delete_matching", max_partitions=10_000, max_open_files=2_000,
        )  # fmt: skip

    def dataset(self, name: str) -> Any:
        from pyarrow import dataset

        return dataset.dataset(
            f"{HIVE}/{name}".removeprefix("s3://"), filesystem=self.filesystem(), partitioning="hive"
        )

    def load(self, name: str) -> Any:
        return self.dataset(name).to_table()

    def filtered(self, name: str, columns: list[str] | None, conditions: list[tuple[str, str, Any]]) -> Any:
        from pyarrow.parquet import filters_to_expression

        return self.dataset(name).to_table(columns=columns, filter=filters_to_expression(conditions))


class Polars(Contender):
    kind = "polars"

    def options(self) -> dict[str, str]:
        import os

        return {
            "aws_endpoint_url": os.environ["AWS_ENDPOINT_URL"], "aws_allow_http": "true",
            "aws_access_key_id": os.environ["AWS_ACCESS_KEY_ID"],
            "aws_secret_access_key": os.environ["AWS_SECRET_ACCESS_KEY"], "aws_region": os.environ["AWS_REGION"],
        }  # fmt: skip

    def store(self, frame: Any, name: str, partitioned: bool) -> None:
        import polars

        place = f"s3://{BUCKET}/polars/{name}"
        if partitioned:
            to = polars.PartitionBy(place, key=[PARTITION], include_key=False)
            frame.lazy().sink_parquet(to, storage_options=self.options(), mkdir=True)
        else:
            frame.write_parquet(f"{place}/all.parquet", storage_options=self.options())

    def scan(self, name: str) -> Any:
        import polars

        return polars.scan_parquet(
            f"{HIVE}/{name}/**/*.parquet", hive_partitioning=True, storage_options=self.options()
        )

    def load(self, name: str) -> Any:
        return self.scan(name).collect()

    def filtered(self, name: str, columns: list[str] | None, conditions: list[tuple[str, str, Any]]) -> Any:
        import polars

        found = self.scan(name)
        for column, operator, value in conditions:
            found = found.filter(polars.col(column) > value if operator == ">" else polars.col(column) == value)
        return (found.select(columns) if columns else found).collect()

    def query(self, text: str) -> Any:
        import polars

        frames = {name: self.scan(name) for name in TABLES if f"{{{name}}}" in text}
        return polars.SQLContext(frames).execute(text.format(**{name: name for name in TABLES}), eager=True)


class DuckDB(Contender):
    """On local files, the S3 server's own: a head start, without any network.

    Its S3 client, the httpfs extension, is fetched from DuckDB's server, which can't be reached from here; by fsspec it
    can't read these files (obstore's and pyarrow's both fail in it).
    """

    def place(self, name: str) -> Path:
        return self.folder / "s3/objects" / name.removeprefix("s3://")

    def store(self, frame: Any, name: str, partitioned: bool) -> None:
        import duckdb

        place = self.folder / "duckdb" / name
        place.parent.mkdir(exist_ok=True)
        con = duckdb.connect()
        con.register("frame", frame)
        by = f", PARTITION_BY ({PARTITION}), OVERWRITE_OR_IGNORE" if partitioned else ""
        con.sql(f"COPY (SELECT * FROM frame) TO '{place}{'' if partitioned else '.parquet'}' (FORMAT parquet{by})")  # noqa: S608

    def load(self, name: str) -> Any:
        return self._select(name, "*", "")

    def filtered(self, name: str, columns: list[str] | None, conditions: list[tuple[str, str, Any]]) -> Any:
        where = " AND ".join(
            f"{column} {'>' if operator == '>' else '='} {value!r}" for column, operator, value in conditions
        )
        return self._select(name, ", ".join(columns or ["*"]), f"WHERE {where}")

    def query(self, text: str) -> Any:
        import duckdb

        places = {name: f"read_parquet('{self.place(HIVE)}/{name}/**/*.parquet')" for name in TABLES}
        return duckdb.connect().sql(text.format(**places)).to_arrow_table()

    def _select(self, name: str, columns: str, rest: str) -> Any:
        import duckdb

        files = f"{self.place(HIVE)}/{name}/**/*.parquet"
        found = duckdb.connect().sql(
            f"SELECT {columns} FROM read_parquet('{files}', hive_partitioning=true) {rest}"  # noqa: S608
        )
        return found.to_arrow_table()


class PyIceberg(Contender):
    """Its own files, in a catalog in SQLite like ours."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        import os

        from pyiceberg.catalog.sql import SqlCatalog

        self.catalog = SqlCatalog(
            "bench",
            **{
                "uri": f"sqlite:///{folder}/iceberg.sqlite", "warehouse": f"s3://{BUCKET}/iceberg",
                "s3.endpoint": os.environ["AWS_ENDPOINT_URL"], "s3.region": os.environ["AWS_REGION"],
                "s3.access-key-id": os.environ["AWS_ACCESS_KEY_ID"],
                "s3.secret-access-key": os.environ["AWS_SECRET_ACCESS_KEY"],
            },
        )  # fmt: skip
        self.catalog.create_namespace_if_not_exists("bench")

    def table(self, frame: pa.Table, name: str, partitioned: bool) -> Any:
        from pyiceberg.exceptions import NoSuchTableError

        try:
            return self.catalog.load_table(f"bench.{name}")
        except NoSuchTableError:
            made = self.catalog.create_table(f"bench.{name}", schema=frame.schema)
            if partitioned:
                with made.update_spec() as spec:
                    spec.add_identity(PARTITION)
            return self.catalog.load_table(f"bench.{name}")

    def store(self, frame: Any, name: str, partitioned: bool) -> None:
        self.table(frame, name, partitioned).overwrite(frame)

    def load(self, name: str) -> Any:
        return self.catalog.load_table(f"bench.{name}").scan().to_arrow()

    def filtered(self, name: str, columns: list[str] | None, conditions: list[tuple[str, str, Any]]) -> Any:
        text = " and ".join(
            f"{column} {'>' if operator == '>' else '=='} {value!r}" for column, operator, value in conditions
        )
        scan = self.catalog.load_table(f"bench.{name}").scan(row_filter=text, selected_fields=tuple(columns or ("*",)))
        return scan.to_arrow()

    def query(self, text: str) -> Any:
        import duckdb

        con = duckdb.connect()
        for name in TABLES:
            if f"{{{name}}}" in text:
                con.register(name, self.load(name))  # its to_duckdb() does the same
        return con.sql(text.format(**{name: name for name in TABLES})).to_arrow_table()


CONTENDERS: dict[str, type[Contender]] = {
    "remuda": Remuda,
    "awswrangler": AwsWrangler,
    "remuda (Arrow)": RemudaArrow,
    "pyarrow.dataset": PyArrow,
    "pyiceberg": PyIceberg,
    "DuckDB, local files": DuckDB,
    "remuda (Polars)": RemudaPolars,
    "Polars": Polars,
}


def size(frame: Any) -> tuple[int, int]:
    """Rows, and bytes in memory."""
    if hasattr(frame, "estimated_size"):
        return frame.height, frame.estimated_size()
    if hasattr(frame, "memory_usage"):
        return len(frame), int(frame.memory_usage(index=False, deep=False).sum())
    return frame.num_rows, frame.nbytes
