"""A Docker engine that answers: the one that runs, else the one that is installed, else (root on Debian) Debian's."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from tools.cluster.command import Commands
from tools.cluster.errors import ClusterError
from tools.cluster.settings import Settings

CAP_SYS_RESOURCE = 24
KERNEL_LIMITS = {"fs.inotify.max_user_instances": 512, "fs.inotify.max_user_watches": 524288}
SHIM = Path(__file__).with_name("files") / "runc-available-caps"
SHIM_PLACE = Path("/usr/local/bin/runc-available-caps")
DAEMON_CONFIG = Path("/etc/docker/daemon.json")
REMEDY = (
    "Start Docker (systemctl start docker, or Docker Desktop) or install it, then run the command again. "
    "As root on Debian or Ubuntu this tool installs the docker.io package itself."
)


def lacks_capability(status: str, bit: int) -> bool:
    """Whether the bounding set in the text of /proc/self/status is without the capability of that number."""
    for line in status.splitlines():
        if line.startswith("CapBnd:"):
            return not int(line.split()[1], 16) >> bit & 1
    return False


def too_low(limits: Mapping[str, int]) -> dict[str, int]:
    """PURE: the kernel limits that four nodes would exceed, with the value that is enough."""
    return {name: wanted for name, wanted in KERNEL_LIMITS.items() if name in limits and limits[name] < wanted}


def raise_limits() -> str:
    """kubelet, containerd and systemd of all nodes share the host's inotify; past its limit a node never registers."""
    places = {name: Path("/proc/sys") / name.replace(".", "/") for name in KERNEL_LIMITS}
    low = too_low({name: int(place.read_text()) for name, place in places.items() if place.exists()})
    for name, wanted in low.items():
        try:
            places[name].write_text(str(wanted))
        except OSError as error:
            raise ClusterError(
                f"The kernel limit {name} is too low for four Kubernetes nodes on one computer.",
                f"As root: sysctl -w {name}={wanted}",
            ) from error
    return f"; raised {', '.join(low)}" if low else ""


def ensure(settings: Settings, commands: Commands) -> str:
    """Returns what was done; ClusterError when there is no engine and none can be had."""
    return _ensure_engine(settings, commands) + raise_limits()


def _ensure_engine(settings: Settings, commands: Commands) -> str:
    if answers(commands):
        return "running"
    done = "started"
    if shutil.which("dockerd") is None:
        _install(commands)
        done = "installed and started"
    _configure_runtime()
    _start(settings, commands)
    return done


def answers(commands: Commands) -> bool:
    return commands.succeeds("docker", "info", timeout=20)


def _install(commands: Commands) -> None:
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise ClusterError("No Docker engine answers on this computer.", REMEDY)
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    commands.run("apt-get", "update", "-qq", env=quiet)
    commands.run("apt-get", "install", "-y", "-qq", "--no-install-recommends", "docker.io", "iptables", env=quiet)


def _configure_runtime() -> None:
    """Only where the host cannot grant --privileged in full, and never over somebody's own configuration."""
    if not lacks_capability(Path("/proc/self/status").read_text(), CAP_SYS_RESOURCE) or DAEMON_CONFIG.exists():
        return
    if os.geteuid() != 0:
        raise ClusterError("This host lacks CAP_SYS_RESOURCE and the engine is not set up for that.", REMEDY)
    shutil.copyfile(SHIM, SHIM_PLACE)
    SHIM_PLACE.chmod(0o755)
    DAEMON_CONFIG.parent.mkdir(parents=True, exist_ok=True)
    config = {"runtimes": {"available-caps": {"path": str(SHIM_PLACE)}}, "default-runtime": "available-caps"}
    DAEMON_CONFIG.write_text(json.dumps(config, indent=2) + "\n")


def _start(settings: Settings, commands: Commands) -> None:
    if os.geteuid() != 0:
        raise ClusterError("Docker is installed, but its engine does not answer.", REMEDY)
    log = settings.cache / "dockerd.log"
    if Path("/run/systemd/system").exists():
        commands.run("systemctl", "start", "docker", remedy=REMEDY)
    else:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a") as output:
            subprocess.Popen(
                ["dockerd"], stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )
    deadline = time.monotonic() + 60
    while not answers(commands):
        if time.monotonic() > deadline:
            raise ClusterError("dockerd was started, but does not answer after 60 s.", f"See {log}.")
        time.sleep(0.5)
