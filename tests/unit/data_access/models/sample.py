"""A version to start from, and one way to change it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from data_access.models.artifact import (
    ArtifactFile,
    Distribution,
    EnvironmentLock,
    ExampleRecord,
    Field,
    InputRecord,
    ModelVersion,
)
from data_access.tables.model import Anchor, Code, Environment

ANCHOR = Anchor.parse("sales.orders@42:01JDB0000000000000000000A1")

VERSION = ModelVersion(
    name="churn",
    version=3,
    id="01JDB0000000000000000000B2",
    at=datetime(2026, 11, 20, 8, 30, 0, 123456, tzinfo=UTC),
    by="ann",
    model_class="sklearn.linear_model._logistic.LogisticRegression",
    format="onnx",
    risk=None,
    options={"layout": {"single": True, "columns": ["a"], "types": ["double"]}, "outputs": {"predict": "label"}},
    files=(ArtifactFile("model/model.onnx", 1234, "ab" * 32), ArtifactFile("example/input.parquet", 10, "cd" * 32)),
    refused={"xgboost": "it is none"},
    example=ExampleRecord(
        rows=5,
        methods=("predict", "predict_proba"),
        how={"kind": "pandas"},
        input=(Field("a", "double"),),
        output=(Field("predict", "int64"),),
        tolerance=1e-5,
        deviation=2.5e-16,
    ),
    metrics={"auc": 0.9, "loss": float("inf")},
    params={"C": 1.0, "solver": "lbfgs", "nested": {"x": [1, None]}},
    tags={"team": "retention"},
    notes="ünïcode — and\nlines",
    seed=7,
    inputs=(InputRecord(ANCHOR, "01JDB0000000000000000000C3"),),
    parent="churn@2",
    code=Code(git_commit="f" * 40, dirty_diff="e" * 64),
    environment=Environment("3.11.7", "linux", "image@sha256:1", {"numpy": "2.0"}, "0.1.0"),
    lock=EnvironmentLock(
        "3.11.7",
        "linux x86_64",
        (
            Distribution("numpy", "2.0", "11" * 32, "index", True),
            Distribution("ours", "0.1", None, "editable", False),
        ),
        1,
        {"ours": "installed from a working folder"},
    ),
)


def other(**changes: Any) -> ModelVersion:
    return replace(VERSION, **changes)
