"""TPC-H's tables, as its generator makes them (tpchgen-cli), and three of its queries.

The tables have what synthetic frames lack: decimals, dates, text that nobody made for a bench. Queries 1 (an aggregate
of almost all rows), 6 (few rows of few columns) and 3 (a join of three tables) with the validation parameters of the
specification, 2.4.1.3, 2.4.3.3 and 2.4.6.3. `{lineitem}` stands for what a library calls that table.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

ROWS_OF_SCALE_1 = 6_001_215  # of lineitem

QUERIES = {
    1: """
        select l_returnflag, l_linestatus, sum(l_quantity) as sum_qty, sum(l_extendedprice) as sum_base_price,
          sum(l_extendedprice * (1 - l_discount)) as sum_disc_price,
          sum(l_extendedprice * (1 - l_discount) * (1 + l_tax)) as sum_charge, avg(l_quantity) as avg_qty,
          avg(l_extendedprice) as avg_price, avg(l_discount) as avg_disc, count(*) as count_order
        from {lineitem} where l_shipdate <= cast('1998-09-02' as date)
        group by l_returnflag, l_linestatus order by l_returnflag, l_linestatus
    """,
    3: """
        select l_orderkey, sum(l_extendedprice * (1 - l_discount)) as revenue, o_orderdate, o_shippriority
        from {customer} join {orders} on c_custkey = o_custkey join {lineitem} on l_orderkey = o_orderkey
        where c_mktsegment = 'BUILDING' and o_orderdate < cast('1995-03-15' as date)
          and l_shipdate > cast('1995-03-15' as date)
        group by l_orderkey, o_orderdate, o_shippriority order by revenue desc, o_orderdate limit 10
    """,
    6: """
        select sum(l_extendedprice * l_discount) as revenue from {lineitem}
        where l_shipdate >= cast('1994-01-01' as date) and l_shipdate < cast('1995-01-01' as date)
          and l_discount between 0.05 and 0.07 and l_quantity < 24
    """,
}
TABLES = ("lineitem", "orders", "customer")


def table(name: str, rows: int) -> pa.Table:
    """One table, at the scale at which lineitem has about `rows` rows. The generator gives the same for the same."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [
                Path(sys.executable).with_name("tpchgen-cli"), "parquet", "--scale-factor",
                f"{rows / ROWS_OF_SCALE_1:.4f}", f"--tables={name}", f"--output-dir={folder}",
            ],
            check=True, capture_output=True,
        )  # fmt: skip
        found = pq.read_table(Path(folder) / f"{name}.parquet")
    plain = [
        pa.field(each.name, pa.string() if pa.types.is_string_view(each.type) else each.type) for each in found.schema
    ]
    return found.cast(pa.schema(plain))
