"""Debian root file systems by mmdebstrap, kept in the cache as tar files and imported as images."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from tools.cluster import versions
from tools.cluster.command import Commands
from tools.cluster.errors import ClusterError
from tools.cluster.settings import Settings

MIRROR = "http://deb.debian.org"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
NODE_PACKAGES = (
    "systemd", "conntrack", "iptables", "nftables", "iproute2", "ethtool", "util-linux", "mount", "kmod",
    "libseccomp2", "pigz", "e2fsprogs", "ca-certificates", "curl", "jq", "procps", "containerd", "runc", "socat",
)  # fmt: skip


@dataclass(frozen=True)
class RootFileSystem:
    """`tar` is its name in the cache, `image` the name under which Docker gets it."""

    tar: str
    image: str
    suite: str
    packages: tuple[str, ...]


NODE = RootFileSystem("debian-node.tar", "remuda/node-debian:build", versions.NODE_DEBIAN, NODE_PACKAGES)
# Under the name that Docker Hub gives it, so that a Dockerfile reads the same wherever it is built.
IMAGE_BASE = RootFileSystem("debian-trixie-slim.tar", "debian:trixie-slim", versions.IMAGE_DEBIAN, ("ca-certificates",))
# What makes Docker Hub's image slim, also for packages that are installed later.
LEFT_OUT = ("/usr/share/doc/*", "/usr/share/info/*", "/usr/share/man/*", "/usr/share/locale/*")
KEPT = ("/usr/share/doc/*/copyright", "/usr/share/locale/locale.alias")


def sources(suite: str, mirror: str = MIRROR) -> str:
    """sources.list of a Debian release with its updates and security fixes."""
    return (
        f"deb {mirror}/debian {suite} main\n"
        f"deb {mirror}/debian {suite}-updates main\n"
        f"deb {mirror}/debian-security {suite}-security main\n"
    )


def ensure(wanted: RootFileSystem, settings: Settings, commands: Commands) -> str:
    """What was done: 'present', 'pulled', 'imported' or 'built'."""
    if commands.succeeds("docker", "image", "inspect", wanted.image):
        return "present"
    if wanted is IMAGE_BASE and commands.succeeds("docker", "pull", "-q", wanted.image, timeout=120):
        return "pulled"
    tar = settings.cache / wanted.tar
    done = "imported from the cache"
    if not tar.exists():
        _bootstrap(wanted, tar, commands)
        done = "built"
    commands.run("docker", "import", tar, wanted.image)
    return done


def _bootstrap(wanted: RootFileSystem, tar: Path, commands: Commands) -> None:
    _need_mmdebstrap(commands)
    tar.parent.mkdir(parents=True, exist_ok=True)
    half = tar.with_suffix(".partial.tar")
    command = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(wanted.packages)}"]
    slim = [f"--dpkgopt=path-exclude={path}" for path in LEFT_OUT] + [f"--dpkgopt=path-include={path}" for path in KEPT]
    commands.run(
        *command, *slim, f"--keyring={KEYRING}", wanted.suite, half, "-", stdin=sources(wanted.suite), timeout=900
    )
    half.replace(tar)  # an interrupted build leaves no tar that looks complete


def _need_mmdebstrap(commands: Commands) -> None:
    if shutil.which("mmdebstrap"):
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise ClusterError(
            "No container registry is reached, and mmdebstrap, which makes the node's Debian, is not installed.",
            "Install it (apt-get install mmdebstrap), or connect to a network from which Docker Hub is reached.",
        )
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    commands.run("apt-get", "update", "-qq", env=quiet)
    packages = ("mmdebstrap", "debian-archive-keyring")
    commands.run("apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages, env=quiet)
