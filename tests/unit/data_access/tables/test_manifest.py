"""Commits as objects and back; and what is refused."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_access.errors import CorruptError
from data_access.names import TableName
from data_access.tables import manifest
from data_access.tables.model import (
    Anchor,
    CheckRecord,
    Code,
    Column,
    Commit,
    DataFile,
    Environment,
    Operation,
    PartitionDelta,
    Schema,
    Stats,
)
from tests.unit.data_access.tables.snapshots import AT, ID, SCHEMA, commit, file

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
hexes = st.binary(min_size=32, max_size=32).map(bytes.hex)
integers = st.integers(0, 2**40)
low_high = st.one_of(
    st.none(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False, allow_infinity=False), st.booleans(), text
)
stats = st.dictionaries(st.sampled_from(["x", "y", "ä"]), st.builds(Stats, low_high, low_high, integers), max_size=3)
files = st.lists(
    st.builds(DataFile, st.tuples(st.none() | text), text, integers, integers, hexes, st.integers(0, 2**30), stats),
    max_size=5,
)
anchors = st.builds(Anchor, st.just(TableName("crm", "customers")), integers, st.just(ID))
ancestors = st.lists(text.filter(bool).map(lambda each: each.replace(":", "") + ":ab"), max_size=3).map(tuple)
commits = st.builds(
    Commit,
    table=st.just(TableName("sales", "orders")), number=integers, id=text, parent=st.none(),
    operation=st.sampled_from(get_args(Operation)), mode=text, at=st.datetimes(timezones=st.just(UTC)), by=text,
    message=text,
    schema=st.builds(
        Schema, st.lists(st.builds(Column, text, text, text, st.none() | text), max_size=3).map(tuple),
        st.just((Column("p", "string", "string"),)), text,
    ),
    changed=st.lists(
        st.builds(PartitionDelta, st.tuples(st.none() | text), st.just("added"), integers, integers),
        max_size=3,
    ).map(tuple),
    rows=st.just(0), bytes=st.just(0), files=st.just(0), inputs=st.lists(anchors, max_size=2).map(tuple),
    code=st.builds(Code, git_commit=st.none() | text, dirty_diff=st.none() | text),
    environment=st.none()
    | st.builds(Environment, text, text, st.none() | text, st.dictionaries(text, text, max_size=2), text),
    checks=st.lists(st.builds(CheckRecord, text, st.just("warn"), st.booleans(), text, text), max_size=2).map(tuple),
    check_set=st.none() | text, restores=st.none() | integers,
    expired=st.sets(st.integers(1, 30)).map(lambda each: tuple(sorted(each))), ancestors=ancestors, format=st.just(1),
    inputs_named=st.none() | st.booleans(),
)  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(commits, files, st.booleans())
def test_a_commit_goes_round(made: Commit, listed: list[DataFile], beside: bool) -> None:
    parent = made.ancestors[0].partition(":")[0] if made.ancestors else None
    made = Commit(**{
        **vars(made), "parent": parent, "files": len(listed), "rows": sum(each.rows for each in listed),
        "bytes": sum(each.size for each in listed),
    })  # fmt: skip
    encoded = manifest.encode(made, listed, inline=0 if beside else 200)
    assert (encoded.files is not None) == (beside and bool(listed))
    again, where = manifest.decode(encoded.manifest, "there")
    found = manifest.decode_files(again, where, encoded.files, "there")
    assert again == made
    assert list(found) == listed
    assert manifest.encode(again, found, inline=0 if beside else 200) == encoded, "and again, byte for byte"


def test_a_manifest_from_before_inputs_were_told_apart_is_read() -> None:
    data = _encoded(inputs=(Anchor(TableName("crm", "customers"), 1, ID),))
    assert b"inputs_named" not in data
    assert manifest.decode(data, "there")[0].inputs_named is None


def test_infinity_is_no_statistic() -> None:
    """It is no JSON, and prunes nothing."""
    one = DataFile(("a",), "x", 1, 1, "ab" * 32, 1, {"x": Stats(float("-inf"), float("inf"), 0)})
    made = commit((one,))
    for inline in (0, 200):
        encoded = manifest.encode(made, [one], inline)
        again, where = manifest.decode(encoded.manifest, "there")
        assert manifest.decode_files(again, where, encoded.files, "there")[0].stats["x"] == Stats(None, None, 0)


def _encoded(**members: Any) -> bytes:
    listed = (file("a", "1"),)
    return manifest.encode(commit(listed, **members), listed).manifest


def _resealed(data: bytes, change: Any) -> bytes:
    """Changed by somebody who knows how the digest is made."""
    body = json.loads(data)
    del body["sha256"]
    change(body)
    rest = json.dumps(body).encode()[1:]
    import hashlib

    return b'{"sha256":"' + hashlib.sha256(rest).hexdigest().encode() + b'",' + rest


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda data: b"", "is empty"),
        (lambda data: data[: len(data) // 2], "is cut off or damaged"),
        (lambda data: data.replace(b'"ann"', b'"eve"'), "is damaged: its content has another sha256 than it says"),
        (lambda data: b"PAR1 something else", "is no manifest of this module"),
        (lambda data: b'{"format-version": 2}', "is no manifest of this module"),
        (lambda data: b"[1, 2]", "is no manifest of this module"),
        (lambda data: b"\xff\xfe\x00", "is no manifest of this module"),
        (lambda data: _resealed(data, lambda body: body.update(format=2)), "has format 2; .* reads up to 1"),
        (lambda data: _resealed(data, lambda body: body.update(colour="red")), "has not the members .*: colour"),
        (lambda data: _resealed(data, lambda body: body.pop("rows")), "has not the members of format 1: rows"),
        (lambda data: _resealed(data, lambda body: body.update(rows="many")), "its member 'rows' is 'many'"),
        (lambda data: _resealed(data, lambda body: body.update(at="2026-11-20")), "its time has no time zone"),
        (lambda data: _resealed(data, lambda body: body.update(operation="magic")), "'magic' is no operation"),
        (lambda data: _resealed(data, lambda body: body.update(parent="X")), "its parent is not its nearest ancestor"),
        (lambda data: _resealed(data, lambda body: body.update(table="x")), "'x' names no table"),
        (lambda data: _resealed(data, lambda body: body.update(rows=9)), "1 rows, 10 bytes, but says 1, 9"),
        (lambda data: _resealed(data, lambda body: body["file_list"]["size"].pop()), "differ in length"),
        (lambda data: _resealed(data, lambda body: body["file_list"].pop("rows")), "lacks 'rows'"),
        (lambda data: _resealed(data, lambda body: body["file_list"].update(partition=[["a", "b"]])), "another number"),
    ],
)  # fmt: skip
def test_what_is_not_as_committed_is_refused(spoil: Any, told: str) -> None:
    with pytest.raises(CorruptError, match=told) as refused:
        made, where = manifest.decode(spoil(_encoded()), "s3://lake/x.json")
        manifest.decode_files(made, where, None, "s3://lake/x.json")
    assert str(refused.value).startswith("The manifest s3://lake/x.json ")
    assert refused.value.remedy


@given(st.binary(max_size=60))
def test_any_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(CorruptError):
        manifest.decode(data, "there")


@given(st.integers(0, 700), st.integers(0, 255))
def test_any_changed_byte_is_found(place: int, value: int) -> None:
    data = bytearray(_encoded())
    if data[place] == value:
        return
    data[place] = value
    with pytest.raises(CorruptError):
        manifest.decode(bytes(data), "there")


def test_a_changed_list_of_files_is_found() -> None:
    listed = (file("a", "1"), file("b", "1"))
    encoded = manifest.encode(commit(listed), listed, inline=0)
    assert encoded.files is not None
    made, where = manifest.decode(encoded.manifest, "there")
    with pytest.raises(CorruptError, match="its list of files has another sha256"):
        manifest.decode_files(made, where, encoded.files[:-1] + b"x", "there")


def test_numbers_in_a_row_are_two() -> None:
    assert manifest.ranges([1, 2, 3, 7]) == [[1, 3], [7, 7]]


def test_a_list_of_10_000_files_is_read_quickly() -> None:
    """Its aim is 50 ms on a machine that does nothing else; here only that nothing grows faster than the list."""
    columns = {f"c{index}": Stats(index, index + 1, 0) for index in range(20)}
    listed = [
        DataFile((f"{index:05d}",), f"p={index:05d}/batch_id={ID}/part-00000.parquet", 1, 1, "ab" * 32, 1, columns)
        for index in range(10_000)
    ]
    made = commit(tuple(listed))
    encoded = manifest.encode(made, listed)
    best = min(_timed(encoded, made) for _ in range(3))
    assert best < 0.5, f"{best * 1000:.0f} ms of processor time"


def _timed(encoded: manifest.Encoded, made: Commit) -> float:
    began = time.process_time()
    again, where = manifest.decode(encoded.manifest, "there")
    found = manifest.decode_files(again, where, encoded.files, "there")
    took = time.process_time() - began
    assert found[9_999].stats["c7"] == Stats(7, 8, 0)
    return took


def test_the_moment_is_kept_to_the_microsecond() -> None:
    moment = datetime(2026, 11, 20, 1, 2, 3, 456789, tzinfo=UTC)
    assert manifest.decode(_encoded(at=moment), "there")[0].at == moment
    assert manifest.decode(_encoded(), "there")[0].at == AT
    assert SCHEMA.partition_by
