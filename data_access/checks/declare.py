"""The calls that make checks; each raises DataError(bad-argument) where what it is given makes none.

All take `note=` (why it exists, what to do when it fails), `severity=` ("stop": nothing is committed; "warn": it is
said), `author=` and `name=`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, TypeVar, Unpack, overload

from pydantic import ValidationError
from typing_extensions import TypedDict

from data_access.checks import functions, pandera_schemas
from data_access.checks.kinds import (
    Check,
    Custom,
    ForeignKey,
    Freshness,
    InRange,
    InSet,
    Matches,
    NoDrift,
    NotNull,
    Pandera,
    RowCount,
    Unique,
)
from data_access.errors import DataError, Reason
from data_access.names import did_you_mean

Made = TypeVar("Made", bound=Check)
Function = TypeVar("Function", bound=Callable[..., Any])


class About(TypedDict, total=False):
    """What every check can have."""

    note: str
    severity: Literal["stop", "warn"]
    author: str | None
    name: str


def _made(kind: type[Made], **fields: Any) -> Made:
    try:
        return kind(**fields)
    except ValidationError as error:
        wrong = "; ".join(_said(each) for each in error.errors(include_url=False, include_input=False))
        raise DataError(
            Reason.BAD_ARGUMENT, f"That makes no check {kind.model_fields['kind'].default}: {wrong}.", "Correct it."
        ) from error


def _said(error: Any) -> str:
    where = ".".join(str(part) for part in error["loc"])
    if error["type"] == "too_short":
        return f"{where} names none, where at least 1 item is needed"
    return f"{where + ': ' if where else ''}{error['msg'].removeprefix('Value error, ')}"


def not_null(*columns: str, **about: Unpack[About]) -> NotNull:
    """These columns are never missing: neither null nor NaN."""
    return _made(NotNull, columns=columns, **about)


def unique(*columns: str, across: Literal["table", "store"] = "table", **about: Unpack[About]) -> Unique:
    """These columns together name one row: among the rows stored and, unless `across="store"`, those that stay beside.

    Beside them stay all rows for an append, and the other partitions' for an overwrite. A key with a missing part is
    not compared.
    """
    return _made(Unique, columns=columns, across=across, **about)


def in_range(
    column: str,
    low: Any = None,
    high: Any = None,
    *,
    closed: Literal["both", "left", "right", "neither"] = "both",
    **about: Unpack[About],
) -> InRange:
    """Numbers, dates, times or text between two limits, either of which may be left out.

    Dates and times may be written as ISO text; a time without a zone is UTC. Of a float column, limits are rounded to
    its precision.
    """
    return _made(InRange, column=column, low=low, high=high, closed=closed, **about)


def in_set(column: str, values: Collection[Any], **about: Unpack[About]) -> InSet:
    """One of these values."""
    if isinstance(values, str):
        raise DataError(Reason.BAD_ARGUMENT, f"'{values}' is one text, not a set of values.", f"Write ['{values}'].")
    ordered = sorted(values, key=repr) if isinstance(values, set | frozenset) else list(values)
    return _made(InSet, column=column, values=tuple(ordered), **about)


def matches(column: str, pattern: str, **about: Unpack[About]) -> Matches:
    r"""Text that a regular expression fits as a whole; `\d`, `\w` and `\b` mean ASCII."""
    return _made(Matches, column=column, pattern=pattern, **about)


def row_count(
    low: int | None = None,
    high: int | None = None,
    *,
    factor: float | None = None,
    percent: float | None = None,
    last: int = 5,
    **about: Unpack[About],
) -> RowCount:
    """How many rows are stored at once, and how many a partition gets compared with what it got before.

    Usual is the median of the last `last` stores of the same partition or, where it is new, of the partitions stored
    last. `factor=2` allows half to double of it, `percent=20` 80 % to 120 %.
    """
    return _made(RowCount, low=low, high=high, factor=factor, percent=percent, last=last, **about)


def freshness(column: str, within: timedelta | str | float, **about: Unpack[About]) -> Freshness:
    """The newest value of a time or date column is not older than that: `36h`, `2d`, a timedelta, seconds."""
    return _made(Freshness, column=column, within=within, **about)


def foreign_key(
    columns: str | Sequence[str],
    table: str,
    to: str | Sequence[str] = (),
    *,
    as_of: Any = None,
    **about: Unpack[About],
) -> ForeignKey:
    """Every value (or row of values) is in another table; `to` names its columns where they differ."""
    return _made(
        ForeignKey,
        columns=_words(columns),
        table=str(table),
        to=_words(to),
        as_of=None if as_of is None else str(as_of),
        **about,
    )


def _words(words: str | Sequence[str]) -> tuple[str, ...]:
    return (words,) if isinstance(words, str) else tuple(words)


def no_drift(*columns: str, psi: float = 0.2, nulls: float = 0.05, **about: Unpack[About]) -> NoDrift:
    """These columns are distributed as at the last commit.

    `psi` limits the population stability index, `nulls` the change of the share of missing values; both only count
    beyond what chance would do. Formula and sources: `data_access.checks.drift`.
    """
    return _made(NoDrift, columns=columns, psi=psi, nulls=nulls, **about)


@overload
def custom(
    function: str, *, takes: Literal["pandas", "polars", "arrow"] = ..., rowwise: bool = ..., **about: Unpack[About]
) -> Callable[[Function], Function]: ...


@overload
def custom(
    function: Callable[..., Any],
    *,
    takes: Literal["pandas", "polars", "arrow"] = ...,
    rowwise: bool = ...,
    **about: Unpack[About],
) -> Custom: ...


def custom(
    function: str | Callable[..., Any],
    *,
    takes: Literal["pandas", "polars", "arrow"] = "pandas",
    rowwise: bool = False,
    **about: Unpack[About],
) -> Any:
    """A function as a check: `custom(function)`, or `@custom("name")` over it, which registers it in this session.

    It gets the rows as `takes` says, and returns True or False, one boolean per row (True: good), or a sentence that
    says what is wrong (empty: nothing). With `rowwise=True` it returns booleans, and gets the rows in batches. The
    first line of its docstring is the assumption, the rest the note. Over a Pandera schema it registers that one.
    """
    fields = {**about, "takes": takes, "rowwise": rowwise}
    if not isinstance(function, str):
        return _function_check(function, None, fields)
    name = function

    def registering(thing: Function) -> Function:
        if pandera_schemas.is_schema(thing):
            functions.register(pandera_schemas.pandera_check(thing, name, **about), name)
        else:
            functions.register(_function_check(thing, name, fields), name)
        return thing

    return registering


def _function_check(function: Callable[..., Any], name: str | None, fields: dict[str, Any]) -> Custom:
    try:
        return functions.custom_check(function, name, **fields)
    except ValidationError as error:
        wrong = "; ".join(_said(each) for each in error.errors(include_url=False, include_input=False))
        raise DataError(Reason.BAD_ARGUMENT, f"That makes no check: {wrong}.", "Correct it.") from error


def pandera(schema: Any, **about: Unpack[About]) -> Pandera:
    """A Pandera schema or model (for pandas or Polars) as a check. It judges only: nothing is coerced or dropped."""
    if not pandera_schemas.is_schema(schema):
        raise DataError(
            Reason.BAD_ARGUMENT, f"A {type(schema).__name__} is no Pandera schema.", "Give a DataFrameSchema or -Model."
        )
    return pandera_schemas.pandera_check(schema, **about)


@dataclass(frozen=True)
class Demotion:
    """Among the checks of one store: these of the table's own only warn, this once."""

    names: tuple[str, ...]


