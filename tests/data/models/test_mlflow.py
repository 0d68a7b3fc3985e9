"""Exports, loaded by MLflow itself, in this process and where there is no data_access."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest

from data_access import models
from data_access.errors import DataError, Reason
from data_access.workspace import Workspace
from tests.data.models.trained import FRAME, forest, pipeline

MakeWorkspace = Callable[..., Workspace]
pytestmark = pytest.mark.filterwarnings("ignore::data_access.models.save.UnsafeFormatWarning")


@pytest.fixture
def ann(workspaces: MakeWorkspace) -> Workspace:
    return workspaces("sqlite", "local", user="ann")


def test_mlflow_loads_it_and_it_answers_the_same(workspace: Workspace, tmp_path: Path) -> None:
    model = pipeline()
    models.save_model(model, "churn", example=FRAME.head(60), inputs=(), workspace=workspace)
    models.set_alias("churn", "production", 1, workspace=workspace)
    folder = models.export("churn", "production", tmp_path / "mlflow", workspace=workspace)
    loaded = mlflow.pyfunc.load_model(str(folder))
    assert (loaded.predict(FRAME) == model.predict(FRAME)).all()
    inputs = loaded.metadata.signature.inputs
    assert [(each.name, str(each.type)) for each in inputs] == [
        ("age", "DataType.double"),
        ("visits", "DataType.long"),
        ("plan", "DataType.string"),
    ]
    assert loaded.metadata.metadata["remuda"]["model"] == "churn@1"
    with pytest.raises(mlflow.exceptions.MlflowException, match="plan"):
        loaded.predict(FRAME[["age", "visits"]])
    example = loaded.input_example
    pd.testing.assert_frame_equal(pd.DataFrame(example), FRAME.head(5), check_dtype=False)
    assert mlflow.onnx.load_model(str(folder)).graph.input[0].name == "age"


def test_arrays_have_a_tensor_signature(ann: Workspace, tmp_path: Path) -> None:
    model, x = forest()
    models.save_model(model, "forest", example=x[:100], inputs=(), workspace=ann)
    loaded = mlflow.pyfunc.load_model(str(models.export("forest", None, tmp_path / "out", workspace=ann)))
    assert loaded.metadata.signature.inputs.inputs[0].shape == (-1, 4)
    assert (loaded.predict(x) == model.predict(x)).all()


def test_it_needs_no_data_access(ann: Workspace, tmp_path: Path) -> None:
    model = pipeline()
    models.save_model(model, "churn", example=FRAME.head(60), inputs=(), workspace=ann)
    folder = models.export("churn", 1, tmp_path / "out", workspace=ann)
    FRAME.to_parquet(tmp_path / "frame.parquet")
    code = (
        "import sys; sys.modules['data_access'] = None\n"
        "import mlflow, pandas\n"
        f"model = mlflow.pyfunc.load_model({str(folder)!r})\n"
        f"print(','.join(model.predict(pandas.read_parquet({str(tmp_path / 'frame.parquet')!r}))))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().split(",") == model.predict(FRAME).tolist()


def test_pickles_leave_only_when_told_to(ann: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def total(frame: Any) -> Any:
        return frame["age"] + frame["visits"]

    models.save_model(total, "total", example=FRAME.head(5), inputs=(), workspace=ann)
    with pytest.raises(DataError) as caught:
        models.export("total", 1, tmp_path / "out", workspace=ann)
    assert caught.value.reason is Reason.UNSAFE_FORMAT
    folder = models.export("total", 1, tmp_path / "out", trust_pickle=True, workspace=ann)
    np.testing.assert_allclose(mlflow.pyfunc.load_model(str(folder)).predict(FRAME), total(FRAME))
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    with pytest.raises(Exception, match="this environment forbids it"):
        mlflow.pyfunc.load_model(str(folder))


def test_the_requirements_are_the_locked_ones(ann: Workspace, tmp_path: Path) -> None:
    kept = models.save_model(pipeline(), "churn", example=FRAME.head(60), inputs=(), workspace=ann)
    folder = models.export("churn", 1, tmp_path / "out", workspace=ann)
    lines = (folder / "requirements.txt").read_text().split()
    assert {f"{each.name}=={each.version}" for each in kept.lock.needed if each.source == "index"} < set(lines)
    assert kept.lock.hashed == 0 or "--hash=sha256:" in (folder / "requirements.lock").read_text()


def test_a_folder_is_the_artifact_itself(ann: Workspace, tmp_path: Path) -> None:
    kept = models.save_model(pipeline(), "churn", example=FRAME.head(60), inputs=(), workspace=ann)
    folder = models.export("churn", 1, tmp_path / "out", "folder", workspace=ann)
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert there == {"manifest.json", *(each.path for each in kept.files)}


def test_what_is_there_is_not_overwritten(ann: Workspace, tmp_path: Path) -> None:
    models.save_model(pipeline(), "churn", example=FRAME.head(60), inputs=(), workspace=ann)
    (tmp_path / "mine").write_text("x")
    with pytest.raises(DataError) as caught:
        models.export("churn", 1, tmp_path, workspace=ann)
    assert caught.value.reason is Reason.ALREADY_THERE
    with pytest.raises(DataError, match="no flavour 'mlfow'"):
        models.export("churn", 1, tmp_path / "out", "mlfow", workspace=ann)
