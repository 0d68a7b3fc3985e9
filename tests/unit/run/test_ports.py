"""Ports: who is in the way is told by name, and the inner ports move aside by themselves."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tools.run.ports import HOST, any_free_port, choose_ports, holders
from tools.run.steps import CannotRun


@contextmanager
def listening() -> Iterator[int]:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        yield taken.getsockname()[1]


def test_a_taken_public_port_names_port_process_and_remedy(tmp_path: Path):
    with listening() as port, pytest.raises(CannotRun) as raised:
        choose_ports({"PORT": str(port)}, tmp_path / "ports.json")
    assert f"port {port}" in raised.value.problem
    assert f"process {os.getpid()}" in raised.value.problem
    assert f"kill {os.getpid()}" in raised.value.remedy
    assert "make run PORT=" in raised.value.remedy


@pytest.mark.parametrize("variable", ["HUB_PORT", "PROXY_API_PORT"])
def test_an_inner_port_that_was_asked_for_is_not_swapped_silently(tmp_path: Path, variable: str):
    free = any_free_port(set())
    with listening() as port, pytest.raises(CannotRun) as raised:
        choose_ports({"PORT": str(free), variable: str(port)}, tmp_path / "ports.json")
    assert str(port) in raised.value.problem
    assert f"make run {variable}=" in raised.value.remedy


def test_inner_ports_move_aside_when_taken(tmp_path: Path):
    with listening() as taken:
        remembered = tmp_path / "ports.json"
        remembered.write_text(json.dumps({"HUB_PORT": taken}))
        ports = choose_ports({"PORT": str(any_free_port({taken}))}, remembered)
    assert taken not in {ports.hub, ports.proxy_api}
    assert len({ports.public, ports.hub, ports.proxy_api}) == 3


def test_the_inner_ports_of_the_last_start_are_taken_again(tmp_path: Path):
    """Servers that survived a crash know the Hub under its old port."""
    remembered = tmp_path / "ports.json"
    hub = any_free_port(set())
    api = any_free_port({hub})
    remembered.write_text(json.dumps({"HUB_PORT": hub, "PROXY_API_PORT": api}))
    ports = choose_ports({"PORT": str(any_free_port({hub, api}))}, remembered)
    assert (ports.hub, ports.proxy_api) == (hub, api)


@pytest.mark.parametrize("text", ["eighty", "0", "70000", "-1"])
def test_what_is_no_port_is_said_to_be_none(tmp_path: Path, text: str):
    with pytest.raises(CannotRun, match=r"is not a port"):
        choose_ports({"PORT": text}, tmp_path / "ports.json")


def test_three_roles_need_three_ports(tmp_path: Path):
    free = str(any_free_port(set()))
    with pytest.raises(CannotRun, match="must differ"):
        choose_ports({"PORT": free, "HUB_PORT": free}, tmp_path / "ports.json")


def test_garbage_in_the_remembered_ports_is_ignored(tmp_path: Path):
    remembered = tmp_path / "ports.json"
    remembered.write_text("{half a")
    assert choose_ports({"PORT": str(any_free_port(set()))}, remembered).hub


def test_nobody_holds_a_free_port():
    assert list(holders(any_free_port(set()))) == []
