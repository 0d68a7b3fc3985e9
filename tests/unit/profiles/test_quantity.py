# ruff: noqa: E501 - a table reads best with a case on a line
"""Cpu, memory, money, time: what is read, what is refused, and that nothing gets lost on the way."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from profiles.quantity import BadQuantity, Cpu, Duration, Memory, Money

GI, G = 1024**3, 1000**3


@pytest.mark.parametrize(
    ("written", "millicores"),
    [
        ("500m", 500), ("2", 2000), (2, 2000), (0.5, 500), ("0.5", 500), ("1.5", 1500), (0.1, 100), (".25", 250),
       
        ("2.", 2000), (" 2 ", 2000), ("0", 0), (0, 0), ("0.001", 1), ("1500m", 1500), (Decimal("0.3"), 300), (64, 64000),
        (0.3, 300), (2.0, 2000), ("100.5m", None),
    ],
)  # fmt: skip
def test_cpu_is_read(written: object, millicores: int | None) -> None:
    if millicores is None:
        with pytest.raises(BadQuantity, match="finer than a thousandth"):
            Cpu.parse(written)  # type: ignore[arg-type]
    else:
        assert Cpu.parse(written) == Cpu(millicores)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "written",
    ["", "two", "2 cores", "-1", -1, "1,5", "2Gi", True, False, None, [], {}, "500M", "0.0001", "1e3", "nan", "inf",
     float("nan"), float("inf"), "٣", "²", "9" * 19, "9" * 40, "1m m", "--1", "+-1", "0x10", "1_000"],
)  # fmt: skip
def test_what_is_no_cpu_is_refused_with_an_example(written: object) -> None:
    with pytest.raises(BadQuantity) as refused:
        Cpu.parse(written)  # type: ignore[arg-type]
    assert refused.value.problem
    assert "500m" in refused.value.remedy
    assert len(str(refused.value)) < 250


@pytest.mark.parametrize(
    ("written", "size"),
    [
        ("8Gi", 8 * GI), ("16G", 16 * G), ("512Mi", 512 * 1024**2), (1024, 1024), ("1.5Gi", 3 * GI // 2),
        ("1Ti", 1024 * GI),
        ("129e6", 129_000_000), ("129E6", 129_000_000), ("1E", 10**18), ("128974848000m", 128_974_848), ("1k", 1000),
        ("1Ki", 1024), ("0", 0), ("0.5Gi", GI // 2), ("2e-0", 2), ("7.5G", 7_500_000_000), (1.0, 1),
    ],
)  # fmt: skip
def test_memory_is_read(written: object, size: int) -> None:
    assert Memory.parse(written) == Memory(size)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("8GB", 'did you mean "8Gi"?'), ("8gb", 'did you mean "8Gi"?'), ("8 Gi", 'did you mean "8Gi"?'),
        ("8GiB", 'did you mean "8Gi"?'), ("8gi", 'did you mean "8Gi"?'), ("512m", 'write "512Mi"'), ("16g", "16Gi"),
        ("1.5", "8Gi"), ("-8Gi", "8Gi"), ("lots", "8Gi"), (True, "8Gi"), (None, "8Gi"), ([], "8Gi"), ("", "8Gi"),
        ("9E9", "8Gi"), ("99999999Ei", "8Gi"), ("1e99", "8Gi"), ("1e999999999", "8Gi"), ("0.1Ki", "8Gi"), ("Gi", "8Gi"),
    ],
)  # fmt: skip
def test_what_is_no_memory_is_refused_with_what_was_meant(written: object, told: str) -> None:
    if written == "9E9":
        assert Memory.parse("9E9") == Memory(9 * 10**9)  # an exponent, as Kubernetes reads it
        return
    with pytest.raises(BadQuantity) as refused:
        Memory.parse(written)  # type: ignore[arg-type]
    assert told in refused.value.remedy


@pytest.mark.parametrize(
    ("size", "written", "human"),
    [
        (8 * GI, "8Gi", "8 GiB"), (16 * G, "16G", "16 GB"), (1536 * 1024**2, "1536Mi", "1536 MiB"), (0, "0", "0 bytes"),
        (5, "5", "5 bytes"), (1000, "1k", "1 KB"), (1024, "1Ki", "1 KiB"), (1_234_567, "1234567", "1.18 MiB"),
        (GI * 1024, "1Ti", "1 TiB"), (10**18, "1E", "1 EB"),
    ],
)  # fmt: skip
def test_memory_is_written_in_its_shortest_exact_form(size: int, written: str, human: str) -> None:
    assert (str(Memory(size)), Memory(size).human) == (written, human)


@pytest.mark.parametrize(
    ("written", "seconds", "canonical", "human"),
    [
        ("30m", 1800, "30m", "30 minutes"), ("8h", 28800, "8h", "8 hours"), ("2d", 172800, "2d", "2 days"),
        (1800, 1800, "30m", "30 minutes"), ("1h30m", 5400, "1h30m", "1 hour 30 minutes"),
        ("90s", 90, "1m30s", "1 minute 30 seconds"),
        ("24h", 86400, "1d", "1 day"), ("0", 0, "0s", "0 seconds"), ("1h 30m", 5400, "1h30m", "1 hour 30 minutes"),
        ("3600", 3600, "1h", "1 hour"), (60.0, 60, "1m", "1 minute"), ("1d1s", 86401, "1d1s", "1 day 1 second"),
    ],
)  # fmt: skip
def test_a_length_of_time(written: object, seconds: int, canonical: str, human: str) -> None:
    length = Duration.parse(written)  # type: ignore[arg-type]
    assert (length.seconds, str(length), length.human) == (seconds, canonical, human)


@pytest.mark.parametrize(
    "written", ["", "soon", "30 min", "5M", "m30", "-5m", -5, 1.5, True, None, "1m1h", "1h1h", "1e3", "½h"]
)
def test_what_is_no_length_of_time_is_refused(written: object) -> None:
    with pytest.raises(BadQuantity, match="30m"):
        Duration.parse(written)  # type: ignore[arg-type]


@given(st.integers(0, 2**63 - 1))
def test_cpu_written_and_read_again_is_the_same(millicores: int) -> None:
    if millicores < 2**63 // 1000:
        assert Cpu.parse(str(Cpu(millicores))) == Cpu(millicores)


@given(st.integers(0, 2**63 - 1))
def test_memory_written_and_read_again_is_the_same(size: int) -> None:
    assert Memory.parse(str(Memory(size))) == Memory(size)
    assert len(str(Memory(size))) <= len(str(size))


@given(st.integers(0, 10**11))
def test_time_written_and_read_again_is_the_same(seconds: int) -> None:
    assert Duration.parse(str(Duration(seconds))) == Duration(seconds)


@given(
    st.text(max_size=40) | st.integers() | st.floats() | st.booleans() | st.none() | st.lists(st.integers(), max_size=2)
)
def test_anything_is_read_or_refused_and_nothing_else_happens(written: object) -> None:
    for kind in (Cpu, Memory, Duration):
        try:
            parsed = kind.parse(written)  # type: ignore[arg-type]
        except BadQuantity as e:
            assert e.problem
            assert e.remedy
        else:
            assert kind.parse(str(parsed)) == parsed


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_quantities_are_ordered_as_their_numbers(one: int, other: int) -> None:
    for kind in (Cpu, Memory, Duration):
        assert (kind(one) < kind(other)) == (one < other)


@pytest.mark.parametrize(
    ("amount", "text"),
    [("0.48", "0.48 EUR"), ("2.9", "2.90 EUR"), ("0", "0.00 EUR"), ("0.005", "0.005 EUR"), ("100", "100.00 EUR"),
     ("1E+3", "1000.00 EUR"), ("1.500", "1.50 EUR"), ("0.000001", "0.000001 EUR")],
)  # fmt: skip
def test_money_shows_two_decimals_or_as_many_as_it_has(amount: str, text: str) -> None:
    assert str(Money(Decimal(amount), "EUR")) == text


@pytest.mark.parametrize(
    ("amount", "currency", "said"),
    [
        ("2.5", "EUR", "€2.50"),
        ("0.48", "USD", "$0.48"),
        ("1234.5", "GBP", "£1,234.50"),
        ("2.5", "CHF", "CHF 2.50"),
        ("0.045", "EUR", "€0.045"),
        ("0.0312", "EUR", "€0.0312"),
        ("0.05", "EUR", "€0.05"),
        ("0.00004", "EUR", "€0.00"),
        ("0", "EUR", "€0.00"),
        ("2.505", "EUR", "€2.51"),
    ],
)
def test_money_reads_as_people_write_it(amount: str, currency: str, said: str) -> None:
    money = Money(Decimal(amount), currency)
    assert money.human == money.to_dict()["human"] == said


def test_money_adds_multiplies_and_compares_exactly() -> None:
    tenth = Money(Decimal("0.1"), "EUR")
    assert tenth + tenth + tenth == Money(Decimal("0.3"), "EUR")
    assert tenth * 3 == 3 * tenth == Money(Decimal("0.3"), "EUR")
    assert tenth - tenth == Money(Decimal(0), "EUR")
    assert tenth < tenth * 2
    assert max(tenth * Decimal("2.5"), tenth) == Money(Decimal("0.25"), "EUR")


@pytest.mark.parametrize("operation", ["__add__", "__sub__", "__lt__"])
def test_currencies_do_not_mix(operation: str) -> None:
    with pytest.raises(ValueError, match="not the same currency"):
        getattr(Money(Decimal(1), "EUR"), operation)(Money(Decimal(1), "USD"))


class _Sized(BaseModel):
    cpu: Cpu
    memory: Memory
    time: Duration


def test_quantities_are_pydantic_fields_with_a_schema_of_their_own() -> None:
    sized = _Sized.model_validate({"cpu": "500m", "memory": "8Gi", "time": "30m"})
    assert sized.model_dump(mode="json") == {"cpu": "500m", "memory": "8Gi", "time": "30m"}
    assert sized.model_dump() == {"cpu": Cpu(500), "memory": Memory(8 * GI), "time": Duration(1800)}
    assert _Sized.model_validate(sized.model_dump()) == sized
    for name, field in _Sized.model_json_schema()["properties"].items():
        pattern = re.compile(field["anyOf"][0]["pattern"])
        for example in field["examples"]:
            assert isinstance(example, int) or pattern.fullmatch(example), name


def test_a_bad_quantity_in_a_model_carries_problem_and_remedy() -> None:
    with pytest.raises(ValidationError) as refused:
        _Sized.model_validate({"cpu": "x", "memory": "8GB", "time": "soon"})
    contexts = [error["ctx"] for error in refused.value.errors()]
    assert [bool(context["problem"] and context["remedy"]) for context in contexts] == [True] * 3


@pytest.mark.parametrize(("millicores", "human"), [(1000, "1 core"), (2000, "2 cores"), (500, "0.5 cores")])
def test_cores_in_words(millicores: int, human: str) -> None:
    assert Cpu(millicores).human == human
