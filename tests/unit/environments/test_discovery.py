"""What is found in a home, what it is called, and what is said when it cannot run here."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from environments.catalogue import Catalogue
from environments.discovery import Environment, Machine, Reason, kernel_id
from environments.facts import MARKER, read_facts, stamp
from environments.places import Bounds, project_places

X86 = Machine(arch="x86_64", glibc="2.36")
KERNEL = {"argv": ["python", "-m", "ipykernel_launcher", "-f", "{connection_file}"], "display_name": "Python 3"}


def elf(path: Path, machine: int = 0x3E) -> None:
    """A file with the head of an executable for a processor."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HH", 2, machine) + bytes(44))
    path.chmod(0o755)


def conda(prefix: Path, *, python: str | None = "3.12.4", ipykernel: bool = True, machine: int = 0x3E) -> Path:
    """A conda prefix as installers leave it, without the packages' contents."""
    (prefix / "conda-meta").mkdir(parents=True)
    (prefix / "conda-meta/history").touch()
    if python:
        elf(prefix / "bin/python3.12", machine)
        (prefix / "bin/python").symlink_to("python3.12")
        record = {"name": "python", "version": python, "depends": ["__glibc >=2.17,<3.0.a0", "libzlib"]}
        (prefix / f"conda-meta/python-{python}-h99_0_cpython.json").write_text(json.dumps(record))
        (prefix / "lib/python3.12/site-packages").mkdir(parents=True)
    if ipykernel:
        add_ipykernel(prefix)
    return prefix


def add_ipykernel(prefix: Path) -> None:
    site = next((prefix / "lib").glob("python3*/site-packages"))
    (site / "ipykernel_launcher.py").touch()
    add_kernel(prefix, "python3", KERNEL)


def add_kernel(prefix: Path, name: str, spec: dict[str, object]) -> None:
    folder = prefix / "share/jupyter/kernels" / name
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text(json.dumps(spec))


def venv(prefix: Path, base: Path, *, version: str = "3.11.9", ipykernel: bool = True) -> Path:
    (prefix / "bin").mkdir(parents=True)
    (prefix / "bin/python").symlink_to(base)
    (prefix / "bin/python3").symlink_to("python")
    (prefix / "pyvenv.cfg").write_text(f"home = {base.parent}\nimplementation = CPython\nversion_info = {version}\n")
    (prefix / "lib/python3.11/site-packages").mkdir(parents=True)
    if ipykernel:
        add_ipykernel(prefix)
    return prefix


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def look(home: Path) -> Callable[..., dict[str, Environment]]:
    def look(machine: Machine = X86, **environ: str) -> dict[str, Environment]:
        found = Catalogue(home, environ, machine=lambda: machine).refresh()
        return {environment.name: environment for environment in found}

    return look


def test_environments_of_every_tool_are_found_and_named(
    home: Path, look: Callable[..., dict[str, Environment]]
) -> None:
    base = home.parent / "image/bin/python3.11"
    elf(base)
    conda(home / "envs/science")
    conda(home / "miniforge3")
    conda(home / "miniforge3/envs/stats")
    conda(home / "micromamba/envs/bio")
    conda(home / "elsewhere/deep/down/here/registered")
    (home / ".conda").mkdir()
    (home / ".conda/environments.txt").write_text(f"{home}/elsewhere/deep/down/here/registered\n/root/other\n\n")
    conda(home / ".pixi/envs/tools")
    conda(home / "work/churn/.pixi/envs/default")
    conda(home / "work/churn/.pixi/envs/gpu")
    venv(home / "work/api/.venv", base)
    venv(home / ".virtualenvs/old", base)
    venv(home / ".cache/pypoetry/virtualenvs/shop-Xy_1-py3.11", base)
    assert sorted(look()) == [
        "bio", "miniforge3", "old", "registered", "science", "shop-Xy_1-py3.11", "stats", "tools", "work/api",
        "work/churn", "work/churn/gpu",
    ]  # fmt: skip
    assert all(environment.usable for environment in look().values())


