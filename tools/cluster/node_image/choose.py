"""Which node image: kind's official one where a registry is reached, else the one built here."""

from __future__ import annotations

from tools.cluster import versions
from tools.cluster.command import Commands
from tools.cluster.node_image.build import NodeImageBuild, image_name

PULL_SECONDS = 300
REACH_SECONDS = 15


def choose(commands: Commands, build: NodeImageBuild) -> str:
    """The image's name, on this computer when it returns."""
    for name in (image_name(), versions.OFFICIAL_NODE_IMAGE):
        if commands.succeeds("docker", "image", "inspect", name):
            return name
    with build.progress.step("kind's official node image") as outcome:
        if registry_answers(commands) and commands.succeeds(
            "docker", "pull", "-q", versions.OFFICIAL_NODE_IMAGE, timeout=PULL_SECONDS
        ):
            outcome.text = "pulled"
            return versions.OFFICIAL_NODE_IMAGE
        outcome.text = "no registry is reached, so it is built here"
    return build.ensure()


def registry_answers(commands: Commands) -> bool:
    """A manifest is a few kilobytes: asking for it fails fast where pulling would hang."""
    return commands.succeeds("docker", "manifest", "inspect", versions.OFFICIAL_NODE_IMAGE, timeout=REACH_SECONDS)
