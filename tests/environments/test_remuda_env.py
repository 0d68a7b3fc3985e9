"""`remuda-env` against a real channel and real wheels: what a person types, and what they then have."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.environments.channel import MINOR, LocalChannel
from tests.environments.conftest import BIN, Ran

Run = Callable[..., Ran]
SHOW = "import os, sys, tinypkg; print(tinypkg.VALUE, os.environ['TINY_DATA'], sys.prefix)"


def test_a_conda_environment_from_specs(remuda_env: Run, home: Path) -> None:
    made = remuda_env("create", "science", f"python={MINOR}", "tinypkg")
    assert made.code == 0, made.err
    assert f"In Lab's launcher: science (Python {MINOR})" in made.out
    prefix = home / "envs/science"
    shown = remuda_env("run", "science", "--", "python", "-c", SHOW)
    assert shown.out.split() == ["42", f"{prefix}/share/tiny-2.0", str(prefix)]
    assert remuda_env("run", "science", "--", "tiny").out == f"tiny 2.0 in {prefix}\n"
    (listed,) = json.loads(remuda_env("list", "--json").out)
    assert (listed["name"], listed["usable"], listed["kind"]) == ("science", True, "conda")
    assert listed["kernels"] == [{"id": "env-science", "display_name": f"science (Python {MINOR})"}]
    python = prefix / f"bin/python{MINOR}"
    assert python.stat().st_nlink > 1, "packages are not hardlinked from the home's cache"
    assert not [path for path in prefix.rglob("*") if path.is_symlink() and not path.resolve().is_relative_to(prefix)]


def test_an_environment_file_goes_round(remuda_env: Run, home: Path, wheels: Path, channel: LocalChannel) -> None:
    file = home / "environment.yml"
    file.write_text(
        f"name: x\nchannels: [{channel.url}]\nvariables: {{MODE: fast}}\n"
        "dependencies: [python, tinylib=1.0, {pip: [tinywheel]}]\n"
    )
    assert remuda_env("create", "one", "-f", str(file), REMUDA_CHANNELS="").code == 0
    exported = remuda_env("export", "one").out
    assert "tinylib=1.0" in exported
    assert "tinywheel==3.1" in exported
    assert "jupyter_client" not in exported, "what a conda package brought is not pip's"
    file.write_text(exported)
    assert remuda_env("create", "two", "-f", str(file)).code == 0
    assert remuda_env("export", "two").out.replace("name: two", "name: one") == exported
    assert remuda_env("run", "two", "--", "sh", "-c", "echo $MODE").out == "fast\n"


def test_a_lock_installs_exactly_the_same_files(remuda_env: Run, home: Path) -> None:
    assert remuda_env("create", "one", "python", "tinylib=1.0").code == 0
    lock = remuda_env("export", "one", "--explicit").out
    (home / "lock.txt").write_text(lock)
    made = remuda_env("create", "two", "-f", str(home / "lock.txt"))
    assert made.code == 0, made.err
    assert remuda_env("export", "two", "--explicit").out == lock


def test_adding_keeps_what_is_there(remuda_env: Run) -> None:
    assert remuda_env("create", "one", "python", "tinylib=1.0").code == 0
    added = remuda_env("add", "one", "tinypkg")
    assert added.code == 0, added.err
    assert "Installing tinypkg 1.0" in added.err
    exported = remuda_env("export", "one").out
    assert "tinylib=1.0" in exported
    assert "tinypkg=1.0" in exported
    assert remuda_env("add", "one", "tinylib=2.0").code == 1, "what was asked for before still holds"


def test_a_clone_is_independent_of_its_original(remuda_env: Run) -> None:
    assert remuda_env("create", "one", "python", "tinypkg").code == 0
    cloned = remuda_env("clone", "one", "two")
    assert cloned.code == 0, cloned.err
    assert remuda_env("remove", "one", "--yes").code == 0
    assert remuda_env("run", "two", "--", "python", "-c", SHOW).out.endswith("envs/two\n")


def test_removing_asks_first(remuda_env: Run, home: Path) -> None:
    assert remuda_env("create", "one", "tinylib").code == 0
    refused = remuda_env("remove", "one")
    assert (refused.code, (home / "envs/one").exists()) == (1, True)
    assert "--yes" in refused.err
    assert remuda_env("remove", "one", "--yes").code == 0
    assert list((home / "envs").iterdir()) == []


def test_an_environment_without_python_gets_no_ipykernel(remuda_env: Run) -> None:
    made = remuda_env("create", "tools", "tinylib")
    assert made.code == 0
    assert "remuda-env run tools -- COMMAND" in made.out
    other = remuda_env("create", "shell", "shellkernel")
    assert "shell (Shell)" in other.out


def test_a_uv_environment_has_a_python_of_its_own(remuda_env: Run, home: Path) -> None:
    made = remuda_env("create", "web", "--uv", "tinywheel")
    assert made.code == 0, made.err
    interpreter = (home / "envs/web/bin/python").resolve()
    if "uses the image's Python" not in made.err:
        assert interpreter.is_relative_to(home / ".local/share/uv/python")
    assert remuda_env("run", "web", "--", "python", "-c", "import tinywheel, ipykernel; print('ok')").out == "ok\n"
    assert json.loads(remuda_env("list", "--json").out)[0]["usable"]
    assert remuda_env("clone", "web", "web2").code == 0
    assert remuda_env("run", "web2", "--", "python", "-c", "import tinywheel; print('ok')").out == "ok\n"


def test_a_venv_made_elsewhere_gets_ipykernel_by_the_command_it_names(
    remuda_env: Run, home: Path, environ: dict[str, str]
) -> None:
    folder = home / "work/api"
    folder.mkdir(parents=True)
    subprocess.run([BIN / "uv", "venv", "-q", ".venv"], cwd=folder, env=environ, check=True)
    (before,) = json.loads(remuda_env("list", "--json").out)
    assert before["reason"] == "needs-ipykernel"
    assert before["message"].endswith("Run `remuda-env add work/api ipykernel`.")
    assert remuda_env("add", "work/api", "ipykernel").code == 0
    (after,) = json.loads(remuda_env("list", "--json").out)
    assert after["usable"]


@pytest.mark.parametrize("name", ["", "../x", ".hidden", "a/b", "base", "x" * 65, "two words", "-x;rm"])
def test_bad_names_are_refused_before_anything_is_made(remuda_env: Run, home: Path, name: str) -> None:
    refused = remuda_env("create", "--json", "--", name) if name.startswith("-") else remuda_env("create", name, "six")
    assert refused.code in (1, 2)
    assert not (home / "envs").exists() or list((home / "envs").iterdir()) == []


def test_refusals_in_plain_words(remuda_env: Run, home: Path) -> None:
    assert remuda_env("create", "one", "tinylib").code == 0
    again = remuda_env("create", "one", "tinylib")
    assert "There is already an environment 'one'" in again.err
    unknown = remuda_env("run", "nope", "--", "true")
    assert "There is no environment 'nope'. There are: one." in unknown.err
    unsolvable = remuda_env("create", "two", "tinylib>=9")
    assert unsolvable.code == 1
    assert "No set of packages satisfies tinylib>=9" in unsolvable.err
    bad = remuda_env("create", "two", "a b c ==")
    assert bad.code == 1
    assert "is not a package spec" in bad.err or "No set of packages" in bad.err
    (home / "bad.yml").write_text("dependencies: [1: 2]\n")
    assert "neither a package nor a 'pip:' list" in remuda_env("create", "two", "-f", str(home / "bad.yml")).err
    assert [path.name for path in (home / "envs").iterdir()] == ["one"]


def test_an_unreachable_channel_names_the_host_and_the_remedy(remuda_env: Run) -> None:
    refused = remuda_env("create", "one", "python", "--json", "-c", "http://127.0.0.1:9/forge")
    assert refused.code == 1
    answer = json.loads(refused.out)
    assert answer["error"] == "channel-unreachable"
    assert "127.0.0.1:9 cannot be reached" in answer["message"]
    assert "REMUDA_CHANNELS" in answer["message"]


def test_after_a_failure_no_interpreter_ends_under_working_threads(remuda_env: Run, tmp_path: Path) -> None:
    # The crash itself needs luck: 2 of 24 failures on a busy machine. What it needs first is an interpreter that ends.
    (tmp_path / "sitecustomize.py").write_text("import atexit; atexit.register(print, 'the interpreter ends')")
    assert "the interpreter ends" in remuda_env("list", PYTHONPATH=str(tmp_path)).out
    refused = remuda_env("create", "one", "python", "-c", "http://127.0.0.1:9/forge", PYTHONPATH=str(tmp_path))
    assert refused.code == 1
    assert "cannot be reached" in refused.err
    assert "the interpreter ends" not in refused.out


def test_without_a_command_the_commands_are_listed(remuda_env: Run) -> None:
    assert "remuda-env create science" in remuda_env().out


def test_a_missing_channel_is_said_to_be_missing(remuda_env: Run, tmp_path: Path) -> None:
    refused = remuda_env("create", "one", "python", "--json", "-c", (tmp_path / "nowhere").as_uri())
    assert refused.code == 1
    assert json.loads(refused.out)["error"] in ("channel-missing", "no-solution")


def test_a_killed_create_leaves_a_mark_and_the_next_one_begins_anew(
    remuda_env: Run, environ: dict[str, str], home: Path
) -> None:
    prefix = home / "envs/slow"
    process = subprocess.Popen(
        [BIN / "remuda-env", "create", "slow", "python"], env=environ, cwd=home, stderr=subprocess.PIPE
    )
    while not (prefix / "conda-meta/.remuda-unfinished").exists():
        assert process.poll() is None, process.stderr and process.stderr.read()
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    process.wait()
    (listed,) = json.loads(remuda_env("list", "--json").out)
    assert listed["reason"] == "unfinished"
    assert remuda_env("run", "slow", "--", "true").code == 1
    made = remuda_env("create", "slow", "python")
    assert made.code == 0, made.err
    assert "Beginning anew" in made.err
    assert json.loads(remuda_env("list", "--json").out)[0]["usable"]


def test_a_second_create_of_the_same_name_does_not_disturb_the_first(remuda_env: Run, home: Path) -> None:
    marker = home / "envs/one/conda-meta/.remuda-unfinished"
    marker.parent.mkdir(parents=True)
    owner = {"host": os.uname().nodename, "pid": os.getpid(), "started": "2026-01-01T00:00:00+00:00"}
    marker.write_text(json.dumps(owner))
    refused = remuda_env("create", "one", "tinylib")
    assert refused.code == 1
    assert "is being made right now" in refused.err
    assert marker.exists()


def test_activation_code_does_what_run_does(remuda_env: Run, environ: dict[str, str]) -> None:
    assert remuda_env("create", "one", "tinylib").code == 0
    script = 'eval "$(remuda-env activate one)" && tiny && echo $TINY_DATA $CONDA_DEFAULT_ENV'
    shown = subprocess.run(["bash", "-c", script], env=environ, capture_output=True, text=True, check=True)
    assert shown.stdout.splitlines()[1].endswith("/share/tiny-2.0 one")
