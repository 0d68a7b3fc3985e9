"""A home of its own for the kernels and terminals that tests start."""

from __future__ import annotations

from pathlib import Path

import pytest

import data_access


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in {
        "HOME": str(tmp_path),
        "IPYTHONDIR": str(tmp_path / "ipython"),
        "REMUDA_DATA_METASTORE": f"sqlite:///{tmp_path}/c.sqlite",
        "REMUDA_DATA_WAREHOUSE": str(tmp_path / "lake"),
        "REMUDA_DATA_USER": "ann",
        "PYTHONPATH": str(Path(data_access.__file__).parents[1]),
    }.items():
        monkeypatch.setenv(name, value)
    return tmp_path
