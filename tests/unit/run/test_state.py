"""What `make run` keeps: secrets for their owner alone, nothing overwritten, one Hub at a time."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from hub_extensions.secret_files import read_secrets
from hub_extensions.settings_file import read_settings
from tools.run.ports import Ports
from tools.run.proxy import find_node, node_major, npm_of
from tools.run.serve import command_of, stop_leftover_proxy
from tools.run.state import State
from tools.run.steps import CannotRun

PORTS = Ports(8000, 8081, 8001)


def test_first_settings_and_secrets_are_readable_by_the_hub(tmp_path: Path):
    state = State(tmp_path / "local")
    os.close(state.claim())
    logins = state.prepare()
    state.write_this_start(PORTS, ["node", "proxy"])
    settings = read_settings(f"{state.settings}{os.pathsep}{state.this_start}")
    assert settings.mode == "local"
    assert settings.hub.internal_url == "http://127.0.0.1:8081"
    assert settings.proxy.command == ["node", "proxy"]
    passwords = read_secrets(str(state.secrets)).traits["SharedPasswordAuthenticator"]
    assert passwords == {"user_password": logins.user_password, "admin_password": logins.admin_password}
    assert len(logins.user_password) >= 8
    assert len(logins.admin_password) >= 32  # JupyterHub refuses shorter ones


def test_secrets_are_for_their_owner_alone_whatever_the_umask(tmp_path: Path):
    state = State(tmp_path / "local")
    before = os.umask(0)
    try:
        os.close(state.claim())
        state.prepare()
    finally:
        os.umask(before)
    files = list(state.secrets.iterdir())
    assert files
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE(state.secrets.stat().st_mode) == 0o700


def test_a_second_start_changes_no_login_and_no_settings(tmp_path: Path):
    state = State(tmp_path / "local")
    os.close(state.claim())
    first = state.prepare()
    state.settings.write_text("mode: local\n# mine\n")
    assert state.prepare() == first
    assert "# mine" in state.settings.read_text()


def test_only_one_hub_per_folder(tmp_path: Path):
    state = State(tmp_path / "local")
    lock = state.claim()
    os.pwrite(lock, b"4711 http://127.0.0.1:8000", 0)
    with pytest.raises(CannotRun) as raised:
        state.claim()
    assert "4711 http://127.0.0.1:8000" in raised.value.problem
    assert "kill 4711" in raised.value.remedy
    os.close(lock)
    os.close(state.claim())


def test_a_process_that_is_no_proxy_is_never_ended(tmp_path: Path):
    """The number in the file may belong to anybody by now; here it is this test itself."""
    pid_file = tmp_path / "proxy.pid"
    pid_file.write_text(str(os.getpid()))
    stop_leftover_proxy(pid_file)
    assert not pid_file.exists()
    assert command_of(os.getpid())


def test_an_old_node_on_path_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    import sys

    old = tmp_path / "node"
    old.write_text("#!/bin/sh\necho v12.22.9\n")
    old.chmod(0o755)
    (tmp_path / "npm").write_text("#!/bin/sh\n")
    (tmp_path / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert node_major(str(old)) == 12
    node = find_node(Path(sys.executable))
    assert node != str(old)
    assert node_major(node) >= 20
    assert Path(npm_of(node)[1]).name == "npm-cli.js"
