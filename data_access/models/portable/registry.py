"""Which formats there are, how safe each is, and which take a given model. Nothing heavy is imported to decide."""

from __future__ import annotations

import importlib
import importlib.util
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_PICKLE_RISK = "loading it runs whatever code its author put in"


@dataclass(frozen=True)
class Format:
    """`load` is `module:function`, relative to this package; `needs` are what saving and loading import.

    `risk` is None where loading runs no code of the artifact.
    """

    name: str
    save: str
    load: str
    needs_to_save: tuple[str, ...]
    needs_to_load: tuple[str, ...]
    risk: str | None = None

    @property
    def safe(self) -> bool:
        return self.risk is None


FORMATS: Mapping[str, Format] = {
    each.name: each
    for each in (
        Format("onnx", "onnx_model:save", "onnx_model:load", ("skl2onnx", "onnxruntime"), ("onnxruntime",)),
        Format("xgboost", "gradient:save", "gradient:load", ("xgboost",), ("xgboost",)),
        Format("lightgbm", "gradient:save", "gradient:load", ("lightgbm",), ("lightgbm",)),
        Format("catboost", "gradient:save", "gradient:load", ("catboost",), ("catboost",)),
        Format("keras", "keras_model:save", "keras_model:load", ("keras",), ("keras",)),
        Format("torch-state", "torch_model:save_state", "torch_model:load_state", ("torch",), ("torch",)),
        Format("skops", "skops_model:save", "skops_model:load", ("skops",), ("skops", "sklearn")),
        Format("files", "plain_files:save", "plain_files:load", (), ()),
        Format(
            "torch-program",
            "torch_model:save_program",
            "torch_model:load_program",
            ("torch",),
            ("torch",),
            "PyTorch reads parts of an exported program as a pickle, and " + _PICKLE_RISK,
        ),
        Format(
            "tensorflow",
            "keras_model:save_program",
            "keras_model:load_program",
            ("tensorflow",),
            ("tensorflow",),
            "a SavedModel is a program that can read and write your files",
        ),
        Format(
            "cloudpickle",
            "pickles:save_cloudpickle",
            "pickles:load_pickle",
            ("cloudpickle",),
            ("cloudpickle",),
            _PICKLE_RISK,
        ),
        Format("joblib", "pickles:save_joblib", "pickles:load_joblib", ("joblib",), ("joblib",), _PICKLE_RISK),
        Format("pickle", "pickles:save_pickle", "pickles:load_pickle", (), (), _PICKLE_RISK),
    )
}


def bound(reference: str) -> Callable[..., Any]:
    """The function that a format names."""
    module, _, function = reference.partition(":")
    return getattr(importlib.import_module(f".{module}", __package__), function)


def load(name: str, folder: Path, options: Mapping[str, Any], **more: Any) -> Any:
    """A model from its files. Trust is the caller's matter. Raises KeyError for an unknown format."""
    return bound(FORMATS[name].load)(folder, options, **more)


@dataclass(frozen=True)
class Traits:
    """What the choice looks at: top packages of the model's classes, and whether it is a place on disk."""

    roots: frozenset[str]
    type_name: str
    is_place: bool


def traits(model: Any) -> Traits:
    return Traits(
        frozenset(each.__module__.partition(".")[0] for each in type(model).__mro__),
        type(model).__name__,
        isinstance(model, (str, os.PathLike)),
    )


_PICKLES = ("cloudpickle", "pickle")
#: The first whose package is among the model's own decides: XGBoost's estimators are scikit-learn's, too.
_BY_LIBRARY: Mapping[str, tuple[str, ...]] = {
    "onnx": ("onnx",),
    "xgboost": ("xgboost", *_PICKLES),
    "lightgbm": ("lightgbm", *_PICKLES),
    "catboost": ("catboost", *_PICKLES),
    "keras": ("keras", *_PICKLES),
    "tf_keras": ("keras", *_PICKLES),
    "tensorflow": ("tensorflow",),
    "torch": ("torch-state",),
    "sklearn": ("onnx", "skops", *_PICKLES),
}


def candidates(of: Traits) -> tuple[str, ...]:
    """Formats to try in this order: the library's own first, then ONNX, what holds no code, and pickles last. Pure."""
    if of.is_place:
        return ("files",)
    return next((formats for library, formats in _BY_LIBRARY.items() if library in of.roots), _PICKLES)


def missing(format: Format, model_roots: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """Packages that saving needs and that are not installed here. A proto of ONNX needs no converter."""
    needed = set(format.needs_to_save) - ({"skl2onnx"} if "onnx" in model_roots else set())
    return tuple(sorted(each for each in needed if importlib.util.find_spec(each) is None))
