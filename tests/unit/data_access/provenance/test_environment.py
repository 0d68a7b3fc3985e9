"""What is installed, read from folders' names."""

from __future__ import annotations

import os
import sys
from importlib import metadata
from pathlib import Path

import pytest

from data_access import provenance
from data_access.provenance.packages import image, installed
from data_access.provenance.reconstruction import Difference, differences
from data_access.tables.model import Environment


def test_the_same_as_importlib_metadata_says() -> None:
    said = {}
    for each in metadata.distributions():
        said.setdefault(each.name.lower().replace("_", "-").replace(".", "-"), each.version)
    found = provenance.environment().packages
    assert {name: found[name] for name in ("pandas", "pyarrow", "typing-extensions")} == {
        name: said[name] for name in ("pandas", "pyarrow", "typing-extensions")
    }
    assert set(found) == set(said)
    assert provenance.environment().python == sys.version.split()[0]


def test_the_first_on_the_path_counts_and_an_install_is_seen(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder, version in ((first, "2.0"), (second, "1.0")):
        (folder / f"Some_Package-{version}.dist-info").mkdir(parents=True)
    egg = second / "old.egg-info"
    egg.mkdir()
    (egg / "PKG-INFO").write_text("Metadata-Version: 1.0\nName: old\nVersion: 0.3\n")
    path = [str(first), str(second), str(tmp_path / "none.zip")]
    assert installed(path) == {"old": "0.3", "some-package": "2.0"}
    (first / "more-1.0+local.dist-info").mkdir()
    os.utime(first, ns=(1, 1))
    assert installed(path)["more"] == "1.0+local"


def test_the_most_exact_word_for_the_image() -> None:
    assert image({"JUPYTER_IMAGE": "a", "JUPYTER_IMAGE_SPEC": "b"}) == "b"
    assert image({"REMUDA_IMAGE": "c", "JUPYTER_IMAGE": "a"}) == "c"
    assert image({"JUPYTER_IMAGE": ""}) is None


def test_differences() -> None:
    then = Environment("3.11.1", "Linux", "image:1", {"a": "1", "b": "1", "gone": "1"})
    now = Environment("3.12.0", "Linux", None, {"a": "2", "b": "1", "new": "1"})
    assert differences(then, now) == (
        Difference("python", "3.11.1", "3.12.0"),
        Difference("image", "image:1", None),
        Difference("a", "1", "2"),
        Difference("gone", "1", None),
        Difference("new", None, "1"),
    )
    assert differences(then, then) == ()


@pytest.mark.parametrize("broken", ["", "nothing-here", "/proc/self/mem"])
def test_a_strange_path_is_no_error(broken: str) -> None:
    assert isinstance(installed([broken]), dict)
