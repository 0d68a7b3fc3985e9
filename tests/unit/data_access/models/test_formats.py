"""Which format a model gets, and what a pickle gives away without being loaded."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest

from data_access.errors import DataError, Reason
from data_access.models import choose, load, origins
from data_access.models.portable import pickles, registry
from data_access.models.portable.registry import FORMATS, Traits, candidates
from data_access.tables.model import Anchor
from tests.unit.data_access.models.sample import ANCHOR, other


def _traits(*roots: str, place: bool = False) -> Traits:
    return Traits(frozenset({"builtins", *roots}), "Model", place)


@pytest.mark.parametrize(
    ("traits", "first"),
    [
        (_traits("xgboost", "sklearn"), "xgboost"),
        (_traits("lightgbm", "sklearn"), "lightgbm"),
        (_traits("catboost"), "catboost"),
        (_traits("keras", "torch"), "keras"),
        (_traits("torch"), "torch-state"),
        (_traits("sklearn"), "onnx"),
        (_traits("onnx"), "onnx"),
        (_traits("__main__"), "cloudpickle"),
        (_traits(place=True), "files"),
    ],
)
def test_the_librarys_own_comes_first(traits: Traits, first: str) -> None:
    assert candidates(traits)[0] == first


def test_what_runs_code_comes_last() -> None:
    for library in ("xgboost", "lightgbm", "catboost", "keras", "sklearn"):
        safe = [FORMATS[name].safe for name in candidates(_traits(library))]
        assert safe == sorted(safe, reverse=True)


def test_every_format_is_there() -> None:
    for each in FORMATS.values():
        assert callable(registry.bound(each.save))
        assert callable(registry.bound(each.load))


def test_a_pickle_names_its_modules_unloaded() -> None:
    class Bomb:
        def __reduce__(self) -> Any:
            return (pytest.fail, ("it was loaded",))

    content = pickle.dumps([OrderedDict(a=1), Path("x"), Bomb()])
    assert {"collections", "pathlib"} <= pickles.modules_in(content)


def test_a_module_of_the_user_is_told_from_installed_ones() -> None:
    own = pickles.own_modules({"numpy", "json", "tests.unit.data_access.models.sample", "gone"})
    assert own == ["tests.unit.data_access.models.sample"]


def test_an_unknown_format_names_near_ones(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="Did you mean onnx"):
        choose.write(object(), tmp_path, None, "onx")


@pytest.mark.parametrize("format_", [each.name for each in FORMATS.values() if each.risk])
def test_trust_is_asked_for_and_says_who_made_it(format_: str) -> None:
    version = other(format=format_, risk=None, url="s3://lake/_models/churn/3")  # whatever the manifest says of itself
    with pytest.raises(DataError) as caught:
        load.require_trust(version, trusted=False)
    assert caught.value.reason is Reason.UNSAFE_FORMAT
    assert "ann made it on 2026-11-20 with ffffffffffff" in str(caught.value)
    assert "trust_pickle=True" in str(caught.value)
    load.require_trust(version, trusted=True)


@pytest.mark.parametrize("format_", [each.name for each in FORMATS.values() if not each.risk])
def test_safe_formats_need_no_trust(format_: str) -> None:
    load.require_trust(other(format=format_), trusted=False)


def test_a_format_of_a_later_version_is_told() -> None:
    with pytest.raises(DataError) as caught:
        load.require_trust(other(format="quantum"), trusted=True)
    assert caught.value.reason is Reason.UNKNOWN_FORMAT


NOWHERE: Any = None  # no metastore is asked about anchors


class _Commit:
    anchor = ANCHOR


@pytest.mark.parametrize(
    "given", [ANCHOR, str(ANCHOR), _Commit(), [ANCHOR, str(ANCHOR)], {"orders": ANCHOR}, (_Commit(),)]
)
def test_anchors_in_many_forms(given: Any) -> None:
    assert origins.anchors_of(NOWHERE, given) == (ANCHOR,)


def test_no_inputs_are_none() -> None:
    assert origins.anchors_of(NOWHERE, ()) == ()


@pytest.mark.parametrize("given", ["orders", 3, [3], "sales.orders@x:y", [Anchor]])
def test_what_is_no_anchor_is_told(given: Any) -> None:
    with pytest.raises(DataError) as caught:
        origins.anchors_of(NOWHERE, given)
    assert caught.value.reason in (Reason.BAD_ARGUMENT, Reason.BAD_NAME)


def test_a_metric_is_a_number() -> None:
    assert origins.metrics_of({"a": 1, "b": True}) == {"a": 1.0, "b": 1.0}
    with pytest.raises(DataError, match="metric 'a' is 'high'"):
        origins.metrics_of({"a": "high"})


def test_a_models_own_parameters_are_kept_but_for_its_parts() -> None:
    class Model:
        def get_params(self) -> dict[str, Any]:
            return {"C": 1.0, "steps": [("a", object())], "part": object(), "names": ("x", "y")}

    assert origins.params_of(Model(), None) == {"C": 1.0, "names": ["x", "y"]}
    assert origins.params_of(Model(), {"lr": 0.1}) == {"lr": 0.1}
    assert origins.params_of(object(), None) == {}
