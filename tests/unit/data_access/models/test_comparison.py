"""What `compare` says of two versions."""

from __future__ import annotations

from dataclasses import replace

from data_access.models.artifact import Distribution, InputRecord
from data_access.models.comparison import compared
from data_access.models.show import describe
from data_access.tables.model import Anchor
from tests.unit.data_access.models.sample import VERSION, other


def test_the_same_has_no_differences() -> None:
    found = compared(VERSION, VERSION)
    assert found.differences == ()
    assert {each.section for each in found.everything} >= {
        "model", "metrics", "params", "data", "code", "environment", "input", "output",
    }  # fmt: skip
    assert "The same: code, data, environment" in repr(found)


def test_metrics_say_by_how_much() -> None:
    found = compared(VERSION, other(metrics={"auc": 0.945, "loss": float("inf"), "f1": 0.5}))
    assert [(each.what, each.a, each.b, each.change) for each in found.of("metrics")] == [
        ("auc", "0.9", "0.945", "+0.045 (+5.00%)"),
        ("f1", None, "0.5", ""),
    ]


def test_a_metric_that_was_zero_has_no_share() -> None:
    (line,) = compared(other(metrics={"bias": 0.0}), other(metrics={"bias": 1.0})).of("metrics")
    assert line.change == "+1"


def test_nan_is_the_same_as_nan() -> None:
    nan = other(metrics={"auc": float("nan")})
    assert compared(nan, other(metrics={"auc": float("nan")})).of("metrics") == ()


def test_data_says_how_far_apart() -> None:
    later = (InputRecord(Anchor.parse("sales.orders@45:01JDB0000000000000000000Z9"), None, "no"),)
    (line,) = compared(VERSION, other(inputs=later)).of("data")
    assert (line.what, line.change) == ("sales.orders", "3 commits later")
    (gone,) = compared(VERSION, other(inputs=())).of("data")
    assert (gone.a is not None, gone.b) == (True, None)


def test_a_package_of_the_same_version_with_other_files_is_told() -> None:
    lock = VERSION.lock
    patched = tuple(replace(each, content="99" * 32) if each.name == "numpy" else each for each in lock.distributions)
    (line,) = compared(VERSION, other(lock=replace(lock, distributions=patched))).of("environment")
    assert line.change == "the same version, other files"


def test_packages_come_and_go() -> None:
    fresh = (Distribution("polars", "2", None, "index", True),)
    found = compared(VERSION, other(lock=replace(VERSION.lock, distributions=fresh))).of("environment")
    assert {(each.what, each.a, each.b) for each in found} == {
        ("numpy", "2.0", None),
        ("ours", "0.1", None),
        ("polars", None, "2"),
    }


def test_code_and_schema() -> None:
    assert VERSION.example is not None
    changed = other(
        code=replace(VERSION.code, dirty_diff=None),
        example=replace(VERSION.example, input=(replace(VERSION.example.input[0], type="float"),)),
    )
    found = compared(VERSION, changed)
    assert [each.what for each in found.of("code")] == ["uncommitted changes"]
    assert [(each.a, each.b) for each in found.of("input")] == [("double", "float")]


def test_a_notebook_gets_html_and_no_markup_of_others() -> None:
    told = compared(VERSION, other(tags={"<script>": "&"}))._repr_html_()
    assert "<table>" in told
    assert "<script>" not in told


def test_the_frame_has_what_is_the_same_too() -> None:
    frame = compared(VERSION, other(seed=8)).to_frame()
    assert frame[~frame["same"]]["what"].tolist() == ["seed"]
    assert len(frame) > 10


def test_a_version_says_what_is_not_safe() -> None:
    unsafe = other(
        format="cloudpickle",
        risk="loading it runs code",
        inputs=(InputRecord(VERSION.inputs[0].anchor, None, "You may not write there."),),
        options={"varied": {"rows": 2000, "differ": 3}},
    )
    told = describe(unsafe).text()
    assert "UNSAFE: loading it runs code" in told
    assert "NOT safe from gc: You may not write there." in told
    assert "3 of 2000 rows" in told
