"""An artifact as a folder: in MLflow's format, which `mlflow.pyfunc` loads without `data_access`, or as it is."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_access.errors import DataError, Reason
from data_access.models import layout, locking, portable
from data_access.models.load import require_trust
from data_access.models.portable.frames import head
from data_access.models.portable.pyfunc import NOTE
from data_access.models.repository import Repository, temporary
from data_access.names import did_you_mean
from data_access.progress import progress
from data_access.workspace import Workspace

if TYPE_CHECKING:
    from data_access.models.artifact import ExampleRecord, Field, ModelVersion

FLAVOURS = ("mlflow", "folder")
_CODE_PACKAGE = "remuda_portable"
_EXAMPLE_ROWS = 5
#: Arrow's types as MLflow's column types: https://mlflow.org/docs/latest/ml/model/signatures
_MLFLOW_TYPES = {
    "bool": "boolean",
    **dict.fromkeys(("int8", "int16", "int32", "uint8", "uint16"), "integer"),
    **dict.fromkeys(("int64", "uint32"), "long"),
    **dict.fromkeys(("halffloat", "float"), "float"),
    "double": "double",
    **dict.fromkeys(("string", "large_string"), "string"),
    **dict.fromkeys(("binary", "large_binary"), "binary"),
}


def export(  # noqa: PLR0913 - all but the first three are switches
    name: str | ModelVersion,
    version: int | str | None,
    folder: str | Path,
    flavour: str = "mlflow",
    *,
    trust_pickle: bool = False,
    workspace: Workspace | None = None,
) -> Path:
    """Write a version into a new folder, and give its path.

    `mlflow`: a model of MLflow's format (`mlflow.pyfunc.load_model(folder).predict(frame)`), with signature, example,
    requirements and the code that loads it. MLflow loads pickles without asking, so those need `trust_pickle=True`.
    `folder`: the artifact's own files. Nothing is loaded here.

    Raises NotFoundError(unknown-model), CorruptError, DataError(already-there, unsafe-format, not-supported,
    bad-argument).
    """
    if flavour not in FLAVOURS:
        raise DataError(Reason.BAD_ARGUMENT, f"There is no flavour '{flavour}'.", did_you_mean(flavour, FLAVOURS))
    repository = Repository(workspace)
    found = repository.resolve(name, version)
    if flavour == "mlflow":
        require_trust(found, trust_pickle)
        _require_answers(found)
    target = Path(folder).expanduser().absolute()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise DataError(Reason.ALREADY_THERE, f"{target} is there already, and not empty.", "Name a new folder.")
    with (
        temporary() as scratch,
        progress(repository.workspace.settings, f"Exporting {found}", size=found.size) as bar,
    ):
        fetched = Path(scratch)
        for part in (layout.MODEL, layout.EXAMPLE, layout.ENVIRONMENT, layout.CODE):
            repository.fetch(found, fetched, part, bar.advance)
        ready = fetched / "export"
        (_write_mlflow if flavour == "mlflow" else _write_folder)(found, fetched, ready, repository)
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_dir():
            target.rmdir()
        shutil.move(ready, target)
    return target


def _require_answers(version: ModelVersion) -> None:
    if version.format in ("files", "torch-state"):
        raise DataError(
            Reason.NOT_SUPPORTED,
            f"{version} is kept as {version.format}, which holds nothing that MLflow could ask.",
            'Export it with flavour="folder"'
            + (', or save it with format="torch-program".' if "torch" in version.format else "."),
        )


def _write_folder(version: ModelVersion, fetched: Path, ready: Path, repository: Repository) -> None:
    ready.mkdir()
    for part in {each.path.partition("/")[0] for each in version.files}:
        shutil.move(fetched / part, ready / part)
    (ready / layout.MANIFEST).write_bytes(repository.storage.get(f"{version.url}/{layout.MANIFEST}"))


def _write_mlflow(version: ModelVersion, fetched: Path, ready: Path, repository: Repository) -> None:
    import yaml

    ready.mkdir()
    shutil.move(fetched / layout.MODEL, ready / layout.MODEL)
    example = version.example
    note = {
        "model": str(version),
        "format": version.format,
        "options": version.options,
        "method": example.methods[0] if example else _method_of(version),
        "kind": example.how["kind"] if example else None,
    }
    (ready / layout.MODEL / NOTE).write_text(json.dumps(note, indent=1, sort_keys=True))
    shutil.copytree(
        Path(portable.__file__).parent, ready / "code" / _CODE_PACKAGE, ignore=shutil.ignore_patterns("__pycache__")
    )
    lock_text = (fetched / layout.LOCK).read_text()
    _write_environment(version, lock_text, ready)
    if example and (frame := _example_frame(example, fetched)) is not None:
        (ready / "input_example.json").write_text(json.dumps(frame))
    (ready / "MLmodel").write_text(yaml.safe_dump(_mlmodel(version, ready), sort_keys=True))


def _method_of(version: ModelVersion) -> str:
    return "predict" if version.format != "torch-program" else "__call__"


def _mlmodel(version: ModelVersion, ready: Path) -> dict[str, Any]:
    flavors: dict[str, Any] = {
        "python_function": {
            "loader_module": f"{_CODE_PACKAGE}.pyfunc",
            "data": layout.MODEL,
            "code": "code",
            "env": {"conda": "conda.yaml", "virtualenv": "python_env.yaml"},
            "python_version": version.lock.python,
        }
    }
    if version.format == "onnx":
        flavors["onnx"] = {"data": f"{layout.MODEL}/model.onnx", "onnx_version": _version_of(version, "onnx")}
    body: dict[str, Any] = {
        "flavors": flavors,
        "model_uuid": version.digest[:32],
        "utc_time_created": version.at.strftime("%Y-%m-%d %H:%M:%S.%f"),
        "metadata": {
            "remuda": {
                "model": str(version),
                "sha256": version.digest,
                "by": version.by,
                "inputs": [str(each.anchor) for each in version.inputs],
                "git_commit": version.code.git_commit,
            }
        },
    }
    if signature := _signature(version.example):
        body["signature"] = signature
    if (ready / "input_example.json").exists():
        body["saved_input_example_info"] = {
            "artifact_path": "input_example.json",
            "type": "dataframe",
            "pandas_orient": "split",
        }
    return body


def _signature(example: ExampleRecord | None) -> dict[str, str] | None:
    """MLflow's signature, where all types have a counterpart there. Pure."""
    if example is None:
        return None
    inputs = _tensor(example.how) if example.how["kind"] == "array" else _columns(example.input)
    if inputs is None or example.how["kind"] in ("series", "list", "scalar", "tensor"):
        return None
    return {"inputs": json.dumps(inputs)}


