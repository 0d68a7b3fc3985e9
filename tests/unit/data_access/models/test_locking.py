"""The lock: what is needed, what it says, and what of uv's words is understood."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_access.models import installed, locking, uv
from data_access.models.artifact import Distribution, EnvironmentLock

_WORD = st.text("abcxyz019", min_size=1, max_size=5)
_NAMES = st.builds("-".join, st.lists(_WORD, min_size=1, max_size=2))
_VERSIONS = st.builds(
    "{}.{}{}".format, st.integers(0, 99), st.integers(0, 99), st.sampled_from(["", "rc1", "+cpu", ".0"])
)
_HASHES = st.lists(st.binary(min_size=32, max_size=32).map(lambda raw: f"sha256:{raw.hex()}"), max_size=3).map(tuple)


@given(st.dictionaries(st.tuples(_NAMES, _VERSIONS), _HASHES, max_size=5))
def test_locks_go_round(entries: dict[tuple[str, str], tuple[str, ...]]) -> None:
    assert locking.parse("# a head\n" + locking.write(entries)) == entries


def test_what_the_model_needs_is_found_through_requirements() -> None:
    requires = {
        "scikit-learn": ("numpy>=1.24", "scipy (>=1.10)", "matplotlib; extra == 'plotting'"),
        "scipy": ("numpy<3,>=1.26",),
        "numpy": (),
        "matplotlib": (),
        "a": ("b[x]>=1; python_version > '3'",),
        "b": ("A",),
    }
    assert installed.closure(["scikit-learn", "gone"], requires) == {"scikit-learn", "scipy", "numpy"}
    assert installed.closure(["a"], requires) == {"a", "b"}


RECORD = """numpy/__init__.py,sha256=aaa,12
"numpy/a,b.py",sha256=ccc,1
../../../bin/f2py,sha256=bbb,1
numpy-2.0.dist-info/METADATA,sha256=ddd,1
numpy-2.0.dist-info/RECORD,,
numpy-2.0.dist-info/INSTALLER,sha256=eee,2
numpy-2.0.dist-info/direct_url.json,sha256=fff,2
numpy/__pycache__/x.cpython-311.pyc,,
"""


def test_the_content_does_not_depend_on_the_installer() -> None:
    content = installed.content_of(RECORD)
    by_pip = RECORD.replace("sha256=eee", "sha256=pip").replace("sha256=bbb", "sha256=other")
    assert installed.content_of("\n".join(reversed(by_pip.splitlines()))) == content
    assert installed.content_of(RECORD.replace("sha256=ccc", "sha256=patched")) != content
    assert installed.content_of("") is None


@pytest.mark.parametrize(
    ("direct", "source"),
    [
        (None, "index"),
        ('{"url": "file:///x", "dir_info": {"editable": true}}', "editable"),
        ('{"url": "file:///x.whl", "archive_info": {}}', "local"),
        ('{"url": "https://host/x.whl"}', "url"),
        ("no json", "url"),
    ],
)
def test_where_a_package_came_from(direct: str | None, source: str) -> None:
    assert installed.source_of(direct) == source


SAID = """error: No solution found when resolving dependencies
  cause: Because our_lib was not found in the package registry and you require our-lib==1.0, we can conclude that …
"""


def test_uv_says_which_package_is_unknown() -> None:
    assert locking.unknown_in(SAID, {"our-lib", "numpy"}) == ["our-lib"]
    gone = "  cause: Because there is no version of pandas==99.1 and you require pandas==99.1, …"
    assert locking.unknown_in(gone, {"pandas"}) == ["pandas"]
    assert locking.unknown_in(gone, {"numpy"}) == []


def test_uv_errors_hold_no_credentials() -> None:
    error = uv.UvError("error: Request failed\n  cause: Failed to fetch: https://ann:s3cret@index.example/simple/x/")
    assert "s3cret" not in str(error) + error.sentence
    assert error.sentence == "Failed to fetch: https://index.example/simple/x/"
    assert error.offline
    assert not uv.UvError(SAID).offline


def _lock() -> EnvironmentLock:
    return EnvironmentLock(
        "3.11.7",
        "linux x86_64",
        (
            Distribution("numpy", "2.0", "aa", "index", True),
            Distribution("rich", "1.0", "bb", "index", False),
            Distribution("ours", "0.1", None, "editable", True),
        ),
        1,
        {"ours": "installed from a working folder"},
    )


def test_a_fresh_environment_gets_what_is_needed_or_all() -> None:
    text = locking.write({("numpy", "2.0"): ("sha256:1",), ("rich", "1.0"): ()})
    assert locking.chosen(_lock(), text, everything=False) == {("numpy", "2.0"): ("sha256:1",)}
    assert locking.chosen(_lock(), text, everything=True) == {("numpy", "2.0"): ("sha256:1",), ("rich", "1.0"): ()}


def test_portable_needs_nothing_of_data_access(tmp_path: Path) -> None:
    """A copy under another name imports all of itself where there is no data_access."""
    import shutil

    from data_access.models import portable

    shutil.copytree(Path(portable.__file__).parent, tmp_path / "elsewhere")
    modules = sorted(path.stem for path in (tmp_path / "elsewhere").glob("*.py") if path.stem != "__init__")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); sys.modules['data_access'] = None; import importlib\n"
        f"for each in {modules!r}: importlib.import_module('elsewhere.' + each)\n"
        "assert not {'pandas', 'sklearn', 'torch', 'onnxruntime'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
