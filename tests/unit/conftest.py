"""Unit tests reach nothing outside this process's machine: a connection elsewhere is a failure, not a slow pass.

Properties have no deadline, per example or in all: on a busy machine it would measure the machine. `make test-unit`
asks for the profile `quick`; a property that needs a certain number of examples names it, and has it in both.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

_BUSY = [HealthCheck.too_slow]
settings.register_profile("full", deadline=None, suppress_health_check=_BUSY)
settings.register_profile("quick", deadline=None, suppress_health_check=_BUSY, max_examples=10)
settings.load_profile("full")

_real_connect = socket.socket.connect


def _is_loopback(address: Any) -> bool:
    if not isinstance(address, tuple):  # AF_UNIX
        return True
    try:
        return ipaddress.ip_address(address[0].split("%")[0]).is_loopback
    except ValueError:
        return address[0] == "localhost"


@pytest.fixture(scope="module", autouse=True)
def no_network() -> Iterator[None]:
    """For a module at once: made anew for each of some thousand tests it would cost more than many of them."""

    def connect(self: socket.socket, address: Any) -> Any:
        if not _is_loopback(address):
            raise AssertionError(f"a unit test tried to connect to {address!r}; unit tests use no network")
        return _real_connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", connect)
        yield
