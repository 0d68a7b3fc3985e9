"""When is an image built again: exactly when something that it is made of changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.cluster.buildkit import can_build
from tools.cluster.image_sources import BY_NAME, IMAGES, copied_paths, digest, is_source
from tools.cluster.images import outdated

ROOT = Path(__file__).resolve().parents[3]
FILES = {"a.py": (0o644, b"x = 1\n"), "smoke": (0o755, b"#!/bin/sh\n")}


def test_paths_come_from_copy_lines_without_those_between_stages() -> None:
    text = (
        "FROM base AS one\nCOPY pyproject.toml uv.lock ./\ncopy --chmod=755 \\\n  profiles profiles\n"
        "FROM one\nCOPY --from=one /opt/remuda /opt/remuda\nCOPY uv.lock /tmp\nRUN echo COPY nothing here\n"
    )
    assert copied_paths(text) == ("pyproject.toml", "uv.lock", "profiles")


@pytest.mark.parametrize("image", IMAGES, ids=lambda image: image.name)
def test_every_image_copies_what_is_there(image: object) -> None:
    dockerfile = ROOT / BY_NAME[image.name].dockerfile  # type: ignore[attr-defined]
    paths = copied_paths(dockerfile.read_text())
    assert paths
    assert [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("image", IMAGES, ids=lambda image: image.name)
def test_every_image_runs_as_a_person_without_rights_and_is_checked_while_built(image: object) -> None:
    lines = (ROOT / BY_NAME[image.name].dockerfile).read_text().splitlines()  # type: ignore[attr-defined]
    users = [line.split()[1] for line in lines if line.startswith("USER ")]
    assert users[-1].split(":")[0] == "1000"
    assert any(line.startswith('RUN ["smoke') for line in lines)


@pytest.mark.parametrize(
    "changed",
    [
        {**FILES, "a.py": (0o644, b"x = 2\n")},
        {**FILES, "a.py": (0o755, b"x = 1\n")},
        {"b.py": FILES["a.py"], "smoke": FILES["smoke"]},
        {**FILES, "c.py": (0o644, b"")},
    ],
    ids=["content", "executable", "renamed", "added"],
)
def test_any_change_of_the_sources_changes_the_digest(changed: dict[str, tuple[int, bytes]]) -> None:
    assert digest(changed, ["base"]) != digest(FILES, ["base"])


def test_the_base_counts_and_order_does_not() -> None:
    assert digest(FILES, ["base"]) != digest(FILES, ["other"])
    assert digest(dict(reversed(FILES.items())), ["base"]) == digest(FILES, ["base"])
    assert digest({**FILES, "a.py": (0o600, b"x = 1\n")}, ["base"]) == digest(FILES, ["base"]), "a umask is no change"


@pytest.mark.parametrize(
    ("path", "counts"),
    [("spawner/watch.py", True), ("spawner/__pycache__/watch.cpython-311.pyc", False), ("a/b.pyc", False)],
)
def test_what_python_leaves_behind_is_no_source(path: str, counts: bool) -> None:
    assert is_source(path) is counts


def test_old_builds_go_and_a_persons_own_tags_stay() -> None:
    tags = ["remuda/hub:dev", *(f"remuda/hub:dev-{number:012x}" for number in (4, 3, 2, 1)), "remuda/hub:0.1.0"]
    assert outdated(tags, "remuda/hub:dev-000000000004") == (
        "remuda/hub:dev-000000000002",
        "remuda/hub:dev-000000000001",
    )
    assert outdated(tags[:2], "remuda/hub:dev-000000000004") == ()


@pytest.mark.parametrize(
    ("version", "buildx", "can"),
    [("20.10.24+dfsg1", False, True), ("28.2.2", False, False), ("28.2.2", True, True), ("", False, False)],
)
def test_a_client_that_can_build(version: str, buildx: bool, can: bool) -> None:
    assert can_build(version, buildx=buildx) is can
