"""ONNX: scikit-learn models converted by skl2onnx, ONNX protos as they are; run by onnxruntime.

A conversion is only kept when it reproduces the example: float32 thresholds, ties and tokenizers make converted models
differ now and then. Several layouts of the input are tried; of those that reproduce it, the one is kept that differs in
the fewest of 2,000 more rows, made by shuffling the example's columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from . import refusal
from .calls import observe
from .deviation import deviation, differing_rows
from .example import Example
from .frames import pack, unpack
from .refusal import Refusal

FILE = "model.onnx"
VARIED_ROWS = 2000
#: Share of the varied rows that may be answered differently: float32 falls on another side of a threshold at times.
MOST_DIFFERING = 0.01
_TENSORS = {"double": "float64", "float": "float32", "int64": "int64", "string": "str", "bool": "bool"}
_NUMPY = {
    "tensor(double)": "float64",
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
    "tensor(int8)": "int8",
    "tensor(uint8)": "uint8",
    "tensor(bool)": "bool",
    "tensor(string)": "object",
}


@dataclass(frozen=True)
class Layout:
    """How an input is fed: `single` is one matrix of these columns, else one column vector per input."""

    single: bool
    columns: tuple[str, ...]
    types: tuple[str, ...]  # keys of _TENSORS, one per input


def layouts(example: Example) -> Iterator[Layout]:
    """The ways in which this example may be fed, the exact ones first. Pure."""
    names = tuple(example.table.column_names)
    kinds = [_tensor(field.type) for field in example.table.schema]
    if not names or None in kinds or any(pa.types.is_nested(field.type) for field in example.table.schema):
        return
    for real in ("double", "float"):
        if "string" not in kinds:
            yield Layout(True, names, (real,))
        if example.how["kind"] in ("pandas", "polars", "arrow", "dict") or "string" in kinds:
            yield Layout(False, names, tuple(real if kind == "float" else str(kind) for kind in kinds))
        if "float" not in kinds and "string" in kinds:
            return  # the same again


def _tensor(kind: Any) -> str | None:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_floating(kind):
        return "float"
    if pa.types.is_integer(kind):
        return "int64"
    if pa.types.is_boolean(kind):
        return "bool"
    return "string" if pa.types.is_string(kind) or pa.types.is_large_string(kind) else None


def save(model: Any, folder: Path, example: Example | None) -> dict[str, Any]:
    """Convert and keep. Raises Refusal: why this model can't be ONNX."""
    if type(model).__module__.startswith("onnx"):
        return _save_proto(model, folder)
    if example is None:
        raise Refusal("there is no example that could prove the conversion")
    varied = _varied(model, example)
    best: tuple[tuple[int, float], dict[str, Any], bytes] | None = None
    reasons: list[str] = []
    for layout in layouts(example):
        try:
            options, content = _convert(model, layout, example)
            found = _prove(content, options, example)
            differ = _differing(content, options, varied) if found.agrees else 0
        except Exception as error:
            reasons.append(_first_line(error))
            continue
        reasons.extend(f"converted, {each}" for each in found.differences[:1])
        if differ > MOST_DIFFERING * varied.table.num_rows:
            reasons.append(f"converted, {differ} of {varied.table.num_rows} varied rows are answered differently")
        elif found.agrees and (best is None or (differ, found.largest) < best[0]):
            options["varied"] = {"rows": varied.table.num_rows, "differ": differ}
            best = ((differ, found.largest), options, content)
    if best is None:
        raise Refusal("; ".join(dict.fromkeys(reasons)) or "its input has columns that ONNX has no type for")
    (folder / FILE).write_bytes(best[2])
    return best[1]


