"""Which code runs: git's commit and changes, the notebook, the script; None where nobody knows."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from data_access import provenance
from data_access.provenance import capture, git, notebook


def run(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=ann", "-c", "user.email=ann@example.org", "-c", "commit.gpgsign=false"]
    return subprocess.run(
        ["git", *who, *arguments], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    run(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "job.py").write_text("print(1)\n")
    run(tmp_path, "add", "job.py")
    run(tmp_path, "commit", "-q", "-m", "first")
    return tmp_path


def test_a_clean_repository(repository: Path) -> None:
    run(repository, "remote", "add", "origin", "https://ann:s3cret@git.example.org/team/jobs.git")
    state = git.state_of(repository)
    assert state == git.GitState(run(repository, "rev-parse", "HEAD"), "https://git.example.org/team/jobs.git", b"")
    assert state.diff_sha256 is None


def test_a_patch_of_all_changes_makes_the_same_folder_again(repository: Path, tmp_path_factory) -> None:
    (repository / "job.py").write_text("print(2)\n")
    (repository / "new file.py").write_text("x = 1\n")
    (repository / "rows.csv").write_text("1\n" * 10)  # data are no code
    (repository / "large.json").write_text(" " * 300_000)
    before = run(repository, "status", "--porcelain")
    state = git.state_of(repository)
    assert state is not None
    assert run(repository, "status", "--porcelain") == before, "looking changed the repository"
    assert state.diff_sha256 == hashlib.sha256(state.diff).hexdigest()
    assert b"rows.csv" not in state.diff
    assert b"large.json" not in state.diff
    again = tmp_path_factory.mktemp("again")
    run(again, "clone", "-q", str(repository), ".")
    run(again, "checkout", "-q", state.commit or "")
    subprocess.run(["git", "apply"], input=state.diff, cwd=again, check=True)
    assert (again / "job.py").read_text() == "print(2)\n"
    assert (again / "new file.py").read_text() == "x = 1\n"


def test_staged_changes_count_and_subfolders_see_the_whole_repository(repository: Path) -> None:
    (repository / "below").mkdir()
    (repository / "job.py").write_text("print(3)\n")
    run(repository, "add", "job.py")
    state = git.state_of(repository / "below")
    assert state is not None
    assert b"+print(3)" in state.diff


def test_before_the_first_commit_and_outside_a_repository(tmp_path: Path) -> None:
    assert git.state_of(tmp_path) is None
    assert git.state_of(tmp_path / "gone") is None
    run(tmp_path, "init", "-q")
    assert git.state_of(tmp_path) == git.GitState(None, None, b"")


def test_configuration_of_a_repository_runs_nothing(repository: Path) -> None:
    trap = repository.parent / "trapped"
    (repository / "job.py").write_text("print(4)\n")
    for name in ("core.fsmonitor", "diff.external"):
        run(repository, "config", name, f"touch '{trap}'; false")
    assert git.state_of(repository) is not None
    assert not trap.exists()


def test_without_git(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert git.state_of(repository) is None


def test_what_the_repository_ignores_is_not_its_code(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home below a checkout, as on a Hub that runs from one: its commit is not the code of who lives there."""
    (repository / ".gitignore").write_text("/homes/\n/.venv/\n")
    home, tool = repository / "homes" / "ann", repository / ".venv" / "bin" / "tool"
    for each in (home / "job.py", tool, repository / "homes" / "kept.py"):
        each.parent.mkdir(parents=True, exist_ok=True)
        each.write_text("print(1)\n")
    run(repository, "add", "--force", "homes/kept.py")
    run(repository, "commit", "-q", "-m", "one of them is kept all the same")
    assert [git.ignored(each) for each in (home, home / "job.py", tool)] == [True] * 3
    assert [git.ignored(each) for each in (repository, repository / "job.py", repository / "homes" / "kept.py")] == [
        False
    ] * 3

    def commit_of(script: Path, folder: Path) -> str | None:
        monkeypatch.setattr(sys, "argv", [str(script)])
        monkeypatch.chdir(folder)
        return capture.captured()[0].git_commit

    head = run(repository, "rev-parse", "HEAD")
    assert commit_of(repository / "job.py", home) == head
    assert commit_of(home / "job.py", home) is None
    assert commit_of(Path("-c"), home) is None
    assert commit_of(tool, repository) == head, "a program of the environment says nothing; the folder does"
    assert commit_of(tool, home) is None
    run(home, "init", "-q")
    run(home, "add", "job.py")
    run(home, "commit", "-q", "-m", "mine")
    assert commit_of(home / "job.py", home) == run(home, "rev-parse", "HEAD")


