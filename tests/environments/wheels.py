"""A folder of wheels made of the packages installed here, so that uv can make environments without an index."""

from __future__ import annotations

import importlib.metadata
import zipfile
from pathlib import Path

from tests.environments.channel import requirements_of


def make_wheels(folder: Path, name: str) -> Path:
    """Wheels of a distribution and all it requires."""
    folder.mkdir(parents=True)
    for each in sorted(requirements_of(name)):
        _wheel(folder, importlib.metadata.distribution(each))
    _tiny_wheel(folder)
    return folder


def _tiny_wheel(folder: Path) -> None:
    """A package that nothing else brings along."""
    info = "tinywheel-3.1.dist-info"
    with zipfile.ZipFile(folder / "tinywheel-3.1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tinywheel.py", "VALUE = 31\n")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tinywheel\nVersion: 3.1\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        names = [*wheel.namelist(), f"{info}/RECORD"]
        wheel.writestr(f"{info}/RECORD", "".join(f"{name},,\n" for name in names))


def _wheel(folder: Path, distribution: importlib.metadata.Distribution) -> None:
    tags = [
        line.split(":")[1].strip() for line in (distribution.read_text("WHEEL") or "").splitlines() if "Tag:" in line
    ]
    files = [file for file in distribution.files or () if ".." not in file.parts and "__pycache__" not in file.parts]
    info = next(file.parts[0] for file in files if file.parts[0].endswith(".dist-info"))
    stem = info.removesuffix(".dist-info")
    with zipfile.ZipFile(folder / f"{stem}-{tags[-1]}.whl", "w", zipfile.ZIP_STORED) as wheel:
        for file in files:
            if file.name not in ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json"):
                wheel.write(str(file.locate()), str(file))
        names = [*wheel.namelist(), f"{info}/RECORD"]
        wheel.writestr(f"{info}/RECORD", "".join(f"{name},,\n" for name in names))
