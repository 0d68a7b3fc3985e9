"""Gradient boosting in its libraries' formats: XGBoost (UBJSON), LightGBM (text), CatBoost (cbm). They hold no code."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .example import Example
from .refusal import Refusal

_FILES = {"xgboost": "model.ubj", "lightgbm": "model.txt", "catboost": "model.cbm"}


def save(model: Any, folder: Path, example: Example | None) -> dict[str, Any]:
    """Raises Refusal: the model is not trained."""
    library = _library(model)
    options: dict[str, Any] = {"library": library, "class": type(model).__name__}
    path = str(folder / _FILES[library])
    try:
        if library == "lightgbm" and hasattr(model, "booster_"):
            model.booster_.save_model(path)
            options["classes"] = _classes(model)
        else:
            model.save_model(path)
    except Exception as error:  # each library has its own tree of errors, and all mean: not trained, or not whole
        raise Refusal(f"{library} does not write it: {error}") from error
    return options


def load(folder: Path, options: Mapping[str, Any]) -> Any:
    library = options["library"]
    path = str(folder / _FILES[library])
    module = importlib.import_module(library)
    if library == "lightgbm":
        booster = module.Booster(model_file=path)
        return booster if options["class"] == "Booster" else TrainedLightGBM(booster, options)
    model = getattr(module, options["class"])()
    model.load_model(path)
    return model


def _library(model: Any) -> str:
    for each in type(model).__mro__:
        if (root := each.__module__.partition(".")[0]) in _FILES and each is type(model):
            return root
    raise Refusal(f"{type(model).__qualname__} is a class of your own; its library would not know it again")


def _classes(model: Any) -> list[Any] | None:
    classes = getattr(model, "classes_", None)
    return None if classes is None else json.loads(json.dumps(classes.tolist()))


class TrainedLightGBM:
    """LightGBM's scikit-learn estimators have no format of their own: this answers as they do, from their booster.

    `booster` is LightGBM's own.
    """

    def __init__(self, booster: Any, options: Mapping[str, Any]) -> None:
        self.booster = booster
        self._classes = options["classes"]
        if self._classes is None:
            self.predict_proba = None  # type: ignore[method-assign,assignment]  # it has none, as callers ask

    def predict(self, data: Any) -> Any:
        """Classes of a classifier, else the booster's numbers."""
        if self._classes is None:
            return self.booster.predict(data)
        import numpy

        return numpy.asarray(self._classes)[self.predict_proba(data).argmax(axis=1)]

    def predict_proba(self, data: Any) -> Any:
        """One column per class."""
        import numpy

        answer = self.booster.predict(data)
        return numpy.column_stack([1 - answer, answer]) if answer.ndim == 1 else answer

    def __repr__(self) -> str:
        return f"TrainedLightGBM({self.booster.num_trees()} trees)"
