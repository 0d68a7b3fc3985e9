"""Inputs and outputs of models as Arrow tables, and back to what they were.

`pack` gives a table and a JSON-able note of what was given; `unpack` makes the same kind of object from both.
Arrays keep their dtype and shape, frames their columns and types.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa

#: Wider arrays are kept as one column of fixed-size lists: a Parquet file with more columns is slow to open.
MOST_COLUMNS = 1000


class Unpackable(TypeError):
    """Half a sentence: what has no form as a table."""


def pack(value: Any, name: str = "x") -> tuple[pa.Table, dict[str, Any]]:
    """(table, note). `name` names the columns of what has no names. Raises Unpackable."""
    try:
        return _pack(value, name)
    except (pa.ArrowException, OverflowError) as error:
        raise Unpackable(f"{type(value).__qualname__}: {error}") from error


def _pack(value: Any, name: str) -> tuple[pa.Table, dict[str, Any]]:
    kind = _kind(value)
    if kind in _FRAMES:
        return _FRAMES[kind](value), {"kind": kind}
    if kind == "series":
        return pa.table({str(value.name or name): pa.Array.from_pandas(value)}), {
            "kind": kind,
            "dtype": str(value.dtype),
            "name": value.name if isinstance(value.name, str) else None,
        }
    if kind in ("array", "tensor"):
        return _pack_array(_as_numpy(value), name, kind)
    if kind == "dict":
        return _pack_dict(value)
    if kind == "list":
        return _pack_list(value, name)
    if kind == "scalar":
        return pa.table({name: pa.array([_plain(value)])}), {"kind": "scalar"}
    raise Unpackable(f"a {type(value).__module__}.{type(value).__qualname__} has no form as a table")


def unpack(table: pa.Table, note: Mapping[str, Any]) -> Any:
    """What `pack` was given, of the same kind. Needs pandas, Polars or torch where it was one of theirs."""
    try:
        return _UNPACK[note["kind"]](table, note)
    except KeyError:
        raise ValueError(f"'{note.get('kind')}' is no kind of example that this version knows") from None


def rows_of(value: Any) -> int | None:
    """How many rows an input has; None when that makes no sense."""
    if _kind(value) in ("scalar", None):
        return None
    if _kind(value) == "dict":
        return min((rows_of(each) or 0 for each in value.values()), default=0)
    return value.num_rows if hasattr(value, "num_rows") else len(value)


def head(value: Any, rows: int) -> Any:
    """The first rows of an input, as the same kind."""
    if _kind(value) == "dict":
        return {key: head(each, rows) for key, each in value.items()}
    if _kind(value) == "pandas":
        return value.iloc[:rows]
    if _kind(value) == "arrow":
        return value.slice(0, rows)
    return value[:rows]


def _kind(value: Any) -> str | None:
    """Which kind, without importing the library that it is of."""
    owner, name = type(value).__module__.partition(".")[0], type(value).__name__
    known = {
        ("pandas", "DataFrame"): "pandas",
        ("pandas", "Series"): "series",
        ("polars", "DataFrame"): "polars",
        ("pyarrow", "Table"): "arrow",
        ("pyarrow", "RecordBatch"): "arrow",
        ("numpy", "ndarray"): "array",
        ("torch", "Tensor"): "tensor",
    }.get((owner, name))
    if known is not None:
        return known
    if isinstance(value, Mapping):
        return "dict"
    if isinstance(value, (list, tuple)):
        return "list"
    if isinstance(value, (bool, int, float, str)) or owner == "numpy":
        return "scalar"
    return "array" if hasattr(value, "__array__") else None


def _from_pandas(frame: Any) -> pa.Table:
    return pa.Table.from_pandas(frame.reset_index(drop=True))


def _from_arrow(table: Any) -> pa.Table:
    return pa.Table.from_batches([table]) if isinstance(table, pa.RecordBatch) else table


_FRAMES = {"pandas": _from_pandas, "polars": lambda frame: frame.to_arrow(), "arrow": _from_arrow}


def _as_numpy(value: Any) -> Any:
    import numpy

    if hasattr(value, "detach"):  # torch: off the graph and off the GPU
        value = value.detach().cpu()
    return numpy.asarray(value)


def _pack_array(array: Any, name: str, kind: str) -> tuple[pa.Table, dict[str, Any]]:
    if array.dtype.kind not in "biufUSOM":
        raise Unpackable(f"an array of {array.dtype} has no form as a table")
    note = {"kind": kind, "dtype": array.dtype.str if array.dtype.kind != "O" else "object", "shape": list(array.shape)}
    if array.ndim == 0:
        return pa.table({name: pa.array([_plain(array[()])])}), note
    if array.ndim == 1:
        return pa.table({name: pa.array(array)}), note
    if array.ndim == 2 and array.shape[1] <= MOST_COLUMNS:
        return pa.table({f"{name}_{i}": pa.array(array[:, i].copy()) for i in range(array.shape[1])}), note
    flat = pa.array(array.reshape(-1))
    return pa.table({name: pa.FixedSizeListArray.from_arrays(flat, math.prod(array.shape[1:]))}), note


def _unpack_array(table: pa.Table, note: Mapping[str, Any]) -> Any:
    import numpy

    dtype, shape = numpy.dtype(note["dtype"]), note["shape"]
    if len(shape) == 2 and shape[1] <= MOST_COLUMNS:
        columns = [_column(table.column(i)) for i in range(table.num_columns)]
        array = numpy.column_stack(columns) if columns else numpy.empty((table.num_rows, 0))
    else:
        column = table.column(0).combine_chunks()
        array = _column(column.flatten() if len(shape) > 1 else column)
    array = numpy.ascontiguousarray(array.astype(dtype)).reshape([-1, *shape[1:]] if shape else [])
    if note["kind"] == "tensor":
        import torch

        return torch.from_numpy(array)
    return array


def _column(column: Any) -> Any:
    return column.to_numpy(zero_copy_only=False) if isinstance(column, pa.Array) else column.to_numpy()


def _pack_dict(value: Mapping[Any, Any]) -> tuple[pa.Table, dict[str, Any]]:
    if value and all(_kind(each) == "scalar" for each in value.values()):
        value = {key: [each] for key, each in value.items()}
    columns: dict[str, Any] = {}
    notes, owned = [], []
    for key, each in value.items():
        table, note = pack(each, str(key))
        if set(table.column_names) & set(columns):
            raise Unpackable(f"its parts have columns of the same name: {', '.join(table.column_names)}")
        columns.update(zip(table.column_names, table.columns, strict=True))
        notes.append(note)
        owned.append(table.column_names)
    return pa.table(columns), {"kind": "dict", "keys": list(map(str, value)), "notes": notes, "columns": owned}


def _pack_list(value: Any, name: str) -> tuple[pa.Table, dict[str, Any]]:
    if value and all(isinstance(each, Mapping) for each in value):
        return pa.Table.from_pylist([dict(each) for each in value]), {"kind": "records"}
    return pa.table({name: pa.array([_plain(each) for each in value])}), {"kind": "list"}


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):  # numpy's scalars and arrays, tensors
        return value.tolist()
    return [_plain(each) for each in value] if isinstance(value, (list, tuple)) else value


def _unpack_polars(table: pa.Table, note: Mapping[str, Any]) -> Any:
    import polars

    return polars.from_arrow(table)


def _unpack_series(table: pa.Table, note: Mapping[str, Any]) -> Any:
    series = table.column(0).to_pandas()
    series.name = note["name"]
    return series.astype(note["dtype"])


def _unpack_dict(table: pa.Table, note: Mapping[str, Any]) -> Any:
    parts = zip(note["keys"], note["notes"], note["columns"], strict=True)
    return {key: unpack(table.select(columns), each) for key, each, columns in parts}


_UNPACK: Mapping[str, Callable[[pa.Table, Mapping[str, Any]], Any]] = {
    "pandas": lambda table, _: table.to_pandas(),
    "polars": _unpack_polars,
    "arrow": lambda table, _: table,
    "series": _unpack_series,
    "array": _unpack_array,
    "tensor": _unpack_array,
    "dict": _unpack_dict,
    "list": lambda table, _: table.column(0).to_pylist(),
    "records": lambda table, _: table.to_pylist(),
    "scalar": lambda table, _: table.column(0)[0].as_py(),
}
