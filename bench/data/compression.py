"""What compression, float32 and dictionaries save, and what they cost: bytes, and seconds of one core."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from bench.data.frames import PARTITION, sales

ROWS = 1_000_000


def main() -> None:
    asked = json.loads(sys.argv[1])
    print("\n" + json.dumps(compared(min(ROWS, asked["rows"]))))


def compared(rows: int) -> dict[str, Any]:
    from data_access.tables.encode import encoding_for

    table = sales(rows, 1).drop([PARTITION])
    ours = encoding_for(table, "zstd")
    chosen = list(ours.dictionary)
    doubles = [field.name for field in table.schema if pa.types.is_float64(field.type)]
    small = table
    for name in doubles:
        small = small.set_column(small.schema.get_field_index(name), name, small.column(name).cast(pa.float32()))
    texts = ["shop", "customer"]
    _one(table, "none", chosen)  # the first one pays for starting up
    return {
        "rows": rows,
        "in memory": table.nbytes,
        "none": _one(table, "none", chosen),
        "snappy": _one(table, "snappy", chosen),
        "lz4": _one(table, "lz4", chosen),
        "zstd": _one(table, "zstd", chosen),
        "zstd but for columns that don't shrink (ours)": _one(table, dict(ours.codecs), chosen),
        "zstd, every column tried as a dictionary": _one(table, "zstd", True),
        "zstd, no dictionary": _one(table, "zstd", False),
        "zstd, float32 instead of float64": _one(small, "zstd", chosen),
        "zstd, the two text columns alone, as texts": _one(table.select(texts), "zstd", False),
        "zstd, the two text columns alone, as dictionaries": _one(table.select(texts), "zstd", True),
    }


def _one(table: pa.Table, compression: Any, dictionary: Any) -> dict[str, float]:
    encoding, decoding, size = [], [], 0
    for _ in range(3):
        start = time.process_time()
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression=compression, use_dictionary=dictionary, row_group_size=400_000)
        body = sink.getvalue()
        encoding.append(time.process_time() - start)
        start = time.process_time()
        pq.read_table(pa.BufferReader(body), use_threads=False)
        decoding.append(time.process_time() - start)
        size = len(body)
    return {"bytes": size, "encode_s": round(min(encoding), 3), "decode_s": round(min(decoding), 3)}


if __name__ == "__main__":
    main()