def test_a_notebook_in_an_ignored_folder_has_no_commit(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (repository / ".gitignore").write_text("homes\n")
    book = repository / "homes" / "report.ipynb"
    book.parent.mkdir()
    book.write_text("{}")
    monkeypatch.setattr(notebook, "notebook", lambda: book)
    monkeypatch.chdir(repository)
    code, diff = capture.captured()
    assert code.notebook == str(book)
    assert (code.git_commit, code.git_remote, code.dirty_diff, diff) == (None, None, None, b"")


@pytest.mark.parametrize(
    ("url", "is_"),
    [
        ("https://ann:s3cret@git.example.org/a.git", "https://git.example.org/a.git"),
        ("https://t0ken@git.example.org:8443/a.git?private_token=x#y", "https://git.example.org:8443/a.git"),
        ("ssh://git:s3cret@git.example.org:22/a.git", "ssh://git@git.example.org:22/a.git"),
        ("git@git.example.org:team/a.git", "git@git.example.org:team/a.git"),
        ("/srv/git/a.git", "/srv/git/a.git"),
    ],
)
def test_a_remote_has_no_credentials(url: str, is_: str) -> None:
    assert git.without_credentials(url) == is_


class TestNotebook:
    @pytest.fixture
    def kernel(self, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
        """What IPython looks like in a kernel: there is no other way to be in one here."""
        shell = SimpleNamespace(kernel=object(), user_ns={})
        monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
        return shell

    def test_jupyter_says_it(self, kernel: SimpleNamespace, tmp_path: Path) -> None:
        book = tmp_path / "report.ipynb"
        assert notebook.notebook({"JPY_SESSION_NAME": str(book)}) is None  # renamed since, or never saved
        book.write_text("{}")
        assert notebook.notebook({"JPY_SESSION_NAME": str(book)}) == book
        assert notebook.notebook({"JPY_SESSION_NAME": str(tmp_path / "console-1")}) is None
        assert notebook.notebook({}) is None

    def test_vs_code_says_it_otherwise(self, kernel: SimpleNamespace, tmp_path: Path) -> None:
        book = tmp_path / "report.ipynb"
        book.write_text("{}")
        kernel.user_ns["__vsc_ipynb_file__"] = str(book)
        assert notebook.notebook({}) == book
        assert notebook.script(["/usr/lib/ipykernel_launcher.py"]) is None

    def test_a_script_that_a_notebook_starts_is_no_notebook(self, tmp_path: Path) -> None:
        book, job = tmp_path / "report.ipynb", tmp_path / "job.py"
        book.write_text("{}")
        job.write_text("")
        assert notebook.notebook({"JPY_SESSION_NAME": str(book)}) is None
        assert notebook.script([str(job)]) == job
        assert [notebook.script([each]) for each in ("", "-c", "-", str(tmp_path / "gone.py"))] == [None] * 4
        assert notebook.script([]) is None

    def test_its_hash_and_its_repository_are_recorded(
        self, kernel: SimpleNamespace, repository: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        book = repository / "report.ipynb"
        book.write_text('{"cells": []}')
        monkeypatch.setenv("JPY_SESSION_NAME", str(book))
        code, diff = capture.captured()
        assert code.notebook == str(book)
        assert code.notebook_sha256 == hashlib.sha256(b'{"cells": []}').hexdigest()
        assert code.git_commit == run(repository, "rev-parse", "HEAD")
        assert code.dirty_diff == hashlib.sha256(diff).hexdigest()
        assert code.script is None


def test_a_working_directory_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    monkeypatch.setattr(sys, "argv", [""])
    code, diff = capture.captured()
    assert (code.git_commit, diff) == (None, b"")


def test_it_is_asked_again_only_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    found = capture.captured()
    monkeypatch.setattr(capture, "_last", None)
    monkeypatch.setattr(capture, "captured", lambda: (asked.append(1), found)[1])
    assert provenance.code() == found[0]
    assert provenance.uncommitted() == found[1]
    assert len(asked) == 1
    monkeypatch.setattr(capture, "_last", capture._Captured(*found, valid_until=0))
    provenance.code()
    assert len(asked) == 2