def _varied(model: Any, example: Example) -> Example:
    """More rows than the example has: its columns, each shuffled by itself, and what the model answers to those.

    A few rows seldom meet the ties and thresholds where a conversion differs.
    """
    import numpy

    rng = numpy.random.default_rng(0)
    rows = example.table.num_rows
    columns = [
        column.take(pa.array(rng.integers(0, rows, VARIED_ROWS))) if rows else column
        for column in example.table.columns
    ]
    table = pa.table(columns, schema=example.table.schema)
    data = unpack(table, example.how)
    return replace(example, data=data, table=table, expected=observe(model, data, example.methods))


def _differing(content: bytes, options: Mapping[str, Any], varied: Example) -> int:
    """How many rows are answered differently."""
    seen = observe(OnnxModel(content, options), varied.data, varied.methods)
    return differing_rows(varied.expected, seen, varied.tolerance)


def load(folder: Path, options: Mapping[str, Any]) -> OnnxModel:
    return OnnxModel((folder / FILE).read_bytes(), options)


def of_proto(proto: Any) -> OnnxModel:
    """An ONNX proto, to be asked."""
    return OnnxModel(proto.SerializeToString(), _proto_options(proto.SerializeToString()))


def _proto_options(content: bytes) -> dict[str, Any]:
    first = _session(content).get_outputs()[0].name
    return {"layout": None, "outputs": {"predict": first}, "dtypes": {}, "ravel": []}


def _save_proto(model: Any, folder: Path) -> dict[str, Any]:
    content = model.SerializeToString()
    (folder / FILE).write_bytes(content)
    return _proto_options(content)


def _convert(model: Any, layout: Layout, example: Example) -> tuple[dict[str, Any], bytes]:
    import warnings

    import numpy
    from skl2onnx import to_onnx
    from skl2onnx.common import data_types

    tensors = {
        "double": data_types.DoubleTensorType,
        "float": data_types.FloatTensorType,
        "int64": data_types.Int64TensorType,
        "string": data_types.StringTensorType,
        "bool": data_types.BooleanTensorType,
    }
    initial = (
        [("X", tensors[layout.types[0]]([None, len(layout.columns)]))]
        if layout.single
        else [(name, tensors[kind]([None, 1])) for name, kind in zip(layout.columns, layout.types, strict=True)]
    )
    classifier = hasattr(model, "predict_proba")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        proto = to_onnx(model, initial_types=initial, options={id(model): {"zipmap": False}} if classifier else None)
    names = [each.name for each in proto.graph.output]
    outputs = {example.methods[0]: names[0]}
    if len(example.methods) > 1:
        if len(names) < 2:
            raise Refusal("the conversion gives no probabilities")
        outputs[example.methods[1]] = names[1]
    answers = {method: numpy.asarray(getattr(model, method)(example.data)) for method in outputs}
    options = {
        "layout": asdict(layout),
        "outputs": outputs,
        "dtypes": {method: answer.dtype.str for method, answer in answers.items() if answer.dtype.kind != "O"},
        "ravel": [method for method, answer in answers.items() if answer.ndim == 1],
    }
    return options, proto.SerializeToString()


def _prove(content: bytes, options: Mapping[str, Any], example: Example) -> Any:
    seen = observe(OnnxModel(content, options), example.data, example.methods)
    return deviation(example.expected, seen, example.tolerance)


def _first_line(error: Exception) -> str:
    text = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return f"{type(error).__name__}: {text[:120]}"


def _session(content: bytes) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what fails is raised; onnxruntime would print it too
    return onnxruntime.InferenceSession(content, options, providers=onnxruntime.get_available_providers())