def test_a_folder_outside_the_home_is_found_when_the_machine_says_so(
    home: Path, look: Callable[..., dict[str, Environment]]
) -> None:
    conda(home.parent / "shared/common")
    assert list(look(CONDA_ENVS_PATH=str(home.parent / "shared"))) == ["common"]


def test_two_of_one_name_stay_apart_and_keep_their_kernels_when_the_other_goes(
    home: Path, look: Callable[..., dict[str, Environment]]
) -> None:
    conda(home / "envs/science")
    conda(home / "miniforge3/envs/science")
    both = {environment.prefix: environment.kernels[0].id for environment in look().values()}
    assert set(look()) == {"science", "science (miniforge3/envs)"}
    assert both[home / "envs/science"] == "env-science"
    (home / "envs/science/conda-meta/history").unlink()
    for record in (home / "envs/science/conda-meta").iterdir():
        record.unlink()
    alone = look()["science"]
    assert alone.kernels[0].id == both[alone.prefix] == "env-miniforge3-envs-science"


def test_ids_that_would_collide_are_told_apart(home: Path, look: Callable[..., dict[str, Environment]]) -> None:
    conda(home / "envs/a b")
    conda(home / "envs/a-b")
    ids = [environment.kernels[0].id for environment in look().values()]
    assert len(set(ids)) == 2
    assert all(character.isalnum() or character in "-._" for identity in ids for character in identity)


def test_kernels_of_other_languages_are_offered(home: Path, look: Callable[..., dict[str, Environment]]) -> None:
    prefix = conda(home / "envs/r", python=None, ipykernel=False)
    add_kernel(prefix, "ir", {"argv": ["R", "--slave"], "display_name": "R 4.4", "language": "R"})
    (kernel,) = look()["r"].kernels
    assert (kernel.id, kernel.display_name) == ("env-r-ir", "r (R 4.4)")


@pytest.mark.parametrize(
    ("make", "reason", "words"),
    [
        (lambda p, _: conda(p, ipykernel=False), Reason.NEEDS_IPYKERNEL, "remuda-env add tool ipykernel"),
        (lambda p, _: conda(p, machine=0xB7), Reason.WRONG_ARCHITECTURE, "built for aarch64; this machine is x86_64"),
        (lambda p, _: conda(p, python=None, ipykernel=False), Reason.NO_KERNEL, "remuda-env run tool -- COMMAND"),
        (lambda p, base: venv(p, base.parent / "python3.9", version="3.9.2"), Reason.INTERPRETER_GONE, "Python 3.9.2"),
    ],
)
def test_an_environment_that_cannot_run_says_why_and_what_to_do(
    home: Path,
    look: Callable[..., dict[str, Environment]],
    make: Callable[[Path, Path], Path],
    reason: Reason,
    words: str,
) -> None:
    base = home.parent / "image/bin/python3.11"
    elf(base)
    make(home / "envs/tool", base)
    environment = look()["tool"]
    assert environment.problem is not None
    assert environment.problem.reason is reason
    assert words in environment.problem.message
    assert environment.kernels[0].display_name == f"tool · {environment.problem.short}"


def test_a_newer_libc_is_asked_for_in_numbers(home: Path, look: Callable[..., dict[str, Environment]]) -> None:
    prefix = conda(home / "envs/new")
    record = prefix / "conda-meta/python-3.12.4-h99_0_cpython.json"
    record.write_text(json.dumps({"depends": ["__glibc >=2.39,<3.0.a0"]}))
    problem = look()["new"].problem
    assert problem is not None
    assert problem.sentence == "'new' needs glibc 2.39 or newer; this machine has 2.36."
    assert look(Machine(arch="x86_64", glibc="2.39"))["new"].usable
    assert look(Machine(arch="x86_64", glibc=None))["new"].usable


def test_cuda_without_a_gpu_is_a_note_only(home: Path, look: Callable[..., dict[str, Environment]]) -> None:
    prefix = conda(home / "envs/torch")
    (prefix / "conda-meta/pytorch-2.5.1-cuda126_py312_0.json").write_text("{}")
    assert look()["torch"].usable
    assert "no GPU" in look()["torch"].notes[0]
    assert look(Machine(arch="x86_64", has_gpu=True))["torch"].notes == ()


