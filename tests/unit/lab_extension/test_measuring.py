"""What a machine uses: from files of a cgroup, from processes, from the GPUs' driver, and added up."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from lab_extension.machine import activity_interval
from lab_extension.measuring.cgroup import container_reader
from lab_extension.measuring.gpus import NoGpus, Nvml
from lab_extension.measuring.processes import ProcessTree
from lab_extension.measuring.reading import GpuReading, Reading
from lab_extension.measuring.report import report_url
from lab_extension.measuring.sampler import Sampler
from lab_extension.measuring.tally import Tally

MIB = 2**20


def test_a_cgroup_of_version_2(tmp_path: Path) -> None:
    (tmp_path / "memory.current").write_text(f"{900 * MIB}\n")
    (tmp_path / "memory.stat").write_text(f"anon {500 * MIB}\nfile {400 * MIB}\ninactive_file {300 * MIB}\n")
    (tmp_path / "cpu.stat").write_text("usage_usec 12500000\nuser_usec 12000000\nsystem_usec 500000\n")
    read = container_reader(tmp_path)
    assert read is not None
    assert read() == Reading(12.5, 600 * MIB), "the working set: inactive cache is nobody's need"


@pytest.mark.parametrize("cpu", ["cpuacct", "cpu,cpuacct"])
def test_a_cgroup_of_version_1(tmp_path: Path, cpu: str) -> None:
    for folder in ("memory", cpu):
        (tmp_path / folder).mkdir()
    (tmp_path / "memory/memory.usage_in_bytes").write_text(f"{900 * MIB}\n")
    (tmp_path / "memory/memory.stat").write_text(f"inactive_file 1\ntotal_inactive_file {300 * MIB}\n")
    (tmp_path / cpu / "cpuacct.usage").write_text("12500000000\n")
    read = container_reader(tmp_path)
    assert read is not None
    assert read() == Reading(12.5, 600 * MIB)


def test_no_cgroup_to_read(tmp_path: Path) -> None:
    (tmp_path / "memory.current").write_text("max\n")
    assert container_reader(tmp_path) is None


BURN = (
    "import time; kept = bytearray(64 * 2**20); end = time.process_time() + 0.5\n"
    "while time.process_time() < end: pass\n"
)


def test_processes_count_while_they_live_and_after(tmp_path: Path) -> None:
    """A shell starts a program and waits for it: its half second stays counted when it has ended."""
    shell = subprocess.Popen(["/bin/sh", "-c", f'{sys.executable} -c "{BURN}print()"; read end'], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE)
    try:
        tree, most = ProcessTree(shell.pid), 0
        reader = threading.Thread(target=shell.stdout.readline)  # type: ignore[union-attr]
        reader.start()
        while reader.is_alive():
            most = max(most, tree.read().memory)
            reader.join(0.02)
        used = _until(lambda: tree.read().cpu_s, at_least=0.5)
        assert 0.5 <= used < 3
        assert most > 64 * MIB
    finally:
        shell.communicate(b"\n", timeout=60)


def _until(what: object, at_least: float) -> float:
    deadline = time.monotonic() + 60
    while (value := what()) < at_least and time.monotonic() < deadline:  # type: ignore[operator]
        threading.Event().wait(0.02)
    return float(value)


NVML = """
#include <stdlib.h>
static unsigned of(const char *name) { const char *text = getenv(name); return text ? atoi(text) : 0; }
int nvmlInit_v2(void) { return 0; }
int nvmlDeviceGetCount_v2(unsigned *n) { *n = of("GPUS"); return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned i, void **device) { *device = (void *)(long)(i + 1); return 0; }
struct rates { unsigned gpu, memory; };
int nvmlDeviceGetUtilizationRates(void *device, struct rates *r) {
  if (of("MIG")) return 3;
  r->gpu = (long)device == 1 ? of("GPU_BUSY") : 0; r->memory = 0; return 0;
}
struct memory { unsigned long long total, free, used; };
int nvmlDeviceGetMemoryInfo(void *device, struct memory *m) {
  m->total = 80ull << 30; m->used = (500ull + of("GPU_MIB")) << 20; m->free = m->total - m->used; return 0;
}
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A driver with the functions and structures of NVIDIA's, which does what the environment says."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("needs a C compiler")
    source = tmp_path_factory.mktemp("nvml") / "nvml.c"
    source.write_text(NVML)
    made = source.with_suffix(".so")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", made, source], check=True, timeout=60)
    return str(made)


