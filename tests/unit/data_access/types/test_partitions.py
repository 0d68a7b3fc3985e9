"""Values of partitions: from Python to canonical text, to a path and to Hive, and back; and which a reader means."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_access.errors import DataError, NotFoundError, Reason
from data_access.tables.model import Column
from data_access.tables.partitions import (
    NULL,
    canonical,
    canonical_value,
    escape,
    from_hive,
    hive_values,
    path_of,
    selector,
    typed,
    unescape,
)


def key(hive: str, name: str = "k") -> Column:
    return Column(name, hive, hive)


DAY, SHOP, NUMBER = key("date", "day"), key("string", "shop"), key("bigint", "number")
text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=400).filter(
    lambda each: each != NULL
)
few = settings(max_examples=40, deadline=None)


class TestCanonical:
    @pytest.mark.parametrize(
        ("value", "hive", "is_"),
        [
            (1, "int", "1"),
            ("01", "int", "1"),
            ("+1", "tinyint", "1"),
            (" -7 ", "smallint", "-7"),
            (-(2**63), "bigint", "-9223372036854775808"),
            (np.int16(5), "int", "5"),
            (pa.scalar(5), "int", "5"),
            (True, "boolean", "true"),
            ("False", "boolean", "false"),
            (np.bool_(False), "boolean", "false"),
            (dt.date(2026, 11, 20), "date", "2026-11-20"),
            (dt.date(1, 1, 1), "date", "0001-01-01"),
            ("2026-11-20", "date", "2026-11-20"),
            (pd.Timestamp("2026-11-20"), "date", "2026-11-20"),
            (np.datetime64("2026-11-20T00:00:00", "ns"), "date", "2026-11-20"),
            (np.datetime64("NaT"), "date", None),
            (pa.scalar(dt.date(2026, 11, 20)), "date", "2026-11-20"),
            ("01", "string", "01"),
            (" a ", "string", " a "),
            (".", "string", "."),
            ("..", "string", ".."),
            ("e\u0301", "string", "e\u0301"),
            ("\u00e9", "string", "\u00e9"),
            (7, "string", "7"),
            (dt.date(2026, 11, 20), "string", "2026-11-20"),
            (None, "int", None),
            (float("nan"), "string", None),
            (pd.NA, "date", None),
            (pd.NaT, "date", None),
            (np.float64("nan"), "bigint", None),
        ],
    )
    def test_one_way_to_write_a_value(self, value: object, hive: str, is_: str | None) -> None:
        assert canonical_value(value, key(hive)) == is_

    @pytest.mark.parametrize(
        ("value", "hive", "says"),
        [
            ("", "string", "can't hold an empty text: Hive would read it as null. Use None for null"),
            (NULL, "string", "is how Hive writes null. Use None for 'k'."),
            ("x" * 1025, "string", "has 1025 characters; 1024 is the most"),
            ("a\0b", "string", "a character that can't be stored"),
            ("\ud800", "string", "a character that can't be stored"),
            (1.5, "string", "1.5 is no text"),
            (True, "string", "True is no text"),
            ("one", "int", "'one' is no int for partition column 'k'. Write whole numbers for 'k': 7, -1."),
            ("", "int", "'' is no int"),
            ("1_0", "int", "'1_0' is no int"),
            ("١", "int", "is no int"),
            (1.0, "int", "1.0 is no int"),
            (True, "int", "True is no int"),
            (128, "tinyint", "128 does not fit partition column 'k': tinyint holds -128 to 127"),
            ("9223372036854775808", "bigint", "does not fit"),
            ("20261120", "date", "'20261120' is no date for partition column 'k'. Write it like 2026-11-20"),
            ("2026-02-30", "date", "day"),
            ("2026-11-2", "date", "is no date"),
            (pd.Timestamp("2026-11-20 08:00"), "date", "has a time of day; partition column 'k' is a date"),
            (np.datetime64("2026-11-20T00:00:01"), "date", "is no date"),
            (20261120, "date", "20261120 is no date"),
            ("yes", "boolean", "'yes' is no boolean"),
            (Decimal(1), "bigint", "is no bigint"),
        ],
    )
    def test_what_is_no_value(self, value: object, hive: str, says: str) -> None:
        with pytest.raises(DataError) as caught:
            canonical_value(value, key(hive))
        assert caught.value.reason is Reason.BAD_PARTITION
        assert says in str(caught.value)

    def test_by_name_and_in_order(self) -> None:
        keys = [DAY, SHOP]
        assert canonical({"shop": "a", "day": "2026-11-20"}, keys) == ("2026-11-20", "a")
        assert canonical(["2026-11-20", None], keys) == ("2026-11-20", None)
        assert canonical([], []) == ()

    @pytest.mark.parametrize(
        ("values", "says"),
        [
            ({"day": "2026-11-20"}, "No value is given for partition column shop."),
            ({"dya": "2026-11-20", "shop": "a"}, "'dya' is no partition column. Did you mean day?"),
            (["2026-11-20"], "1 value for 2 partition columns (day, shop). Give one value for each of day, shop."),
            ("2026-11-20", "is one text. Give a list"),
        ],
    )
    def test_wrong_names_and_numbers(self, values, says: str) -> None:
        with pytest.raises(DataError) as caught:
            canonical(values, [DAY, SHOP])
        assert caught.value.reason is Reason.BAD_PARTITION
        assert says in str(caught.value)

    @few
    @given(st.integers(-(2**63), 2**63 - 1), st.dates(), text, st.booleans())
    def test_typed_is_the_inverse(self, number: int, day: dt.date, word: str, flag: bool) -> None:
        keys = [NUMBER, DAY, SHOP, key("boolean", "flag")]
        values = canonical([number, day, word, flag], keys)
        assert typed(values, keys) == (number, day, word, flag)
        assert canonical(values, keys) == values
        assert typed((None,) * 4, keys) == (None,) * 4

    @few
    @given(st.lists(st.none() | text, max_size=4))
    def test_hive_and_back(self, values: list[str | None]) -> None:
        assert from_hive(hive_values(tuple(values))) == tuple(values)


class TestPath:
    @pytest.mark.parametrize(
        ("value", "segment"),
        [
            ("2026-11-20", "k=2026-11-20"),
            ("a/b", "k=a%2Fb"),
            ("50%=1/2", "k=50%25%3D1%2F2"),
            (" a b ", "k= a b "),
            ("..", "k=.."),
            ("日本", "k=日本"),
            ("\"#%'*/:=?\\{[]^\x7f", "k=%22%23%25%27%2A%2F%3A%3D%3F%5C%7B%5B%5D%5E%7F"),
            ("}|<>&+,;@!$()~`_", "k=}|<>&+,;@!$()~`_"),
            ("\x01\t\n\x1f", "k=%01%09%0A%1F"),
            (None, f"k={NULL}"),
        ],
    )
    def test_hives_escaping(self, value: str | None, segment: str) -> None:
        assert path_of(["k"], (value,)) == segment

    def test_several_and_none(self) -> None:
        assert path_of(["day", "s/p"], ("2026-11-20", "a")) == "day=2026-11-20/s%2Fp=a"
        assert path_of([], ()) == ""

    @few
    @given(text)
    def test_escaping_is_undone(self, value: str) -> None:
        assert unescape(escape(value)) == value
        assert not set(escape(value)) & set("/=?#:\\\n")

    @few
    @given(st.text(max_size=20))
    def test_a_percent_sign_of_others_is_left_alone(self, value: str) -> None:
        assert unescape(value) == value or "%" in value

    @few
    @given(st.lists(text, min_size=1, max_size=5))
    def test_no_name_is_longer_than_a_file_system_takes(self, values: list[str]) -> None:
        path = path_of([f"key{each}" for each in range(len(values))], tuple(values))
        assert all(len(each.encode()) <= 255 for each in path.split("/"))
        assert len(path.encode()) <= 650

    @few
    @given(text, text)
    def test_different_values_have_different_folders(self, one: str, other: str) -> None:
        long = "x" * 300
        for prefix in ("", long):
            same = path_of(["k"], (prefix + one,)) == path_of(["k"], (prefix + other,))
            assert same == (one == other)

    def test_a_shortened_folder_is_no_other_values(self) -> None:
        short = path_of(["k"], ("ä/" * 150,))
        assert len(short.encode()) <= 255
        assert short.count("=") == 2
        pretender = unescape(short.partition("=")[2])
        assert path_of(["k"], (pretender,)) != short

    @pytest.mark.parametrize("value", ["x" * 300, "ä" * 300, "日" * 300, "/" * 300, "..", " a", "a ", "%", "a=b", None])
    def test_a_disk_takes_it(self, tmp_path: Path, value: str | None) -> None:
        folder = tmp_path / path_of(["k"], (value,)) / "batch_id=01J"
        folder.mkdir(parents=True)
        assert [each.name for each in tmp_path.iterdir()] == [path_of(["k"], (value,))]


class TestSelector:
    KEYS = (DAY, SHOP)
    THERE = (("2026-11-20", "a"), ("2026-11-20", "b"), ("2026-11-21", "a"), ("2026-11-21", None))

    @pytest.mark.parametrize(
        ("spec", "meant"),
        [
            (None, THERE),
            ([], ()),
            (["2026-11-20"], THERE[:2]),
            ("2026-11-20", THERE[:2]),
            (dt.date(2026, 11, 20), THERE[:2]),
            (("2026-11-20", "b"), THERE[1:2]),
            ([("2026-11-20", "a"), ("2026-11-21",)], (THERE[0], *THERE[2:])),
            ([("2026-11-21", None)], THERE[3:]),
            ({"shop": "a"}, (THERE[0], THERE[2])),
            ({"shop": ["b", None]}, (THERE[1], THERE[3])),
            ({"shop": None}, THERE[3:]),
            ({"day": pd.to_datetime(["2026-11-20"]), "shop": {"a"}}, THERE[:1]),
            ([{"shop": "b"}, {"day": "2026-11-21"}], (THERE[1], *THERE[2:])),
            ({}, THERE),
        ],
    )
    def test_what_is_meant(self, spec: object, meant: tuple) -> None:
        choose = selector(spec, self.KEYS)
        assert tuple(each for each in self.THERE if choose(each)) == tuple(meant)
        assert tuple(choose.of(self.THERE)) == tuple(meant)

    @pytest.mark.parametrize(
        ("spec", "keys", "says"),
        [
            (["2026-11-20"], (), "The table has no partitions. Leave out partitions="),
            ({"dy": "2026-11-20"}, KEYS, "'dy' is no partition column. Did you mean day?"),
            (["a", "b"], (SHOP,), "2 values for 1 partition column (shop). Give one value for each of shop. Several"),
            (["2026-11-20", "a", "b"], KEYS, "3 values for 2 partition columns"),
            (["yesterday"], KEYS, "'yesterday' is no date for partition column 'day'."),
        ],
    )
    def test_what_means_nothing(self, spec: object, keys: tuple, says: str) -> None:
        with pytest.raises(DataError) as caught:
            selector(spec, keys)
        assert caught.value.reason is Reason.BAD_PARTITION
        assert says in str(caught.value)

    @pytest.mark.parametrize(
        ("spec", "says"),
        [
            (["2026-11-22"], "There is no partition day=2026-11-22. Did you mean 2026-11-2"),
            ({"shop": ["a", "zz"]}, "There is no partition shop=zz. There are: a, b."),
            (["2026-11-21", "b"], "There is no partition day=2026-11-21, shop=b."),
            ([("2026-11-20",), ("2026-11-20", None)], "There is no partition day=2026-11-20, shop=null."),
        ],
    )
    def test_what_is_not_there(self, spec: object, says: str) -> None:
        with pytest.raises(NotFoundError) as caught:
            selector(spec, self.KEYS).of(self.THERE)
        assert caught.value.reason is Reason.UNKNOWN_PARTITION
        assert says in str(caught.value)

    def test_a_value_that_exists_elsewhere_only_is_missing_too(self) -> None:
        choose = selector({"day": ["2026-11-20", "2026-11-21"], "shop": "b"}, self.KEYS)
        assert choose.of(self.THERE) == [("2026-11-20", "b")]
