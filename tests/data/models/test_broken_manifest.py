"""One model whose manifest is broken does not hide the others."""

from __future__ import annotations

from pathlib import Path

import pytest

import data_access as api


def test_a_model_that_cannot_be_read_does_not_hide_the_others(tmp_path: Path) -> None:
    workspace = api.connect(metastore=f"sqlite:///{tmp_path}/c.sqlite", warehouse=str(tmp_path / "lake"), user="ann")
    (tmp_path / "weights.txt").write_text("1")
    for name in ("broken", "whole"):
        api.save_model(tmp_path / "weights.txt", name, inputs=(), workspace=workspace)
    manifest = tmp_path / "lake/_models/broken/1/manifest.json"
    manifest.chmod(0o644)
    manifest.write_text("{")
    with pytest.warns(UserWarning, match=r"The model 'broken' is left out: .* is cut off"):
        found = api.models.models(workspace=workspace)
    assert [each.name for each in found] == ["whole"]
