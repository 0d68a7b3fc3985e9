"""The wheel for people's own environments: the data module, what it needs, and nothing beside it."""

from __future__ import annotations

import importlib.util
import zipfile
from email.message import Message
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[3]
METADATA = """\
Metadata-Version: 2.4
Name: remuda
Version: 0.1.0
Requires-Python: >=3.11
Requires-Dist: pyyaml>=6
Requires-Dist: pyarrow>=20; extra == 'data'
Requires-Dist: tomli; (python_version < '3.11') and extra == 'data'
Requires-Dist: jupyterhub>=6.1; extra == 'hub'
Requires-Dist: pyarrow>=20; extra == "local"
"""


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("data_wheel", ROOT / "images/notebook/data_wheel.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def made(script: ModuleType, tmp_path: Path) -> zipfile.ZipFile:
    project = tmp_path / "remuda-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(project, "w") as wheel:
        for name in ("data_access/__init__.py", "data_access/r/DESCRIPTION", "environments/__init__.py"):
            wheel.writestr(name, f"# {name}\n")
        wheel.writestr("remuda-0.1.0.dist-info/METADATA", METADATA)
        wheel.writestr("remuda-0.1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr("remuda-0.1.0.dist-info/licenses/LICENSE", "BSD")
    return zipfile.ZipFile(script.make(project, tmp_path / "wheels"))


def test_it_has_the_module_and_nothing_else_of_the_project(made: zipfile.ZipFile) -> None:
    packages = {name.partition("/")[0] for name in made.namelist()}
    assert packages == {"data_access", "remuda_data-0.1.0.dist-info"}
    assert made.read("data_access/r/DESCRIPTION") == b"# data_access/r/DESCRIPTION\n"
    assert b"data-access = data_access.cli:main" in made.read("remuda_data-0.1.0.dist-info/entry_points.txt")


def test_it_always_needs_what_the_extra_needs(made: zipfile.ZipFile) -> None:
    lines = made.read("remuda_data-0.1.0.dist-info/METADATA").decode().splitlines()
    needed = [Requirement(line.partition(": ")[2]) for line in lines if line.startswith("Requires-Dist")]
    assert [requirement.name for requirement in needed] == ["pyyaml", "pyarrow", "tomli"]
    assert [requirement.marker is None for requirement in needed] == [True, True, False]
    assert all("extra" not in str(requirement) for requirement in needed)


def test_every_file_is_in_the_record(made: zipfile.ZipFile) -> None:
    record = made.read("remuda_data-0.1.0.dist-info/RECORD").decode().splitlines()
    assert [line.partition(",")[0] for line in record] == made.namelist()


def test_two_builds_are_the_same_bytes(script: ModuleType, made: zipfile.ZipFile, tmp_path: Path) -> None:
    again = script.make(tmp_path / "remuda-0.1.0-py3-none-any.whl", tmp_path / "again")
    assert again.read_bytes() == Path(str(made.filename)).read_bytes()


def test_a_requirement_without_the_projects_extras_is_left_as_it_is(script: ModuleType) -> None:
    metadata = Message()
    metadata["Requires-Dist"] = "pywin32; sys_platform == 'win32'"
    assert script.requirements(metadata) == ["pywin32; sys_platform == 'win32'"]
