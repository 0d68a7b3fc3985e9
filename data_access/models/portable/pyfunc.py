"""MLflow's way in: `mlflow.pyfunc` calls `_load_pyfunc` with the `model` folder of an export."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .registry import FORMATS, load

NOTE = "remuda.json"  # beside the model's files


class PyfuncModel:
    """`predict` answers with what the model's own method does; `model` is the model itself."""

    def __init__(self, model: Any, method: str, kind: str | None) -> None:
        self.model, self._method, self._kind = model, method, kind

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> Any:
        """MLflow hands frames over as pandas' and tensors as numpy's; the model gets what it was made with."""
        given = _AS.get(self._kind or "", lambda data: data)(model_input)
        answer = getattr(self.model, self._method)(given)
        return answer.detach().cpu().numpy() if hasattr(answer, "detach") else answer


def _polars(data: Any) -> Any:
    import polars

    return polars.from_pandas(data) if type(data).__module__.startswith("pandas") else data


def _arrow(data: Any) -> Any:
    import pyarrow

    return pyarrow.Table.from_pandas(data) if type(data).__module__.startswith("pandas") else data


def _dict(data: Any) -> Any:
    return data if isinstance(data, Mapping) else {name: data[name].to_numpy() for name in data.columns}


def _records(data: Any) -> Any:
    return data.to_dict(orient="records") if hasattr(data, "to_dict") else data


def _array(data: Any) -> Any:
    return data.to_numpy() if hasattr(data, "to_numpy") else data


def _tensor(data: Any) -> Any:
    import torch

    return torch.as_tensor(_array(data))


#: From what MLflow gives to what the model takes, by the example's kind.
_AS: Mapping[str, Callable[[Any], Any]] = {
    "polars": _polars,
    "arrow": _arrow,
    "dict": _dict,
    "records": _records,
    "array": _array,
    "tensor": _tensor,
}


def _load_pyfunc(path: str) -> PyfuncModel:
    """Raises ValueError where MLflow is told to load no pickles (MLFLOW_ALLOW_PICKLE_DESERIALIZATION=false)."""
    told = json.loads((Path(path) / NOTE).read_text())
    risk = FORMATS[told["format"]].risk
    if risk and os.environ.get("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "true").lower() in ("false", "0"):
        raise ValueError(f"{told['model']} is kept as {told['format']}: {risk}; this environment forbids it")
    return PyfuncModel(load(told["format"], Path(path), told["options"]), told["method"], told["kind"])
