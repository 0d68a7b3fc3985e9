"""One partition's values, from Python to canonical text and back; see partitions.py. Pure."""

from __future__ import annotations

import operator
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from data_access.errors import DataError, Reason
from data_access.names import did_you_mean
from data_access.tables.model import Column, PartitionValues

NULL = "__HIVE_DEFAULT_PARTITION__"
#: Characters of a value. Glue keeps 1,024; a Hive Metastore 256 (PART_KEY_VAL), and says so itself.
VALUE_LIMIT = 1024

_DIGITS = re.compile(r"\s*[+-]?[0-9]+\s*")
_BITS = {"tinyint": 8, "smallint": 16, "int": 32, "bigint": 64}


def canonical(values: Mapping[str, object] | Sequence[object], keys: Sequence[Column]) -> PartitionValues:
    """One partition's values as canonical text: one per key, in the keys' order, or by name.

    Raises DataError(bad-partition), naming the column, the value and how it is written.
    """
    names = [key.name for key in keys]
    if isinstance(values, Mapping):
        check_keys(values, names)
        missing = [name for name in names if name not in values]
        if missing:
            raise bad(f"No value is given for partition column {', '.join(missing)}", f"Give one for each of {names}.")
        values = [values[name] for name in names]
    elif isinstance(values, str | bytes):
        raise bad(f"{values!r} is one text", "Give a list with one value per partition column.")
    if len(values) != len(keys):
        raise bad(count(values, names), how_many(names))
    return tuple(canonical_value(value, key) for value, key in zip(values, keys, strict=True))


def canonical_value(value: object, key: Column) -> str | None:
    """One value's canonical text; None for null (None, NaN, NaT, pandas.NA). Raises DataError(bad-partition)."""
    value = _python(value)
    if _is_null(value):
        return None
    if key.hive in _BITS:
        return _integer(value, key)
    if key.hive == "boolean":
        return _boolean(value, key)
    if key.hive == "date":
        return _date(value, key)
    return _string(value, key)


def _python(value: Any) -> Any:
    """What numpy and Arrow wrap, unwrapped."""
    if type(value).__module__ == "numpy" and type(value).__name__ == "datetime64":
        text = str(value)
        return None if text == "NaT" else _midnight(text)
    for unwrap in ("as_py", "item"):
        if callable(getattr(value, unwrap, None)) and type(value).__module__.partition(".")[0] in ("pyarrow", "numpy"):
            return getattr(value, unwrap)()
    return value


def _midnight(text: str) -> Any:
    day, _, time = text.partition("T")
    return day if not time.strip("0:.") else text


def _is_null(value: Any) -> bool:
    if value is None or type(value).__name__ in ("NaTType", "NAType"):
        return True
    return isinstance(value, float) and value != value  # noqa: PLR0124 - NaN alone differs from itself


def _integer(value: Any, key: Column) -> str:
    example = f"Write whole numbers for '{key.name}': 7, -1."
    if isinstance(value, bool):
        raise bad(f"{value!r} is no {key.hive} for partition column '{key.name}'", example)
    try:
        number = int(value) if isinstance(value, str) and _DIGITS.fullmatch(value) else operator.index(value)
    except (ValueError, TypeError) as error:
        raise bad(f"{value!r} is no {key.hive} for partition column '{key.name}'", example) from error
    limit = 1 << (_BITS[key.hive] - 1)
    if not -limit <= number < limit:
        raise bad(
            f"{number} does not fit partition column '{key.name}': {key.hive} holds {-limit} to {limit - 1}",
            "Correct the value.",
        )
    return str(number)


def _boolean(value: Any, key: Column) -> str:
    text = str(value).lower() if isinstance(value, bool | str) else ""
    if text not in ("true", "false"):
        raise bad(f"{value!r} is no boolean for partition column '{key.name}'", "Write True or False.")
    return text


def _date(value: Any, key: Column) -> str:
    wrong = f"{value!r} is no date for partition column '{key.name}'"
    how = "Write it like 2026-11-20, or give a datetime.date."
    if isinstance(value, datetime):
        if (value.hour, value.minute, value.second, value.microsecond, getattr(value, "nanosecond", 0)) != (0,) * 5:
            raise bad(f"{value} has a time of day; partition column '{key.name}' is a date", how)
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str) and len(value) == 10 and value[4] == value[7] == "-":
        try:
            return date.fromisoformat(value).isoformat()
        except ValueError as error:
            raise bad(f"{wrong} ({error})", how) from error
    raise bad(wrong, how)


def _string(value: Any, key: Column) -> str:
    if isinstance(value, date) and not isinstance(value, datetime):
        value = value.isoformat()
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise bad(f"{value!r} is no text for partition column '{key.name}'", "Write it as you want to read it back.")
    if not value:
        raise bad(
            f"Partition column '{key.name}' can't hold an empty text: Hive would read it as null",
            "Use None for null, or a word such as 'none'.",
        )
    if value == NULL:
        raise bad(f"{NULL} is how Hive writes null", f"Use None for '{key.name}'.")
    if len(value) > VALUE_LIMIT:
        raise bad(
            f"A value of partition column '{key.name}' has {len(value)} characters; {VALUE_LIMIT} is the most",
            "Partition by something shorter.",
        )
    if "\0" in value or any("\ud800" <= each <= "\udfff" for each in value):
        raise bad(
            f"{value!r} for partition column '{key.name}' has a character that can't be stored (NUL, half a pair)",
            "Remove it.",
        )
    return value


def typed(values: PartitionValues, keys: Sequence[Column]) -> tuple[object, ...]:
    """Python values for readers and predicates: int, bool, datetime.date, str, None."""
    return tuple(_typed(value, key.hive) for value, key in zip(values, keys, strict=True))


def _typed(value: str | None, hive: str) -> object:
    if value is None or hive == "string":
        return value
    if hive == "boolean":
        return value == "true"
    return date.fromisoformat(value) if hive == "date" else int(value)


def check_keys(spec: Mapping[str, object], names: Sequence[str]) -> None:
    for name in spec:
        if name not in names:
            raise bad(f"'{name}' is no partition column", did_you_mean(str(name), names))


def count(values: Sequence[object], names: Sequence[str]) -> str:
    many = f"{len(values)} value{'s' if len(values) != 1 else ''}"
    return f"{many} for {len(names)} partition column{'s' if len(names) != 1 else ''} ({', '.join(names)})"


def how_many(names: Sequence[str]) -> str:
    return f"Give one value for each of {', '.join(names)}." if names else "The table has no partitions."


def bad(sentence: str, remedy: str) -> DataError:
    return DataError(Reason.BAD_PARTITION, f"{sentence}.", remedy)
