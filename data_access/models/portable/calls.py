"""Asking a model: which of its methods, with what, and what it answered as one table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa

from .frames import pack

#: Asked in this order for the one that gives the answer; a model without any of them is called itself.
METHODS = ("predict", "transform")
#: Asked beside `predict`, where a model has it.
BESIDE = "predict_proba"


def methods_of(model: Any) -> tuple[str, ...]:
    """What to ask of a model: `("predict", "predict_proba")`, `("__call__",)`, …; () when nothing can be asked."""
    main = next((name for name in METHODS if callable(getattr(model, name, None))), None)
    if main is None:
        return ("__call__",) if callable(model) else ()
    return (main, BESIDE) if main == "predict" and callable(getattr(model, BESIDE, None)) else (main,)


def observe(model: Any, data: Any, methods: Sequence[str]) -> pa.Table:
    """What the model answers, one table: columns `predict`, `predict_proba_0` … Raises what the model raises."""
    columns: dict[str, pa.ChunkedArray] = {}
    for method in methods:
        table, _ = pack(_caller(model, method)(data), method.strip("_"))
        columns.update(zip(table.column_names, table.columns, strict=True))
    return pa.table(columns)


def _caller(model: Any, method: str) -> Callable[[Any], Any]:
    """The method, behind what its library wants to be told first."""
    roots = {each.__module__.partition(".")[0] for each in type(model).__mro__}
    if "torch" in roots and method == "__call__":
        return lambda data: _torch(model, data)
    if "xgboost" in roots and type(model).__name__ == "Booster":
        return lambda data: _booster(model, data)
    if roots & {"keras", "tf_keras"} and method == "predict":
        return lambda data: model.predict(data, verbose=0)
    return getattr(model, method)


def _torch(model: Any, data: Any) -> Any:
    import torch

    training = getattr(model, "training", False)
    if training:
        try:
            model.eval()  # dropout and batch norm would answer differently each time
        except NotImplementedError:  # an exported program: for ever as it was when it was exported
            training = False
    try:
        with torch.no_grad():
            return model(data)
    finally:
        if training:
            model.train()


def _booster(model: Any, data: Any) -> Any:
    import xgboost

    return model.predict(data if isinstance(data, xgboost.DMatrix) else xgboost.DMatrix(data))
