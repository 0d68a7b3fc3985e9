"""A docker client that can build with BuildKit, which Dockerfiles with secrets and cache mounts need."""

from __future__ import annotations

import os
import re
import shutil

from tools.cluster.command import Commands
from tools.cluster.errors import ClusterError

ENVIRONMENT = {"DOCKER_BUILDKIT": "1", "BUILDKIT_PROGRESS": "plain"}
LAST_CLIENT_WITH_BUILDKIT_INSIDE = 22  # Docker 23 moved BuildKit's client to the buildx plugin


def client(commands: Commands) -> str:
    """The first docker on PATH that can; ClusterError when none can."""
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        found = shutil.which("docker", path=folder)
        if found is None:
            continue
        version = commands.attempt(found, "version", "--format", "{{.Client.Version}}", timeout=20).stdout
        if can_build(version, buildx=commands.succeeds(found, "buildx", "version", timeout=20)):
            return found
    raise ClusterError(
        "No docker client on PATH can build with BuildKit.",
        "Install its buildx plugin (Docker's docker-buildx-plugin, Debian's docker-buildx).",
    )


def can_build(version: str, *, buildx: bool) -> bool:
    """PURE: a client can by its buildx plugin, or by being old enough to have BuildKit inside."""
    major = re.match(r"(\d+)\.", version)
    return buildx or (major is not None and int(major[1]) <= LAST_CLIENT_WITH_BUILDKIT_INSIDE)
