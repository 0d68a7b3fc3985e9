"""Cpu, memory, money and time as types. Past the parser nothing is `"500m"` or `"16G"` any more.

`parse` accepts what Kubernetes accepts, minus spellings that are nearly always mistakes, and raises `BadQuantity`
(a `ValueError`) whose `problem` and `remedy` are sentences for an admin.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import total_ordering
from typing import Any, ClassVar, Self

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

Scalar = str | int | float | Decimal

_LARGEST = 2**63 - 1  # a Kubernetes quantity is a signed 64-bit number
_NUMBER = r"(?:[0-9]{1,19}(?:\.[0-9]{0,18})?|\.[0-9]{1,18})"
_CPU = re.compile(rf"({_NUMBER})(m?)")
_MEMORY = re.compile(rf"({_NUMBER})([KMGTPE]i|[mkMGTPE]|[eE][+-]?[0-9]{{1,2}})?")
_DURATION = re.compile(r"(?:([0-9]{1,9})d)?(?:([0-9]{1,9})h)?(?:([0-9]{1,9})m)?(?:([0-9]{1,9})s)?")
_BINARY = {f"{letter}i": 1024**power for power, letter in enumerate("KMGTPE", start=1)}
_SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥", "INR": "₹", "KRW": "₩"}
#: Below this a price is shown with four decimals, so that a cheap machine does not look free.
_SMALL = Decimal("0.10")
_DECIMAL = {letter: 1000**power for power, letter in enumerate("kMGTPE", start=1)}


class BadQuantity(ValueError):
    """What is wrong with a quantity, and how to write it."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}; {remedy}")
        self.problem = problem
        self.remedy = remedy


def _text(value: object, kind: str, remedy: str) -> str:
    """The value as the admin wrote it. Floats go through `str`: 0.1 stays 0.1."""
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise BadQuantity(f"{value!r} is not {kind}", remedy)
    text = str(value).strip()
    if text.startswith("-"):
        raise BadQuantity(f"{text[:40]} is negative", remedy)
    return text


class _Quantity:
    """Pydantic support shared by the types that are written as a string or a number."""

    pattern: ClassVar[str]
    _schema_examples: ClassVar[list[Any]]
    _schema_minimum: ClassVar[dict[str, int]] = {"minimum": 0}
    _schema_numbers: ClassVar[str] = "number"

    @classmethod
    def parse(cls, value: Scalar) -> Self:
        raise NotImplementedError

    @classmethod
    def validated(cls, value: object) -> Self:
        """As Pydantic's validators do it: `BadQuantity` becomes an error with problem and remedy."""
        if isinstance(value, cls):
            return value
        try:
            return cls.parse(value)  # type: ignore[arg-type]
        except BadQuantity as e:
            context = {"problem": e.problem, "remedy": e.remedy}
            raise PydanticCustomError("quantity", "{problem}; {remedy}", context) from e

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls.validated,
            serialization=core_schema.to_string_ser_schema(when_used="json"),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {
            "anyOf": [
                {"type": "string", "pattern": f"^(?:{cls.pattern})$"},
                {"type": cls._schema_numbers, **cls._schema_minimum},
            ],
            "examples": cls._schema_examples,
        }


