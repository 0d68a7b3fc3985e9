"""Keras' own format (loaded in its safe mode), and TensorFlow's SavedModel (a program: trusted like a pickle)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .example import Example

FILE, PROGRAM = "model.keras", "saved_model"


def save(model: Any, folder: Path, example: Example | None) -> dict[str, Any]:
    model.save(folder / FILE)
    return {}


def load(folder: Path, options: Mapping[str, Any]) -> Any:
    import keras

    return keras.models.load_model(folder / FILE, safe_mode=True)


def save_program(model: Any, folder: Path, example: Example | None) -> dict[str, Any]:
    import tensorflow

    tensorflow.saved_model.save(model, str(folder / PROGRAM))
    return {}


def load_program(folder: Path, options: Mapping[str, Any]) -> Any:
    import tensorflow

    return tensorflow.saved_model.load(str(folder / PROGRAM))