def test_gpus_say_what_they_do(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPUS", "2")
    gpus = Nvml(library)
    assert gpus.read() == GpuReading(2, 0, 0.0, 0.0), "what the driver keeps for itself is nobody's use"
    monkeypatch.setenv("GPU_BUSY", "40")
    monkeypatch.setenv("GPU_MIB", "1000")
    assert gpus.read() == GpuReading(2, 2000 * MIB, 0.4, 0.4)
    monkeypatch.setenv("MIG", "1")
    assert gpus.read() == GpuReading(2, 2000 * MIB), "a slice has no figure of its own for its time"


def test_no_gpus(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPUS", "0")
    with pytest.raises(NoGpus):
        Nvml(library)
    with pytest.raises(NoGpus):
        Nvml("libnvidia-ml-that-nobody-has.so.1")


def steps(*cores: float, every_s: float = 2.0, gpus: GpuReading | None = None) -> Tally:
    """One reading more than there are `cores`: what was used between each two of them."""
    tally, at_s, cpu_s = Tally(), 100.0, 7.0
    tally.add(at_s, Reading(cpu_s, MIB), gpus, 10)
    for each in cores:
        at_s, cpu_s = at_s + every_s, cpu_s + each * every_s
        tally.add(at_s, Reading(cpu_s, MIB), gpus, 10)
    return tally


def test_what_was_used_adds_up() -> None:
    figures = steps(*[1.0] * 60, *[3.0] * 30, *[0.0] * 60).figures
    assert (figures.covered_s, figures.cpu_s) == (300, 300)
    assert figures.peak_cores == 3
    assert figures.sustained_cores == pytest.approx(3)
    assert figures.memory_peak == MIB


def test_a_burst_of_seconds_is_no_sustained_use() -> None:
    figures = steps(*[0.1] * 60, *[8.0] * 3, *[0.1] * 60).figures
    assert figures.peak_cores == pytest.approx(8)
    assert figures.sustained_cores == pytest.approx((8 * 6 + 0.1 * 54) / 60)


def test_less_than_a_minute_sustains_nothing() -> None:
    assert steps(*[4.0] * 29).figures.sustained_cores == 0


def test_a_gap_was_not_measured_and_breaks_the_minute() -> None:
    tally = Tally()
    for at_s, cpu_s in ((0, 0), (2, 2), (4000, 1000), (4002, 1001)):
        tally.add(at_s, Reading(cpu_s, at_s), None, 10)
    figures = tally.figures
    assert (figures.covered_s, figures.cpu_s, figures.peak_cores) == (4, 3, 1)
    assert figures.memory_peak == 4002


def test_a_clock_or_count_that_turns_back_takes_nothing_away() -> None:
    tally = Tally()
    for at_s, cpu_s in ((10, 5), (12, 6), (11, 7), (13, 3), (15, 4)):
        tally.add(at_s, Reading(cpu_s, 0), None, 10)
    assert (tally.figures.covered_s, tally.figures.cpu_s) == (6, 2)


@pytest.mark.parametrize(("busy", "works"), [(0.0, False), (0.03, False), (0.06, True), (1.0, True), (None, False)])
def test_gpus_at_work(busy: float | None, works: bool) -> None:
    tally = steps(*[0.0] * 40, gpus=GpuReading(1, 5 * MIB, busy, busy))
    assert tally.gpu_works is works
    assert tally.figures.gpu_busy_s == pytest.approx(80 * (busy or 0))
    assert tally.figures.gpu_covered_s == (80 if busy is not None else 0)
    assert (tally.figures.gpus, tally.figures.gpu_memory_peak) == (1, 5 * MIB)


def test_looking_costs_next_to_nothing() -> None:
    """However often it may look: looks that are dear become rare."""
    sampler, begun_s = Sampler(ProcessTree().read, every_s=0.001), time.monotonic()
    sampler.start()
    _until(lambda: sampler.figures()["covered_s"], at_least=1.0)
    share = sampler.cost_s / (time.monotonic() - begun_s)
    sampler.stop()
    assert share < 0.01, "of a core, over the first looks; a thousandth in the long run"


def test_where_reports_go() -> None:
    hub = {"JUPYTERHUB_API_URL": "http://hub:8081/hub/api", "JUPYTERHUB_USER": "ada@example.org"}
    assert report_url(hub) == "http://hub:8081/hub/api/remuda/measured/ada@example.org"
    assert report_url({**hub, "JUPYTERHUB_SERVER_NAME": "my gpu"}).endswith("/measured/ada@example.org/my%20gpu")
    assert not report_url({})


@pytest.mark.parametrize(
    ("machine", "seconds"),
    [
        ("", 300),
        ('{"idle_timeout_s": null, "a": 1}', 300),
        ('{"idle_timeout_s": 3600}', 300),
        ('{"idle_timeout_s": 180}', 60),
        ('{"idle_timeout_s": 10}', 15),
    ],
)
def test_activity_is_told_often_enough_for_the_idle_limit(machine: str, seconds: int) -> None:
    assert activity_interval(300, {"REMUDA_MACHINE": machine}) == seconds
