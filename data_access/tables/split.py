"""Rows by partition, with Arrow's kernels. Pure. Null is a value as any other; the order within a partition stays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_access.tables.model import PartitionValues

#: Rows sorted at once: their columns fit into the processor's cache, which makes gathering about five times as fast.
CHUNK = 512 * 1024

Canonical = Callable[[tuple[object, ...]], PartitionValues]


def split(
    rows: pa.RecordBatch, keys: Sequence[pa.Array], canonical: Canonical
) -> Iterator[tuple[PartitionValues, pa.RecordBatch]]:
    """`rows`, which lack the partition columns, by the values of `keys`, one array each, as long as `rows`.

    A partition may come several times, in the order of its rows. `canonical` is asked once per distinct combination.
    """
    for start in range(0, rows.num_rows, CHUNK):
        chunk = rows.slice(start, CHUNK)
        codes, values = _coded([key.slice(start, CHUNK) for key in keys], canonical)
        yield from _runs(chunk, codes, values)


def _coded(keys: Sequence[pa.Array], canonical: Canonical) -> tuple[np.ndarray, list[PartitionValues]]:
    """A small number per row, and what each stands for."""
    codes, sizes, dictionaries = None, 1, []
    for key in keys:
        encoded = _encoded(key)
        dictionaries.append(encoded.dictionary)
        own = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64, copy=False)
        codes = own if codes is None else codes * len(encoded.dictionary) + own
        sizes *= len(encoded.dictionary)
    assert codes is not None
    if len(keys) == 1:
        there = np.arange(sizes)
    else:
        there, codes = np.unique(codes, return_inverse=True)
    found: dict[PartitionValues, int] = {}
    places = np.empty(len(there), np.int64)  # two raw values may have one canonical text
    for i, code in enumerate(there.tolist()):
        values = canonical(_combination(code, dictionaries))
        places[i] = found.setdefault(values, len(found))
    return places[codes], list(found)


def _encoded(key: pa.Array) -> pa.DictionaryArray:
    if pa.types.is_dictionary(key.type):
        key = key.cast(key.type.value_type)
    return pc.dictionary_encode(key, null_encoding="encode")


def _combination(code: int, dictionaries: Sequence[pa.Array]) -> tuple[object, ...]:
    values: list[object] = []
    for dictionary in reversed(dictionaries):
        code, at = divmod(code, len(dictionary))
        values.append(dictionary[at].as_py())
    return tuple(reversed(values))


def _runs(
    chunk: pa.RecordBatch, codes: np.ndarray, values: list[PartitionValues]
) -> Iterator[tuple[PartitionValues, pa.RecordBatch]]:
    ends = [*(np.flatnonzero(codes[1:] != codes[:-1]) + 1).tolist(), len(codes)]
    if len(ends) > len(values):  # not already side by side
        order = np.argsort(codes.astype(np.uint16) if len(values) <= 65_536 else codes, kind="stable")
        chunk, codes = chunk.take(pa.array(order)), codes[order]
        ends = [*(np.flatnonzero(codes[1:] != codes[:-1]) + 1).tolist(), len(codes)]
    start = 0
    for end in ends:
        yield values[int(codes[start])], chunk.slice(start, end - start)
        start = end
