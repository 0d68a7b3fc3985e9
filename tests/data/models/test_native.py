"""Formats of libraries that not every environment has: each runs where its library is installed."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data_access.models import choose
from data_access.models.portable import example as examples
from data_access.models.portable import registry

RNG = np.random.default_rng(3)
X = RNG.normal(size=(300, 4))
Y = X[:, 0] * 2 + X[:, 1]
LABELS = (Y > 0).astype(int)


def _xgboost(library: Any) -> dict[str, tuple[Any, Any]]:
    return {
        "classifier": (library.XGBClassifier(n_estimators=5).fit(X, LABELS), X[:50]),
        "regressor": (library.XGBRegressor(n_estimators=5).fit(X, Y), X[:50]),
        "booster": (library.train({}, library.DMatrix(X, Y), 5), X[:50]),
    }


def _lightgbm(library: Any) -> dict[str, tuple[Any, Any]]:
    words = np.array(["no", "yes"])[LABELS]
    three = np.digitize(Y, [-1, 1])
    quiet: dict[str, Any] = {"n_estimators": 5, "verbose": -1}
    return {
        "classifier": (library.LGBMClassifier(**quiet).fit(X, words), X[:50]),
        "three classes": (library.LGBMClassifier(**quiet).fit(X, three), X[:50]),
        "regressor": (library.LGBMRegressor(**quiet).fit(X, Y), X[:50]),
        "booster": (library.train({"verbose": -1}, library.Dataset(X, Y), 5), X[:50]),
    }


def _catboost(library: Any) -> dict[str, tuple[Any, Any]]:
    quiet: dict[str, Any] = {"iterations": 5, "verbose": False, "allow_writing_files": False}
    return {
        "classifier": (library.CatBoostClassifier(**quiet).fit(X, LABELS), X[:50]),
        "regressor": (library.CatBoostRegressor(**quiet).fit(X, Y), X[:50]),
    }


def _keras(library: Any) -> dict[str, tuple[Any, Any]]:
    model = library.Sequential([library.layers.Input((4,)), library.layers.Dense(3, "relu"), library.layers.Dense(1)])
    return {"network": (model, X[:50].astype("float32"))}


def _skops(_: Any) -> dict[str, tuple[Any, Any]]:
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return {
        "lines": (make_pipeline(StandardScaler(), LogisticRegression()).fit(X, LABELS), X[:50]),
        "ridge": (make_pipeline(StandardScaler(), Ridge()).fit(X, Y), X[:50]),
    }


LIBRARIES: dict[str, Callable[[Any], dict[str, tuple[Any, Any]]]] = {
    "xgboost": _xgboost,
    "lightgbm": _lightgbm,
    "catboost": _catboost,
    "keras": _keras,
    "skops": _skops,
}


#: In the development environment; the others are too large for it.
ALWAYS = {"lightgbm", "skops", "xgboost"}


def _each(library: str) -> Any:
    return pytest.param(library, marks=() if library in ALWAYS else pytest.mark.library(library))


@pytest.mark.parametrize("library", [_each(library) for library in LIBRARIES])
def test_the_librarys_own_format_gives_the_model_back(library: str, tmp_path: Path) -> None:
    for what, (model, given) in LIBRARIES[library](importlib.import_module(library)).items():
        folder = tmp_path / what
        folder.mkdir()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            example = examples.make(model, given, 1e-5)
            written = choose.write(model, folder, example, "skops" if library == "skops" else None)
        assert (written.format.name, written.format.safe) == (library, True), what
        assert written.deviation is not None
        again = registry.load(library, folder, written.options)
        answer = examples.make(again, given, 1e-5).expected
        assert answer.column_names[: len(example.expected.column_names)] == example.expected.column_names, what


@pytest.mark.library("torch")
def test_weights_of_torch_go_into_a_module_and_hold_no_code(tmp_path: Path) -> None:
    torch = importlib.import_module("torch")
    net = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU(), torch.nn.Dropout(0.5), torch.nn.Linear(3, 1))
    given = torch.from_numpy(X[:50].astype("float32"))
    example = examples.make(net, given, 1e-5)
    written = choose.write(net, _folder(tmp_path, "state"), example, None)
    assert (written.format.name, written.format.safe) == ("torch-state", True)
    fresh = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU(), torch.nn.Dropout(0.5), torch.nn.Linear(3, 1))
    again = registry.load("torch-state", tmp_path / "state", written.options, into=fresh)
    assert examples.make(again, given, 1e-5).expected.equals(example.expected)
    program = choose.write(net, _folder(tmp_path, "program"), example, "torch-program")
    assert not program.format.safe
    loaded = registry.load("torch-program", tmp_path / "program", program.options)
    assert loaded(given[:7]).shape == (7, 1)


@pytest.mark.library("tensorflow")
def test_a_saved_model_of_tensorflow_is_not_called_safe(tmp_path: Path) -> None:
    tensorflow = importlib.import_module("tensorflow")

    class Scale(tensorflow.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.by = tensorflow.Variable(2.0)

        @tensorflow.function(input_signature=[tensorflow.TensorSpec([None], tensorflow.float32)])  # type: ignore[misc]
        def __call__(self, values: Any) -> Any:
            return values * self.by

    written = choose.write(Scale(), _folder(tmp_path, "m"), examples.make(Scale(), np.float32([1, 2]), 1e-5), None)
    assert (written.format.name, written.format.safe) == ("tensorflow", False)


def _folder(tmp_path: Path, name: str) -> Path:
    folder = tmp_path / name
    folder.mkdir()
    return folder
