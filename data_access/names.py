"""Names of databases and tables, and what was probably meant. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from data_access.errors import DataError, Reason

_WORD = re.compile(r"[a-z0-9_]{1,128}")


@dataclass(frozen=True, order=True)
class TableName:
    """`database.table`; lower case, as Hive keeps them."""

    database: str
    table: str

    @classmethod
    def of(cls, database: str, table: str) -> TableName:
        """From two words. Raises DataError(bad-name)."""
        return cls(_checked("database", database), _checked("table", table))

    @classmethod
    def parse(cls, text: str) -> TableName:
        """From `sales.orders`. Raises DataError(bad-name)."""
        if not isinstance(text, str):
            raise DataError(
                Reason.BAD_NAME,
                f"A table's name is a text, and this is of type {type(text).__name__}.",
                "Write database.table, as in sales.orders.",
            )
        database, dot, table = text.partition(".")
        if not dot:
            raise DataError(Reason.BAD_NAME, f"'{text}' names no table.", "Write database.table, as in sales.orders.")
        return cls.of(database, table)

    def __str__(self) -> str:
        return f"{self.database}.{self.table}"


def _checked(what: str, name: str) -> str:
    if not isinstance(name, str):
        raise DataError(
            Reason.BAD_NAME,
            f"The name of a {what} is a text, and this is of type {type(name).__name__}.",
            'The order is: store_dataframe(frame, "sales", "orders"), load_dataframe("sales", "orders").',
        )
    lowered = name.lower()
    if not _WORD.fullmatch(lowered):
        raise DataError(
            Reason.BAD_NAME,
            f"'{name}' is no name for a {what}: letters a to z, digits and _ only, 128 at most.",
            f"Perhaps '{re.sub('[^a-z0-9_]+', '_', lowered).strip('_')[:128] or what}'.",
        )
    return lowered


def near(name: str, there: Iterable[str], most: int = 3) -> list[str]:
    """The names that resemble this one, the nearest first."""
    return difflib.get_close_matches(name, list(there), n=most, cutoff=0.6)


def did_you_mean(name: str, there: Iterable[str]) -> str:
    """A remedy sentence for an unknown name."""
    known = sorted(there)
    close = near(name, known)
    if close:
        return f"Did you mean {' or '.join(close)}?"
    if not known:
        return "There are none yet."
    shown = ", ".join(known[:8])
    return f"There are: {shown}{f' and {len(known) - 8} more' if len(known) > 8 else ''}."
