"""What can be assumed about data: frozen, typed, kept as JSON beside the table. How each is judged is elsewhere.

Missing values (null, and NaN of floats) are the business of `not_null` alone: every other check looks at what is there.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, field_validator, model_validator

from data_access.checks import values
from data_access.checks.values import Value
from data_access.names import TableName

Severity = Literal["warn", "stop"]


def _seconds(span: timedelta) -> str:
    return f"{Decimal(span // timedelta(microseconds=1)).scaleb(-6):f}s"


_Span = Annotated[timedelta, BeforeValidator(values.within), PlainSerializer(_seconds)]


class Check(BaseModel, ABC):
    """One assumption. `name` is what history knows it by; by default it is the call that makes it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field("", description="What history, reports and `remove` call it; by default the call, as text.")
    severity: Severity = Field("stop", description="`stop`: nothing is committed when it fails; `warn`: it is said.")
    note: str = Field("", description="Why it exists, and what to do when it fails.")
    author: str | None = Field(None, description="Who knows more; the user who sets it, when not given.")

    @model_validator(mode="after")
    def _named(self) -> Check:
        if not self.name:
            object.__setattr__(self, "name", self.call())
        return self

    @abstractmethod
    def call(self) -> str:
        """The call that makes this check, short: `in_range(amount, 0, 100)`."""

    @abstractmethod
    def sentence(self) -> str:
        """The assumption as one says it: `amount is between 0 and 100`."""

    @property
    def needs(self) -> tuple[str, ...]:
        """The columns without which it can't be judged."""
        return ()


def _call(kind: str, *arguments: object) -> str:
    return f"{kind}({', '.join(str(each) for each in arguments)})"


def _listed(words: tuple[Any, ...], most: int = 6) -> str:
    shown = [str(word) for word in words[:most]]
    if len(words) > most:
        return f"{', '.join(shown)} and {len(words) - most} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)


class NotNull(Check):
    kind: Literal["not_null"] = "not_null"
    columns: tuple[str, ...] = Field(min_length=1)

    def call(self) -> str:
        return _call(self.kind, *self.columns)

    def sentence(self) -> str:
        return f"{_listed(self.columns)} {'is' if len(self.columns) == 1 else 'are'} never missing"

    @property
    def needs(self) -> tuple[str, ...]:
        return self.columns


class Unique(Check):
    kind: Literal["unique"] = "unique"
    columns: tuple[str, ...] = Field(min_length=1)
    across: Literal["table", "store"] = Field(
        "table", description="`table`: also against the rows that stay beside those written; `store`: those alone."
    )

    def call(self) -> str:
        return _call(self.kind, *self.columns, *([] if self.across == "table" else ["across=store"]))

    def sentence(self) -> str:
        whole = "the table" if self.across == "table" else "what is stored at once"
        if len(self.columns) == 1:
            return f"{self.columns[0]} is unique in {whole}"
        return f"{_listed(self.columns)} together are unique in {whole}"

    @property
    def needs(self) -> tuple[str, ...]:
        return self.columns


class InRange(Check):
    kind: Literal["in_range"] = "in_range"
    column: str
    low: Value = None
    high: Value = None
    closed: Literal["both", "left", "right", "neither"] = Field("both", description="Which limits are themselves in.")

    @model_validator(mode="after")
    def _limited(self) -> InRange:
        if self.low is None and self.high is None:
            raise ValueError("a range needs low, high or both")
        return self

    def call(self) -> str:
        low, high = self._spelled(self.low), self._spelled(self.high)
        return _call(self.kind, self.column, low, high, *([] if self.closed == "both" else [f"closed={self.closed}"]))

    @staticmethod
    def _spelled(limit: Any) -> str:
        """As in the check's name, by which earlier commits are asked for its results: it stays what it was."""
        if isinstance(limit, int) and not isinstance(limit, bool) and abs(limit) >= 10_000:
            return f"{limit:,}"
        return "…" if limit is None else str(limit)

    def sentence(self) -> str:
        low, high = values.told(self.low), values.told(self.high)
        open_low, open_high = self.closed in ("right", "neither"), self.closed in ("left", "neither")
        if self.high is None:
            return f"{self.column} is {'above' if open_low else 'at least'} {low}"
        if self.low is None:
            return f"{self.column} is {'below' if open_high else 'at most'} {high}"
        if self.closed == "both":
            return f"{self.column} is between {low} and {high}"
        above, below = "above" if open_low else "at least", "below" if open_high else "at most"
        return f"{self.column} is {above} {low} and {below} {high}"

    @property
    def needs(self) -> tuple[str, ...]:
        return (self.column,)


