"""A file or a folder, kept as it is."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .example import Example
from .refusal import Refusal


def save(model: Any, folder: Path, example: Example | None) -> dict[str, Any]:
    """Raises Refusal: there is no such file, or nothing in the folder."""
    source = Path(model).expanduser()
    if source.is_dir():
        shutil.copytree(source, folder, dirs_exist_ok=True)
        if not any(path.is_file() for path in folder.rglob("*")):
            raise Refusal(f"{source} holds no file")
        return {"file": None}
    if not source.is_file():
        raise Refusal(f"{source} does not exist")
    shutil.copyfile(source, folder / source.name)
    return {"file": source.name}


def load(folder: Path, options: Mapping[str, Any]) -> Path:
    """The folder, or the file in it."""
    return folder / options["file"] if options["file"] else folder
