"""Small models on small data, real ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

RNG = np.random.default_rng(7)
FRAME = pd.DataFrame(
    {
        "age": RNG.normal(45, 12, 400).round(1),
        "visits": RNG.integers(0, 30, 400),
        "plan": RNG.choice(["free", "pro", "team"], 400),
    }
)
LEFT = np.where(FRAME["visits"] + (FRAME["plan"] == "free") * 9 > 16, "left", "stays")


def pipeline(c: float = 1.0) -> Any:
    """Columns of three types, text labels."""
    columns = make_column_transformer((StandardScaler(), ["age", "visits"]), (OneHotEncoder(), ["plan"]))
    return make_pipeline(columns, LogisticRegression(C=c)).fit(FRAME, LEFT)


def forest() -> Any:
    """On an array. As ONNX of doubles it answers the first 100 rows alike, and others not: scikit-learn has float32."""
    x = np.random.default_rng(0).normal(size=(500, 4))
    return RandomForestClassifier(20, random_state=0).fit(x, (x[:, 0] + x[:, 1] > 0).astype(int)), x