def test_a_half_made_environment_is_not_offered_as_whole(
    home: Path, look: Callable[..., dict[str, Environment]]
) -> None:
    prefix = conda(home / "envs/half")
    (prefix / MARKER).touch()
    problem = look()["half"].problem
    assert problem is not None
    assert problem.reason is Reason.UNFINISHED


def test_a_venv_follows_the_image_python_to_its_new_place(
    home: Path, look: Callable[..., dict[str, Environment]]
) -> None:
    new = home.parent / "new-image/bin/python3.11"
    elf(new)
    prefix = venv(home / "envs/api", home.parent / "old-image/bin/python3.11")
    machine = Machine(arch="x86_64", pythons={"3.11": new})
    assert look(machine)["api"].usable
    assert (prefix / "bin/python").resolve() == new
    assert (prefix / "bin/python3").resolve() == new
    assert f"home = {new.parent}\n" in (prefix / "pyvenv.cfg").read_text()
    assert "implementation = CPython" in (prefix / "pyvenv.cfg").read_text()


def test_a_venv_is_left_alone_where_only_another_minor_version_is_here(
    home: Path, look: Callable[..., dict[str, Environment]]
) -> None:
    other = home.parent / "image/bin/python3.13"
    elf(other)
    gone = home.parent / "old-image/bin/python3.11"
    prefix = venv(home / "envs/api", gone)
    problem = look(Machine(arch="x86_64", pythons={"3.13": other}))["api"].problem
    assert problem is not None
    assert problem.reason is Reason.INTERPRETER_GONE
    assert "this machine has: 3.13" in problem.sentence
    assert (prefix / "bin/python").readlink() == gone


def test_the_stamp_changes_when_packages_come_and_go(home: Path) -> None:
    prefix = conda(home / "envs/science", ipykernel=False)
    before = stamp(prefix)
    add_ipykernel(prefix)
    assert stamp(prefix) != before


def test_a_new_kernel_in_a_known_environment_is_seen(home: Path) -> None:
    prefix = conda(home / "envs/science", ipykernel=False)
    catalogue = Catalogue(home, {}, machine=lambda: X86)
    assert not catalogue.refresh()[0].usable
    add_ipykernel(prefix)
    assert catalogue.refresh()[0].usable


def test_the_search_for_projects_is_bounded(home: Path) -> None:
    for folder in range(60):
        (home / f"data/{folder}/{folder}").mkdir(parents=True)
    (home / "a/b/c/d/e/f/.venv").mkdir(parents=True)
    (home / "a/b/c/d/e/f/.venv/pyvenv.cfg").touch()
    (home / "node_modules/x/.venv").mkdir(parents=True)
    (home / "node_modules/x/.venv/pyvenv.cfg").touch()
    assert list(project_places(home, Bounds())) == []
    (home / "zz/.venv").mkdir(parents=True)
    (home / "zz/.venv/pyvenv.cfg").touch()
    assert [found.prefix for found in project_places(home, Bounds())] == [home / "zz/.venv"]
    assert list(project_places(home, Bounds(folders=3))) == []


def test_a_link_to_a_parent_does_not_make_the_search_endless(home: Path) -> None:
    (home / "p").mkdir()
    (home / "p/again").symlink_to(home, target_is_directory=True)
    assert list(project_places(home, Bounds(depth=50))) == []


@pytest.mark.parametrize("text", ["", "not json", "[1]", '{"argv": []}'])
def test_a_broken_kernel_file_is_passed_over(home: Path, text: str) -> None:
    prefix = conda(home / "envs/science", ipykernel=False)
    folder = prefix / "share/jupyter/kernels/broken"
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text(text)
    facts = read_facts(prefix)
    assert facts is not None
    assert facts.kernels == ()


def test_an_unreadable_home_is_an_empty_one(tmp_path: Path) -> None:
    assert Catalogue(tmp_path / "missing", {}, machine=lambda: X86).refresh() == ()


def test_kernel_ids_depend_on_the_place_alone(home: Path) -> None:
    assert kernel_id(home / "envs/Science 2", home) == "env-science-2"
    assert kernel_id(home / "work/churn/.venv", home) == "env-work-churn"