@dataclass(frozen=True, order=True, slots=True)
class Cpu(_Quantity):
    """Processor time, in thousandths of a core."""

    millicores: int

    pattern = _CPU.pattern.replace("(?:", "(").replace("(m?)", "m?")
    _schema_examples = ["500m", 2, "0.5"]  # noqa: RUF012
    _remedy: ClassVar[str] = 'write cores such as 2 or 0.5, or thousandths of a core such as "500m"'

    @classmethod
    def parse(cls, value: Scalar) -> Self:
        """`"500m"`, `"2"`, `2`, `0.5`; raises `BadQuantity`."""
        text = _text(value, "an amount of cpu", cls._remedy)
        match = _CPU.fullmatch(text)
        if match is None:
            raise BadQuantity(f"{text[:40]!r} is not an amount of cpu", cls._remedy)
        number, milli = match.groups()
        amount = Decimal(number) * (1 if milli else 1000)
        if amount != int(amount):
            raise BadQuantity(f"{text!r} is finer than a thousandth of a core", cls._remedy)
        if amount > _LARGEST:
            raise BadQuantity(f"{text!r} is more cpu than Kubernetes can count", cls._remedy)
        return cls(int(amount))

    @property
    def cores(self) -> float:
        return self.millicores / 1000

    @property
    def human(self) -> str:
        """`"2 cores"`, `"0.5 cores"`, `"1 core"`."""
        return "1 core" if self.millicores == 1000 else f"{self.cores:g} cores"

    def __str__(self) -> str:
        return str(self.millicores // 1000) if self.millicores % 1000 == 0 else f"{self.millicores}m"


@dataclass(frozen=True, order=True, slots=True)
class Memory(_Quantity):
    """Memory or disk, in bytes."""

    bytes: int

    pattern = "([0-9]{1,19}(\\.[0-9]{0,18})?|\\.[0-9]{1,18})([KMGTPE]i|[mkMGTPE]|[eE][+-]?[0-9]{1,2})?"
    _schema_examples = ["8Gi", "512Mi", "16G"]  # noqa: RUF012
    _schema_numbers = "integer"
    _remedy: ClassVar[str] = 'write it with a unit such as "8Gi" (1024-based) or "16G" (1000-based)'

    @classmethod
    def parse(cls, value: Scalar) -> Self:
        """`"8Gi"`, `"16G"`, `"512Mi"`, or a number of bytes; raises `BadQuantity`.

        As in Kubernetes, `G` is 1000-based and `m` means thousandths, so `"512m"` (half a byte) is refused.
        """
        text = _text(value, "an amount of memory", cls._remedy)
        match = _MEMORY.fullmatch(text)
        if match is None:
            raise BadQuantity(f"{text[:40]!r} is not an amount of memory", _memory_hint(text) or cls._remedy)
        number, unit = match.groups()
        amount = Decimal(number) * _memory_factor(unit or "")
        if amount > _LARGEST:
            raise BadQuantity(f"{text!r} is more memory than Kubernetes can count", cls._remedy)
        if amount != int(amount):
            hint = f'"m" means thousandths here; write "{number}Mi"' if unit == "m" else cls._remedy
            raise BadQuantity(f"{text!r} is not a whole number of bytes", hint)
        return cls(int(amount))

    @property
    def human(self) -> str:
        """`"8 GiB"`, `"16 GB"`: the exact unit when there is one, else two decimals of the nearest."""
        text = str(self)
        number, unit = text.rstrip("KMGTPEki"), text.lstrip("0123456789")
        if len(number) <= 4:
            return f"{number} {unit.replace('k', 'K')}B" if unit else f"{number} bytes"
        power = max(p for p in range(7) if p == 0 or self.bytes >= 1024**p)
        return f"{self.bytes / 1024**power:.2f}".rstrip("0").rstrip(".") + f" {'KMGTPE'[power - 1]}iB"

    def __str__(self) -> str:
        """The shortest exact form; binary units win a tie."""
        forms = [str(self.bytes)]
        units = sorted((_BINARY | _DECIMAL).items(), key=lambda unit: -unit[1])
        forms += [f"{self.bytes // size}{unit}" for unit, size in units if self.bytes and self.bytes % size == 0]
        return min(forms, key=lambda form: (len(form.rstrip("i")), not form.endswith("i")))


def _memory_factor(unit: str) -> Decimal:
    if unit == "":
        return Decimal(1)
    if unit == "m":
        return Decimal("0.001")
    if unit in _BINARY or unit in _DECIMAL:
        return Decimal((_BINARY | _DECIMAL)[unit])
    return Decimal(f"1{unit}")  # an exponent: 129e6


def _memory_hint(text: str) -> str | None:
    """What somebody who wrote `8GB`, `8gb`, `8 Gi` or `8GiB` meant."""
    match = re.fullmatch(rf"({_NUMBER})\s*([kmgtpe])(i?)b?", text, flags=re.IGNORECASE)
    if match is None:
        return None
    number, letter, _ = match.groups()
    return f'did you mean "{number}{letter.upper()}i"?'


@dataclass(frozen=True, order=True, slots=True)
class Duration(_Quantity):
    """A length of time, in whole seconds."""

    seconds: int

    pattern = "([0-9]{1,9}d)?([0-9]{1,9}h)?([0-9]{1,9}m)?([0-9]{1,9}s)?|[0-9]{1,12}"
    _schema_examples = ["30m", "8h", "2d", 1800]  # noqa: RUF012
    _schema_numbers = "integer"
    _units: ClassVar[tuple[tuple[str, str, int], ...]] = (
        ("d", "day", 86400),
        ("h", "hour", 3600),
        ("m", "minute", 60),
        ("s", "second", 1),
    )
    _remedy: ClassVar[str] = 'write it as "30m", "8h", "1h30m" or "2d", or as a number of seconds'

    @classmethod
    def parse(cls, value: Scalar) -> Self:
        """`"30m"`, `"8h"`, `"1h30m"`, `"2d"`, or seconds as a number; raises `BadQuantity`."""
        text = _text(value, "a length of time", cls._remedy).replace(" ", "")
        whole = re.fullmatch(r"([0-9]{1,12})(?:\.0*)?", text)
        if whole:
            return cls(int(whole.group(1)))
        match = _DURATION.fullmatch(text)
        if match is None or not text:
            raise BadQuantity(f"{text[:40]!r} is not a length of time", cls._remedy)
        return cls(sum(int(n or 0) * size for n, (_, _, size) in zip(match.groups(), cls._units, strict=True)))

    @property
    def human(self) -> str:
        """`"30 minutes"`, `"1 hour 30 minutes"`."""
        parts = [f"{n} {name}{'' if n == 1 else 's'}" for n, (_, name, _) in self._split() if n]
        return " ".join(parts) or "0 seconds"

    def __str__(self) -> str:
        return "".join(f"{n}{letter}" for n, (letter, _, _) in self._split() if n) or "0s"

    def _split(self) -> list[tuple[int, tuple[str, str, int]]]:
        rest, parts = self.seconds, []
        for unit in self._units:
            count, rest = divmod(rest, unit[2])
            parts.append((count, unit))
        return parts


@total_ordering
@dataclass(frozen=True, slots=True)
class Money:
    """An amount in one currency. Different currencies neither add nor compare: `ValueError`."""

    amount: Decimal
    currency: str

    def _same(self, other: Money) -> Decimal:
        if self.currency != other.currency:
            raise ValueError(f"{self} and {other} are not the same currency")
        return other.amount

    def __add__(self, other: Money) -> Money:
        return Money(self.amount + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.amount - self._same(other), self.currency)

    def __mul__(self, factor: Decimal | int) -> Money:
        return Money(self.amount * factor, self.currency)

    __rmul__ = __mul__

    def __lt__(self, other: Money) -> bool:
        return self.amount < self._same(other)

    @property
    def human(self) -> str:
        """As people read it, everywhere: `"€2.50"`, `"CHF 2.50"`; amounts under 0.10 keep up to four decimals."""
        symbol = _SYMBOLS.get(self.currency)
        return f"{symbol}{self.figure}" if symbol else f"{self.currency} {self.figure}".strip()

    @property
    def figure(self) -> str:
        """`human` without the currency, for a second amount beside one."""
        step = Decimal("0.0001") if Decimal(0) < abs(self.amount) < _SMALL else Decimal("0.01")
        rounded = self.amount.quantize(step, rounding=ROUND_HALF_UP)
        whole, _, cents = f"{rounded:,f}".partition(".")
        return f"{whole}.{cents[:2]}{cents[2:].rstrip('0')}"

    def to_dict(self) -> dict[str, str]:
        """JSON, exact; with the words for those who only show it."""
        return {"amount": str(self.amount), "currency": self.currency, "human": self.human}

    def __str__(self) -> str:
        """`"0.48 EUR"`, for programs: exact, with at least two decimals."""
        text = f"{self.amount.normalize():f}"
        whole, _, cents = text.partition(".")
        return f"{whole}.{cents.ljust(2, '0')} {self.currency}"