class InSet(Check):
    kind: Literal["in_set"] = "in_set"
    column: str
    values: tuple[Value, ...] = Field(min_length=1)

    def call(self) -> str:
        more = [] if len(self.values) <= 6 else ["…"]
        return _call(self.kind, self.column, *self.values[:6], *more)

    def sentence(self) -> str:
        if len(self.values) == 1:
            return f"{self.column} is always {self.values[0]}"
        return f"{self.column} is one of {_listed(self.values)}"

    @property
    def needs(self) -> tuple[str, ...]:
        return (self.column,)


class Matches(Check):
    kind: Literal["matches"] = "matches"
    column: str
    pattern: str

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        try:
            re.compile(pattern, re.ASCII)
        except re.error as error:
            raise ValueError(f"{pattern!r} is no regular expression: {error}") from error
        return pattern

    def call(self) -> str:
        return _call(self.kind, self.column, self.pattern)

    def sentence(self) -> str:
        return f"{self.column} has the form {self.pattern}"

    @property
    def needs(self) -> tuple[str, ...]:
        return (self.column,)


class RowCount(Check):
    kind: Literal["row_count"] = "row_count"
    low: int | None = Field(None, ge=0, description="Rows stored at once, at least.")
    high: int | None = Field(None, ge=0, description="Rows stored at once, at most.")
    factor: float | None = Field(None, gt=1, allow_inf_nan=False, description="Against history: 2 is half to double.")
    percent: float | None = Field(None, gt=0, allow_inf_nan=False, description="Against history: 20 is 80 % to 120 %.")
    last: int = Field(5, ge=1, le=50, description="How many earlier stores of the same partition are looked at.")

    @model_validator(mode="after")
    def _limited(self) -> RowCount:
        if all(each is None for each in (self.low, self.high, self.factor, self.percent)):
            raise ValueError("a row count needs low or high, or factor or percent against history")
        if self.factor is not None and self.percent is not None:
            raise ValueError("give factor or percent, not both")
        return self

    @property
    def by_history(self) -> bool:
        return self.factor is not None or self.percent is not None

    def span(self, usual: float) -> tuple[float, float]:
        """The least and the most rows where `usual` are usual."""
        if self.factor is not None:
            return usual / self.factor, usual * self.factor
        part = (self.percent or 0) / 100
        return usual * (1 - part), usual * (1 + part)

    def call(self) -> str:
        given = {name: getattr(self, name) for name in ("low", "high", "factor", "percent")}
        words = [
            f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}"
            for name, value in given.items()
            if value is not None
        ]
        return _call(self.kind, *words, *([f"last={self.last}"] if self.by_history and self.last != 5 else []))

    def sentence(self) -> str:
        parts = []
        if self.low is not None and self.high is not None:
            parts.append(f"between {self.low:,} and {self.high:,} rows are stored at once")
        elif self.low is not None:
            parts.append(f"at least {self.low:,} row{'s are' if self.low != 1 else ' is'} stored at once")
        elif self.high is not None:
            parts.append(f"at most {self.high:,} row{'s are' if self.high != 1 else ' is'} stored at once")
        if self.factor is not None:
            parts.append(f"a partition has as many rows as usual, within a factor of {self.factor:g}")
        if self.percent is not None:
            parts.append(f"a partition has as many rows as usual, within {self.percent:g} %")
        return ", and ".join(parts)


class Freshness(Check):
    kind: Literal["freshness"] = "freshness"
    column: str
    within: _Span = Field(description="How old the newest value may be: 36h, 2d, a timedelta.")

    def call(self) -> str:
        return _call(self.kind, self.column, values.spelled(self.within))

    def sentence(self) -> str:
        return f"the newest {self.column} is at most {values.spelled(self.within)} old"

    @property
    def needs(self) -> tuple[str, ...]:
        return (self.column,)