def demote(*names: str) -> Demotion:
    """`store_dataframe(…, checks=[demote("in_range(amount, 0, …)")])`: for this store it warns only. In sandboxes."""
    return Demotion(names)


def as_check(thing: Any) -> Check:
    """A check, a function or a Pandera schema as a check. Raises DataError(bad-argument)."""
    if isinstance(thing, Check):
        return thing
    if (known := functions.registered(thing)) is not None:
        return known
    if pandera_schemas.is_schema(thing):
        return pandera(thing)
    if callable(thing):
        return custom(thing)
    raise DataError(
        Reason.BAD_ARGUMENT,
        f"A {type(thing).__name__} is no check: {str(thing)[:80]!r}.",
        "Give checks as not_null('id'), functions or Pandera schemas.",
    )


def as_checks(things: Any) -> tuple[Check, ...]:
    """One or several. Raises DataError(bad-argument) for two of one name."""
    if things is None:
        return ()
    several = isinstance(things, Iterable) and not isinstance(things, str | type | Check)
    checks = tuple(as_check(each) for each in (things if several else [things]))
    names = [check.name for check in checks]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(
            Reason.BAD_ARGUMENT,
            f"Two checks are named '{twice[0]}'.",
            "Give one of them another name=, or leave it out.",
        )
    return checks


def named(name: str, checks: Iterable[Check]) -> Check:
    """The check of that name. Raises DataError(bad-argument) with near ones."""
    by_name = {check.name: check for check in checks}
    if name not in by_name:
        raise DataError(Reason.BAD_ARGUMENT, f"There is no check '{name}'.", did_you_mean(name, by_name))
    return by_name[name]
