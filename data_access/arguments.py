"""What calls are given, looked at before anything happens. Pure.

Python says `'<' not supported between 'str' and 'int'`, somewhere deep inside; these say which argument it was.
"""

from __future__ import annotations

import numbers

from data_access.errors import DataError, Reason


def whole(least: int, value: object, name: str, of: str) -> int:
    """A whole number, numpy's too. `of`: "of rows". Raises DataError(bad-argument)."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise _bad(f"{name}={value!r} is no whole number.", least, of)
    if value < least:
        raise _bad(f"{name}={value} is too small: {least} is the least.", least, of)
    return int(value)


def at_least(least: float, value: object, name: str, of: str) -> float:
    """A number. Raises DataError(bad-argument)."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise _bad(f"{name}={value!r} is no number.", least, of)
    if not float(value) >= least:
        raise _bad(f"{name}={value} is too small: {least} is the least.", least, of)
    return float(value)


def text(value: object, name: str) -> str:
    """Raises DataError(bad-argument)."""
    if not isinstance(value, str):
        raise DataError(
            Reason.BAD_ARGUMENT, f"{name}={value!r} is of type {type(value).__name__}, not a text.",
            f"Write {name}='…', in quotes.",
        )  # fmt: skip
    return value


def _bad(sentence: str, least: float, of: str) -> DataError:
    return DataError(Reason.BAD_ARGUMENT, sentence, f"Give a number {of}, {least} or more.")
