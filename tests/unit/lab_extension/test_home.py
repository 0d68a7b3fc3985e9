"""A home that is full, read-only or not ours: what is noticed and what is done."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from lab_extension import home as home_module
from lab_extension.home import keep_files_elsewhere, tell_kubernetes, trouble_with, usage
from lab_extension.singleuser import open_port, prepare_home
from tools.servers.process import free_port


def file_system(free: int, total: int = 10 * 1024**3) -> SimpleNamespace:
    return SimpleNamespace(f_blocks=total, f_bfree=free, f_bavail=free, f_frsize=1)


def test_a_home_with_room_is_no_trouble(tmp_path: Path) -> None:
    assert trouble_with(tmp_path) is None
    assert list(tmp_path.iterdir()) == []
    space = usage(tmp_path)
    assert space is not None
    assert 0 < space.free <= space.total


def test_a_full_home_is_told_in_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home_module.os, "statvfs", lambda _: file_system(free=10 * 1024**2))
    trouble = trouble_with(tmp_path)
    assert trouble is not None
    assert trouble.reason == "home-full"
    assert trouble.sentence == "Your home is full: 9.99 of 10.00 GiB used."
    assert "remuda-env remove" in trouble.remedy
    assert len(trouble.notice) <= 140, "Lab cuts longer ones"


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.ENOSPC, "home-full"),
        (errno.EDQUOT, "home-full"),
        (errno.EROFS, "home-read-only"),
        (errno.EACCES, "home-not-writable"),
    ],
)
def test_what_writing_says_counts_more_than_what_df_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, reason: str
) -> None:
    def refuse(**_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(home_module.tempfile, "TemporaryFile", refuse)
    trouble = trouble_with(tmp_path)
    assert trouble is not None
    assert trouble.reason == reason
    assert trouble.sentence
    assert trouble.remedy


def test_a_home_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    trouble = trouble_with(tmp_path / "missing")
    assert trouble is not None
    assert trouble.reason == "home-not-writable"


def test_files_are_kept_elsewhere_and_the_home_is_still_read(tmp_path: Path) -> None:
    environ = {"JUPYTER_PATH": "/opt/share"}
    folder = keep_files_elsewhere(environ, tmp_path, minimal=False)
    assert Path(environ["JUPYTER_RUNTIME_DIR"]).is_dir()
    assert Path(environ["JUPYTER_DATA_DIR"]).is_relative_to(folder)
    assert environ["JUPYTER_PATH"] == f"/opt/share:{tmp_path}/.local/share/jupyter"
    assert "JUPYTERHUB_DISABLE_USER_CONFIG" not in environ
    assert not folder.is_relative_to(tmp_path)
    assert folder.stat().st_mode & 0o077 == 0


def test_a_rescue_reads_nothing_of_the_persons_own(tmp_path: Path) -> None:
    environ: dict[str, str] = {}
    folder = keep_files_elsewhere(environ, tmp_path, minimal=True)
    assert "JUPYTER_PATH" not in environ
    assert environ["JUPYTERHUB_DISABLE_USER_CONFIG"] == environ["PYTHONNOUSERSITE"] == "1"
    assert Path(environ["JUPYTER_CONFIG_DIR"]).is_relative_to(folder)


@pytest.mark.parametrize(("value", "moved"), [("1", True), ("0", False), ("", False)])
def test_a_rescue_is_asked_for_by_the_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str, moved: bool
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("REMUDA_RESCUE", value)
    for name in (
        "JUPYTER_RUNTIME_DIR",
        "JUPYTER_DATA_DIR",
        "JUPYTER_CONFIG_DIR",
        "JUPYTERLAB_SETTINGS_DIR",
        "JUPYTERLAB_WORKSPACES_DIR",
        "IPYTHONDIR",
        "JUPYTERHUB_DISABLE_USER_CONFIG",
        "PYTHONNOUSERSITE",
    ):
        monkeypatch.setenv(name, "before")
    assert prepare_home() is None
    assert (os.environ["JUPYTER_CONFIG_DIR"] != "before") is moved


def test_kubernetes_is_told_where_it_listens(tmp_path: Path) -> None:
    trouble = home_module.Trouble("home-full", "It is full.", "Make room.")
    log = tmp_path / "termination-log"
    tell_kubernetes(trouble, log)
    assert not log.exists()
    log.touch()
    tell_kubernetes(trouble, log)
    assert log.read_text() == "home-full: It is full. Make room."


def test_the_port_opens_where_the_hub_will_look() -> None:
    port = free_port()
    sockets = open_port(f"http://127.0.0.1:{port}/user/a/", [])
    assert {each.getsockname()[:2] for each in sockets} == {("127.0.0.1", port)}
    assert open_port(f"http://127.0.0.1:{port}/", []) == [], "taken: left to the server, which explains it"
    for each in sockets:
        each.close()
    assert open_port(f"http://127.0.0.1:{port}/", ["--port=9999"]) == []
    assert open_port("", []) == []
    assert open_port("http://[bad", []) == []
