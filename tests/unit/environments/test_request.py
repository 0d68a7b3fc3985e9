"""Names, files, channels and foreign errors, as people meet them."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from environments.export import pins_of_lock
from environments.failures import Failure, failure_from
from environments.request import Request, channels_for, checked_name, mirrors_for, read_request


@pytest.mark.parametrize("name", ["a", "science", "py3.12", "my_env-2", "x" * 64])
def test_names(name: str) -> None:
    assert checked_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../a", "a/b", ".a", "-a", "a b", "a\n", "base", "Root", "envs", "ä", "x" * 65, "a;b", "a$b"],
)
def test_names_that_are_refused(name: str) -> None:
    with pytest.raises(Failure) as caught:
        checked_name(name)
    assert caught.value.reason == "bad-name"


def test_an_environment_file(tmp_path: Path) -> None:
    file = tmp_path / "environment.yml"
    file.write_text(
        "name: x\nchannels: [conda-forge, nodefaults]\nvariables: {A: 1}\n"
        "dependencies:\n - python=3.12\n - numpy>=2\n - pip\n - pip: [requests, 'x==1']\n"
    )
    assert read_request(file) == Request(
        ("python=3.12", "numpy>=2", "pip"), ("requests", "x==1"), ("conda-forge",), (), {"A": "1"}
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [", "line 1 is not valid YAML"),
        ("- a", "no list 'dependencies'"),
        ("dependencies: 5", "no list 'dependencies'"),
        ("dependencies: [{conda: [a]}]", "neither a package nor a 'pip:' list"),
        ("dependencies: [a]\nchannels: conda-forge", "'channels' is not a list"),
    ],
)
def test_files_that_are_refused_say_where(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "environment.yml"
    file.write_text(text)
    with pytest.raises(Failure) as caught:
        read_request(file)
    assert caught.value.reason == "bad-file"
    assert words in str(caught.value)


def test_missing_and_binary_files(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"\xff\xfe\x00")
    for name in ("missing", "x", "."):
        with pytest.raises(Failure, match=r"cannot be read|not a text file"):
            read_request(tmp_path / name)


def test_a_lock_becomes_pins() -> None:
    lines = (
        "https://c.example/forge/linux-64/numpy-2.1.0-py312_0.conda#abc",
        "https://c.example/forge/noarch/a-b-1-0.tar.bz2",
    )
    channels, specs = pins_of_lock(lines)
    assert channels == ("https://c.example/forge",)
    assert specs == ["numpy==2.1.0=py312_0", "a-b==1=0"]
    for bad in ((), ("https://c.example/x.zip",), ("numpy",)):
        with pytest.raises(Failure):
            pins_of_lock(bad)


def test_channels_in_order_of_precedence(tmp_path: Path) -> None:
    asked_in_file = Request((), channels=("from-file",))
    environ = {"REMUDA_CHANNELS": "https://mirror.example/forge, other"}
    assert channels_for(["cli"], asked_in_file, environ, tmp_path) == ("cli",)
    assert channels_for([], asked_in_file, environ, tmp_path) == ("from-file",)
    assert channels_for([], Request(()), environ, tmp_path) == ("https://mirror.example/forge", "other")
    assert channels_for([], Request(()), {}, tmp_path) == ("conda-forge",)
    (tmp_path / ".condarc").write_text("channels: [bioconda, defaults]\nchannel_alias: https://m.example/\n")
    assert channels_for([], Request(()), {}, tmp_path) == ("bioconda",)
    assert mirrors_for({}, tmp_path) == {"https://conda.anaconda.org": ["https://m.example"]}
    (tmp_path / ".condarc").write_text(": not yaml [")
    assert channels_for([], Request(()), {}, tmp_path) == ("conda-forge",)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "home-full"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "home-full"),
        (RuntimeError("failed to link: No space left on device (os error 28)"), "home-full"),
        (OSError(errno.EROFS, "Read-only file system"), "home-read-only"),
        (
            RuntimeError("error sending request for url (https://c.example/forge/repodata.json): dns error"),
            "channel-unreachable",
        ),
        (RuntimeError("HTTP status client error (404 Not Found) for url (https://c.example/x)"), "channel-missing"),
        (RuntimeError("HTTP status client error (403 Forbidden) for url (https://c.example/x)"), "channel-forbidden"),
    ],
)
def test_foreign_errors_in_plain_words(error: Exception, reason: str) -> None:
    failure = failure_from(error, "installing")
    assert failure is not None
    assert failure.reason == reason
    assert failure.remedy


def test_the_cause_of_an_error_counts_too() -> None:
    outer = RuntimeError("installation failed")
    outer.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    failure = failure_from(outer, "installing")
    assert failure is not None
    assert failure.reason == "home-full"
    assert failure_from(ValueError("something else"), "x") is None