def _tensor(how: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    import numpy

    dtype = numpy.dtype(how["dtype"])
    if dtype.kind not in "biuf":
        return None
    return [{"type": "tensor", "tensor-spec": {"dtype": dtype.name, "shape": [-1, *how["shape"][1:]]}}]


def _columns(fields: tuple[Field, ...]) -> list[dict[str, Any]] | None:
    kinds = [
        _MLFLOW_TYPES.get(each.type) or ("datetime" if each.type.startswith("timestamp") else None) for each in fields
    ]
    if None in kinds:
        return None
    return [{"type": kind, "name": each.name, "required": True} for kind, each in zip(kinds, fields, strict=True)]


def _example_frame(example: ExampleRecord, fetched: Path) -> dict[str, Any] | None:
    """A few rows as pandas' `split` JSON; None of what is no frame."""
    if example.how["kind"] not in ("pandas", "polars", "arrow", "dict", "records"):
        return None
    import pyarrow.parquet as pq

    from data_access.models.portable.example import INPUT

    table = head(pq.read_table(fetched / layout.EXAMPLE / INPUT), _EXAMPLE_ROWS)
    rows = [[_json_value(value) for value in row.values()] for row in table.to_pylist()]
    return {"columns": table.column_names, "data": rows}


def _json_value(value: Any) -> Any:
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def _write_environment(version: ModelVersion, lock_text: str, ready: Path) -> None:
    """MLflow installs with pip, which wants all hashes or none: by version there, by hash in the lock beside it."""
    import yaml

    wanted = locking.chosen(version.lock, lock_text, everything=False)
    pinned = [f"{name}=={number}" for name, number in sorted(wanted)]
    (ready / "requirements.txt").write_text("".join(f"{line}\n" for line in ["mlflow-skinny", *pinned]))
    (ready / "requirements.lock").write_text(lock_text)
    python = version.lock.python
    environment = {"python": python, "build_dependencies": ["pip"], "dependencies": ["-r requirements.txt"]}
    (ready / "python_env.yaml").write_text(yaml.safe_dump(environment, sort_keys=False))
    conda = {
        "name": "mlflow-env",
        "channels": ["conda-forge"],
        "dependencies": [f"python={python}", "pip", {"pip": ["mlflow-skinny", *pinned]}],
    }
    (ready / "conda.yaml").write_text(yaml.safe_dump(conda, sort_keys=False))


def _version_of(version: ModelVersion, package: str) -> str | None:
    return next((each.version for each in version.lock.distributions if each.name == package), None)
