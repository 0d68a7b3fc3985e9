"""Homes with real environments: a conda channel and a folder of wheels, made once, used without a network."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.environments.channel import LocalChannel, make_channel
from tests.environments.wheels import make_wheels

BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Ran:
    """What a command said."""

    code: int
    out: str
    err: str


@pytest.fixture(scope="session")
def channel(tmp_path_factory: pytest.TempPathFactory) -> LocalChannel:
    folder = tmp_path_factory.mktemp("channel")
    return make_channel(folder / "channel", folder / "scratch")


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_wheels(tmp_path_factory.mktemp("wheels") / "wheels", "ipykernel")
    (folder.parent / "uv.toml").write_text(f'no-index = true\nfind-links = ["{folder}"]\n')
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def environ(home: Path, channel: LocalChannel, wheels: Path) -> dict[str, str]:
    """A person's shell on a machine without a network."""
    return {
        "PATH": f"{BIN}:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "REMUDA_CHANNELS": channel.url,
        "UV_CONFIG_FILE": str(wheels.parent / "uv.toml"),
        **({"LD_LIBRARY_PATH": os.environ["LD_LIBRARY_PATH"]} if "LD_LIBRARY_PATH" in os.environ else {}),
    }


@pytest.fixture
def remuda_env(environ: dict[str, str]) -> Callable[..., Ran]:
    def run(*arguments: str, **more: str) -> Ran:
        done = subprocess.run(
            [BIN / "remuda-env", *arguments],
            env={**environ, **more},
            cwd=environ["HOME"],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    return run
