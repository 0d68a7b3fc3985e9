"""Nobody waits for a slow home: snapshots are served, and refreshed behind them."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from environments import catalogue as catalogue_module
from environments.catalogue import Catalogue
from environments.discovery import Machine
from environments.kernels import EnvironmentKernels
from tests.unit.environments.test_discovery import conda

X86 = Machine(arch="x86_64")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for number in range(50):
        conda(tmp_path / f"envs/e{number:02}")
    return tmp_path


def test_fifty_environments_are_listed_at_once_when_known(home: Path) -> None:
    catalogue = Catalogue(home, {}, machine=lambda: X86)
    kernels = EnvironmentKernels(catalogue=catalogue, kernel_dirs=[])
    assert len(kernels.all_specs()) >= 50
    began = time.process_time()
    kernels.all_specs()
    assert time.process_time() - began < 0.05


def test_a_home_that_answers_slowly_delays_nobody(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    catalogue = Catalogue(home, {}, machine=lambda: X86)
    assert len(catalogue.current()) == 50
    answers = threading.Event()
    read = catalogue_module.stamp

    def slow(prefix: Path) -> tuple[int, ...]:
        answers.wait()
        return read(prefix)

    monkeypatch.setattr(catalogue_module, "stamp", slow)
    monkeypatch.setattr(catalogue_module, "FRESH_S", 0.0)
    conda(home / "envs/new")
    assert len(catalogue.current()) == 50, "the old snapshot, while the new one is waited for"
    refreshed = catalogue.refresh_in_background()
    answers.set()
    assert refreshed.wait(30)
    assert len(catalogue.current()) == 51


def test_a_failed_look_keeps_the_last_list(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    catalogue = Catalogue(home, {}, machine=lambda: X86)
    assert len(catalogue.current()) == 50

    def broken(_: Path) -> tuple[int, ...]:
        raise RuntimeError("the file system is gone")

    monkeypatch.setattr(catalogue_module, "stamp", broken)
    monkeypatch.setattr(catalogue_module, "FRESH_S", 0.0)
    assert catalogue.refresh_in_background().wait(30)
    assert len(catalogue.current()) == 50


def test_a_kernel_that_cannot_run_is_refused_with_the_remedy(tmp_path: Path) -> None:
    from environments.kernels import EnvironmentUnusable

    conda(tmp_path / "envs/bare", ipykernel=False)
    kernels = EnvironmentKernels(catalogue=Catalogue(tmp_path, {}, machine=lambda: X86))
    assert kernels.all_specs()["env-bare"]["spec"]["metadata"]["remuda"]["usable"] is False
    with pytest.raises(EnvironmentUnusable, match="remuda-env add bare ipykernel"):
        kernels.check_startable("env-bare")
    assert Path(kernels.get_kernel_spec("env-bare").resource_dir, "logo-64x64.png").exists()
