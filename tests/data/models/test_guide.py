"""docs/how-to/keep-models.md, run as it is written."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import mlflow
import pytest

from data_access import configure, workspace

PAGE = Path(__file__).resolve().parents[3] / "docs/how-to/keep-models.md"


def test_the_guide_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(workspace, "_current", None)
    configure(
        metastore=f"sqlite://{tmp_path}/catalog.sqlite", warehouse=str(tmp_path / "lake"), user="ann", progress=False
    )
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(blocks) == 6
    names: dict[str, Any] = {}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)
    assert names["kept"].format == "onnx"
    assert [str(each.anchor.table) for each in names["kept"].inputs] == ["sandbox_ann.visits"]
    assert all(each.pin for each in names["kept"].inputs)
    assert names["report"].ok
    answer = mlflow.pyfunc.load_model("buyers-mlflow").predict(names["inputs"])
    assert (answer == names["model"].predict(names["inputs"])).all()