class ForeignKey(Check):
    kind: Literal["foreign_key"] = "foreign_key"
    columns: tuple[str, ...] = Field(min_length=1)
    table: str = Field(description="database.table that must have the values.")
    to: tuple[str, ...] = Field((), description="Its columns; by default those of the same names.")
    as_of: str | None = Field(None, description="A tag or an anchor of that table; by default its present state.")

    @model_validator(mode="after")
    def _paired(self) -> ForeignKey:
        if self.to and len(self.to) != len(self.columns):
            raise ValueError(f"{len(self.columns)} columns can't point at {len(self.to)}")
        return self

    @field_validator("table")
    @classmethod
    def _is_table(cls, table: str) -> str:
        return str(TableName.parse(table))

    @property
    def target(self) -> tuple[str, ...]:
        return self.to or self.columns

    def call(self) -> str:
        there = (
            self.table + ("" if not self.to else f"({', '.join(self.to)})") + (f"@{self.as_of}" if self.as_of else "")
        )
        return _call(self.kind, *self.columns, there)

    def sentence(self) -> str:
        same = "" if not self.to else f" as {_listed(self.to)}"
        when = f" (as of {self.as_of})" if self.as_of else ""
        return f"every {_listed(self.columns)} is in {self.table}{when}{same}"

    @property
    def needs(self) -> tuple[str, ...]:
        return self.columns


class NoDrift(Check):
    kind: Literal["no_drift"] = "no_drift"
    columns: tuple[str, ...] = Field(min_length=1)
    psi: float = Field(0.2, gt=0, allow_inf_nan=False, description="Population stability index, at most.")
    nulls: float = Field(0.05, ge=0, le=1, description="How much the share of missing values may change, at most.")

    def call(self) -> str:
        other = [
            f"{name}={value:g}"
            for name, value, usual in (("psi", self.psi, 0.2), ("nulls", self.nulls, 0.05))
            if value != usual
        ]
        return _call(self.kind, *self.columns, *other)

    def sentence(self) -> str:
        return f"{_listed(self.columns)} {'is' if len(self.columns) == 1 else 'are'} distributed as at the last commit"

    @property
    def needs(self) -> tuple[str, ...]:
        return self.columns


class _Coded(Check):
    """Judged by code that is not kept with the table: only its text and hash are."""

    source: str = Field("", description="The text of it when the check was set; for people, never run.")
    sha256: str | None = Field(None, description="Of the text; other code of that name does not pass for it.")
    #: The code itself, in the process that has it.
    run: Any = Field(None, exclude=True, repr=False)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and self.model_dump() == other.model_dump()

    __hash__: ClassVar[Any] = None


class Custom(_Coded):
    kind: Literal["custom"] = "custom"
    function: str = Field(min_length=1, description="The name it is registered by.")
    takes: Literal["pandas", "polars", "arrow"] = "pandas"
    rowwise: bool = Field(False, description="It judges each row alone, so it may be given a part of them at a time.")
    assumption: str = Field("", description="The assumption in words: the first line of the function's docstring.")

    def call(self) -> str:
        return _call(self.kind, self.function)

    def sentence(self) -> str:
        return self.assumption or f"{self.function.replace('_', ' ')}"


class Pandera(_Coded):
    kind: Literal["pandera"] = "pandera"
    schema_name: str = Field(min_length=1, description="The schema's own name.")
    backend: Literal["pandas", "polars"] = "pandas"
    definition: str | None = Field(None, description="The whole schema as JSON, where Pandera can write it so.")

    def call(self) -> str:
        return _call(self.kind, self.schema_name)

    def sentence(self) -> str:
        return f"the rows fit the Pandera schema {self.schema_name}"


AnyCheck = Annotated[
    NotNull | Unique | InRange | InSet | Matches | RowCount | Freshness | ForeignKey | NoDrift | Custom | Pandera,
    Field(discriminator="kind"),
]

CodedCheck = Custom | Pandera
Judge = Callable[..., Any]