class OnnxModel:
    """A model that onnxruntime runs. `predict` (and `predict_proba`, `transform`) take what the model took when it was
    made: a frame with the same columns in any order, or an array with as many columns.

    `session` is onnxruntime's own, for what this class does not offer.
    """

    def __init__(self, content: bytes, options: Mapping[str, Any]) -> None:
        self.session = _session(content)
        self._options = options
        self._outputs: Mapping[str, str] = options["outputs"]

    def __getattr__(self, name: str) -> Any:
        if name in self.__dict__.get("_outputs", ()):
            return lambda data: self._ask(name, data)
        raise AttributeError(f"this ONNX model has no {name}; it has {', '.join(self.__dict__.get('_outputs', ()))}")

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._outputs]

    def __repr__(self) -> str:
        inputs = ", ".join(f"{each.name}: {each.type}{each.shape}" for each in self.session.get_inputs())
        return f"OnnxModel({inputs} → {', '.join(self._outputs)})"

    def run(self, feeds: Mapping[str, Any]) -> dict[str, Any]:
        """All outputs by name, of arrays by name: the model as ONNX has it."""
        names = [each.name for each in self.session.get_outputs()]
        return dict(zip(names, self.session.run(names, dict(feeds)), strict=True))

    def _ask(self, method: str, data: Any) -> Any:
        import numpy

        answer = numpy.asarray(self.session.run([self._outputs[method]], self._feeds(data))[0])
        if method in self._options["ravel"]:
            answer = answer.reshape(-1)
        dtype = self._options["dtypes"].get(method)
        return answer.astype(dtype[0:2] if dtype and dtype[1] == "U" else dtype) if dtype else answer

    def _feeds(self, data: Any) -> dict[str, Any]:
        layout = self._options["layout"]
        if layout is None:
            return self._own_feeds(data)
        columns = _columns(data, layout["columns"])
        if layout["single"]:
            return {"X": _matrix(columns, _TENSORS[layout["types"][0]])}
        return {
            name: _vector(columns[name], kind) for name, kind in zip(layout["columns"], layout["types"], strict=True)
        }

    def _own_feeds(self, data: Any) -> dict[str, Any]:
        """Of a proto that was ONNX from the start: arrays by input's name, or one array."""
        import numpy

        inputs = self.session.get_inputs()
        given = dict(data) if isinstance(data, Mapping) else {inputs[0].name: data}
        missing = [each.name for each in inputs if each.name not in given]
        if missing:
            raise refusal.unfit(f"The model wants {', '.join(missing)} too.", "Give a dict of arrays by these names.")
        return {each.name: numpy.asarray(given[each.name], dtype=_NUMPY.get(each.type)) for each in inputs}


def _columns(data: Any, wanted: list[str]) -> dict[str, Any]:
    """Each wanted column as an array. Raises `refusal.unfit`: which are missing, or how many there are."""
    table, note = pack(data)
    if note["kind"] in ("pandas", "polars", "arrow", "dict", "records"):
        missing = [name for name in wanted if name not in table.column_names]
        if missing:
            are = "is" if len(missing) == 1 else "are"
            raise refusal.unfit(
                f"The model wants the columns {', '.join(wanted)}; {', '.join(missing)} {are} not there.",
                f"Give a frame that has {'it' if len(missing) == 1 else 'them'} too; further columns do no harm.",
            )
        return {name: _values(table.column(name)) for name in wanted}
    if table.num_columns != len(wanted):
        if table.num_columns == 1 and pa.types.is_list(table.schema.field(0).type):  # a list of rows
            rows = table.column(0).to_pylist()
            if all(len(row) == len(wanted) for row in rows):
                return {name: [row[i] for row in rows] for i, name in enumerate(wanted)}
        raise refusal.unfit(
            f"The model wants {len(wanted)} columns ({', '.join(wanted)}), not {table.num_columns}.",
            "Give an array of that many columns, or a frame with these names.",
        )
    return {name: _values(table.column(i)) for i, name in enumerate(wanted)}


def _values(column: Any) -> Any:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    return column.to_numpy()


def _matrix(columns: Mapping[str, Any], dtype: str) -> Any:
    import numpy

    return numpy.ascontiguousarray(numpy.column_stack([numpy.asarray(each, dtype=dtype) for each in columns.values()]))


def _vector(column: Any, kind: str) -> Any:
    import numpy

    array = numpy.asarray(column, dtype=object if kind == "string" else _TENSORS[kind])
    return array.reshape(-1, 1)
