"""Manifests go round, and what was damaged or made by somebody else is refused."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_access.errors import CorruptError
from data_access.models import codec
from data_access.models.artifact import AliasChange
from tests.unit.data_access.models.sample import VERSION, other

URL = "file:///models/churn/3"


def test_a_version_goes_round() -> None:
    content = codec.encode(VERSION)
    assert codec.decode(content, URL) == replace(VERSION, url=URL, digest=codec.digest_of(content))


def test_the_same_values_give_the_same_bytes() -> None:
    swapped = other(metrics=dict(reversed(VERSION.metrics.items())))
    assert codec.encode(swapped) == codec.encode(VERSION)


def test_the_manifest_is_json_that_everybody_reads() -> None:
    def refuse(constant: str) -> Any:
        raise AssertionError(f"{constant} is no JSON")

    assert json.loads(codec.encode(VERSION), parse_constant=refuse)["name"] == "churn"


def test_a_version_without_example_and_data_goes_round() -> None:
    bare = other(example=None, inputs=(), parent=None, seed=None, files=(), refused={}, metrics={}, params={})
    assert codec.decode(codec.encode(bare), URL).example is None


@settings(max_examples=30)
@given(st.floats())
def test_every_number_is_a_metric(value: float) -> None:
    read = codec.decode(codec.encode(other(metrics={"m": value})), URL).metrics["m"]
    assert read == value or (math.isnan(read) and math.isnan(value))


_anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.sets(st.integers()),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=8,
)


@given(_anything)
def test_whatever_is_a_parameter_has_a_form(value: object) -> None:
    plain = codec.plain(value)
    assert codec.decode(codec.encode(other(params={"p": plain})), URL).params["p"] == plain
    assert codec.plain(plain) == plain


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda text: text[: len(text) // 2], "cut off"),
        (lambda _: b"", "cut off"),
        (lambda _: b"[]", "no object"),
        (lambda _: b"{}", "no manifest of a model"),
        (lambda text: text.replace(b'"manifest_format": 1', b'"manifest_format": 2'), "newer"),
        (lambda text: text.replace(b'"version": 3', b'"vershun": 3'), "version"),
        (lambda text: text.replace(b"sales.orders@42:", b"sales orders"), "damaged"),
        (lambda text: text.replace(b"2026-11-20T", b"yesterday "), "damaged"),
    ],
)
def test_what_is_no_manifest_is_refused(change: Any, told: str) -> None:
    changed = change(codec.encode(VERSION))
    assert changed != codec.encode(VERSION)
    with pytest.raises(CorruptError, match=told) as caught:
        codec.decode(changed, URL)
    assert f"{URL}/manifest.json" in str(caught.value)


@pytest.mark.parametrize(
    "path", ["../../escape", "model/../../x", "/etc/passwd", "model//x", "manifest.json", "a\\..\\b/c"]
)
def test_a_file_that_leads_out_of_the_artifact_is_refused(path: str) -> None:
    content = codec.encode(other(files=(replace(VERSION.files[0], path=path),)))
    with pytest.raises(CorruptError, match="leads out"):
        codec.decode(content, URL)


def test_a_move_of_an_alias_goes_round() -> None:
    change = AliasChange("churn", "production", 7, None, 3, "ann", VERSION.at, "better", "ab" * 32)
    assert codec.decode_change(codec.encode_change(change), URL) == change


def test_a_damaged_move_is_refused() -> None:
    with pytest.raises(CorruptError, match="damaged"):
        codec.decode_change(b'{"name": "churn"}', URL)
