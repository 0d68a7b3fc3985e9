"""`sql`: one query over tables, configured databases, files and frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from data_access.arguments import text
from data_access.errors import DataError, Reason

if TYPE_CHECKING:
    from data_access.workspace import Workspace

INTO = ("pandas", "pandas-arrow", "polars", "arrow", "batches")


def sql(  # noqa: PLR0913 - a public verb; its options are keywords
    query: str,
    *,
    into: str = "pandas",
    params: Mapping[str, Any] | Sequence[Any] | None = None,
    as_of: Mapping[str, Any] | None = None,
    frames: Mapping[str, Any] | None = None,
    rows: int = 100_000,
    workspace: Workspace | None = None,
) -> Any:
    """The answer to one SELECT, in DuckDB's SQL.

        sql("select o.day, sum(o.amount) as amount from sales.orders o join crm.public.customers c using (customer) "
            "where c.country = $country and o.day >= '2026-11-01' group by all", params={"country": "NL"})

    `database.table` is a table of the metastore, read at one commit (`as_of={"sales.orders": 42}` chooses which);
    `name.schema.table` is one of a database in the settings (`databases`), read in one transaction;
    `'s3://bucket/file.parquet'` and other quoted paths are files; a single word is one of `frames={"df": df}`.
    Only the columns, partitions, files and rows that the query needs are fetched, as far as they are known before.
    `params` fill `$name` or `?`. Times with a zone are counted and shown in UTC.

    `into`: "pandas" (default), "pandas-arrow", "polars", "arrow", or "batches": an iterator of Arrow record batches of
    `rows` rows, for answers larger than memory.

    Raises DataError: bad-query (with the place in the query), unknown-table, unknown-database, forbidden, unreachable,
    and what reading a table raises. Only a query is run; whatever would change something is refused.
    """
    from data_access.query.running import Asked, Running
    from data_access.workspace import current

    text(query, "query")
    if into not in INTO:
        raise DataError(Reason.BAD_ARGUMENT, f"into='{into}' is not known.", f"Use one of {', '.join(INTO)}.")
    running = Running(Asked(query, params, dict(as_of or {}), dict(frames or {})), workspace or current())
    if into == "batches":
        return running.batches(rows)
    from data_access.tables.frames import into as converted

    return converted(running.table(), cast(Any, into))
