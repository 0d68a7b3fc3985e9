"""What is stored and loaded: 20 columns as a shop might have them, the same for the same seed."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

PARTITION = "part"


def names(partitions: int) -> list[str]:
    return [f"p{i:05d}" for i in range(partitions)]


def sales(rows: int, partitions: int, seed: int = 1) -> pa.Table:
    """20 columns, about 160 bytes a row: a key, a time, texts that repeat and texts that don't, numbers of any kind.

    Rows of a partition lie anywhere in the frame, which is the hard case.
    """
    r = np.random.default_rng(seed)
    pick = r.integers(0, partitions, rows)
    columns: dict[str, pa.Array] = {
        "id": pa.array(np.arange(rows)),
        "at": pa.array(np.datetime64("2026-01-01", "us") + (np.arange(rows) * 1000).astype("timedelta64[us]")),
        PARTITION: pa.array(names(partitions)).take(pa.array(pick)),
        "shop": pa.array([f"shop-{i:03d}" for i in range(200)]).take(pa.array(r.integers(0, 200, rows))),
        "customer": pa.array([f"customer {i} of somewhere" for i in range(100_000)]).take(
            pa.array(r.integers(0, 100_000, rows))
        ),
        "product": pa.array(np.minimum(r.zipf(1.3, rows), 50_000).astype(np.int32)),
        "amount": pa.array(np.round(r.gamma(2, 50, rows), 2)),
        "paid": pa.array(r.random(rows) < 0.3),
        "share": pa.array(r.normal(size=rows).astype(np.float32)),
    }
    for i in range(7):
        columns[f"x{i}"] = pa.array(r.normal(size=rows))
    for i in range(4):
        columns[f"n{i}"] = pa.array(r.integers(0, 10 ** (i * 2 + 2), rows))
    return pa.table(columns)


def narrow(rows: int, partitions: int) -> pa.Table:
    """Two columns and a partition, every one of them filled."""
    return pa.table(
        {
            "id": pa.array(np.arange(rows)),
            "x": pa.array(np.arange(rows) / 7),
            PARTITION: pa.array(names(partitions)).take(pa.array(np.arange(rows) % partitions)),
        }
    )
