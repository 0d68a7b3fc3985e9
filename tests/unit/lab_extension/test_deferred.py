"""Stand-ins for heavy modules: quick while nothing is asked, the real thing as soon as something is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lab_extension.deferred import deferred, late_class, late_function

MODULE = "a_heavy_module_for_tests"


@pytest.fixture
def heavy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / f"{MODULE}.py").write_text(
        "LOADED = True\n"
        "def double(x): return 2 * x\n"
        "class Client:\n"
        "    def __init__(self, url, via=None): self.url, self.via = url, via\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, MODULE, raising=False)
    return MODULE


def test_a_stand_in_leaves_and_never_loads_when_nothing_is_asked(heavy: str) -> None:
    with deferred({heavy: {"GIVEN": 1}}):
        module = __import__(heavy)
        assert module.GIVEN == 1
    assert heavy not in sys.modules


def test_the_first_unknown_attribute_brings_the_real_module(heavy: str) -> None:
    with deferred({heavy: {}}):
        module = __import__(heavy)
        assert module.double(4) == 8
        assert sys.modules[heavy].LOADED
    assert sys.modules[heavy].LOADED
    assert module.double(5) == 10
    del sys.modules[heavy]


def test_an_attribute_that_is_nowhere_is_an_attribute_error(heavy: str) -> None:
    with deferred({heavy: {}, "no_such_module_anywhere": {}}):
        import no_such_module_anywhere  # type: ignore[import-not-found]

        with pytest.raises(AttributeError, match="no_such_module_anywhere"):
            _ = no_such_module_anywhere.thing
        with pytest.raises(ImportError):
            exec(f"from {heavy} import nothing_like_it")
    sys.modules.pop(heavy, None)


def test_a_module_that_is_loaded_is_left_alone() -> None:
    import json

    with deferred({"json": {"loads": None}}):
        assert __import__("json") is json
        assert json.loads("1") == 1


def test_stand_ins_leave_also_when_the_import_fails(heavy: str) -> None:
    with pytest.raises(ZeroDivisionError), deferred({heavy: {}}):
        raise ZeroDivisionError
    assert heavy not in sys.modules


def test_late_functions_and_classes_are_made_when_used(heavy: str) -> None:
    double = late_function(heavy, "double")
    client_class = late_class(heavy, "Client")
    client = client_class("u", via={"http": client_class("proxy")})
    assert heavy not in sys.modules
    assert double(3) == 6
    assert (client.url, client.via["http"].url) == ("u", "proxy")
    assert late_function("no_such_module_anywhere", "f", unless_installed=True)() is True
    with pytest.raises(ImportError):
        late_function("no_such_module_anywhere", "f")()
    sys.modules.pop(heavy, None)


def test_formats_are_still_checked() -> None:
    script = (
        "from lab_extension import imports\n"
        "imports.import_jsonschema()\n"
        "from jsonschema import Draft202012Validator as V\n"
        "def valid(kind, text):\n"
        "    return V({'format': kind}, format_checker=V.FORMAT_CHECKER).is_valid(text)\n"
        "print(valid('uri', 'https://example.org/a'), valid('uri', 'no uri'), valid('uri', 'mailto:a@b.c'),\n"
        "      valid('duration', 'P1D'), valid('duration', 'nope'), valid('date-time', '2026-01-31T09:30:00Z'),\n"
        "      valid('date-time', 'soon'), valid('hostname', 'a.example'), valid('hostname', '-'),\n"
        "      valid('iri', 'a:b'))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["True", "False", "True", "True", "False", "True", "False", "True", "False", "True"]
