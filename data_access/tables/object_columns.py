"""pandas' object columns: whether what is in them is one thing. Arrow makes some mixtures one type without a word."""

from __future__ import annotations

import datetime as dt
import decimal
import math
import numbers
from collections import Counter
from typing import Any

import numpy
import pandas
import pyarrow

from data_access.errors import Reason, SchemaError
from data_access.texts import shortened

#: The first that fits; subclasses (pandas.Timestamp, numpy.str_, …) count as what they are a kind of.
_KINDS: list[tuple[Any, str]] = [
    ((bool, numpy.bool_), "bool"),
    (numbers.Integral, "int"),
    ((float, numpy.floating), "float"),
    (str, "str"),
    ((bytes, bytearray), "bytes"),
    ((dt.datetime, numpy.datetime64), "datetime"),
    (dt.date, "date"),
    (dt.timedelta, "timedelta"),
    (decimal.Decimal, "Decimal"),
    ((list, tuple, numpy.ndarray), "list"),
    ((set, frozenset), "set"),
    (dict, "dict"),
]
_MISSING = (type(None), type(pandas.NA), type(pandas.NaT))


def check_objects(frame: pandas.DataFrame) -> None:
    """Raises SchemaError(unsupported-type): values of several kinds in a column, or dicts of several shapes."""
    for place, name in enumerate(frame.columns):
        column = frame.iloc[:, place]
        if column.dtype == object:
            _check(name, column)


def _check(name: str, column: pandas.Series) -> None:
    kinds = {_kind(each) for each in set(map(type, column.array)) if each not in _MISSING}
    if "float" in kinds and len(kinds) > 1 and all(math.isnan(value) for value in column if isinstance(value, float)):
        kinds.discard("float")  # NaN for what is missing
    if len(kinds) > 1:
        raise SchemaError(
            Reason.UNSUPPORTED_TYPE,
            f"Column '{name}' holds values of several types: {_examples(column, kinds)}.",
            f'Make them one type: frame["{name}"] = frame["{name}"].astype(str), or pandas.to_numeric.',
        )
    if kinds == {"set"}:
        raise SchemaError(
            Reason.UNSUPPORTED_TYPE,
            f"Column '{name}' holds sets, and a table has none: they would come back as lists.",
            f'Say in which order: frame["{name}"] = frame["{name}"].map(sorted, na_action="ignore").',
        )
    if kinds == {"dict"} and len(shapes := {frozenset(value) for value in column if isinstance(value, dict)}) > 1:
        raise SchemaError(
            Reason.UNSUPPORTED_TYPE,
            f"Column '{name}' holds dicts with different keys ({len(shapes)} sets of them), and a struct has one.",
            "Store it as JSON text (.map(json.dumps)), or give all the same keys.",
        )


def unconvertible(column: pandas.Series) -> SchemaError | None:
    """What Arrow has no place for, by the first value; None where each value by itself has one."""
    for row, value in enumerate(column):
        try:
            pyarrow.scalar(value)
        except OverflowError:
            return SchemaError(
                Reason.UNSUPPORTED_TYPE,
                f"Column '{column.name}' holds {_short(value)} (row {row}), and a whole number is at most {2**63 - 1}.",
                "Store it as text, .astype(str), or as decimal.Decimal.",
            )
        except (pyarrow.ArrowException, TypeError, ValueError):
            return SchemaError(
                Reason.UNSUPPORTED_TYPE,
                f"Column '{column.name}' holds values of type {type(value).__name__} (row {row}), which no table has.",
                "Store what is in them as columns, or their text: .astype(str).",
            )
    return None


def missing_as(column: pandas.Series) -> str:
    """What an object column has for a missing value: "nan" or "NA" where it has only that, else ""."""
    types = set(map(type, column.array))
    if float in types and type(None) not in types and column.isna().any():
        return "nan"
    return "NA" if type(pandas.NA) in types and type(None) not in types else ""


def holds_arrays(column: pandas.Series) -> bool:
    """Whether its lists are numpy arrays, which is what Arrow gives back by itself."""
    return numpy.ndarray in set(map(type, column.array))


def _kind(type_: type) -> str:
    return next((name for types, name in _KINDS if issubclass(type_, types)), type_.__name__)


def _examples(column: pandas.Series, kinds: set[str]) -> str:
    """`998 str (row 0: 'a'), 2 int (row 17: 3)`."""
    count: Counter[str] = Counter()
    first: dict[str, tuple[int, Any]] = {}
    for row, value in enumerate(column):
        kind = _kind(type(value))
        if kind in kinds:
            count[kind] += 1
            first.setdefault(kind, (row, value))
    return ", ".join(
        f"{many} {kind} (row {first[kind][0]}: {_short(first[kind][1])})" for kind, many in count.most_common()
    )


def _short(value: Any) -> str:
    return shortened(repr(value), 40)


def first_sentence(error: Exception) -> str:
    """What Arrow said, as one line without a full stop."""
    said = "; ".join(str(each) for each in error.args) or type(error).__name__
    return " ".join(said.split()).rstrip(".")
